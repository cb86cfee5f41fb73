//! The one place that knows everything: from settings to adapters, use cases and listeners.

mod background;
mod endpoints;
mod issuers;
mod registry;
mod stop;
mod warnings;
mod wiring;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::background::Background;
use self::wiring::Wiring;
use crate::adapters::signing::{KeyDirectory, KeyError, KeyWatch};
use crate::adapters::store::{ConnectOptions, Location, Store};
use crate::adapters::system::{SystemClock, allow_open_files};
use crate::app::keep_tokens::KeepTokens;
use crate::config::{DatabaseUrl, Settings, TlsFiles};
use crate::ports::StorageError;
use crate::ports::system::Clock;
use crate::web::server::{Listeners, ServerOptions};

pub use self::issuers::token_shapes;
pub use self::registry::{browse_items, first_push, manage_items, raise_numbers, registry};
pub use self::stop::StopSignals;
pub use self::warnings::warnings;
pub use self::wiring::{give_tokens, hashing_threads};

/// Opens the database, with its schema brought up to date. There must be one.
pub async fn open_store(settings: &Settings) -> anyhow::Result<Arc<Store>> {
    let (location, options) = database(settings);
    Ok(Arc::new(Store::connect(&location, options, Arc::new(SystemClock)).await?))
}

/// Makes an empty database where none is; whether it did.
pub async fn create_store(settings: &Settings) -> anyhow::Result<bool> {
    let (location, options) = database(settings);
    Ok(Store::create(&location, options).await?)
}

/// What a service would find at its start.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is there and cannot be used.
    pub faults: Vec<String>,
    /// What is not there yet, with the command that makes it.
    pub missing: Vec<String>,
}

/// Opens certificates, signing keys and database, and changes nothing.
pub async fn look_at_everything(settings: &Settings) -> Findings {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut findings = Findings::default();
    if let Some(Err(error)) = settings.http.tls.as_ref().map(tls) {
        findings.faults.push(format!("{error:#}"));
    }
    match KeyDirectory::new(&settings.keys.directory).load() {
        Ok(_) => {}
        Err(error @ KeyError::Missing(_)) => findings.missing.push(format!("keys.directory: {error}")),
        Err(error) => findings.faults.push(format!("keys.directory: {error}")),
    }
    let (location, options) = database(settings);
    match Store::check(&location, options).await {
        Ok(()) => {}
        Err(error @ StorageError::Missing(_)) => findings.missing.push(format!("database.url: {error}")),
        Err(error) => findings.faults.push(format!("database.url: {error}")),
    }
    findings
}

fn database(settings: &Settings) -> (Location, ConnectOptions) {
    let database = &settings.database;
    let location = match &database.url {
        DatabaseUrl::Sqlite(path) => Location::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => Location::Postgres(url.expose().to_owned()),
    };
    (location, ConnectOptions { connections: database.connections, timeout: database.busy })
}

/// A service that listens and whose work has not begun.
pub struct Service {
    /// Where the public listener is bound.
    pub public: SocketAddr,
    /// Where the operations listener is bound.
    pub operations: SocketAddr,
    listeners: Listeners,
    background: Background,
    store: Arc<Store>,
    connections: u32,
}

impl Service {
    /// Opens everything and binds both listeners. Each failure is one sentence for the operator.
    pub async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // The second call in one process fails, and changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        warn_of_few_files(settings);
        let public = bind(settings.http.listen, "http.listen")?;
        let operations = bind(settings.ops.listen, "ops.listen")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(KeyWatch::open(KeyDirectory::new(&settings.keys.directory), clock.now())?);
        let store = open_store(settings).await?;
        let (endpoints, background) =
            Wiring { settings, store: &store, keys: &keys, clock: &clock }.endpoints_and_background()?;
        let options = ServerOptions {
            workers: settings.http.workers,
            drain: settings.http.drain,
            tls: settings.http.tls.as_ref().map(tls).transpose()?,
        };
        let listeners = Listeners::start(&endpoints, public, operations, options)?;
        let (public, operations) = (listeners.public, listeners.operations);
        let connections = settings.database.connections;
        Ok(Self { public, operations, listeners, background, store, connections })
    }

    /// Serves until `stop` resolves, then drains.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let keep_tokens: Arc<KeepTokens> = Arc::clone(&self.background.keep_tokens);
        let background = tokio::spawn(self.background.run());
        self.listeners.serve_until(stop).await?;
        background.abort();
        write_last_uses(&keep_tokens, self.connections).await;
        self.store.close().await;
        Ok(())
    }
}

/// Tries once more than there are connections: those that were opened by threads which have ended by now fail.
async fn write_last_uses(keep_tokens: &KeepTokens, connections: u32) {
    let mut outcome = Ok(());
    for _ in 0..=connections {
        outcome = keep_tokens.write_uses().await;
        if outcome.is_ok() {
            return;
        }
    }
    if let Err(error) = outcome {
        tracing::warn!(%error, "when tokens were last used could not be written down");
    }
}

/// How many files are open beside connections, the database's among them.
const OTHER_FILES: u64 = 256;

/// Connections beyond the limit for open files have to wait until others end.
fn warn_of_few_files(settings: &Settings) {
    let limits = &settings.limits;
    let requested = OTHER_FILES.saturating_add(
        u64::try_from(limits.connections.saturating_add(limits.ops_connections)).unwrap_or(u64::MAX),
    );
    let allowed = allow_open_files();
    if allowed < requested {
        tracing::warn!(
            allowed,
            requested,
            "the limit for open files (ulimit -Hn) is too low for limits.connections"
        );
    }
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("{address} is in use by another program; set {key} to a free one")
        }
        _ => anyhow!("cannot listen on {address} ({key}): {error}"),
    })
}

fn tls(files: &TlsFiles) -> anyhow::Result<ServerConfig> {
    let certificate = &files.certificate;
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("http.tls_certificate: {} cannot be read", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("http.tls_key: {} cannot be read", files.key.display()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("http.tls_certificate and http.tls_key do not belong together")
}
