//! Asking the registry itself.

use async_trait::async_trait;

use crate::domain::repository::RepositoryName;

/// The registry could not be asked, or did not answer in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the registry cannot be asked: {0}")]
pub struct RegistryUnreachable(pub String);

/// What the registry has under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Nothing that it tells of.
    Nothing,
    /// Layers or manifests, but no tag.
    Untagged,
    /// At least one tag, or a tag that was deleted.
    Tagged,
}

/// A part of the registry's catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CataloguePage {
    /// The names, as the registry has them and in its order.
    pub names: Vec<String>,
    /// Whether others may come after them.
    pub has_more: bool,
}

/// What the registry holds, whatever the records say.
#[async_trait]
pub trait RegistryContents: Send + Sync {
    /// What is stored under this name.
    async fn holding(&self, name: &RepositoryName) -> Result<Holding, RegistryUnreachable>;

    /// The names in the registry's catalogue that come after `last`, as many as it gives at once.
    async fn catalogue_after(&self, last: &str) -> Result<CataloguePage, RegistryUnreachable>;
}
