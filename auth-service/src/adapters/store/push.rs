//! What the push of a manifest does to the records: the repository exists from now on, the manifest is in it, and the
//! tag points there unless a later push has moved it.

use super::transaction::Transaction;
use crate::domain::event::ManifestPush;
use crate::domain::principal::UserId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;

/// When a push happened, and when its event arrived.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) happened_at: Timestamp,
    pub(super) arrived_at: Timestamp,
}

/// Applies a push. Returns the reason if it can never be applied.
pub(super) async fn apply_push(
    transaction: &mut Transaction<'_>,
    push: &ManifestPush,
    times: Times,
) -> Result<Option<&'static str>, StorageError> {
    if let Some(reason) = why_unusable(transaction, push).await? {
        return Ok(Some(reason));
    }
    let repository = repository_pushed_to(transaction, push, times.happened_at).await?;
    record_manifest(transaction, repository, push, times.happened_at).await?;
    move_tag(transaction, repository, push, times).await?;
    Ok(None)
}

async fn why_unusable(
    transaction: &mut Transaction<'_>,
    push: &ManifestPush,
) -> Result<Option<&'static str>, StorageError> {
    let known: Option<(i64,)> = transaction
        .sql("SELECT id FROM projects WHERE id = $1")
        .bind(push.repository.project().number())
        .fetch_optional()
        .await?;
    Ok(known.is_none().then_some("its project does not exist"))
}

/// The number of the repository that was pushed to. One without a record, or only reserved, is in use from now on; one in
/// the trash, or quarantined, stays as it is.
async fn repository_pushed_to(
    transaction: &mut Transaction<'_>,
    push: &ManifestPush,
    at: Timestamp,
) -> Result<i64, StorageError> {
    let found: Option<(i64, String)> = transaction
        .sql("SELECT id, state FROM repositories WHERE project_id = $1 AND path = $2")
        .bind(push.repository.project().number())
        .bind(push.repository.path())
        .fetch_optional()
        .await?;
    match found {
        Some((id, state)) if state == "reserved" => {
            open_reserved(transaction, id, push, at).await?;
            Ok(id)
        }
        Some((id, _)) => Ok(id),
        None => add_repository(transaction, push, at).await,
    }
}

async fn open_reserved(
    transaction: &mut Transaction<'_>,
    repository: i64,
    push: &ManifestPush,
    at: Timestamp,
) -> Result<(), StorageError> {
    transaction
        .sql(
            "UPDATE repositories SET state = 'live', reserved_by = NULL, reserved_until = NULL, \
             created_by = $2, created_at = $3 WHERE id = $1",
        )
        .bind(repository)
        .bind(push.pushed_by.map(UserId::number))
        .bind(at.as_millis())
        .execute()
        .await?;
    transaction.note_change("project", push.repository.project().number()).await
}

async fn add_repository(
    transaction: &mut Transaction<'_>,
    push: &ManifestPush,
    at: Timestamp,
) -> Result<i64, StorageError> {
    let id = transaction.next_number("entity").await?;
    transaction
        .sql(
            "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_by, \
             created_at) VALUES ($1, $2, $3, 'live', $4, $4, $5, $6)",
        )
        .bind(id)
        .bind(push.repository.project().number())
        .bind(push.repository.path())
        .bind(false)
        .bind(push.pushed_by.map(UserId::number))
        .bind(at.as_millis())
        .execute()
        .await?;
    transaction.note_change("project", push.repository.project().number()).await?;
    Ok(id)
}

async fn record_manifest(
    transaction: &mut Transaction<'_>,
    repository: i64,
    push: &ManifestPush,
    at: Timestamp,
) -> Result<(), StorageError> {
    transaction
        .sql(
            "INSERT INTO manifests (repository_id, digest, media_type, size, pushed_by, pushed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, digest) DO NOTHING",
        )
        .bind(repository)
        .bind(push.digest.as_str())
        .bind(push.media_type.as_str())
        .bind(push.size)
        .bind(push.pushed_by.map(UserId::number))
        .bind(at.as_millis())
        .execute()
        .await?;
    Ok(())
}

/// Moves the tag of the push, if it has one, unless the tag was moved later than this push happened. Of two that happened
/// at one moment the one that arrived last wins.
async fn move_tag(
    transaction: &mut Transaction<'_>,
    repository: i64,
    push: &ManifestPush,
    times: Times,
) -> Result<(), StorageError> {
    let Some(tag) = &push.tag else { return Ok(()) };
    transaction
        .sql(
            "INSERT INTO tags (repository_id, tag, digest, pushed_by, moved_at, arrived_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, tag) DO UPDATE SET \
             digest = excluded.digest, pushed_by = excluded.pushed_by, moved_at = excluded.moved_at, \
             arrived_at = excluded.arrived_at WHERE tags.moved_at < excluded.moved_at \
             OR (tags.moved_at = excluded.moved_at AND tags.arrived_at <= excluded.arrived_at)",
        )
        .bind(repository)
        .bind(tag.as_str())
        .bind(push.digest.as_str())
        .bind(push.pushed_by.map(UserId::number))
        .bind(times.happened_at.as_millis())
        .bind(times.arrived_at.as_millis())
        .execute()
        .await?;
    Ok(())
}
