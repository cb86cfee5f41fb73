//! Wrong passwords, counted for all processes together.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::account::CountedName;
use crate::domain::lockout::Counts;
use crate::domain::network::ClientNetwork;
use crate::domain::time::Timestamp;

/// What a password was tried for. A name that nobody has is counted like one that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The name or e-mail address.
    pub name: CountedName,
    /// From where.
    pub network: ClientNetwork,
}

/// Counts of wrong passwords. How much is kept is bounded, and nothing that is kept lowers a count to make room.
#[async_trait]
pub trait LoginFailures: Send + Sync {
    /// The counts that bear on an attempt. What was last counted after `now`, by a clock that was wrong, counts as of
    /// now from then on.
    async fn counts(&self, attempt: &Attempt, now: Timestamp) -> Result<Counts, StorageError>;

    /// Counts a wrong password, and gives the counts after it.
    async fn count_failure(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError>;

    /// Forgets what was counted for the name from the network: its owner has shown the right password.
    async fn forget_attempts(&self, attempt: &Attempt, at: Timestamp) -> Result<(), StorageError>;

    /// Forgets what was counted for a name from everywhere, and for the networks that it was tried from.
    async fn unlock(&self, name: &CountedName) -> Result<(), StorageError>;

    /// Forgets what was counted for a network, and for the wider one around it.
    async fn unlock_network(&self, network: ClientNetwork) -> Result<(), StorageError>;

    /// Forgets what was last counted before `moment`; what was counted after `now`, by a clock that was wrong, is
    /// forgotten as long after now.
    async fn forget_failures_before(&self, moment: Timestamp, now: Timestamp) -> Result<(), StorageError>;
}
