//! Opening a database on a `PostgreSQL` server, and filling an empty one.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use super::Engine;
use super::migrations::{APPLIED, POSTGRES, is_ours, is_up_to_date, migrator};
use super::opening::ConnectOptions;
use crate::ports::StorageError;

/// After how many milliseconds the server ends a transaction whose process has stopped in the middle: no
/// other one can change anything meanwhile.
const IDLE_IN_TRANSACTION: &str = "10000";

/// The code of a server, or a role or database on it, that has all connections it may have.
const TOO_MANY_CONNECTIONS: &str = "53300";

/// The CAs that this machine trusts; the driver knows none by itself.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| migrator(&POSTGRES));

/// Opens a database that is ours.
pub(super) async fn open(url: &str, options: ConnectOptions) -> Result<Engine, StorageError> {
    let pool = connect(url, options).await?;
    let applied = sqlx::query_as(APPLIED).fetch_all(&pool).await.unwrap_or_default();
    if !is_up_to_date(&MIGRATIONS, &applied) {
        if !holds_ours(&pool).await? {
            return Err(nothing_there());
        }
        migrate(&pool).await?;
    }
    Ok(Engine::Postgres(pool))
}

/// Fills an empty database.
pub(super) async fn create(url: &str, options: ConnectOptions) -> Result<bool, StorageError> {
    let pool = connect(url, options).await?;
    if holds_ours(&pool).await? {
        return Ok(false);
    }
    migrate(&pool).await?;
    Ok(true)
}

/// Whether there is a database of ours.
pub(super) async fn check(url: &str, options: ConnectOptions) -> Result<(), StorageError> {
    if holds_ours(&connect(url, options).await?).await? { Ok(()) } else { Err(nothing_there()) }
}

async fn connect(url: &str, options: ConnectOptions) -> Result<PgPool, StorageError> {
    let connection: PgConnectOptions = url.parse().map_err(|_| {
        // The parser's own message could repeat a part of the URL, and with it the password.
        StorageError::Unavailable("database.url is no postgres://user:password@host/database".to_owned())
    })?;
    first_connection(&connection, options.lock_timeout()).await?;
    let system_roots = Path::new(SYSTEM_ROOTS);
    let connection = match url.contains("sslrootcert=") || !system_roots.exists() {
        true => connection,
        false => connection.ssl_root_cert(system_roots),
    };
    let lock_limit = options.lock_timeout().as_millis().to_string();
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.lock_timeout())
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
    Ok(pool)
}

/// Tries one connection: a pool would only say that it has waited in vain, and not what for.
async fn first_connection(connection: &PgConnectOptions, limit: Duration) -> Result<(), StorageError> {
    match tokio::time::timeout(limit, connection.connect()).await {
        Ok(Ok(connection)) => Ok(connection.close().await?),
        Ok(Err(error)) if is_full(&error) => Err(StorageError::Unavailable(
            "the PostgreSQL server takes no more connections; raise its max_connections, or lower \
             database.connections of what uses it"
                .to_owned(),
        )),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(StorageError::Unavailable("the PostgreSQL server does not answer in time".to_owned())),
    }
}

fn is_full(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == TOO_MANY_CONNECTIONS)
}

/// Whether this program has begun to fill the database; an error if another one has.
async fn holds_ours(pool: &PgPool) -> Result<bool, StorageError> {
    let (table,): (Option<String>,) =
        sqlx::query_as("SELECT CAST(to_regclass('_sqlx_migrations') AS TEXT)").fetch_one(pool).await?;
    if table.is_none() {
        return Ok(false);
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(APPLIED).fetch_all(pool).await?;
    match applied.is_empty() {
        true => Ok(false),
        false if is_ours(&MIGRATIONS, &applied) => Ok(true),
        false => Err(StorageError::Unavailable(
            "it is the database of another program; name another one in database.url".to_owned(),
        )),
    }
}

fn nothing_there() -> StorageError {
    StorageError::Missing(
        "the PostgreSQL database holds nothing of this program; name the right one in database.url, or run \
         `auth-service db init` to begin with an empty one"
            .to_owned(),
    )
}

async fn migrate(pool: &PgPool) -> Result<(), StorageError> {
    MIGRATIONS.run(pool).await.map_err(|error| StorageError::Unavailable(error.to_string()))
}
