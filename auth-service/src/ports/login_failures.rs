//! Wrong passwords, counted for all processes together.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::lockout::Counts;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::domain::time::Timestamp;

/// Whose password was wrong: an account, or a name that nobody has, which is counted like one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An account, however it was named.
    Account(UserId),
    /// Some text that was typed as user name.
    Nobody(String),
}

/// From where somebody tried.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// At whose password.
    pub target: Target,
    /// From where.
    pub network: ClientNetwork,
    /// Whether it came in a form. Some clients ask once more, by query, when a form is refused: that second time
    /// is not counted.
    pub by_form: bool,
}

/// Counts of wrong passwords. How much is kept is bounded, and nothing that is kept lowers a count to make room.
#[async_trait]
pub trait LoginFailures: Send + Sync {
    /// The counts that bear on an attempt.
    async fn counts(&self, attempt: &Attempt) -> Result<Counts, StorageError>;

    /// Counts a wrong password, and gives the counts after it.
    async fn count_failure(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError>;

    /// Forgets what was counted for the account from the network, whose owner has shown the right password.
    async fn forget_attempts(&self, attempt: &Attempt, at: Timestamp) -> Result<(), StorageError>;

    /// Forgets what was counted for an account from everywhere, and for the networks that it was tried from.
    async fn unlock(&self, account: UserId) -> Result<(), StorageError>;

    /// Forgets what was counted for a network, and for the wider one around it.
    async fn unlock_network(&self, network: ClientNetwork) -> Result<(), StorageError>;

    /// Forgets what was last counted before `moment`.
    async fn forget_failures_before(&self, moment: Timestamp) -> Result<(), StorageError>;
}
