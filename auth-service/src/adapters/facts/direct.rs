//! Facts straight from the database: one statement for each decision.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::facts::Facts;
use crate::domain::principal::UserId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{FactsReader, FactsStore};

/// Asks the database each time.
pub struct DirectFacts(pub Arc<dyn FactsStore>);

#[async_trait]
impl FactsReader for DirectFacts {
    async fn load(&self, user: Option<UserId>, names: &[RepositoryName]) -> Result<Facts, StorageError> {
        Ok(self.0.snapshot(user, names).await?.value)
    }

    async fn catch_up(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
