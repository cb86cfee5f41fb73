//! What both engines need to open a database: the options, and how far its schema is.

use std::time::Duration;

use sqlx::migrate::Migrator;

/// How the database is used.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// How many connections read at the same time.
    pub connections: u32,
    /// How long anything may take: waiting for a connection and for a lock, and the work itself.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// How long to wait for a lock or a connection: less than in all, so that the error says what was waited for.
    pub(super) fn lock_timeout(self) -> Duration {
        self.timeout * 9 / 10
    }
}

/// Running the migrations takes the write lock even when there is nothing to do, which would make a command
/// wait for the service, and the service for a backup.
pub(super) fn is_up_to_date(migrations: &Migrator, newest: Option<i64>) -> bool {
    newest.is_some() && newest == migrations.iter().map(|migration| migration.version).max()
}

/// Whether the first migration that a database has had is the first of these: then it is ours.
pub(super) fn is_first(migrations: &Migrator, checksum: &[u8]) -> bool {
    migrations.iter().next().is_some_and(|migration| *migration.checksum == *checksum)
}

/// The newest migration that a database has had.
pub(super) const NEWEST_MIGRATION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

/// What tells whose database it is.
pub(super) const FIRST_MIGRATION: &str = "SELECT checksum FROM _sqlx_migrations WHERE version = 1";
