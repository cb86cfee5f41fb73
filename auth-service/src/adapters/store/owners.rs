//! Whether somebody is left who can share a project.

use super::transaction::Transaction;
use crate::domain::account::AccountName;
use crate::domain::principal::PrincipalId;
use crate::ports::accounts::AccountError;

/// A live project that the user or team `$1` lets somebody share, and nobody else could once it is gone: by name, through
/// a team, or as everybody who is logged in (`$2`). Nobody is whoever cannot log in or is a robot account; the user who
/// goes counts even if disabled. 32 is the bit of `CHANGE_PERMISSIONS`.
const ORPHANED_WITHOUT: &str = "WITH people (principal, person) AS \
       (SELECT id, id FROM users UNION ALL SELECT team_id, user_id FROM team_members) \
     SELECT projects.id FROM access AS mine JOIN projects ON projects.id = mine.item_id \
     WHERE trashed_at IS NULL AND (mine.kinds & 32) <> 0 AND (mine.principal_id = $1 \
       OR mine.principal_id IN (SELECT team_id FROM team_members WHERE user_id = $1)) \
     AND EXISTS (SELECT 1 FROM people JOIN users ON users.id = person WHERE principal = mine.principal_id \
       AND robot_of IS NULL AND (users.id = $1 OR (mine.principal_id = $1 AND NOT disabled))) \
     AND NOT EXISTS (SELECT 1 FROM access AS other LEFT JOIN people ON principal = other.principal_id \
       LEFT JOIN users ON users.id = person WHERE other.item_id = projects.id AND (other.kinds & 32) <> 0 \
       AND other.principal_id <> $1 AND (other.principal_id = $2 \
         OR (users.id <> $1 AND NOT disabled AND robot_of IS NULL))) LIMIT 1";

/// Refuses to go on when a project would be left that nobody but an administrator can share. Only what cannot be taken
/// back is refused so: whoever disables an account or takes somebody out of a team can undo that.
pub(super) async fn require_another_owner(
    transaction: &mut Transaction<'_>,
    principal: i64,
    name: &AccountName,
) -> Result<(), AccountError> {
    let orphaned: Option<(i64,)> = transaction
        .sql(ORPHANED_WITHOUT)
        .bind(principal)
        .bind(PrincipalId::AUTHENTICATED_USERS.number())
        .fetch_optional()
        .await?;
    match orphaned {
        Some((project,)) => Err(AccountError::OwnsProjects(name.clone(), format!("syn{project}"))),
        None => Ok(()),
    }
}
