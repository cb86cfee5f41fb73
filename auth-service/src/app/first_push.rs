//! Before the first token for a name that nothing is known of: the registry is asked whether that is true of
//! it too, and the name is kept for the one who pushes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::principal::UserId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::items::{Names, Reservation};
use crate::ports::registry::{RegistryContents, RegistryUnreachable};
use crate::ports::system::Clock;

/// How long a name is kept for its first manifest.
const RESERVED_FOR: Duration = Duration::from_hours(24);

/// How long a first push waits for the registry's catalogue to be read. Docker gives up after 15 s.
const CATALOGUE_PATIENCE: Duration = Duration::from_secs(8);

/// Why a name could not be reserved just now.
#[derive(Debug, thiserror::Error)]
pub enum FirstPushError {
    /// The registry does not answer.
    #[error(transparent)]
    Registry(#[from] RegistryUnreachable),
    /// The database does not.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The numbers in use are not known yet.
    #[error("the registry's catalogue has not been read since the start of this process")]
    CatalogueUnread,
}

/// Reserves names.
pub struct FirstPush {
    names: Arc<dyn Names>,
    registry: Arc<dyn RegistryContents>,
    clock: Arc<dyn Clock>,
    numbers_raised: watch::Sender<bool>,
}

impl FirstPush {
    /// Reserves in `names` what `registry` has nothing under.
    #[must_use]
    pub fn new(names: Arc<dyn Names>, registry: Arc<dyn RegistryContents>, clock: Arc<dyn Clock>) -> Self {
        Self { names, registry, clock, numbers_raised: watch::Sender::new(false) }
    }

    /// Reserves `name` for `user`. [`Reservation::NameKnown`] means that something is known of the name by
    /// now, be it that the registry holds content under it: decide again.
    pub async fn reserve(&self, name: &RepositoryName, user: UserId) -> Result<Reservation, FirstPushError> {
        self.require_raised_numbers().await?;
        if self.registry.holds(name).await? {
            tracing::warn!(
                repository = %name,
                "the registry holds images under a name that is not on record; it stays closed"
            );
            self.names.fence(name).await?;
            return Ok(Reservation::NameKnown);
        }
        let until = self.clock.now().plus(RESERVED_FOR);
        Ok(self.names.reserve(name, user, until).await?)
    }

    /// Sees to it that no number is drawn again under which the registry holds something, as it could be after
    /// the database was restored from a copy. Has to be done once in the life of the process before any name can
    /// be reserved; reading the catalogue of a large registry takes long, so that no request does it.
    pub async fn raise_numbers(&self) -> Result<(), FirstPushError> {
        let highest = self.registry.highest_project_number().await?;
        self.names.raise_numbers_above(highest).await?;
        self.numbers_raised.send_replace(true);
        Ok(())
    }

    async fn require_raised_numbers(&self) -> Result<(), FirstPushError> {
        let mut raised = self.numbers_raised.subscribe();
        let waiting = raised.wait_for(|raised| *raised);
        match tokio::time::timeout(CATALOGUE_PATIENCE, waiting).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(FirstPushError::CatalogueUnread),
        }
    }
}
