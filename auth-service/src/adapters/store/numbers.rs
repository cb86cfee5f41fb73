//! The numbers of projects and repositories: never one that a registry has had already.

use async_trait::async_trait;

use super::{Engine, Store};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::items::Numbers;

/// Tells a `PostgreSQL` database from its copies: the server, the database in it, and the timeline, which a
/// restored server begins anew.
const POSTGRES_IDENTITY: &str = "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid || '/' || \
     (SELECT timeline_id FROM pg_control_checkpoint()) FROM pg_database WHERE datname = current_database()";

impl Store {
    /// What tells this database from its copies, as far as that can be told.
    async fn identity(&self) -> Result<String, StorageError> {
        match &self.engine {
            Engine::Sqlite { file, .. } => Ok(file.identity()),
            Engine::Postgres(_) => {
                let (identity,): (String,) = self.read(POSTGRES_IDENTITY)?.fetch_one().await?;
                Ok(identity)
            }
        }
    }
}

#[async_trait]
impl Numbers for Store {
    async fn raise_numbers(&self, highest: i64, address: &str) -> Result<(), StorageError> {
        let database = self.identity().await?;
        let now = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        transaction
            .sql("UPDATE sequences SET value = $1 WHERE name = 'entity' AND value < $1")
            .bind(highest)
            .execute()
            .await?;
        transaction.sql(
                "INSERT INTO numbers_raised (registry, database, raised_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (registry) DO UPDATE SET database = excluded.database, raised_at = excluded.raised_at",
            )
            .bind(address)
            .bind(database)
            .bind(now)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn numbers_raised_at(&self, address: &str) -> Result<Option<Timestamp>, StorageError> {
        let database = self.identity().await?;
        let found: Option<(i64,)> = self
            .read("SELECT raised_at FROM numbers_raised WHERE registry = $1 AND database = $2")?
            .bind(address)
            .bind(database)
            .fetch_optional()
            .await?;
        Ok(found.map(|(at,)| Timestamp::from_millis(at)))
    }
}
