//! Names that pushes use for the first time: reserved for the one who pushes, or closed.

use async_trait::async_trait;
use sqlx::FromRow;

use super::Store;
use super::sql::Columns;
use crate::domain::facts::RepositoryFacts;
use crate::domain::login::Identity;
use crate::domain::principal::UserId;
use crate::domain::repository::RepositoryName;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::facts::FactsStore as _;
use crate::ports::items::{NameReservations, Reservation, ReservationLimits};

/// How many reservations are forgotten in one transaction: nobody else can change anything while it runs.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// How many live reservations there are of user `$1` and in project `$2`, at `$3`.
const LIVE: &str = "SELECT (SELECT COUNT(*) FROM repositories WHERE state = 'reserved' AND reserved_by = $1 \
     AND reserved_until > $3), (SELECT COUNT(*) FROM repositories WHERE state = 'reserved' AND project_id = $2 \
     AND reserved_until > $3)";

/// A reservation that has ended is taken over where it stands, so that it keeps its number.
const TAKE_OVER: &str =
    "UPDATE repositories SET reserved_by = $2, reserved_until = $3, created_at = $4 WHERE id = $1";

const RESERVE: &str = "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, reserved_by, \
     reserved_until, created_at) VALUES ($1, $5, $6, 'reserved', $7, $7, $2, $3, $4)";

const FORGET: &str = "DELETE FROM repositories WHERE id IN (SELECT id FROM repositories WHERE state = 'reserved' \
     AND reserved_until < $1 ORDER BY reserved_until LIMIT $2)";

/// A row of a name that may be reserved anew.
struct NameRow {
    id: i64,
    state: String,
    reserved_by: Option<i64>,
    reserved_until: Option<i64>,
}

impl<'r, R: Columns> FromRow<'r, R> for NameRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            state: row.value("state")?,
            reserved_by: row.value("reserved_by")?,
            reserved_until: row.value("reserved_until")?,
        })
    }
}

impl NameRow {
    fn has_ended(&self, now: Timestamp) -> bool {
        self.state == "reserved" && self.reserved_until.is_some_and(|until| until <= now.as_millis())
    }
}

impl Store {
    async fn try_to_reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        until: Timestamp,
        limits: ReservationLimits,
    ) -> Result<Reservation, StorageError> {
        let now = self.clock.now();
        let (project, path) = (name.project().number(), name.path());
        let is_full = |count: i64, limit: usize| usize::try_from(count).is_ok_and(|count| count >= limit);
        let mut transaction = self.begin().await?;
        let found: Option<NameRow> = transaction.sql(
                "SELECT id, state, reserved_by, reserved_until FROM repositories WHERE project_id = $1 AND path = $2",
            )
            .bind(project)
            .bind(path)
            .fetch_optional()
            .await?;
        if found.as_ref().is_some_and(|row| !row.has_ended(now)) {
            return Ok(Reservation::NameKnown);
        }
        // Whoever goes on with a push that took longer than its reservation is not kept from it.
        if found.as_ref().and_then(|row| row.reserved_by) != Some(user.number()) {
            let (of_user, in_project): (i64, i64) = transaction
                .sql(LIVE)
                .bind(user.number())
                .bind(project)
                .bind(now.as_millis())
                .fetch_one()
                .await?;
            if is_full(of_user, limits.per_user) {
                return Ok(Reservation::TooManyOfUser);
            }
            if is_full(in_project, limits.per_project) {
                return Ok(Reservation::TooManyInProject);
            }
        }
        let number = match &found {
            Some(row) => row.id,
            None => transaction.next_number("entity").await?,
        };
        let reserving = transaction
            .sql(if found.is_some() { TAKE_OVER } else { RESERVE })
            .bind(number)
            .bind(user.number())
            .bind(until.as_millis())
            .bind(now.as_millis());
        let reserving = match found {
            Some(_) => reserving,
            None => reserving.bind(project).bind(path).bind(false),
        };
        reserving.execute().await?;
        transaction.note_change("project", project).await?;
        transaction.commit().await?;
        Ok(Reservation::Made)
    }

    async fn try_to_quarantine(&self, name: &RepositoryName) -> Result<(), StorageError> {
        let now = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        let number = transaction.next_number("entity").await?;
        let quarantined = transaction.sql(
                "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_at) \
                 VALUES ($1, $2, $3, 'quarantined', $4, $4, $5) ON CONFLICT (project_id, path) DO UPDATE \
                 SET state = 'quarantined', reserved_by = NULL, reserved_until = NULL \
                 WHERE repositories.state = 'reserved' AND repositories.reserved_until <= $5",
            )
            .bind(number)
            .bind(name.project().number())
            .bind(name.path())
            .bind(false)
            .bind(now)
            .execute()
            .await?;
        if quarantined > 0 {
            transaction.note_change("project", name.project().number()).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets some reservations; how many.
    async fn forget_some_reservations(&self, moment: Timestamp) -> Result<u64, StorageError> {
        let mut transaction = self.begin().await?;
        let forgotten = transaction
            .sql(FORGET)
            .bind(moment.as_millis())
            .bind(i64::try_from(FORGOTTEN_AT_ONCE).unwrap_or(i64::MAX))
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(forgotten)
    }
}

#[async_trait]
impl NameReservations for Store {
    async fn reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        until: Timestamp,
        limits: ReservationLimits,
    ) -> Result<Reservation, StorageError> {
        self.try_to_reserve(name, user, until, limits).await
    }

    async fn was_reserved(&self, name: &RepositoryName) -> Result<bool, StorageError> {
        let found: Option<(i64,)> = self
            .read("SELECT id FROM repositories WHERE project_id = $1 AND path = $2 AND state = 'reserved'")?
            .bind(name.project().number())
            .bind(name.path())
            .fetch_optional()
            .await?;
        Ok(found.is_some())
    }

    async fn forget_reservations(&self, moment: Timestamp) -> Result<(), StorageError> {
        while self.forget_some_reservations(moment).await? == FORGOTTEN_AT_ONCE {}
        Ok(())
    }

    async fn quarantine(&self, name: &RepositoryName) -> Result<(), StorageError> {
        self.try_to_quarantine(name).await
    }

    async fn quarantine_unrecorded(&self, names: &[RepositoryName]) -> Result<usize, StorageError> {
        let facts = self.snapshot(&Identity::Nobody, names).await?.value;
        let mut closed = 0;
        for situation in facts.repositories {
            let is_unrecorded =
                situation.project.is_some() && situation.repository == RepositoryFacts::Unknown;
            if is_unrecorded && !self.was_reserved(&situation.name).await? {
                self.try_to_quarantine(&situation.name).await?;
                closed += 1;
            }
        }
        Ok(closed)
    }
}
