//! The database: SQLite in a file, or PostgreSQL for several replicas, with one SQL text for both. Where the
//! engines differ, the code matches on [`Engine`] openly.

mod connect;
mod entities;
mod events;
mod facts;
mod file;
mod items;
mod journal;
mod linked_subjects;
mod login_failures;
mod migrations;
mod name_reservations;
mod numbers;
mod opening;
mod owners;
mod passwords;
mod postgres;
mod push;
mod readers;
mod sharing;
mod sql;
mod sqlite;
mod teams;
mod token_room;
mod tokens;
mod transaction;
mod users;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::PgPool;

use crate::ports::StorageError;
use crate::ports::system::Clock;

use file::DatabaseFile;
use login_failures::BucketKey;
use readers::Readers;
use sqlite::Writer;

pub use connect::Location;
pub use opening::ConnectOptions;

/// The database, connected and with its schema up to date.
pub struct Store {
    engine: Engine,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    /// Read when it is first needed, and then kept.
    bucket_key: OnceLock<BucketKey>,
}

/// The two engines.
enum Engine {
    /// A file; many readers and one writer, each on connections of their own.
    Sqlite { readers: Box<Readers>, writer: Writer, file: DatabaseFile },
    /// A server.
    Postgres(PgPool),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Corrupt(error.to_string())
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// How many changes are remembered; a process that is behind by more forgets everything it knows.
const CHANGES_KEPT: i64 = 10_000;

/// A value that this program cannot have written.
fn corrupt(what: &str, value: impl std::fmt::Display) -> StorageError {
    StorageError::Corrupt(format!("{what} is '{value}'"))
}
