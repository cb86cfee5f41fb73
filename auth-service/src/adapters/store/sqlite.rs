//! Opening and making an `SQLite` file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::Engine;
use super::file::{DatabaseFile, Mark, inspect, unavailable};
use super::journal::beside;
use super::migrations::{APPLIED, SQLITE, is_ours, is_up_to_date, migrator};
use super::opening::ConnectOptions;
use super::readers::Readers;
use crate::adapters::system::random_bytes;
use crate::ports::StorageError;

/// How often a process looks again whether another one has brought the schema up to date.
const MIGRATION_TRIES: u32 = 4;

/// How long to wait before a locked file is opened once more.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

/// The result code of a file that is locked (sqlite.org/rescode.html).
const SQLITE_BUSY: i32 = 5;

/// Takes the write lock. On a connection that can only read, the first statement would succeed nevertheless, and
/// only the first that writes fail: so here is one, which changes nothing.
const BEGIN: &str = "BEGIN IMMEDIATE; UPDATE facts_revision SET revision = revision WHERE FALSE";

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrator(&SQLITE));

/// The one connection that writes.
pub(super) struct Writer {
    pool: SqlitePool,
    /// Whether the connection is to be closed and opened again before it is used.
    is_suspect: Arc<AtomicBool>,
}

/// Readers see the last commit and never wait for the writer (WAL). `FULL` makes a commit survive a power
/// failure: an event is acknowledged only when it is on the disk. The page cache of each connection is small
/// because the file is mapped: the pages are the kernel's, shared by all.
///
/// Connections stay open for the life of the process: while one is, no other process can lock the file as a
/// whole, and a file that is gone is not made again, empty, by the next connection.
pub(super) async fn open(path: &Path, options: ConnectOptions) -> Result<Engine, StorageError> {
    let (main, mark) = inspect(path)?;
    if mark == Mark::None {
        require_ours(path, options).await?;
    }
    let base = settings(path, options);
    // A pool would only say that it has waited in vain; this one says what for.
    let mut first = first_connection(&base, options.timeout)
        .await
        .map_err(|error| unavailable(path, &error.to_string()))?;
    migrate(&mut first).await?;
    let writer = Writer::open(&base, options).await?;
    first.close().await?;
    let file = DatabaseFile::in_use(path, main).map_err(|error| unavailable(path, &error.to_string()))?;
    if file.is_being_written() {
        // What an interrupted process has left to do. If it cannot be done now, it will be later.
        let _ = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&writer.pool).await;
    }
    let readers = Readers::new(base.pragma("query_only", "on"), options.connections, options.lock_timeout());
    Ok(Engine::Sqlite { readers: Box::new(readers), writer, file })
}

/// Makes the file under a name of its own and gives it its own name when all of it is there.
pub(super) async fn create(path: &Path, options: ConnectOptions) -> Result<bool, StorageError> {
    if path.symlink_metadata().is_ok() {
        return check(path, options).await.map(|()| false);
    }
    let failed = |error: std::io::Error| unavailable(path, &error.to_string());
    let new = beside(path, &format!(".{:016x}.new", u64::from_be_bytes(random_bytes().map_err(failed)?)));
    let made = async {
        // `SQLite` gives the journals beside it the same mode, whatever the umask.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
        let mut connection = settings(&new, options).connect().await?;
        migrate(&mut connection).await?;
        connection.close().await?;
        // Unlike a renaming, this fails when another command was faster.
        match std::fs::hard_link(&new, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true).map_err(failed),
        }
    }
    .await;
    // When it failed, some of these are there; the failure itself is what is worth telling.
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&new, ending));
    }
    if made? {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failed)?;
        return Ok(true);
    }
    check(path, options).await.map(|()| false)
}

/// Whether there is a whole database of ours.
pub(super) async fn check(path: &Path, options: ConnectOptions) -> Result<(), StorageError> {
    match inspect(path)? {
        (_, Mark::Ours) => Ok(()),
        (_, Mark::None) => require_ours(path, options).await,
    }
}

/// Whether this program has made the file before it marked files.
async fn require_ours(path: &Path, options: ConnectOptions) -> Result<(), StorageError> {
    let looking = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(options.lock_timeout())
        .disable_statement_logging();
    let failed = |error: sqlx::Error| unavailable(path, &error.to_string());
    let mut connection = first_connection(&looking, options.timeout).await.map_err(failed)?;
    let tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    let (tables,): (i64,) = sqlx::query_as(tables).fetch_one(&mut connection).await.map_err(failed)?;
    let applied = match tables {
        0 => Vec::new(),
        _ => sqlx::query_as(APPLIED).fetch_all(&mut connection).await.map_err(failed)?,
    };
    connection.close().await.map_err(failed)?;
    if is_ours(&MIGRATIONS, &applied) {
        return Ok(());
    }
    Err(unavailable(path, "it is the database of another program; name another file in database.url"))
}

fn settings(path: &Path, options: ConnectOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.lock_timeout())
        .foreign_keys(true)
        .pragma("cache_size", "-1024")
        .pragma("mmap_size", "1073741824")
        .disable_statement_logging()
}

impl Writer {
    async fn open(settings: &SqliteConnectOptions, options: ConnectOptions) -> Result<Self, StorageError> {
        let is_suspect = Arc::new(AtomicBool::new(false));
        let suspect = Arc::clone(&is_suspect);
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(options.lock_timeout())
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .max_connections(1)
            .before_acquire(move |_, _| {
                let is_good = !suspect.swap(false, Ordering::AcqRel);
                Box::pin(async move { Ok(is_good) })
            })
            .after_release(|connection, _| Box::pin(has_ended_its_transaction(connection)))
            .connect_with(settings.clone())
            .await?;
        Ok(Self { pool, is_suspect })
    }

    /// Begins a transaction, as soon as no other one runs in any process. A connection that was opened while
    /// the file could not be written to would never write: when it fails, the next one to come opens another.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StorageError> {
        let begun = self.pool.begin_with(BEGIN).await;
        if begun.as_ref().is_err_and(|error| !is_locked(error)) {
            self.is_suspect.store(true, Ordering::Release);
        }
        Ok(begun?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Keeps the connection open until the process ends.
    pub(super) fn leave_open(&self) {
        std::mem::forget(self.pool.clone());
    }
}

/// Opens a connection, again and again while the file is locked: of several processes that turn a new file to
/// WAL at once, `SQLite` tells all but one at once that it is locked, whatever the time that it may wait.
async fn first_connection(
    options: &SqliteConnectOptions,
    timeout: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    let connecting = async {
        loop {
            match options.connect().await {
                Err(error) if is_locked(&error) => tokio::time::sleep(LOCKED_PAUSE).await,
                outcome => return outcome,
            }
        }
    };
    match tokio::time::timeout(timeout, connecting).await {
        Ok(outcome) => outcome,
        Err(_) => options.connect().await,
    }
}

/// Whether another connection is in the way (`SQLITE_BUSY`, also with the extended codes that begin with it).
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// Whether a connection can be used again. When the disk is full, `SQLite` ends the transaction by itself; the
/// driver then takes it for still open, and would never begin another one.
async fn has_ended_its_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The rollback of a transaction that was dropped runs before this.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Brings the schema up to date. Two processes that do so at once can be in each other's way; the one that lost
/// looks again.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StorageError> {
    let mut failure = String::new();
    for _ in 0..MIGRATION_TRIES {
        let applied = sqlx::query_as(APPLIED).fetch_all(&mut *connection).await.unwrap_or_default();
        if is_up_to_date(&MIGRATIONS, &applied) {
            return Ok(());
        }
        match MIGRATIONS.run(&mut *connection).await {
            Ok(()) => return Ok(()),
            Err(error) => failure = error.to_string(),
        }
    }
    Err(StorageError::Unavailable(failure))
}
