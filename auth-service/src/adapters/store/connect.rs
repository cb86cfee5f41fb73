//! Opening a database, and making one where none is.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use super::opening::ConnectOptions;
use super::{Engine, Store, postgres, sqlite};
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
        let mut transaction = self.begin().await?;
        transaction.sql("UPDATE facts_revision SET revision = revision").execute().await?;
        transaction.commit().await?;
        Ok(())
    }
}
