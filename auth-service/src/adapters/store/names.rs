//! Names that pushes use for the first time: reserved for the one who pushes, or closed.

use async_trait::async_trait;

use super::{Store, change, next_number, note_change};
use crate::domain::principal::UserId;
use crate::domain::repository::RepositoryName;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::items::{Names, Reservation};

impl Store {
    async fn try_to_reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        until: Timestamp,
    ) -> Result<Reservation, StorageError> {
        let now = self.clock.now().as_millis();
        change!(self, transaction => {
            let number = next_number!(transaction, "entity");
            // A reservation that has ended is taken over where it stands; anything else keeps its row.
            let made = sqlx::query(
                "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, reserved_by, \
                 reserved_until, created_at) VALUES ($1, $2, $3, 'reserved', $4, $4, $5, $6, $7) \
                 ON CONFLICT (project_id, path) DO UPDATE SET reserved_by = excluded.reserved_by, \
                 reserved_until = excluded.reserved_until, created_at = excluded.created_at \
                 WHERE repositories.state = 'reserved' AND repositories.reserved_until <= $7",
            )
            .bind(number)
            .bind(name.project().number())
            .bind(name.path())
            .bind(false)
            .bind(user.number())
            .bind(until.as_millis())
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            if made.rows_affected() == 0 {
                Ok(Reservation::NameKnown)
            } else {
                note_change!(transaction, "project", name.project().number());
                Ok(Reservation::Made)
            }
        })
    }

    async fn try_to_fence(&self, name: &RepositoryName) -> Result<(), StorageError> {
        let now = self.clock.now().as_millis();
        change!(self, transaction => {
            let number = next_number!(transaction, "entity");
            let fenced = sqlx::query(
                "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_at) \
                 VALUES ($1, $2, $3, 'fenced', $4, $4, $5) ON CONFLICT (project_id, path) DO UPDATE \
                 SET state = 'fenced', reserved_by = NULL, reserved_until = NULL \
                 WHERE repositories.state = 'reserved' AND repositories.reserved_until <= $5",
            )
            .bind(number)
            .bind(name.project().number())
            .bind(name.path())
            .bind(false)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            if fenced.rows_affected() > 0 {
                note_change!(transaction, "project", name.project().number());
            }
            Ok(())
        })
    }
}

/// A token request waits for the first two, so that they end in time whatever the database does.
#[async_trait]
impl Names for Store {
    async fn reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        until: Timestamp,
    ) -> Result<Reservation, StorageError> {
        self.in_time(Box::pin(self.try_to_reserve(name, user, until))).await
    }

    async fn fence(&self, name: &RepositoryName) -> Result<(), StorageError> {
        self.in_time(Box::pin(self.try_to_fence(name))).await
    }

    async fn raise_numbers_above(&self, number: i64) -> Result<(), StorageError> {
        change!(self, transaction => {
            sqlx::query("UPDATE sequences SET value = $1 WHERE name = 'entity' AND value < $1")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
            Ok(())
        })
    }
}
