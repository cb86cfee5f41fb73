//! The first token for a name without a record: the registry is asked whether it has anything under the name, and the
//! name is reserved for the user who pushes.

use std::sync::Arc;
use std::time::Duration;

use super::raise_numbers::RaiseNumbers;
use crate::domain::decision::FirstUse;
use crate::domain::principal::UserId;
use crate::domain::reason::Reason;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::FactsReader;
use crate::ports::items::{NameReservations, Reservation, ReservationLimits};
use crate::ports::registry::{Holding, RegistryContents, RegistryUnreachable};
use crate::ports::system::Clock;

/// How long a name is kept for its first manifest.
const RESERVED_FOR: Duration = Duration::from_hours(24);

/// How much longer the reservation is remembered. Whoever resumes an interrupted push finds layers in the registry that
/// nobody else can have put there.
const REMEMBERED_FOR: Duration = Duration::from_hours(48);

/// How long a first push waits for the registry's catalogue to be read. Docker gives up after 15 s.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(8);

/// Why a name could not be reserved just now.
#[derive(Debug, thiserror::Error)]
pub enum FirstPushError {
    /// The registry does not answer.
    #[error(transparent)]
    Registry(#[from] RegistryUnreachable),
    /// The database does not.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The numbers in use are unknown.
    #[error("the registry's catalogue has not been read since the start of this process")]
    CatalogueUnread,
}

/// The outcome for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// There is nothing under the name, and for a push it is reserved.
    Free,
    /// The name has a record now, perhaps because the registry has content under it: decide again.
    NameKnown,
    /// The name cannot be reserved.
    Refused(Reason),
}

/// Reserves names.
pub struct FirstPush {
    /// The names on record.
    pub names: Arc<dyn NameReservations>,
    /// What is stored under them.
    pub registry: Arc<dyn RegistryContents>,
    /// Knows whether the catalogue was read.
    pub numbers: Arc<RaiseNumbers>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Learns of the new records.
    pub facts: Arc<dyn FactsReader>,
    /// How many names may be reserved at one time.
    pub limits: ReservationLimits,
}

impl FirstPush {
    /// Asks the registry, and reserves or quarantines the name. The next facts that are loaded include the result.
    pub async fn settle(
        &self,
        name: &RepositoryName,
        first_use: FirstUse,
        user: UserId,
    ) -> Result<Settled, FirstPushError> {
        let settled = self.ask_and_reserve(name, first_use, user).await;
        self.facts.catch_up().await?;
        settled
    }

    async fn ask_and_reserve(
        &self,
        name: &RepositoryName,
        first_use: FirstUse,
        user: UserId,
    ) -> Result<Settled, FirstPushError> {
        if !self.numbers.is_done_within(CATALOGUE_TIMEOUT).await {
            return Err(FirstPushError::CatalogueUnread);
        }
        if !self.is_free(name).await? {
            tracing::warn!(
                repository = %name,
                "the registry holds images under a name that is not on record; it stays closed"
            );
            self.names.quarantine(name).await?;
            return Ok(Settled::NameKnown);
        }
        if first_use == FirstUse::Look {
            return Ok(Settled::Free);
        }
        let until = self.clock.now().plus(RESERVED_FOR);
        Ok(match self.names.reserve(name, user, until, self.limits).await? {
            Reservation::Made => Settled::Free,
            Reservation::NameKnown => Settled::NameKnown,
            Reservation::TooManyOfUser => Settled::Refused(Reason::TooManyFirstPushes(self.limits.per_user)),
            Reservation::TooManyInProject => {
                Settled::Refused(Reason::ProjectOfFirstPushes(self.limits.per_project))
            }
        })
    }

    /// Whether the registry has nothing under a name that nothing is on record of. It changes nothing.
    pub async fn is_free(&self, name: &RepositoryName) -> Result<bool, FirstPushError> {
        Ok(match self.registry.holding(name).await? {
            Holding::Nothing => true,
            Holding::Tagged => false,
            Holding::Untagged => self.names.was_reserved(name).await?,
        })
    }

    /// Forgets reservations that ended long ago.
    pub async fn forget_ended(&self) -> Result<(), StorageError> {
        self.names.forget_reservations(self.clock.now().minus(REMEMBERED_FOR)).await
    }
}
