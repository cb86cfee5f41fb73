//! Section `[database]`: where accounts, permissions and what is known of the registry are stored.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::fault::Noted;
use super::kind::{DatabaseLocation, FilePath, Flag, Span, Unit, Whole};
use super::reader::Reader;
use super::secret::Secret;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "database",
    doc: "The database of accounts, permissions, and the registry's repositories and tags.",
    keys: &[&URL, &URL_FILE, &PLAIN_TEXT, &CONNECTIONS, &BUSY_SECONDS],
};

const URL: Setting<DatabaseLocation> = Setting {
    name: "database.url",
    kind: DatabaseLocation,
    preset: Preset::Text("sqlite:auth-service.db"),
    doc: "An SQLite file, or a PostgreSQL database when several replicas share it.",
};

const URL_FILE: Setting<FilePath> = Setting {
    name: "database.url_file",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "A file that holds `database.url`, to keep a password out of the configuration.",
};

const PLAIN_TEXT: Setting<Flag> = Setting {
    name: "database.plain_text",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether a PostgreSQL server on another machine may do without verified TLS (`sslmode=verify-full`), inside a private network: password hashes go there.",
};

const CONNECTIONS: Setting<Whole<u32>> = Setting {
    name: "database.connections",
    kind: Whole { minimum: 1, maximum: 200, unit: "" },
    preset: Preset::Text("8"),
    doc: "The most connections that one process opens.",
};

const BUSY_SECONDS: Setting<Span> = Setting {
    name: "database.busy_seconds",
    kind: Span { minimum: 1, maximum: 60, unit: Unit::Seconds },
    preset: Preset::Text("2"),
    doc: "How long a request may wait for the database, for a connection or a lock included, before it is answered with 503.",
};

/// The database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Which database.
    pub url: DatabaseUrl,
    /// The most connections that this process opens.
    pub connections: u32,
    /// How long anything may take.
    pub busy: Duration,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An `SQLite` file.
    Sqlite(PathBuf),
    /// The address of a `PostgreSQL` database, which can hold a password.
    Postgres(Secret),
}

pub(super) fn read(reader: &mut Reader) -> Result<Database, Noted> {
    let url = reader.or_in_file(&URL, &URL_FILE);
    let connections = reader.required(&CONNECTIONS);
    let busy = reader.required(&BUSY_SECONDS);
    let plain_text = reader.required(&PLAIN_TEXT);
    let (url, plain_text) = (url?.ok_or(Noted)?, plain_text?);
    let url = if plain_text { url } else { protected(url, reader)? };
    Ok(Database { url, connections: connections?, busy: busy? })
}

/// What goes to another machine goes there by TLS with a certificate that is checked: said so where the address says
/// nothing, and a fault where it says otherwise.
fn protected(url: DatabaseUrl, reader: &mut Reader) -> Result<DatabaseUrl, Noted> {
    let DatabaseUrl::Postgres(address) = &url else { return Ok(url) };
    let Ok(mut parsed) = Url::parse(address.expose()) else { return Ok(url) };
    let given = |names: &[&str]| -> Vec<String> {
        let pairs = parsed.query_pairs().filter(|(name, _)| names.contains(&name.as_ref()));
        pairs.map(|(_, value)| value.into_owned()).collect()
    };
    let mut hosts = given(&["host", "hostaddr"]);
    hosts.extend(parsed.host_str().filter(|host| !host.is_empty()).map(str::to_owned));
    let modes = given(&["sslmode", "ssl-mode"]);
    if hosts.iter().all(|host| is_this_machine(host)) {
        return Ok(url);
    }
    if modes.is_empty() {
        parsed.query_pairs_mut().append_pair("sslmode", "verify-full");
        return Ok(DatabaseUrl::Postgres(Secret::new(parsed.into())));
    }
    if modes.iter().all(|mode| matches!(mode.as_str(), "verify-full" | "verify-ca")) {
        return Ok(url);
    }
    let key = if reader.is_set(URL_FILE.name) { URL_FILE.name } else { URL.name };
    let cure = "write sslmode=verify-full, or, if it is reached through a private network alone, set \
                database.plain_text = true";
    Err(reader.fault(key, "names another machine without TLS that is verified", cure))
}

/// A socket or a loopback address.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with('/')
        || host.to_ascii_lowercase().starts_with("%2f")
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
