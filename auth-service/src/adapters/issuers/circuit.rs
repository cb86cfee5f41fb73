//! When to stop asking somebody who does not answer: after some failures in a row nobody waits for a while, and
//! then one tries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many failures in a row open the circuit.
const FAILURES: u32 = 3;

/// How long it stays open.
const OPEN_FOR: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// When the next try may be made, by a clock that never goes back.
    open_until: Duration,
}

impl Circuit {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody may ask at `now`. While the circuit is open, nobody; then one at a time.
    pub(super) fn lets_through(&self, now: Duration) -> bool {
        let mut state = self.state();
        if state.failures < FAILURES {
            return true;
        }
        if now < state.open_until {
            return false;
        }
        state.open_until = now + OPEN_FOR;
        true
    }

    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    pub(super) fn failed(&self, now: Duration) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.open_until = now + OPEN_FOR;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_failures_in_a_row_one_tries_after_a_while() {
        let circuit = Circuit::default();
        for second in 0..3 {
            assert!(circuit.lets_through(at(second)));
            circuit.failed(at(second));
        }
        assert!(!circuit.lets_through(at(3)) && !circuit.lets_through(at(11)));
        assert!(circuit.lets_through(at(12)), "one tries");
        assert!(!circuit.lets_through(at(12)), "and the others do not");
        circuit.succeeded();
        assert!(circuit.lets_through(at(12)));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let circuit = Circuit::default();
        for _ in 0..10 {
            circuit.failed(at(0));
            circuit.failed(at(0));
            circuit.succeeded();
        }
        assert!(circuit.lets_through(at(0)));
    }
}
