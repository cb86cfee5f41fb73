//! Projects and repositories by number, and lists of those that a caller may see.

use std::fmt::Write as _;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, FromRow};

use super::sql::Columns;
use super::{Store, corrupt};
use crate::domain::decision::Viewer;
use crate::domain::principal::{PrincipalId, UserId};
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::{Item, RepositoryName};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::entities::{Entities, Entity, Page};

/// The columns of [`EntityRow`].
const PROJECT: &str = "SELECT id, id AS project_id, name, CAST(NULL AS TEXT) AS path, created_by, created_at \
     FROM projects";
const REPOSITORY: &str = "SELECT repositories.id, project_id, CAST(NULL AS TEXT) AS name, path, \
     repositories.created_by, repositories.created_at FROM repositories";

struct EntityRow {
    id: i64,
    project_id: i64,
    name: Option<String>,
    path: Option<String>,
    created_by: Option<i64>,
    created_at: i64,
}

impl<'r, R: Columns> FromRow<'r, R> for EntityRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            project_id: row.value("project_id")?,
            name: row.value("name")?,
            path: row.value("path")?,
            created_by: row.value("created_by")?,
            created_at: row.value("created_at")?,
        })
    }
}

impl EntityRow {
    fn into_entity(self) -> Result<Entity, StorageError> {
        let (id, project) = (EntityId::new(self.id), ProjectId::new(self.project_id));
        let item = match self.path {
            None => Item::Project(project),
            Some(path) => {
                let text = format!("{project}/{path}");
                let name = RepositoryName::parse(&text);
                Item::Repository(name.ok_or_else(|| corrupt("a repository's name", text))?)
            }
        };
        Ok(Entity {
            id,
            item,
            name: self.name.unwrap_or_else(|| id.to_string()),
            created_by: self.created_by.map(UserId::new),
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[async_trait]
impl Entities for Store {
    async fn entity(&self, id: EntityId) -> Result<Option<Entity>, StorageError> {
        let statement = format!(
            "{PROJECT} WHERE id = $1 UNION ALL {REPOSITORY} WHERE id = $1 AND state IN ('live', 'trashed')"
        );
        let row: Option<EntityRow> =
            self.read(AssertSqlSafe(statement))?.bind(id.number()).fetch_optional().await?;
        row.map(EntityRow::into_entity).transpose()
    }

    async fn visible_projects(&self, viewer: &Viewer, page: Page) -> Result<Vec<Entity>, StorageError> {
        let is_seen = is_seen_by(viewer, "projects.id", "projects.id");
        let list = format!(
            "{PROJECT} WHERE $6 IS NULL AND trashed_at IS NULL AND {is_seen} \
             AND projects.id > $1 ORDER BY projects.id LIMIT $2"
        );
        self.visible(list, viewer, None, page).await
    }

    async fn visible_repositories(
        &self,
        viewer: &Viewer,
        project: ProjectId,
        page: Page,
    ) -> Result<Vec<Entity>, StorageError> {
        let benefactor = "CASE WHEN local_sharing THEN repositories.id ELSE project_id END";
        let is_seen = is_seen_by(viewer, "project_id", benefactor);
        let list = format!(
            "{REPOSITORY} JOIN projects ON projects.id = project_id \
             WHERE project_id = $6 AND state = 'live' AND projects.trashed_at IS NULL AND {is_seen} \
             AND repositories.id > $1 ORDER BY repositories.id LIMIT $2"
        );
        self.visible(list, viewer, Some(project), page).await
    }
}

impl Store {
    async fn visible(
        &self,
        statement: String,
        viewer: &Viewer,
        project: Option<ProjectId>,
        page: Page,
    ) -> Result<Vec<Entity>, StorageError> {
        let mut query = self
            .list(AssertSqlSafe(statement))?
            .bind(page.after.map_or(0, EntityId::number))
            .bind(i64::try_from(page.limit).unwrap_or(i64::MAX))
            .bind(viewer.sees_everything)
            .bind(viewer.bound_to.map(ProjectId::number))
            .bind(viewer.robot_of.map(ProjectId::number))
            .bind(project.map(ProjectId::number));
        for principal in &viewer.principals {
            query = query.bind(principal.number());
        }
        let rows: Vec<EntityRow> = query.fetch_all().await?;
        rows.into_iter().map(EntityRow::into_entity).collect()
    }
}

/// The condition that `viewer` has READ, by the sharing settings of `benefactor`, in `project`: `$3` is whether everything
/// is seen, `$4` the project of the token, `$5` that of a robot account, `$7` and those after it are the principals.
fn is_seen_by(viewer: &Viewer, project: &str, benefactor: &str) -> String {
    let mut principals = String::from("0");
    for place in 0..viewer.principals.len() {
        let _ = write!(principals, ", ${}", place + 7);
    }
    let public = PrincipalId::PUBLIC;
    format!(
        "($4 IS NULL OR {project} = $4) AND ($3 OR EXISTS (SELECT 1 FROM access WHERE item_id = {benefactor} \
         AND (kinds & 1) = 1 AND (principal_id = {public} \
         OR (principal_id IN ({principals}) AND ($5 IS NULL OR {project} = $5)))))"
    )
}
