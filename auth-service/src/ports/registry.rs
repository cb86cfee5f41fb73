//! Asking the registry itself.

use async_trait::async_trait;

use crate::domain::repository::RepositoryName;

/// The registry could not be asked, or did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the registry cannot be asked: {0}")]
pub struct RegistryUnreachable(pub String);

/// What the registry holds, whatever the records say.
#[async_trait]
pub trait RegistryContents: Send + Sync {
    /// Whether anything is stored under this name.
    async fn holds(&self, name: &RepositoryName) -> Result<bool, RegistryUnreachable>;

    /// The highest number `N` of any `synN/…` in the registry's catalogue; 0 when there is none.
    async fn highest_project_number(&self) -> Result<i64, RegistryUnreachable>;
}
