//! The inbox: events of the registry, stored before they are acknowledged.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::event::EventMeaning;
use crate::domain::time::Timestamp;

/// An event as it came, with what it was understood to mean.
#[derive(Clone, Debug)]
pub struct IncomingEvent {
    /// The registry's id for it; a repetition has the same.
    pub id: String,
    /// The event's JSON, byte for byte.
    pub body: String,
    /// What it means.
    pub meaning: EventMeaning,
    /// When it counts as having happened.
    pub happened_at: Timestamp,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Receipt {
    /// It changed the records.
    Applied,
    /// It is kept and changes nothing.
    Noted,
    /// It can never be used; it is kept with the reason.
    Unusable,
    /// It was received before.
    Repeated,
    /// It could not be applied now; it is kept and will be.
    Pending,
}

impl Receipt {
    /// Every receipt.
    pub const ALL: [Self; 5] = [Self::Applied, Self::Noted, Self::Unusable, Self::Repeated, Self::Pending];

    /// The word for it in metrics and the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Noted => "noted",
            Self::Unusable => "unusable",
            Self::Repeated => "repeated",
            Self::Pending => "pending",
        }
    }
}

/// Events as they are stored.
#[async_trait]
pub trait EventInbox: Send + Sync {
    /// Stores `events` and applies what they mean, and stores `nameless` ones, which have no id and no receipt, all
    /// in one transaction. One that cannot be applied is stored all the same. When this returns, everything is on
    /// the disk.
    async fn receive(
        &self,
        events: &[IncomingEvent],
        nameless: &[String],
        arrived_at: Timestamp,
    ) -> Result<Vec<Receipt>, StorageError>;

    /// Stores what is no event at all, with the reason.
    async fn keep_dead_letter(
        &self,
        body: &[u8],
        reason: &str,
        arrived_at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Events that were stored and wait to be applied, oldest first, at most `limit`: id and body.
    async fn pending(&self, limit: i64) -> Result<Vec<(String, String)>, StorageError>;

    /// Applies one event that waits. Gives what became of it.
    async fn apply_pending(&self, event: &IncomingEvent) -> Result<Receipt, StorageError>;

    /// Forgets events and dead letters that arrived before `moment`, but none that waits.
    async fn forget_before(&self, moment: Timestamp) -> Result<(), StorageError>;
}
