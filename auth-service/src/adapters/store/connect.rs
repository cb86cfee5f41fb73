//! Opening the database and bringing its schema up to date.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, SqliteConnection, SqlitePool};

use super::readers::Readers;
use super::{DatabaseFile, Engine, Store};
use crate::ports::StorageError;
use crate::ports::system::Clock;

/// How often a process looks again whether another one has brought the schema up to date.
const MIGRATION_TRIES: u32 = 4;

/// After how many milliseconds the server ends a transaction whose process has stopped in the middle: no
/// other one can change anything meanwhile.
const IDLE_IN_TRANSACTION: &str = "10000";

/// How long to wait before a locked file is opened once more.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

/// The result code of a file that is locked (sqlite.org/rescode.html).
const SQLITE_BUSY: i32 = 5;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// A file, made when it is not there.
    Sqlite(PathBuf),
    /// A server, as `postgres://user:password@host/database`.
    Postgres(String),
}

/// How the database is used.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// How many connections read at the same time.
    pub connections: u32,
    /// How long a statement waits for a lock or a free connection.
    pub patience: Duration,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn connect(
        location: &Location,
        options: ConnectOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let engine = match location {
            Location::Sqlite(path) => open_sqlite(path, options).await?,
            Location::Postgres(url) => open_postgres(url, options).await?,
        };
        Ok(Self { engine, clock, patience: options.patience, bucket_key: OnceLock::new() })
    }

    /// The engine's name, for people.
    #[must_use]
    pub const fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite { .. } => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Fails when the file that was opened is no longer the one under its path: what is read then is a file
    /// that nobody else sees, and what is written is lost.
    pub(super) fn require_same_file(&self) -> Result<(), StorageError> {
        let Engine::Sqlite { file, .. } = &self.engine else { return Ok(()) };
        let metadata = std::fs::metadata(&file.path)
            .map_err(|error| StorageError::Unavailable(format!("{}: {error}", file.path.display())))?;
        if (metadata.dev(), metadata.ino()) == (file.device, file.inode) {
            Ok(())
        } else {
            let text = format!("{} was replaced by another file; restart the service", file.path.display());
            Err(StorageError::Unavailable(text))
        }
    }

    /// Closes every connection, after the statements that run.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { readers, writer, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

/// Readers see the last commit and never wait for the writer (WAL). `FULL` makes a commit survive a power
/// failure: an event is acknowledged only when it is on the disk. The page cache of each connection is small
/// because the file is mapped: the pages are the kernel's, shared by all.
///
/// Connections stay open for the life of the process: while one is, no other process can lock the file as a
/// whole, and a file that is gone is not made again, empty, by the next connection.
async fn open_sqlite(path: &Path, options: ConnectOptions) -> Result<Engine, StorageError> {
    let file = create_file(path)
        .and_then(|file| file.metadata())
        .map_err(|error| StorageError::Unavailable(format!("{}: {error}", path.display())))?;
    let file = DatabaseFile { path: path.to_owned(), device: file.dev(), inode: file.ino() };
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.patience)
        .foreign_keys(true)
        .pragma("cache_size", "-1024")
        .pragma("mmap_size", "1073741824")
        .disable_statement_logging();
    // A pool would only say that it has waited in vain; this one says what for.
    let mut first = first_connection(&base, options.patience)
        .await
        .map_err(|error| StorageError::Unavailable(format!("{}: {error}", path.display())))?;
    migrate_sqlite(&mut first).await?;
    let writer: SqlitePool = SqlitePoolOptions::new()
        .acquire_timeout(options.patience)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .max_connections(1)
        .after_release(|connection, _| Box::pin(has_ended_its_transaction(connection)))
        .connect_with(base.clone())
        .await?;
    first.close().await?;
    let readers = Readers::new(base.pragma("query_only", "on"), options.connections, options.patience);
    Ok(Engine::Sqlite { readers: Box::new(readers), writer, file })
}

/// Opens a connection, again and again while the file is locked: of several processes that turn a new file to
/// WAL at once, `SQLite` tells all but one at once that it is locked, whatever the time that it may wait.
async fn first_connection(
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    let connecting = async {
        loop {
            match options.connect().await {
                Err(error) if is_locked(&error) => tokio::time::sleep(LOCKED_PAUSE).await,
                outcome => return outcome,
            }
        }
    };
    match tokio::time::timeout(patience, connecting).await {
        Ok(outcome) => outcome,
        Err(_) => options.connect().await,
    }
}

/// Whether another connection is in the way (`SQLITE_BUSY`, also with the extended codes that begin with it).
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// The file, made if it is not there. An empty file is an empty database, and `SQLite` gives the journals
/// beside it the same mode: none but the owner may read password hashes, whatever the umask.
fn create_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Whether a connection can be used again. When the disk is full, `SQLite` ends the transaction by itself; the
/// driver then takes it for still open, and would never begin another one.
async fn has_ended_its_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The rollback of a transaction that was dropped runs before this.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Brings the schema up to date. Two processes that do so at once on a new file can be in each other's way;
/// the one that lost looks again.
async fn migrate_sqlite(connection: &mut SqliteConnection) -> Result<(), StorageError> {
    let mut failure = String::new();
    for _ in 0..MIGRATION_TRIES {
        if is_up_to_date(&SQLITE_MIGRATIONS, newest_in_sqlite(connection).await) {
            return Ok(());
        }
        match SQLITE_MIGRATIONS.run(&mut *connection).await {
            Ok(()) => return Ok(()),
            Err(error) => failure = error.to_string(),
        }
    }
    Err(StorageError::Unavailable(failure))
}

async fn open_postgres(url: &str, options: ConnectOptions) -> Result<Engine, StorageError> {
    let connection: PgConnectOptions = url.parse().map_err(|_| {
        // The parser's own message could repeat a part of the URL, and with it the password.
        StorageError::Unavailable("database.url is no postgres://user:password@host/database".to_owned())
    })?;
    let lock_limit = options.patience.as_millis().to_string();
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.patience)
        .test_before_acquire(false)
        .connect_with(
            connection
                .application_name("auth-service")
                .options([
                    ("lock_timeout", lock_limit.as_str()),
                    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
                    // Every statement finds its rows by an index, whatever the values: a plan for each
                    // execution would only cost time.
                    ("plan_cache_mode", "force_generic_plan"),
                ])
                .disable_statement_logging(),
        )
        .await?;
    if !is_up_to_date(&POSTGRES_MIGRATIONS, newest_in_postgres(&pool).await) {
        POSTGRES_MIGRATIONS.run(&pool).await.map_err(|error| StorageError::Unavailable(error.to_string()))?;
    }
    Ok(Engine::Postgres(pool))
}

/// Running the migrations takes the write lock even when there is nothing to do, which would make a command
/// wait for the service, and the service for a backup.
fn is_up_to_date(migrations: &Migrator, newest: Option<i64>) -> bool {
    newest.is_some() && newest == migrations.iter().map(|migration| migration.version).max()
}

const NEWEST_MIGRATION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

async fn newest_in_sqlite(connection: &mut SqliteConnection) -> Option<i64> {
    sqlx::query_scalar(NEWEST_MIGRATION).fetch_one(connection).await.ok().flatten()
}

async fn newest_in_postgres(pool: &PgPool) -> Option<i64> {
    sqlx::query_scalar(NEWEST_MIGRATION).fetch_one(pool).await.ok().flatten()
}
