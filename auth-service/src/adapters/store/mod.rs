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
mod tokens;
mod users;

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::{PgPool, Postgres, Transaction};

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

impl Store {
    /// Waits for `work`, but not for ever: a server that has stopped, or a network that swallows everything,
    /// keeps no promise of its own.
    async fn in_time<T, E: From<StorageError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        within(self.timeout, work).await
    }
}

/// Waits for `work` until `limit` is over.
async fn within<T, E: From<StorageError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StorageError::Unavailable("it does not answer in time".to_owned()).into()),
    }
}

/// Begins a transaction that no other one that changes anything runs beside, in any process: what it has
/// read stays true until it is committed. `SQLite` knows no other kind.
async fn begin_alone(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StorageError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT revision FROM facts_revision FOR UPDATE").execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Runs a query body on a connection that is good for reading, once for each engine's type, and gives up when
/// that takes too long.
macro_rules! read {
    ($store:expr, $connection:ident => $body:expr) => {{
        $store.require_same_file()?;
        match &$store.engine {
            $crate::adapters::store::Engine::Sqlite { readers, .. } => {
                let reading = async {
                    let mut reader = readers.take().await?;
                    let $connection = &mut reader.connection;
                    let found = $body;
                    reader.give_back();
                    Ok::<_, StorageError>(found)
                };
                $store.in_time(reading).await?
            }
            $crate::adapters::store::Engine::Postgres($connection) => {
                $store.in_time(async { Ok::<_, StorageError>($body) }).await?
            }
        }
    }};
}

/// The same for lists, which may be long and take their time.
macro_rules! list {
    ($store:expr, $connection:ident => $body:expr) => {{
        $store.require_same_file()?;
        match &$store.engine {
            $crate::adapters::store::Engine::Sqlite { readers, .. } => {
                let mut reader = readers.take().await?;
                let $connection = &mut reader.connection;
                let found = $body;
                reader.give_back();
                found
            }
            $crate::adapters::store::Engine::Postgres($connection) => $body,
        }
    }};
}

/// Runs a body in a transaction, once for each engine's type, and commits it unless the body leaves by `?` or
/// `return`, which rolls back. All of it has the time of [`Store::in_time`], or a limit of its own that comes
/// after the store. One transaction runs at a time, on either engine: `SQLite` takes its write lock at once (one
/// that reads first and writes later could be refused half-way), and on `PostgreSQL` the first step locks a row
/// that each of them locks first.
macro_rules! change {
    ($store:expr, $transaction:ident => $body:expr) => {
        change!($store, $store.timeout, $transaction => $body)
    };
    ($store:expr, $limit:expr, $transaction:ident => $body:expr) => {{
        $store.require_same_file()?;
        match &$store.engine {
            $crate::adapters::store::Engine::Sqlite { writer, .. } => {
                let work = async {
                    let mut $transaction = writer.begin().await?;
                    let outcome = $body;
                    $transaction.commit().await.map_err(StorageError::from)?;
                    // What went into a file that is another one by now is not kept.
                    $store.require_same_file()?;
                    outcome
                };
                $crate::adapters::store::within($limit, work).await
            }
            $crate::adapters::store::Engine::Postgres(pool) => {
                let work = async {
                    let mut $transaction = $crate::adapters::store::begin_alone(pool).await?;
                    let outcome = $body;
                    $transaction.commit().await.map_err(StorageError::from)?;
                    outcome
                };
                $crate::adapters::store::within($limit, work).await
            }
        }
    }};
}

/// Records, inside a transaction of [`change!`], that facts about a subject have changed. Because these run
/// one at a time, revisions are committed in their order.
macro_rules! note_change {
    ($transaction:ident, $subject:literal, $number:expr) => {{
        let (revision,): (i64,) =
            sqlx::query_as("UPDATE facts_revision SET revision = revision + 1 RETURNING revision")
                .fetch_one(&mut *$transaction)
                .await
                .map_err($crate::ports::StorageError::from)?;
        sqlx::query("INSERT INTO facts_changes (revision, subject, number) VALUES ($1, $2, $3)")
            .bind(revision)
            .bind($subject)
            .bind($number)
            .execute(&mut *$transaction)
            .await
            .map_err($crate::ports::StorageError::from)?;
        sqlx::query("DELETE FROM facts_changes WHERE revision <= $1")
            .bind(revision - $crate::adapters::store::CHANGES_KEPT)
            .execute(&mut *$transaction)
            .await
            .map_err($crate::ports::StorageError::from)?;
    }};
}

/// Draws the next number of a sequence.
macro_rules! next_number {
    ($transaction:ident, $sequence:literal) => {{
        let (number,): (i64,) =
            sqlx::query_as("UPDATE sequences SET value = value + 1 WHERE name = $1 RETURNING value")
                .bind($sequence)
                .fetch_one(&mut *$transaction)
                .await
                .map_err($crate::ports::StorageError::from)?;
        number
    }};
}

use {change, list, next_number, note_change, read};

/// How many changes are remembered; a process that is behind by more forgets everything it knows.
const CHANGES_KEPT: i64 = 10_000;

/// Whether an insertion failed because the value is there already.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// A value that this program cannot have written.
fn corrupt(what: &str, value: impl std::fmt::Display) -> StorageError {
    StorageError::Corrupt(format!("{what} is '{value}'"))
}
