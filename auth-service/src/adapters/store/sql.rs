//! Statements with one text for both engines: what runs them, binds their values and reads their rows.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    ColumnIndex as _, Decode, Encode, PgConnection, PgPool, Postgres, Row, SqlSafeStr, Sqlite,
    SqliteConnection, Type,
};
use tokio::time::Instant;

use super::readers::{Reader, Readers};
use super::{Engine, Store};
use crate::ports::StorageError;

/// A value that can be bound to a statement and read from a row, on either engine.
pub(super) trait Value: Type<Sqlite> + Type<Postgres> {}
impl<T: Type<Sqlite> + Type<Postgres>> Value for T {}

/// What is read from a row of either engine: a tuple of columns in their order, or a struct that implements
/// `sqlx::FromRow` for every [`Columns`].
pub(super) trait FromRow:
    for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> FromRow for T where
    T: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin
{
}

/// A row of either engine, with its columns by name.
pub(super) trait Columns: Row {
    /// The value of the column `name`.
    fn value<'r, T>(&'r self, name: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Decode<'r, Postgres> + Value;

    /// Whether there is a column `name`.
    fn has_column(&self, name: &str) -> bool;
}

impl Columns for SqliteRow {
    fn value<'r, T>(&'r self, name: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Decode<'r, Postgres> + Value,
    {
        self.try_get(name)
    }

    fn has_column(&self, name: &str) -> bool {
        name.index(self).is_ok()
    }
}

impl Columns for PgRow {
    fn value<'r, T>(&'r self, name: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Decode<'r, Postgres> + Value,
    {
        self.try_get(name)
    }

    fn has_column(&self, name: &str) -> bool {
        name.index(self).is_ok()
    }
}

impl Store {
    /// A question that a request waits for: it has the time limit of the store.
    pub(super) fn read(&self, text: impl SqlSafeStr) -> Result<Statement<'_>, StorageError> {
        Ok(Statement { deadline: Some(Instant::now() + self.timeout), ..self.list(text)? })
    }

    /// A question for a list, which may be long and takes its time.
    pub(super) fn list(&self, text: impl SqlSafeStr) -> Result<Statement<'_>, StorageError> {
        self.require_same_file()?;
        let run = match &self.engine {
            Engine::Sqlite { readers, .. } => Run::Sqlite(SqliteSource::Readers(readers), sqlx::query(text)),
            Engine::Postgres(pool) => Run::Postgres(PostgresSource::Pool(pool), sqlx::query(text)),
        };
        Ok(Statement { run, deadline: None })
    }
}

/// A statement with its values. It is prepared once on each connection.
pub(super) struct Statement<'c> {
    run: Run<'c>,
    deadline: Option<Instant>,
}

enum Run<'c> {
    Sqlite(SqliteSource<'c>, Query<'c, Sqlite, SqliteArguments>),
    Postgres(PostgresSource<'c>, Query<'c, Postgres, PgArguments>),
}

/// Where a statement gets its connection from when it runs.
enum SqliteSource<'c> {
    Readers(&'c Readers),
    Transaction(&'c mut SqliteConnection),
}

enum PostgresSource<'c> {
    Pool(&'c PgPool),
    Transaction(&'c mut PgConnection),
}

enum SqliteHandle<'c> {
    Reader(Reader<'c>),
    Transaction(&'c mut SqliteConnection),
}

enum PostgresHandle<'c> {
    Pooled(PoolConnection<Postgres>),
    Transaction(&'c mut PgConnection),
}

impl<'c> SqliteSource<'c> {
    async fn connect(self) -> Result<SqliteHandle<'c>, StorageError> {
        Ok(match self {
            Self::Readers(readers) => SqliteHandle::Reader(readers.take().await?),
            Self::Transaction(connection) => SqliteHandle::Transaction(connection),
        })
    }
}

impl SqliteHandle<'_> {
    fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Reader(reader) => &mut reader.connection,
            Self::Transaction(connection) => connection,
        }
    }

    /// Only after a statement that has been read to its end.
    fn give_back(self) {
        if let Self::Reader(reader) = self {
            reader.give_back();
        }
    }
}

impl<'c> PostgresSource<'c> {
    async fn connect(self) -> Result<PostgresHandle<'c>, StorageError> {
        Ok(match self {
            Self::Pool(pool) => PostgresHandle::Pooled(pool.acquire().await?),
            Self::Transaction(connection) => PostgresHandle::Transaction(connection),
        })
    }
}

impl PostgresHandle<'_> {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Transaction(connection) => connection,
        }
    }
}

impl<'c> Statement<'c> {
    pub(super) fn on_sqlite(
        connection: &'c mut SqliteConnection,
        text: impl SqlSafeStr,
        deadline: Instant,
    ) -> Self {
        let run = Run::Sqlite(SqliteSource::Transaction(connection), sqlx::query(text));
        Self { run, deadline: Some(deadline) }
    }

    pub(super) fn on_postgres(
        connection: &'c mut PgConnection,
        text: impl SqlSafeStr,
        deadline: Instant,
    ) -> Self {
        let run = Run::Postgres(PostgresSource::Transaction(connection), sqlx::query(text));
        Self { run, deadline: Some(deadline) }
    }

    /// Binds the next value: `$1`, then `$2`, and so on.
    pub(super) fn bind<'t, T>(self, value: T) -> Self
    where
        T: Encode<'t, Sqlite> + Encode<'t, Postgres> + Value,
    {
        let run = match self.run {
            Run::Sqlite(connection, query) => Run::Sqlite(connection, query.bind(value)),
            Run::Postgres(connection, query) => Run::Postgres(connection, query.bind(value)),
        };
        Self { run, ..self }
    }

    /// Runs it; how many rows it has changed.
    pub(super) async fn execute(self) -> Result<u64, StorageError> {
        until(self.deadline, async { Ok(self.run.execute().await?) }).await
    }

    /// Inserts a row; `false` if a row with such a unique value is there already. Nothing else can run in the transaction
    /// then: `PostgreSQL` refuses it.
    pub(super) async fn insert(self) -> Result<bool, StorageError> {
        let inserting = async {
            match self.run.execute().await {
                Ok(_) => Ok(true),
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
                Err(error) => Err(error.into()),
            }
        };
        until(self.deadline, inserting).await
    }

    /// The only row.
    pub(super) async fn fetch_one<T: FromRow>(self) -> Result<T, StorageError> {
        self.fetch_optional().await?.ok_or_else(|| StorageError::from(sqlx::Error::RowNotFound))
    }

    /// The only row, if there is one.
    pub(super) async fn fetch_optional<T: FromRow>(self) -> Result<Option<T>, StorageError> {
        let fetching = async {
            Ok(match self.run {
                Run::Sqlite(source, query) => {
                    let mut handle = source.connect().await?;
                    let row = query.fetch_optional(handle.connection()).await?;
                    handle.give_back();
                    row.as_ref().map(T::from_row).transpose()?
                }
                Run::Postgres(source, query) => {
                    let mut handle = source.connect().await?;
                    let row = query.fetch_optional(handle.connection()).await?;
                    row.as_ref().map(T::from_row).transpose()?
                }
            })
        };
        until(self.deadline, fetching).await
    }

    /// All rows.
    pub(super) async fn fetch_all<T: FromRow>(self) -> Result<Vec<T>, StorageError> {
        let fetching = async {
            Ok(match self.run {
                Run::Sqlite(source, query) => {
                    let mut handle = source.connect().await?;
                    let rows = query.fetch_all(handle.connection()).await?;
                    handle.give_back();
                    rows.iter().map(T::from_row).collect::<Result<_, _>>()?
                }
                Run::Postgres(source, query) => {
                    let mut handle = source.connect().await?;
                    let rows = query.fetch_all(handle.connection()).await?;
                    rows.iter().map(T::from_row).collect::<Result<_, _>>()?
                }
            })
        };
        until(self.deadline, fetching).await
    }
}

impl Run<'_> {
    async fn execute(self) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(SqliteSource::Transaction(connection), query) => {
                query.execute(connection).await?.rows_affected()
            }
            Self::Postgres(PostgresSource::Transaction(connection), query) => {
                query.execute(connection).await?.rows_affected()
            }
            Self::Sqlite(SqliteSource::Readers(_), _) | Self::Postgres(PostgresSource::Pool(_), _) => {
                return Err(sqlx::Error::Protocol("only a transaction changes anything".to_owned()));
            }
        })
    }
}

/// Waits for `work`, but not for ever: a server that has stopped, or a network that swallows everything, keeps no time
/// limit of its own.
pub(super) async fn until<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let Some(deadline) = deadline else { return work.await };
    match tokio::time::timeout_at(deadline, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StorageError::Unavailable("it does not answer in time".to_owned())),
    }
}
