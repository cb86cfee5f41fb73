//! What the push of a manifest does to the records, in steps that run inside a transaction: the repository
//! exists from now on, the manifest is in it, and the tag points there unless a later push has moved it.

/// Why a push can never be applied; `None` when it can.
macro_rules! refusal {
    ($transaction:ident, $push:expr) => {{
        let known: Option<(i64,)> = sqlx::query_as("SELECT id FROM projects WHERE id = $1")
            .bind($push.repository.project().number())
            .fetch_optional(&mut *$transaction)
            .await?;
        known.is_none().then_some("its project does not exist")
    }};
}

/// The number of the repository that was pushed to. One that is not on record yet, or only reserved, is in
/// use from now on; one in the trash, or quarantined, stays as it is.
macro_rules! repository_pushed_to {
    ($transaction:ident, $push:expr, $at:expr) => {{
        let found: Option<(i64, String)> =
            sqlx::query_as("SELECT id, state FROM repositories WHERE project_id = $1 AND path = $2")
                .bind($push.repository.project().number())
                .bind($push.repository.path())
                .fetch_optional(&mut *$transaction)
                .await?;
        match found {
            Some((id, state)) if state == "reserved" => {
                open_reserved!($transaction, id, $push, $at);
                id
            }
            Some((id, _)) => id,
            None => add_repository!($transaction, $push, $at),
        }
    }};
}

macro_rules! open_reserved {
    ($transaction:ident, $repository:expr, $push:expr, $at:expr) => {{
        sqlx::query(
            "UPDATE repositories SET state = 'live', reserved_by = NULL, reserved_until = NULL, \
             created_by = $2, created_at = $3 WHERE id = $1",
        )
        .bind($repository)
        .bind($push.pushed_by.map(UserId::number))
        .bind($at.as_millis())
        .execute(&mut *$transaction)
        .await?;
        note_change!($transaction, "project", $push.repository.project().number());
    }};
}

macro_rules! add_repository {
    ($transaction:ident, $push:expr, $at:expr) => {{
        let id = next_number!($transaction, "entity");
        sqlx::query(
            "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_by, \
             created_at) VALUES ($1, $2, $3, 'live', $4, $4, $5, $6)",
        )
        .bind(id)
        .bind($push.repository.project().number())
        .bind($push.repository.path())
        .bind(false)
        .bind($push.pushed_by.map(UserId::number))
        .bind($at.as_millis())
        .execute(&mut *$transaction)
        .await?;
        note_change!($transaction, "project", $push.repository.project().number());
        id
    }};
}

macro_rules! record_manifest {
    ($transaction:ident, $repository:expr, $push:expr, $at:expr) => {
        sqlx::query(
            "INSERT INTO manifests (repository_id, digest, media_type, size, pushed_by, pushed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, digest) DO NOTHING",
        )
        .bind($repository)
        .bind($push.digest.as_str())
        .bind($push.media_type.as_str())
        .bind($push.size)
        .bind($push.pushed_by.map(UserId::number))
        .bind($at.as_millis())
        .execute(&mut *$transaction)
        .await?
    };
}

/// Moves a tag, unless it was moved later than this push happened. Of two that happened at one moment the
/// one that arrived last holds.
macro_rules! move_tag {
    ($transaction:ident, $repository:expr, $push:expr, $tag:expr, $at:expr, $arrived_at:expr) => {
        sqlx::query(
            "INSERT INTO tags (repository_id, tag, digest, pushed_by, moved_at, arrived_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, tag) DO UPDATE SET \
             digest = excluded.digest, pushed_by = excluded.pushed_by, moved_at = excluded.moved_at, \
             arrived_at = excluded.arrived_at WHERE tags.moved_at < excluded.moved_at \
             OR (tags.moved_at = excluded.moved_at AND tags.arrived_at <= excluded.arrived_at)",
        )
        .bind($repository)
        .bind($tag.as_str())
        .bind($push.digest.as_str())
        .bind($push.pushed_by.map(UserId::number))
        .bind($at.as_millis())
        .bind($arrived_at.as_millis())
        .execute(&mut *$transaction)
        .await?
    };
}

pub(super) use {add_repository, move_tag, open_reserved, record_manifest, refusal, repository_pushed_to};
