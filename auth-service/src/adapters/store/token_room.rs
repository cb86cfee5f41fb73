//! How many tokens of a kind a user may have, and which go when there are too many.

use super::transaction::Transaction;
use crate::domain::client_id::ClientId;
use crate::domain::service_token::TokenRoom;
use crate::ports::tokens::{AddTokenError, NewToken};

/// Makes room for one more token of a user (`$1`) and kind (`$2`): those at their end (`$3`) go, and give back
/// their names.
const DROP_ENDED: &str = "DELETE FROM tokens WHERE user_id = $1 AND kind = $2 AND (expires_at <= $3 OR idle_until <= $3 \
     OR generation < (SELECT generation FROM users WHERE id = $1))";

/// Of one program (`$3`), all but the `$4` that were used last, or, of those never used, made last.
const DROP_OF_CLIENT: &str = "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens \
     WHERE user_id = $1 AND kind = $2 AND COALESCE(client, '') = $3 \
     ORDER BY last_used_at DESC NULLS LAST, created_at DESC, id LIMIT 1000 OFFSET $4)";

/// If there are `$4` of all programs, one of the program that has most; if several have, of the one (`$3`) that asks.
const DROP_OF_ALL: &str = "DELETE FROM tokens WHERE (SELECT COUNT(*) FROM tokens WHERE user_id = $1 AND kind = $2) >= $4 \
     AND id = (SELECT id FROM tokens WHERE user_id = $1 AND kind = $2 AND COALESCE(client, '') = \
       (SELECT COALESCE(client, '') AS program FROM tokens WHERE user_id = $1 AND kind = $2 GROUP BY COALESCE(client, '') \
        ORDER BY COUNT(*) DESC, CASE WHEN COALESCE(client, '') = $3 THEN 0 ELSE 1 END, MIN(created_at), MIN(id) LIMIT 1) \
       ORDER BY last_used_at NULLS FIRST, created_at, id LIMIT 1)";

/// Leaves room for one more token; an error when there is none.
pub(super) async fn make_room(
    transaction: &mut Transaction<'_>,
    token: &NewToken,
    now: i64,
    room: TokenRoom,
) -> Result<(), AddTokenError> {
    let (user, kind) = (token.user.number(), token.kind.name());
    transaction.sql(DROP_ENDED).bind(user).bind(kind).bind(now).execute().await?;
    match room {
        TokenRoom::Refuses { most } => {
            let (count,): (i64,) = transaction
                .sql("SELECT COUNT(*) FROM tokens WHERE user_id = $1 AND kind = $2")
                .bind(user)
                .bind(kind)
                .fetch_one()
                .await?;
            if usize::try_from(count).unwrap_or(usize::MAX) >= most {
                return Err(AddTokenError::TooMany(most));
            }
        }
        TokenRoom::Replaces { most_of_client, most } => {
            let mut dropped = 0;
            for (statement, bound) in
                [(DROP_OF_CLIENT, most_of_client.saturating_sub(1)), (DROP_OF_ALL, most)]
            {
                dropped += transaction
                    .sql(statement)
                    .bind(user)
                    .bind(kind)
                    .bind(token.client.as_ref().map_or("", ClientId::as_str))
                    .bind(i64::try_from(bound).unwrap_or(i64::MAX))
                    .execute()
                    .await?;
            }
            if dropped > 0 {
                transaction.note_change("user", user).await?;
            }
        }
    }
    Ok(())
}
