//! Projects, repositories and their tags.

use async_trait::async_trait;
use sqlx::FromRow;

use super::sql::Columns;
use super::transaction::Transaction;
use super::{Store, corrupt};
use crate::domain::access::AccessSet;
use crate::domain::facts::LifeState;
use crate::domain::image::{Digest, Tag};
use crate::domain::principal::UserId;
use crate::domain::project::{EntityId, ProjectId, ProjectName};
use crate::domain::repository::{Item, RepositoryName};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::items::{ItemError, Items, Project, Repository, TagRecord};

struct ProjectRow {
    id: i64,
    name: String,
    trashed: bool,
    open_data: bool,
    repositories: i64,
}

struct RepositoryRow {
    id: i64,
    project_id: i64,
    path: String,
    state: String,
    local_sharing: bool,
    open_data: bool,
    created_at: i64,
}

impl<'r, R: Columns> FromRow<'r, R> for ProjectRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            name: row.value("name")?,
            trashed: row.value("trashed")?,
            open_data: row.value("open_data")?,
            repositories: row.value("repositories")?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for RepositoryRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            project_id: row.value("project_id")?,
            path: row.value("path")?,
            state: row.value("state")?,
            local_sharing: row.value("local_sharing")?,
            open_data: row.value("open_data")?,
            created_at: row.value("created_at")?,
        })
    }
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

/// The number and the state of a repository that people know of.
pub(super) async fn known_repository(
    transaction: &mut Transaction<'_>,
    name: &RepositoryName,
) -> Result<(i64, String), ItemError> {
    let found: Option<(i64, String)> = transaction
        .sql("SELECT id, state FROM repositories WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed')")
        .bind(name.project().number())
        .bind(name.path())
        .fetch_optional()
        .await?;
    found.ok_or_else(|| ItemError::NoSuchItem(Item::Repository(name.clone())))
}

#[async_trait]
impl Items for Store {
    async fn add_project(&self, name: &ProjectName, owner: UserId) -> Result<ProjectId, ItemError> {
        let created_at = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        let number = transaction.next_number("entity").await?;
        let is_free = transaction.sql(
                "INSERT INTO projects (id, name, open_data, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(number)
            .bind(name.as_str())
            .bind(false)
            .bind(owner.number())
            .bind(created_at)
            .insert().await?;
        if !is_free {
            return Err(ItemError::NameTaken);
        }
        transaction
            .sql("INSERT INTO access (item_id, principal_id, kinds) VALUES ($1, $2, $3)")
            .bind(number)
            .bind(owner.number())
            .bind(i64::from(AccessSet::ALL.to_bits()))
            .execute()
            .await?;
        transaction.note_change("project", number).await?;
        transaction.commit().await?;
        Ok(ProjectId::new(number))
    }

    async fn projects(&self) -> Result<Vec<Project>, StorageError> {
        let rows: Vec<ProjectRow> = self.list("SELECT projects.id, projects.name, projects.trashed_at IS NOT NULL AS trashed, projects.open_data, \
                 (SELECT COUNT(*) FROM repositories WHERE project_id = projects.id \
                  AND state IN ('live', 'trashed')) AS repositories FROM projects ORDER BY projects.id")?
            .fetch_all()
            .await?;
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
        let rows: Vec<RepositoryRow> = self.list("SELECT id, project_id, path, state, local_sharing, open_data, created_at FROM repositories \
                 WHERE state IN ('live', 'trashed') AND ($1 = 0 OR project_id = $1) ORDER BY project_id, path")?
            .bind(project.map_or(0, ProjectId::number))
            .fetch_all()
            .await?;
        rows.into_iter().map(RepositoryRow::into_repository).collect()
    }

    async fn tags(&self, name: &RepositoryName) -> Result<Option<Vec<TagRecord>>, StorageError> {
        let rows: Vec<(i64, Option<String>, Option<String>, Option<i64>)> = self
            .list(
                "SELECT repositories.id, tag, digest, moved_at FROM repositories \
                 LEFT JOIN tags ON tags.repository_id = repositories.id \
                 WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed') ORDER BY tag",
            )?
            .bind(name.project().number())
            .bind(name.path())
            .fetch_all()
            .await?;
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
        let mut transaction = self.begin().await?;
        let (statement, number) = match item {
            Item::Project(project) => ("UPDATE projects SET open_data = $2 WHERE id = $1", project.number()),
            Item::Repository(name) => {
                let (number, _) = known_repository(&mut transaction, name).await?;
                ("UPDATE repositories SET open_data = $2 WHERE id = $1", number)
            }
        };
        let changed = transaction.sql(statement).bind(number).bind(open_data).execute().await?;
        if changed == 0 {
            return Err(ItemError::NoSuchItem(item.clone()));
        }
        transaction.note_change("project", item.project().number()).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn set_life_state(&self, item: &Item, state: LifeState) -> Result<(), ItemError> {
        let trashed_at = (state == LifeState::Trashed).then(|| self.clock.now().as_millis());
        let mut transaction = self.begin().await?;
        let is_trashed = match item {
            Item::Repository(name) => known_repository(&mut transaction, name).await?.1 == "trashed",
            Item::Project(project) => {
                let found: Option<(bool,)> = transaction
                    .sql("SELECT trashed_at IS NOT NULL FROM projects WHERE id = $1")
                    .bind(project.number())
                    .fetch_optional()
                    .await?;
                found.ok_or_else(|| ItemError::NoSuchItem(item.clone()))?.0
            }
        };
        match (is_trashed, state) {
            (true, LifeState::Trashed) => return Err(ItemError::AlreadyTrashed(item.clone())),
            (false, LifeState::Live) => return Err(ItemError::NotTrashed(item.clone())),
            _ => {}
        }
        let query = match item {
            Item::Project(project) => transaction
                .sql("UPDATE projects SET trashed_at = $1 WHERE id = $2")
                .bind(trashed_at)
                .bind(project.number()),
            Item::Repository(name) => transaction
                .sql(
                    "UPDATE repositories SET trashed_at = $1, state = $4 WHERE project_id = $2 AND path = $3",
                )
                .bind(trashed_at)
                .bind(name.project().number())
                .bind(name.path())
                .bind(if state == LifeState::Trashed { "trashed" } else { "live" }),
        };
        let is_free = query.insert().await?;
        if !is_free {
            return Err(ItemError::NameTaken);
        }
        transaction.note_change("project", item.project().number()).await?;
        transaction.commit().await?;
        Ok(())
    }
}
