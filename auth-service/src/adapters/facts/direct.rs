//! Facts straight from the database: one statement for each decision.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::facts::Facts;
use crate::domain::login::Identity;
use crate::domain::project::EntityId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{FactsReader, FactsStore};

/// Asks the database each time.
pub struct DirectFacts(pub Arc<dyn FactsStore>);

#[async_trait]
impl FactsReader for DirectFacts {
    async fn load(&self, identity: &Identity, names: &[RepositoryName]) -> Result<Facts, StorageError> {
        Ok(self.0.snapshot(identity, names).await?.value)
    }

    async fn load_item(&self, identity: &Identity, entity: EntityId) -> Result<Facts, StorageError> {
        Ok(self.0.item_snapshot(identity, entity).await?.value)
    }

    async fn catch_up(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
