//! Section `[database]`: where accounts, permissions and what is known of the registry are stored.

use std::path::PathBuf;
use std::time::Duration;

use super::fault::Noted;
use super::key::{Key, Preset, Section};
use super::kind::{DatabaseLocation, FilePath, Span, Unit, Whole};
use super::reader::Reader;
use super::secret::Secret;

pub(super) const SECTION: Section = Section {
    name: "database",
    doc: "Where accounts, permissions and what is known of the registry are stored.",
    keys: &[&URL, &URL_FILE, &CONNECTIONS, &BUSY_SECONDS],
};

const URL: Key<DatabaseLocation> = Key {
    name: "database.url",
    kind: DatabaseLocation,
    preset: Preset::Text("sqlite:auth-service.db"),
    doc: "An SQLite file, or a PostgreSQL database when several replicas share it.",
};

const URL_FILE: Key<FilePath> = Key {
    name: "database.url_file",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "A file that holds `database.url`, to keep a password out of the configuration.",
};

const CONNECTIONS: Key<Whole<u32>> = Key {
    name: "database.connections",
    kind: Whole { minimum: 1, maximum: 200, unit: "" },
    preset: Preset::Text("8"),
    doc: "The most connections that one process opens.",
};

const BUSY_SECONDS: Key<Span> = Key {
    name: "database.busy_seconds",
    kind: Span { minimum: 1, maximum: 60, unit: Unit::Seconds },
    preset: Preset::Text("2"),
    doc: "How long anything may take in the database, waiting for a connection or a lock included, before the request is answered with 503.",
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
    Ok(Database { url: url?.ok_or(Noted)?, connections: connections?, busy: busy? })
}
