//! The webhook's use case: store first, understand, apply. Only storage that fails is an error.

use std::sync::Arc;
use std::time::Duration;

use super::event_body::{ReadEvent, read_envelope, read_event};
use crate::domain::event::EventMeaning;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::events::{EventInbox, IncomingEvent, Receipt};
use crate::ports::facts::FactsReader;
use crate::ports::system::Clock;

/// How many events that wait are looked at in one go.
const BATCH: i64 = 100;

/// What became of a delivery.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// One entry for each event.
    pub receipts: Vec<Receipt>,
    /// How many pieces were kept as dead letters.
    pub dead_letters: u64,
}

/// Records events.
pub struct RecordEvents {
    /// Where they are kept.
    pub inbox: Arc<dyn EventInbox>,
    /// Who must hear of what they change.
    pub facts: Arc<dyn FactsReader>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long events are kept.
    pub kept_for: Duration,
}

impl RecordEvents {
    /// Takes one delivery of the registry. When it returns, everything in it is on the disk.
    pub async fn receive(&self, body: &[u8]) -> Result<Delivery, StorageError> {
        let arrived_at = self.clock.now();
        let events = match read_envelope(body) {
            Ok(events) => events,
            Err(reason) => return self.keep_dead_letter(body, reason).await,
        };
        let (mut incoming, mut nameless) = (Vec::with_capacity(events.len()), Vec::new());
        for event in events {
            match event.id.clone() {
                Some(id) => incoming.push(understood(id, event, arrived_at)),
                None => nameless.push(event.body),
            }
        }
        if incoming.is_empty() && nameless.is_empty() {
            return Ok(Delivery::default());
        }
        let receipts = self.inbox.receive(&incoming, &nameless, arrived_at).await?;
        self.tell(&receipts).await;
        Ok(Delivery { receipts, dead_letters: u64::try_from(nameless.len()).unwrap_or(u64::MAX) })
    }

    /// Keeps a body that is no delivery of events, with the reason.
    pub async fn keep_dead_letter(&self, body: &[u8], reason: &str) -> Result<Delivery, StorageError> {
        self.inbox.keep_dead_letter(body, reason, self.clock.now()).await?;
        Ok(Delivery { receipts: Vec::new(), dead_letters: 1 })
    }

    /// Applies events that could not be applied when they came; how many were.
    pub async fn apply_pending(&self) -> Result<usize, StorageError> {
        let mut receipts = Vec::new();
        for (id, body) in self.inbox.pending(BATCH).await? {
            let event = understood(id, read_event(&body), self.clock.now());
            receipts.push(self.inbox.apply_pending(&event).await?);
        }
        self.tell(&receipts).await;
        Ok(receipts.iter().filter(|receipt| **receipt == Receipt::Applied).count())
    }

    /// Forgets events that are older than they are kept.
    pub async fn forget_old(&self) -> Result<(), StorageError> {
        self.inbox.forget_before(self.clock.now().minus(self.kept_for)).await
    }

    async fn tell(&self, receipts: &[Receipt]) {
        if receipts.contains(&Receipt::Applied) {
            // The events are stored; that this process will see them a little later is no reason to have
            // the registry send them again.
            if let Err(error) = self.facts.catch_up().await {
                tracing::warn!(%error, "what events changed will be seen later");
            }
        }
    }
}

fn understood(id: String, event: ReadEvent, arrived_at: Timestamp) -> IncomingEvent {
    let meaning: EventMeaning = event.told.meaning();
    IncomingEvent { id, meaning, happened_at: event.told.effective_time(arrived_at), body: event.body }
}
