//! What is refused for lack of room: counted one by one, and told of once in a while, because whoever floods the
//! service must not flood its log too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

/// How long the log is silent after a line.
const SILENCE: Duration = Duration::from_secs(10);

/// What one limit has refused.
pub struct QuotaRefusals {
    limit: &'static str,
    refused: Counter,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    refused_since: u64,
}

impl QuotaRefusals {
    /// Counts for a limit, which the log names, by a counter of its own.
    #[must_use]
    pub fn of(limit: &'static str) -> Self {
        Self::counted(limit, Counter::default())
    }

    /// Counts for a limit, which the log names.
    pub(super) fn counted(limit: &'static str, refused: Counter) -> Self {
        Self { limit, refused, told: Mutex::default() }
    }

    pub(super) fn refused(&self) {
        self.refused.inc();
        if let Some(refused) = self.due(Instant::now()) {
            tracing::warn!(limit = self.limit, refused, "refused for lack of room");
        }
    }

    /// How many were refused since the last line, if it is time for another one.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.refused_since += 1;
        if told.last.is_some_and(|last| now.duration_since(last) < SILENCE) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.refused_since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_one_line_in_ten_seconds_which_says_how_many_there_were() {
        let refusals = QuotaRefusals::of("limits.connections");
        let start = Instant::now();
        assert_eq!(refusals.due(start), Some(1));
        assert!((1..1000).all(|_| refusals.due(start + SILENCE / 2).is_none()));
        assert_eq!(refusals.due(start + SILENCE), Some(1000));
        assert_eq!(refusals.due(start + SILENCE), None);
    }
}
