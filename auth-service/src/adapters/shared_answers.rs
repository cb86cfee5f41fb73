//! Asking the registry once for all who ask about one name at the same moment. Clients look several times before
//! they push, and looking makes a registry walk its store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::domain::repository::RepositoryName;
use crate::ports::registry::{CataloguePage, Holding, RegistryContents, RegistryUnreachable};

/// How long an answer is good for those who ask after it. Whatever comes under a name in that time comes from
/// somebody for whom it was reserved, which the records say.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Most answers kept at one time; about 200 bytes each.
const MOST_ANSWERS: u64 = 5_000;
/// Most names that the registry is asked about at one time; the others wait for their turn.
const AT_ONCE: usize = 8;

/// A registry that is asked about each name once at a time.
pub struct SharedAnswers {
    registry: Arc<dyn RegistryContents>,
    answers: Cache<RepositoryName, Holding>,
    turns: Semaphore,
}

impl SharedAnswers {
    /// The answers of `registry`.
    #[must_use]
    pub fn new(registry: Arc<dyn RegistryContents>) -> Self {
        let answers = Cache::builder().max_capacity(MOST_ANSWERS).time_to_live(SHARED_FOR).build();
        Self { registry, answers, turns: Semaphore::new(AT_ONCE) }
    }
}

#[async_trait]
impl RegistryContents for SharedAnswers {
    async fn holding(&self, name: &RepositoryName) -> Result<Holding, RegistryUnreachable> {
        let asking = async {
            let _turn = self.turns.acquire().await.map_err(|error| RegistryUnreachable(error.to_string()))?;
            self.registry.holding(name).await
        };
        self.answers.try_get_with_by_ref(name, asking).await.map_err(Arc::unwrap_or_clone)
    }

    async fn catalogue_after(&self, last: &str) -> Result<CataloguePage, RegistryUnreachable> {
        self.registry.catalogue_after(last).await
    }
}

/// In place of a registry that cannot be asked.
pub struct NoRegistry(pub String);

#[async_trait]
impl RegistryContents for NoRegistry {
    async fn holding(&self, _: &RepositoryName) -> Result<Holding, RegistryUnreachable> {
        Err(RegistryUnreachable(self.0.clone()))
    }

    async fn catalogue_after(&self, _: &str) -> Result<CataloguePage, RegistryUnreachable> {
        Err(RegistryUnreachable(self.0.clone()))
    }
}
