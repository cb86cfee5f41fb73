//! Opening a database, and making one where none is.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;

use super::{Engine, Store, change, postgres, sqlite};
use crate::ports::StorageError;
use crate::ports::storage::Storage;
use crate::ports::system::Clock;

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server, as `postgres://user:password@host/database`.
    Postgres(String),
}

/// How the database is used.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// How many connections read at the same time.
    pub connections: u32,
    /// How long anything may take: waiting for a connection and for a lock, and the work itself.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// How long to wait for a lock or a connection: less than in all, so that what was waited for is told.
    pub(super) fn patience_for_locks(self) -> Duration {
        self.timeout * 9 / 10
    }
}

impl Store {
    /// Opens the database and brings its schema up to date. There must be one.
    pub async fn connect(
        location: &Location,
        options: ConnectOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let engine = match location {
            Location::Sqlite(path) => sqlite::open(path, options).await?,
            Location::Postgres(url) => postgres::open(url, options).await?,
        };
        Ok(Self { engine, clock, timeout: options.timeout, bucket_key: OnceLock::new() })
    }

    /// Makes an empty database where none is: all of it or nothing. Whether it did; a database that is there
    /// already is left as it is.
    pub async fn create(location: &Location, options: ConnectOptions) -> Result<bool, StorageError> {
        match location {
            Location::Sqlite(path) => sqlite::create(path, options).await,
            Location::Postgres(url) => postgres::create(url, options).await,
        }
    }

    /// Whether [`Self::connect`] would find a database of ours. Nothing is written to it.
    pub async fn check(location: &Location, options: ConnectOptions) -> Result<(), StorageError> {
        match location {
            Location::Sqlite(path) => sqlite::check(path, options).await,
            Location::Postgres(url) => postgres::check(url, options).await,
        }
    }

    /// The engine's name, for people.
    #[must_use]
    pub const fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite { .. } => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Fails when the file is no longer as this program has left it.
    pub(super) fn require_same_file(&self) -> Result<(), StorageError> {
        match &self.engine {
            Engine::Sqlite { file, .. } => file.require_unspoiled(),
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Closes every connection, after the statements that run.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, file, .. } if file.require_unspoiled().is_err() => {
                // The last connection that closes would write the journal into a file that is not its own, or
                // remove that of another one. The end of the process closes without that.
                writer.leave_open();
            }
            Engine::Sqlite { readers, writer, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

#[async_trait]
impl Storage for Store {
    async fn write_nothing_new(&self) -> Result<(), StorageError> {
        if let Engine::Sqlite { file, .. } = &self.engine {
            file.require_room()?;
        }
        change!(self, transaction => {
            sqlx::query("UPDATE facts_revision SET revision = revision").execute(&mut *transaction).await?;
            Ok(())
        })
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
