//! Sharing settings: of projects, and of repositories that have their own.

use async_trait::async_trait;

use super::items::known_repository;
use super::transaction::Transaction;
use super::{Store, corrupt};
use crate::domain::access::AccessSet;
use crate::domain::facts::Sharing;
use crate::domain::principal::PrincipalId;
use crate::domain::project::ProjectId;
use crate::domain::repository::{Item, RepositoryName};
use crate::ports::StorageError;
use crate::ports::items::{AccessChange, ItemError, ItemSharing, SharingSettings};

/// The number of the item whose own settings are meant.
async fn item_with_sharing(transaction: &mut Transaction<'_>, item: &Item) -> Result<i64, ItemError> {
    match item {
        Item::Project(project) => {
            let found: Option<(i64,)> = transaction
                .sql("SELECT id FROM projects WHERE id = $1")
                .bind(project.number())
                .fetch_optional()
                .await?;
            found.map(|(number,)| number).ok_or_else(|| ItemError::NoSuchItem(item.clone()))
        }
        Item::Repository(name) => {
            let (number, _) = known_repository(transaction, name).await?;
            match has_local_sharing(transaction, number).await? {
                true => Ok(number),
                false => Err(ItemError::SharingInherited(name.clone())),
            }
        }
    }
}

async fn has_local_sharing(transaction: &mut Transaction<'_>, repository: i64) -> Result<bool, StorageError> {
    let (local,): (bool,) = transaction
        .sql("SELECT local_sharing FROM repositories WHERE id = $1")
        .bind(repository)
        .fetch_one()
        .await?;
    Ok(local)
}

#[async_trait]
impl SharingSettings for Store {
    async fn sharing(&self, item: &Item) -> Result<Option<ItemSharing>, StorageError> {
        let path = match item {
            Item::Project(_) => None,
            Item::Repository(name) => Some(name.path()),
        };
        // The first row says whose settings hold; the others are the settings.
        let rows: Vec<(i64, i64, i64)> = self.read("WITH holder AS ( \
                   SELECT projects.id AS item, 1 AS own FROM projects WHERE projects.id = $1 AND $2 IS NULL \
                   UNION ALL SELECT CASE WHEN local_sharing THEN id ELSE project_id END, \
                     CASE WHEN local_sharing THEN 1 ELSE 0 END FROM repositories \
                   WHERE project_id = $1 AND path = $2 AND state IN ('live', 'trashed')) \
                 SELECT CAST(own AS BIGINT) AS own, COALESCE(principal_id, 0), COALESCE(kinds, 0) FROM holder \
                 LEFT JOIN access ON access.item_id = holder.item ORDER BY 2")?
            .bind(item.project().number())
            .bind(path)
            .fetch_all()
            .await?;
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
        let mut transaction = self.begin().await?;
        let number = item_with_sharing(&mut transaction, item).await?;
        let rows: Vec<(i64, i64)> = transaction
            .sql("SELECT principal_id, kinds FROM access WHERE item_id = $1")
            .bind(number)
            .fetch_all()
            .await?;
        let present = rows.iter().find(|(present, _)| *present == principal.number());
        let before = present.and_then(|(_, kinds)| AccessSet::from_bits(*kinds)).unwrap_or_default();
        let after = access.apply(before);
        if matches!(access, AccessChange::Add(_)) {
            let robot_of: Option<(Option<i64>,)> = transaction
                .sql("SELECT robot_of FROM users WHERE id = $1")
                .bind(principal.number())
                .fetch_optional()
                .await?;
            let its_project = robot_of.and_then(|(project,)| project).map(ProjectId::new);
            if let Some(project) = its_project.filter(|project| *project != item.project()) {
                return Err(ItemError::RobotOf(project));
            }
        }
        if present.is_none() && !after.is_empty() && rows.len() >= limit {
            return Err(ItemError::TooManyRows(limit));
        }
        let query = if after.is_empty() {
            transaction
                .sql("DELETE FROM access WHERE item_id = $1 AND principal_id = $2")
                .bind(number)
                .bind(principal.number())
        } else {
            transaction
                .sql(
                    "INSERT INTO access (item_id, principal_id, kinds) VALUES ($1, $2, $3) \
                     ON CONFLICT (item_id, principal_id) DO UPDATE SET kinds = excluded.kinds",
                )
                .bind(number)
                .bind(principal.number())
                .bind(i64::from(after.to_bits()))
        };
        query.execute().await?;
        transaction.note_change("project", item.project().number()).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn set_local_sharing(&self, name: &RepositoryName, local: bool) -> Result<(), ItemError> {
        let mut transaction = self.begin().await?;
        let (number, _) = known_repository(&mut transaction, name).await?;
        let is_local = has_local_sharing(&mut transaction, number).await?;
        if is_local != local {
            let statement = if local {
                "INSERT INTO access (item_id, principal_id, kinds) \
                     SELECT $1, principal_id, kinds FROM access WHERE item_id = $2"
            } else {
                "DELETE FROM access WHERE item_id = $1 AND item_id <> $2"
            };
            transaction.sql(statement).bind(number).bind(name.project().number()).execute().await?;
            transaction
                .sql("UPDATE repositories SET local_sharing = $2 WHERE id = $1")
                .bind(number)
                .bind(local)
                .execute()
                .await?;
        }
        transaction.note_change("project", name.project().number()).await?;
        transaction.commit().await?;
        Ok(())
    }
}
