//! What goes on beside requests, for the life of the process.

use std::sync::Arc;
use std::time::Duration;

use crate::adapters::facts::CachedFacts;
use crate::adapters::signing::KeyWatch;
use crate::app::first_push::FirstPush;
use crate::app::keep_tokens::KeepTokens;
use crate::app::lockout::Lockout;
use crate::app::raise_numbers::RaiseNumbers;
use crate::app::record_events::RecordEvents;
use crate::ports::system::Clock;

/// How often the database is asked whether facts have changed.
const FACTS_CONFIRMED_EVERY: Duration = Duration::from_millis(250);
/// How often events that could not be applied are looked at.
const PENDING_EVENTS_EVERY: Duration = Duration::from_secs(5);
/// How often old events, tokens and reservations that ended, and old wrong passwords are forgotten.
const OLD_EVERY: Duration = Duration::from_hours(1);
/// How often the last use of each token is written down: at most once in this time for each.
const USES_EVERY: Duration = Duration::from_mins(1);
/// How long to wait before the registry is asked for its catalogue once more.
const CATALOGUE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What goes on beside requests.
pub(super) struct Background {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keys: Arc<KeyWatch>,
    pub(super) cached_facts: Option<Arc<CachedFacts>>,
    pub(super) record_events: Arc<RecordEvents>,
    pub(super) first_push: Arc<FirstPush>,
    pub(super) numbers: Arc<RaiseNumbers>,
    pub(super) keep_tokens: Arc<KeepTokens>,
    pub(super) lockout: Arc<Lockout>,
}

impl Background {
    /// Works until the future is dropped.
    pub(super) async fn run(self) {
        let keys = Arc::clone(&self.keys).watch(Arc::clone(&self.clock), std::future::pending());
        let fresh = async {
            match &self.cached_facts {
                Some(facts) => facts.keep_fresh(FACTS_CONFIRMED_EVERY).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(
            keys,
            fresh,
            apply_pending(&self.record_events),
            self.forget_old(),
            write_uses(&self.keep_tokens),
            raise_numbers(&self.numbers)
        );
    }

    async fn forget_old(&self) {
        let mut ticks = tokio::time::interval(OLD_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.record_events.forget_old().await {
                tracing::warn!(%error, "old events cannot be forgotten");
            }
            if let Err(error) = self.keep_tokens.forget_ended().await {
                tracing::warn!(%error, "tokens that ended cannot be forgotten");
            }
            if let Err(error) = self.lockout.forget_old().await {
                tracing::warn!(%error, "old wrong passwords cannot be forgotten");
            }
            if let Err(error) = self.first_push.forget_ended().await {
                tracing::warn!(%error, "reservations that ended cannot be forgotten");
            }
        }
    }
}

async fn apply_pending(events: &RecordEvents) {
    let mut ticks = tokio::time::interval(PENDING_EVENTS_EVERY);
    loop {
        ticks.tick().await;
        match events.apply_pending().await {
            Ok(0) => {}
            Ok(applied) => tracing::info!(applied, "events that waited were applied"),
            Err(error) => tracing::warn!(%error, "events that wait cannot be looked at"),
        }
    }
}

async fn write_uses(tokens: &KeepTokens) {
    let mut ticks = tokio::time::interval(USES_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = tokens.write_uses().await {
            tracing::warn!(%error, "when tokens were last used is written down later");
        }
    }
}

/// Asks the registry what numbers it has; no name can be reserved before that is known.
async fn raise_numbers(numbers: &RaiseNumbers) {
    let mut told = false;
    while let Err(error) = numbers.run().await {
        if !told {
            tracing::warn!(%error, "the registry's catalogue is not known yet; first pushes have to wait for it");
            told = true;
        }
        tokio::time::sleep(CATALOGUE_AGAIN_AFTER).await;
    }
}
