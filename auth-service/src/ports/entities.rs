//! Projects and repositories as programs see them, by number, and lists of those that a caller may see.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::decision::Viewer;
use crate::domain::principal::UserId;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::Item;
use crate::domain::time::Timestamp;

/// A project or repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The number.
    pub id: EntityId,
    /// Which one it is.
    pub item: Item,
    /// What people call it; a repository is called by its number.
    pub name: String,
    /// The account that made it; `None` when the registry did not say who pushed.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A part of a list that is in the order of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The last number of the part before.
    pub after: Option<EntityId>,
    /// The length of the part.
    pub limit: usize,
}

/// Projects and repositories by number. Reserved and quarantined names have none that people know.
#[async_trait]
pub trait Entities: Send + Sync {
    /// The project or repository with this number, in the trash or not.
    async fn entity(&self, id: EntityId) -> Result<Option<Entity>, StorageError>;

    /// The projects that `viewer` sees.
    async fn visible_projects(&self, viewer: &Viewer, page: Page) -> Result<Vec<Entity>, StorageError>;

    /// The repositories of a project that `viewer` sees.
    async fn visible_repositories(
        &self,
        viewer: &Viewer,
        project: ProjectId,
        page: Page,
    ) -> Result<Vec<Entity>, StorageError>;
}
