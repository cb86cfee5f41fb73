//! Sharing settings: of projects, and of repositories that have their own.

use async_trait::async_trait;

use super::items::known_repository;
use super::{Store, change, corrupt, note_change, read};
use crate::domain::access::AccessSet;
use crate::domain::facts::Sharing;
use crate::domain::principal::PrincipalId;
use crate::domain::project::ProjectId;
use crate::domain::repository::{Item, RepositoryName};
use crate::ports::StorageError;
use crate::ports::items::{AccessChange, ItemError, ItemSharing, SharingSettings};

/// The number of the item whose own settings are meant, inside a transaction.
macro_rules! item_with_sharing {
    ($transaction:ident, $item:expr) => {
        match $item {
            Item::Project(project) => {
                let found: Option<(i64,)> = sqlx::query_as("SELECT id FROM projects WHERE id = $1")
                    .bind(project.number())
                    .fetch_optional(&mut *$transaction)
                    .await
                    .map_err(StorageError::from)?;
                found.ok_or_else(|| ItemError::NoSuchItem($item.clone()))?.0
            }
            Item::Repository(name) => {
                let (number, _) = known_repository!($transaction, name);
                let (local,): (bool,) =
                    sqlx::query_as("SELECT local_sharing FROM repositories WHERE id = $1")
                        .bind(number)
                        .fetch_one(&mut *$transaction)
                        .await
                        .map_err(StorageError::from)?;
                if !local {
                    return Err(ItemError::SharingInherited(name.clone()));
                }
                number
            }
        }
    };
}

#[async_trait]
impl SharingSettings for Store {
    async fn sharing(&self, item: &Item) -> Result<Option<ItemSharing>, StorageError> {
        let path = match item {
            Item::Project(_) => None,
            Item::Repository(name) => Some(name.path()),
        };
        // The first row says whose settings hold; the others are the settings.
        let rows: Vec<(i64, i64, i64)> = read!(self, connection => {
            sqlx::query_as(
                "WITH holder AS ( \
                   SELECT projects.id AS item, 1 AS own FROM projects WHERE projects.id = $1 AND $2 IS NULL \
                   UNION ALL SELECT CASE WHEN local_sharing THEN id ELSE project_id END, \
                     CASE WHEN local_sharing THEN 1 ELSE 0 END FROM repositories \
                   WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed')) \
                 SELECT CAST(own AS BIGINT) AS own, COALESCE(principal_id, 0), COALESCE(kinds, 0) FROM holder \
                 LEFT JOIN access ON access.item_id = holder.item ORDER BY 2",
            )
            .bind(item.project().number())
            .bind(path)
            .fetch_all(connection)
            .await?
        });
        let Some((own, ..)) = rows.first().copied() else { return Ok(None) };
        let access =
            rows.into_iter().filter(|(_, principal, _)| *principal != 0).map(|(_, principal, kinds)| {
                let kinds = AccessSet::from_bits(kinds).ok_or_else(|| corrupt("access.kinds", kinds))?;
                Ok((PrincipalId::new(principal), kinds))
            });
        let access: Vec<_> = access.collect::<Result<_, StorageError>>()?;
        Ok(Some(ItemSharing { own: own != 0, sharing: Sharing::new(access) }))
    }

    async fn set_access(
        &self,
        item: &Item,
        principal: PrincipalId,
        access: AccessChange,
        limit: usize,
    ) -> Result<(), ItemError> {
        change!(self, transaction => {
            let number = item_with_sharing!(transaction, item);
            let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT principal_id, kinds FROM access WHERE item_id = $1")
                .bind(number)
                .fetch_all(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            let present = rows.iter().find(|(present, _)| *present == principal.number());
            let before = present.and_then(|(_, kinds)| AccessSet::from_bits(*kinds)).unwrap_or_default();
            let after = access.apply(before);
            if matches!(access, AccessChange::Add(_)) {
                let robot_of: Option<(Option<i64>,)> = sqlx::query_as("SELECT robot_of FROM users WHERE id = $1")
                    .bind(principal.number())
                    .fetch_optional(&mut *transaction)
                    .await
                    .map_err(StorageError::from)?;
                let its_project = robot_of.and_then(|(project,)| project).map(ProjectId::new);
                if let Some(project) = its_project.filter(|project| *project != item.project()) {
                    return Err(ItemError::RobotOf(project));
                }
            }
            if present.is_none() && !after.is_empty() && rows.len() >= limit {
                return Err(ItemError::TooManyRows(limit));
            }
            let query = if after.is_empty() {
                sqlx::query("DELETE FROM access WHERE item_id = $1 AND principal_id = $2")
                    .bind(number)
                    .bind(principal.number())
            } else {
                sqlx::query(
                    "INSERT INTO access (item_id, principal_id, kinds) VALUES ($1, $2, $3) \
                     ON CONFLICT (item_id, principal_id) DO UPDATE SET kinds = excluded.kinds",
                )
                .bind(number)
                .bind(principal.number())
                .bind(i64::from(after.to_bits()))
            };
            query.execute(&mut *transaction).await.map_err(StorageError::from)?;
            note_change!(transaction, "project", item.project().number());
            Ok(())
        })
    }

    async fn set_local_sharing(&self, name: &RepositoryName, local: bool) -> Result<(), ItemError> {
        change!(self, transaction => {
            let (number, _) = known_repository!(transaction, name);
            let (is_local,): (bool,) = sqlx::query_as("SELECT local_sharing FROM repositories WHERE id = $1")
                .bind(number)
                .fetch_one(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            if is_local != local {
                let statement = if local {
                    "INSERT INTO access (item_id, principal_id, kinds) \
                     SELECT $1, principal_id, kinds FROM access WHERE item_id = $2"
                } else {
                    "DELETE FROM access WHERE item_id = $1 AND item_id <> $2"
                };
                sqlx::query(statement)
                    .bind(number)
                    .bind(name.project().number())
                    .execute(&mut *transaction)
                    .await
                    .map_err(StorageError::from)?;
                sqlx::query("UPDATE repositories SET local_sharing = $2 WHERE id = $1")
                    .bind(number)
                    .bind(local)
                    .execute(&mut *transaction)
                    .await
                    .map_err(StorageError::from)?;
            }
            note_change!(transaction, "project", name.project().number());
            Ok(())
        })
    }
}
