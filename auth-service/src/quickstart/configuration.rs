//! Two configurations that agree: the service's file, in which the ports are kept from start to start, and
//! the registry's, which is written anew from the shipped template at each start.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use url::Url;

use super::folder::DataFolder;
use super::template::{Value, fill};
use crate::adapters::signing::KeyDirectory;
use crate::adapters::system::random_hex;
use crate::config::{Purpose, Settings};

/// The service's configuration.
pub(super) const SERVICE_FILE: &str = "auth-service.toml";
/// What the registry proves itself with; the service's configuration names it.
pub(super) const WEBHOOK_SECRET: &str = "webhook-secret";
const REGISTRY_FILE: &str = "registry.yml";
const REGISTRY_SECRET: &str = "registry-http-secret";
const SERVICE_TEMPLATE: &str = include_str!("auth-service.toml");
const REGISTRY_TEMPLATE: &str = include_str!("../../../registry-config/config.yml");
const REGISTRY_HEADER: &str =
    "# Written by `auth-service quickstart` at each of its starts: what is changed here is lost.\n#\n";

/// The ports that the command line asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// Of the service.
    pub service: Option<u16>,
    /// Of the registry.
    pub registry: Option<u16>,
}

/// What the marked lines of the service's file say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Addresses {
    service: SocketAddr,
    operations: SocketAddr,
    host: String,
    registry: Url,
}

/// Brings the service's file up to date with the ports that are asked for, provided that they are free, and
/// reads it.
pub(super) fn settle(folder: &DataFolder, ports: Ports) -> anyhow::Result<Settings> {
    folder.line(WEBHOOK_SECRET, random_hex::<32>)?;
    let existing = folder.read(SERVICE_FILE)?;
    let mut addresses = match &existing {
        Some(_) => Addresses::of(&load(folder)?),
        None => Addresses::preset(ports.service)?,
    };
    addresses.change(ports)?;
    addresses.require_free_ports()?;
    let text = existing.as_deref().unwrap_or(SERVICE_TEMPLATE);
    let path = folder.join(SERVICE_FILE);
    let filled = fill(text, &addresses.values().each_ref().map(|(name, value)| (*name, value.as_str())))
        .with_context(|| format!("{} is not as quickstart left it", path.display()))?;
    if existing.as_ref() != Some(&filled) {
        folder.write(SERVICE_FILE, &filled)?;
    }
    let settings = load(folder)?;
    if Addresses::of(&settings) != addresses {
        bail!(
            "an environment variable AUTH_SERVICE__… sets other addresses than {}; unset it",
            path.display()
        );
    }
    Ok(settings)
}

fn load(folder: &DataFolder) -> anyhow::Result<Settings> {
    let loaded = Settings::load_for_process(Some(folder.join(SERVICE_FILE)), Purpose::Serve);
    Ok(loaded?.settings)
}

impl Addresses {
    fn preset(port: Option<u16>) -> anyhow::Result<Self> {
        let service = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(5001)));
        let registry = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        Ok(Self {
            service,
            operations: SocketAddr::from((Ipv4Addr::LOCALHOST, service.port().saturating_add(1))),
            host: registry.to_string(),
            registry: base_url(registry)?,
        })
    }

    fn of(settings: &Settings) -> Self {
        Self {
            service: settings.http.listen,
            operations: settings.ops.listen,
            host: settings.registry.host.clone(),
            registry: settings.registry.url.clone(),
        }
    }

    fn change(&mut self, ports: Ports) -> anyhow::Result<()> {
        if let Some(port) = ports.service {
            self.service.set_port(port);
        }
        if let Some(port) = ports.registry {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            (self.host, self.registry) = (address.to_string(), base_url(address)?);
        }
        Ok(())
    }

    /// Nobody is told the operations listener's port but the registry, so any will do.
    fn require_free_ports(&mut self) -> anyhow::Result<()> {
        let registry = registry_address(&self.registry)?;
        if self.service.port() == registry.port() {
            let port = registry.port();
            bail!(
                "service and registry cannot both have port {port}; set --port or --registry-port to another"
            );
        }
        require_free(registry, "--registry-port")?;
        require_free(self.service, "--port")?;
        let taken: HashSet<u16> = HashSet::from([self.service.port(), registry.port()]);
        if taken.contains(&self.operations.port()) || TcpListener::bind(self.operations).is_err() {
            self.operations.set_port(0);
            self.operations = TcpListener::bind(self.operations)
                .and_then(|listener| listener.local_addr())
                .context("no port is free for the operations listener")?;
        }
        Ok(())
    }

    fn values(&self) -> [(&'static str, String); 4] {
        [
            ("http_listen", self.service.to_string()),
            ("ops_listen", self.operations.to_string()),
            ("registry_host", self.host.clone()),
            ("registry_url", self.registry.to_string()),
        ]
    }
}

fn base_url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}/"))?)
}

fn require_free(address: SocketAddr, flag: &str) -> anyhow::Result<()> {
    use std::io::ErrorKind::{AddrInUse, PermissionDenied};
    let port = address.port();
    match TcpListener::bind(address).map_err(|error| (error.kind(), error)) {
        Ok(_) => Ok(()),
        Err((AddrInUse, _)) => bail!("port {port} is in use by another program; choose another with {flag}"),
        Err((PermissionDenied, _)) => {
            bail!("this user may not listen on port {port}; choose one above 1023 with {flag}")
        }
        Err((_, error)) => bail!("cannot listen on {address}: {error}; choose another port with {flag}"),
    }
}

/// Where the registry listens: on this machine only, since it speaks no TLS.
pub(super) fn registry_address(url: &Url) -> anyhow::Result<SocketAddr> {
    let port = url.port_or_known_default().ok_or_else(|| anyhow!("registry.url has no port"))?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// The registry's configuration as it was written.
pub(super) struct RegistryConfiguration {
    /// The file.
    pub(super) file: PathBuf,
    /// Where it makes the registry listen.
    pub(super) address: SocketAddr,
    /// What must not be seen, though the registry prints some of it.
    pub(super) secrets: Vec<String>,
}

/// Writes the registry's configuration so that it agrees with the service's, whose operations listener is
/// bound at `operations`.
pub(super) fn write_for_registry(
    folder: &DataFolder,
    settings: &Settings,
    operations: SocketAddr,
) -> anyhow::Result<RegistryConfiguration> {
    let address = registry_address(&settings.registry.url)?;
    let http_secret = folder.line(REGISTRY_SECRET, random_hex::<32>)?;
    let webhook = settings.webhook.secret.as_ref().context("webhook.secret is missing")?.expose();
    let values = [
        ("addr", address.to_string()),
        ("root_directory", text(&folder.join("registry"))?),
        ("http_secret", http_secret.clone()),
        ("realm", settings.token.realm.to_string()),
        ("service", settings.token.service.clone()),
        ("issuer", settings.token.issuer.clone()),
        ("root_certificates", text(&KeyDirectory::new(&settings.keys.directory).bundle_path())?),
        ("events_url", format!("http://{operations}/events")),
        ("events_authorization", format!("Bearer {webhook}")),
    ];
    let values: Vec<Value> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let filled = fill(REGISTRY_TEMPLATE, &values).context("the registry's configuration")?;
    folder.write(REGISTRY_FILE, &format!("{REGISTRY_HEADER}{filled}"))?;
    let secrets = vec![webhook.to_owned(), http_secret];
    Ok(RegistryConfiguration { file: folder.join(REGISTRY_FILE), address, secrets })
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| anyhow!("{} is not readable text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many ports this test has had.
    static GIVEN: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);

    /// One that no other test gets from the system between two uses: below those that it gives out by itself.
    fn free_port() -> u16 {
        let of_this_process = 10_000 + u16::try_from(std::process::id() % 2_000).unwrap() * 10;
        let mut ports = of_this_process..of_this_process + 1_000;
        ports.nth(usize::from(GIVEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
    }

    fn ports() -> Ports {
        Ports { service: Some(free_port()), registry: Some(free_port()) }
    }

    #[test]
    fn ports_are_kept_until_others_are_asked_for_and_what_people_wrote_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        let first_ports = ports();
        let first = settle(&folder, first_ports).unwrap();
        assert_eq!(Some(first.http.listen.port()), first_ports.service);
        let edited =
            folder.read(SERVICE_FILE).unwrap().unwrap() + "\n[access]\nanonymous_pull = true # mine\n";
        folder.write(SERVICE_FILE, &edited).unwrap();
        let second = settle(&folder, Ports::default()).unwrap();
        assert_eq!((&first.http, &first.registry), (&second.http, &second.registry));
        assert!(folder.read(SERVICE_FILE).unwrap().unwrap().ends_with("\nanonymous_pull = true # mine\n"));

        let other = Ports { registry: Some(free_port()), service: None };
        let third = settle(&folder, other).unwrap();
        assert_eq!(third.http.listen, first.http.listen);
        assert_eq!(third.registry.host, format!("127.0.0.1:{}", other.registry.unwrap()));
        assert_eq!(third.token.service, third.registry.host);
        assert!(third.access.anonymous_pull);
    }

    #[test]
    fn a_port_in_use_is_one_sentence_that_names_the_flag() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = other.local_addr().unwrap().port();
        let requested = ports();
        for (ports, flag) in [
            (Ports { service: Some(taken), ..requested }, "--port"),
            (Ports { registry: Some(taken), ..requested }, "--registry-port"),
            (Ports { registry: requested.service, ..requested }, "--registry-port"),
        ] {
            let refusal = settle(&folder, ports).err().unwrap().to_string();
            assert!(refusal.contains(flag) && !refusal.contains('\n'), "{refusal}");
        }
        assert_eq!(folder.read(SERVICE_FILE).unwrap(), None, "a start that fails leaves no ports behind");
    }

    #[test]
    fn a_taken_operations_port_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        let first = settle(&folder, ports()).unwrap();
        let other = TcpListener::bind(first.ops.listen).unwrap();
        let second = settle(&folder, Ports::default()).unwrap();
        assert_ne!(second.ops.listen, other.local_addr().unwrap());
        assert_eq!(second.http.listen, first.http.listen);
    }

    #[test]
    fn a_file_of_somebody_else_is_not_taken_over() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        folder.write(SERVICE_FILE, "[webhook]\nsecret_file = \"webhook-secret\"\n").unwrap();
        let refusal = format!("{:#}", settle(&folder, ports()).err().unwrap());
        assert!(refusal.contains("not as quickstart left it"), "{refusal}");
    }

    #[test]
    fn the_registry_gets_what_the_service_says_and_no_placeholder_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&place.path().join("with space: #1")).unwrap();
        let settings = settle(&folder, ports()).unwrap();
        let written = write_for_registry(&folder, &settings, "127.0.0.1:4321".parse().unwrap()).unwrap();
        let text = std::fs::read_to_string(&written.file).unwrap();
        for expected in [
            format!("addr: \"{}\" # @addr", settings.registry.host),
            format!("realm: \"http://{}/token\" # @realm", settings.http.listen),
            format!("service: \"{}\" # @service", settings.registry.host),
            format!("rootdirectory: \"{}/registry\" # @root_directory", folder.path().display()),
            "url: \"http://127.0.0.1:4321/events\" # @events_url".to_owned(),
            format!("- \"Bearer {}\" # @events_authorization", written.secrets[0]),
        ] {
            assert!(text.contains(&expected), "{expected}\n{text}");
        }
        for left in ["registry.example.org", "replace-this-secret", "/var/lib/registry", "\"\""] {
            assert!(!text.contains(left), "{left} was not filled in");
        }
    }
}
