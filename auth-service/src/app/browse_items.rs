//! Looking at projects, repositories and tags.

use std::sync::Arc;

use crate::domain::decision::Viewer;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::entities::{Entities, Entity, Page};
use crate::ports::items::{Items, Project, Repository, TagRecord};

/// Reads items for people and programs. What of them a caller may see is for
/// [`ItemRights`](crate::domain::decision::ItemRights) and [`Viewer`] to say.
pub struct BrowseItems {
    /// Projects and repositories by name.
    pub items: Arc<dyn Items>,
    /// The same by number.
    pub entities: Arc<dyn Entities>,
}

impl BrowseItems {
    /// Every project, for whoever administers the service.
    pub async fn projects(&self) -> Result<Vec<Project>, StorageError> {
        self.items.projects().await
    }

    /// Every repository, or every one of a project, for whoever administers the service.
    pub async fn repositories(&self, project: Option<ProjectId>) -> Result<Vec<Repository>, StorageError> {
        self.items.repositories(project).await
    }

    /// The tags of a repository, by name; `None` when there is no such repository. Tags under which programs keep
    /// signatures and other attachments are left out.
    pub async fn tags(&self, name: &RepositoryName) -> Result<Option<Vec<TagRecord>>, StorageError> {
        let mut tags = self.items.tags(name).await?;
        if let Some(tags) = &mut tags {
            tags.retain(|record| !record.tag.is_attachment());
        }
        Ok(tags)
    }

    /// The project or repository with this number.
    pub async fn entity(&self, id: EntityId) -> Result<Option<Entity>, StorageError> {
        self.entities.entity(id).await
    }

    /// The projects that `viewer` sees.
    pub async fn visible_projects(&self, viewer: &Viewer, page: Page) -> Result<Vec<Entity>, StorageError> {
        self.entities.visible_projects(viewer, page).await
    }

    /// The repositories of a project that `viewer` sees.
    pub async fn visible_repositories(
        &self,
        viewer: &Viewer,
        project: ProjectId,
        page: Page,
    ) -> Result<Vec<Entity>, StorageError> {
        self.entities.visible_repositories(viewer, project, page).await
    }
}
