//! Projects, repositories and their tags.

use async_trait::async_trait;

use super::{Store, change, corrupt, is_taken, list, next_number, note_change};
use crate::domain::access::AccessSet;
use crate::domain::facts::LifeState;
use crate::domain::image::{Digest, Tag};
use crate::domain::principal::UserId;
use crate::domain::project::{EntityId, ProjectId, ProjectName};
use crate::domain::repository::{Item, RepositoryName};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::items::{ItemError, Items, Project, Repository, TagRecord};

#[derive(sqlx::FromRow)]
struct ProjectRow {
    id: i64,
    name: String,
    trashed: bool,
    open_data: bool,
    repositories: i64,
}

#[derive(sqlx::FromRow)]
struct RepositoryRow {
    id: i64,
    project_id: i64,
    path: String,
    state: String,
    local_sharing: bool,
    open_data: bool,
    created_at: i64,
}

impl RepositoryRow {
    fn into_repository(self) -> Result<Repository, StorageError> {
        let text = format!("syn{}/{}", self.project_id, self.path);
        let state = match self.state.as_str() {
            "live" => LifeState::Live,
            "trashed" => LifeState::Trashed,
            other => return Err(corrupt("repositories.state", other)),
        };
        Ok(Repository {
            id: EntityId::new(self.id),
            name: RepositoryName::parse(&text).ok_or_else(|| corrupt("a repository's name", text))?,
            state,
            local_sharing: self.local_sharing,
            open_data: self.open_data,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// The state of a repository that people know of, and its number; inside a transaction.
macro_rules! known_repository {
    ($transaction:ident, $name:expr) => {{
        let found: Option<(i64, String)> = sqlx::query_as(
            "SELECT id, state FROM repositories WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed')",
        )
        .bind($name.project().number())
        .bind($name.path())
        .fetch_optional(&mut *$transaction)
        .await
        .map_err(StorageError::from)?;
        found.ok_or_else(|| ItemError::NoSuchItem(Item::Repository($name.clone())))?
    }};
}
pub(super) use known_repository;

#[async_trait]
impl Items for Store {
    async fn add_project(&self, name: &ProjectName, owner: UserId) -> Result<ProjectId, ItemError> {
        let created_at = self.clock.now().as_millis();
        change!(self, transaction => {
            let number = next_number!(transaction, "entity");
            sqlx::query(
                "INSERT INTO projects (id, name, open_data, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(number)
            .bind(name.as_str())
            .bind(false)
            .bind(owner.number())
            .bind(created_at)
            .execute(&mut *transaction)
            .await
            .map_err(|error| if is_taken(&error) {
                ItemError::NameTaken
            } else {
                StorageError::from(error).into()
            })?;
            sqlx::query("INSERT INTO access (item_id, principal_id, kinds) VALUES ($1, $2, $3)")
                .bind(number)
                .bind(owner.number())
                .bind(i64::from(AccessSet::ALL.to_bits()))
                .execute(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            note_change!(transaction, "project", number);
            Ok(ProjectId::new(number))
        })
    }

    async fn projects(&self) -> Result<Vec<Project>, StorageError> {
        let rows: Vec<ProjectRow> = list!(self, connection => {
            sqlx::query_as(
                "SELECT projects.id, projects.name, projects.trashed_at IS NOT NULL AS trashed, projects.open_data, \
                 (SELECT COUNT(*) FROM repositories WHERE project_id = projects.id \
                  AND state IN ('live', 'trashed')) AS repositories FROM projects ORDER BY projects.id",
            )
            .fetch_all(connection)
            .await?
        });
        let project = |row: ProjectRow| Project {
            id: ProjectId::new(row.id),
            name: row.name,
            state: if row.trashed { LifeState::Trashed } else { LifeState::Live },
            open_data: row.open_data,
            repositories: row.repositories,
        };
        Ok(rows.into_iter().map(project).collect())
    }

    async fn repositories(&self, project: Option<ProjectId>) -> Result<Vec<Repository>, StorageError> {
        let rows: Vec<RepositoryRow> = list!(self, connection => {
            sqlx::query_as(
                "SELECT id, project_id, path, state, local_sharing, open_data, created_at FROM repositories \
                 WHERE state IN ('live', 'trashed') AND ($1 = 0 OR project_id = $1) ORDER BY project_id, path",
            )
            .bind(project.map_or(0, ProjectId::number))
            .fetch_all(connection)
            .await?
        });
        rows.into_iter().map(RepositoryRow::into_repository).collect()
    }

    async fn tags(&self, name: &RepositoryName) -> Result<Option<Vec<TagRecord>>, StorageError> {
        let rows: Vec<(i64, Option<String>, Option<String>, Option<i64>)> = list!(self, connection => {
            sqlx::query_as(
                "SELECT repositories.id, tag, digest, moved_at FROM repositories \
                 LEFT JOIN tags ON tags.repository_id = repositories.id \
                 WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed') ORDER BY tag",
            )
            .bind(name.project().number())
            .bind(name.path())
            .fetch_all(connection)
            .await?
        });
        if rows.is_empty() {
            return Ok(None);
        }
        let mut tags = Vec::with_capacity(rows.len());
        for row in rows {
            let (_, Some(tag), Some(digest), Some(moved_at)) = row else { continue };
            tags.push(TagRecord {
                tag: Tag::parse(&tag).ok_or_else(|| corrupt("tags.tag", &tag))?,
                digest: Digest::parse(&digest).ok_or_else(|| corrupt("tags.digest", &digest))?,
                moved_at: Timestamp::from_millis(moved_at),
            });
        }
        Ok(Some(tags))
    }

    async fn set_open_data(&self, item: &Item, open_data: bool) -> Result<(), ItemError> {
        change!(self, transaction => {
            let (statement, number) = match item {
                Item::Project(project) => ("UPDATE projects SET open_data = $2 WHERE id = $1", project.number()),
                Item::Repository(name) => {
                    let (number, _) = known_repository!(transaction, name);
                    ("UPDATE repositories SET open_data = $2 WHERE id = $1", number)
                }
            };
            let changed = sqlx::query(statement)
                .bind(number)
                .bind(open_data)
                .execute(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            if changed.rows_affected() == 0 {
                return Err(ItemError::NoSuchItem(item.clone()));
            }
            note_change!(transaction, "project", item.project().number());
            Ok(())
        })
    }

    async fn set_life_state(&self, item: &Item, state: LifeState) -> Result<(), ItemError> {
        let trashed_at = (state == LifeState::Trashed).then(|| self.clock.now().as_millis());
        change!(self, transaction => {
            let is_trashed = match item {
                Item::Repository(name) => known_repository!(transaction, name).1 == "trashed",
                Item::Project(project) => {
                    let found: Option<(bool,)> =
                        sqlx::query_as("SELECT trashed_at IS NOT NULL FROM projects WHERE id = $1")
                            .bind(project.number())
                            .fetch_optional(&mut *transaction)
                            .await
                            .map_err(StorageError::from)?;
                    found.ok_or_else(|| ItemError::NoSuchItem(item.clone()))?.0
                }
            };
            match (is_trashed, state) {
                (true, LifeState::Trashed) => return Err(ItemError::AlreadyTrashed(item.clone())),
                (false, LifeState::Live) => return Err(ItemError::NotTrashed(item.clone())),
                _ => {}
            }
            let query = match item {
                Item::Project(project) => sqlx::query("UPDATE projects SET trashed_at = $1 WHERE id = $2")
                    .bind(trashed_at)
                    .bind(project.number()),
                Item::Repository(name) => sqlx::query(
                    "UPDATE repositories SET trashed_at = $1, state = $4 WHERE project_id = $2 AND path = $3",
                )
                .bind(trashed_at)
                .bind(name.project().number())
                .bind(name.path())
                .bind(if state == LifeState::Trashed { "trashed" } else { "live" }),
            };
            query.execute(&mut *transaction).await.map_err(|error| if is_taken(&error) {
                ItemError::NameTaken
            } else {
                StorageError::from(error).into()
            })?;
            note_change!(transaction, "project", item.project().number());
            Ok(())
        })
    }
}
