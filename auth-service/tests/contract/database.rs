//! A fresh database for each test, on either engine, and a clock that stands still until it is moved.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use auth_service::adapters::store::{ConnectOptions, Location, Store};
use auth_service::domain::time::Timestamp;
use auth_service::ports::StorageError;
use auth_service::ports::system::Clock;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

/// Runs each test once on each engine: `tests!(a, b)` makes `a::on_sqlite`, `a::on_postgres` and so on.
macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        $(mod $test {
            #[tokio::test]
            async fn on_sqlite() {
                super::$test($crate::database::Database::sqlite().await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                let database = $crate::database::Database::postgres().await;
                let name = database.postgres_name();
                super::$test(database).await;
                $crate::database::drop_postgres(&name).await;
            }
        })*
    };
}
pub(crate) use on_both_engines;

/// How long tests let a statement wait.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// A database that only one test uses.
pub(crate) struct Database {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) location: Location,
    pub(crate) folder: Option<TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let location = Location::Sqlite(folder.path().join("auth-service.db"));
        Self::at(location, Some(folder)).await
    }

    /// The database's own order of texts is that of a language, in which `a` comes before `B`: what relies
    /// on the order of bytes must say so.
    pub(crate) async fn postgres() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("contract_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let options = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'";
        run_on_server(&format!("CREATE DATABASE {name} {options}")).await;
        let mut url: url::Url = server().parse().unwrap();
        url.set_path(&name);
        Self::at(Location::Postgres(url.into()), None).await
    }

    async fn at(location: Location, folder: Option<TempDir>) -> Self {
        let clock = Arc::new(TestClock::default());
        assert!(create(&location).await.unwrap());
        let store = connect(&location, TIMEOUT, clock.clone()).await.unwrap();
        Self { store: Arc::new(store), clock, location, folder }
    }

    /// The same database, opened once more, as by another process.
    pub(crate) async fn opened_again(&self) -> Store {
        connect(&self.location, TIMEOUT, self.clock.clone()).await.unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        let Location::Sqlite(path) = &self.location else { panic!("this is no SQLite file") };
        path.clone()
    }

    pub(crate) fn postgres_name(&self) -> String {
        let Location::Postgres(url) = &self.location else { panic!("this is no PostgreSQL database") };
        url.rsplit('/').next().unwrap().to_owned()
    }

    /// The same database for a role whose password is its name.
    pub(crate) fn as_role(&self, role: &str) -> Location {
        let Location::Postgres(url) = &self.location else { panic!("this is no PostgreSQL database") };
        let mut url: url::Url = url.parse().unwrap();
        url.set_username(role).unwrap();
        url.set_password(Some(role)).unwrap();
        Location::Postgres(url.into())
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.folder.is_none()
    }

    /// Runs a statement past the store.
    pub(crate) async fn run(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.location {
            Location::Sqlite(path) => {
                sqlx::raw_sql(statement).execute(&mut open_sqlite(path).await).await.unwrap();
            }
            Location::Postgres(url) => {
                sqlx::raw_sql(statement).execute(&mut open_postgres(url).await).await.unwrap();
            }
        }
    }

    /// One number, read past the store.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query.to_owned());
        match &self.location {
            Location::Sqlite(path) => {
                sqlx::query_scalar(query).fetch_one(&mut open_sqlite(path).await).await.unwrap()
            }
            Location::Postgres(url) => {
                sqlx::query_scalar(query).fetch_one(&mut open_postgres(url).await).await.unwrap()
            }
        }
    }
}

pub(crate) async fn create(location: &Location) -> Result<bool, StorageError> {
    Store::create(location, ConnectOptions { connections: 4, timeout: TIMEOUT }).await
}

pub(crate) async fn connect(
    location: &Location,
    timeout: Duration,
    clock: Arc<dyn Clock>,
) -> Result<Store, StorageError> {
    Store::connect(location, ConnectOptions { connections: 4, timeout }, clock).await
}

pub(crate) async fn open_sqlite(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).busy_timeout(TIMEOUT).connect().await.unwrap()
}

pub(crate) async fn open_postgres(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

pub(crate) async fn drop_postgres(name: &str) {
    run_on_server(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

#[expect(clippy::disallowed_methods, reason = "the test run is configured by its environment")]
fn server() -> String {
    std::env::var("TEST_POSTGRES_URL").expect(
        "TEST_POSTGRES_URL must name a PostgreSQL server, such as postgres://postgres@127.0.0.1:5432/postgres; \
         tests/with-postgres.sh COMMAND starts one",
    )
}

async fn run_on_server(statement: &str) {
    let mut connection = open_postgres(&server()).await;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A clock that is moved by hand.
pub(crate) struct TestClock {
    now: AtomicI64,
    elapsed: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { now: AtomicI64::new(1_800_000_000_000), elapsed: AtomicU64::new(1_000_000_000) }
    }
}

impl TestClock {
    /// Lets time pass.
    pub(crate) fn advance(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
        self.elapsed.fetch_add(u64::try_from(span.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    /// Moves by a nanosecond with each reading, as a real clock does.
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.fetch_add(1, Ordering::SeqCst))
    }
}
