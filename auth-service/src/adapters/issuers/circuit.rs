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

/// Leave to ask once. Its outcome counts; one that is dropped without an outcome, because whoever asked has gone
/// away, says nothing of the issuer, and where it was the one try in a while it leaves that to the next.
pub(super) struct Try<'c> {
    circuit: &'c Circuit,
    /// When the one try of an open circuit was begun, and until when the others are kept off for it.
    alone: Option<(Duration, Duration)>,
}

impl Circuit {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody is to ask at `now`.
    pub(super) fn is_open(&self, now: Duration) -> bool {
        let state = self.state();
        state.failures >= FAILURES && now < state.open_until
    }

    /// Leave to ask at `now`. While the circuit is open nobody has it; then one at a time.
    pub(super) fn enter(&self, now: Duration) -> Option<Try<'_>> {
        let mut state = self.state();
        if state.failures < FAILURES {
            return Some(Try { circuit: self, alone: None });
        }
        if now < state.open_until {
            return None;
        }
        state.open_until = now + OPEN_FOR;
        Some(Try { circuit: self, alone: Some((now, state.open_until)) })
    }
}

impl Try<'_> {
    pub(super) fn succeeded(mut self) {
        self.alone = None;
        *self.circuit.state() = State::default();
    }

    pub(super) fn failed(mut self, now: Duration) {
        self.alone = None;
        let mut state = self.circuit.state();
        state.failures = state.failures.saturating_add(1);
        state.open_until = now + OPEN_FOR;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        let Some((begun, until)) = self.alone else { return };
        let mut state = self.circuit.state();
        // Not where another one has failed since.
        if state.open_until == until {
            state.open_until = begun;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(circuit: &Circuit, times: usize) {
        for _ in 0..times {
            circuit.enter(at(0)).unwrap().failed(at(0));
        }
    }

    #[test]
    fn after_failures_in_a_row_one_tries_after_a_while() {
        let circuit = Circuit::default();
        for second in 0..3 {
            assert!(!circuit.is_open(at(second)));
            circuit.enter(at(second)).unwrap().failed(at(second));
        }
        assert!(circuit.is_open(at(3)) && circuit.enter(at(3)).is_none() && circuit.enter(at(11)).is_none());
        let alone = circuit.enter(at(12)).unwrap();
        assert!(
            circuit.is_open(at(12)) && circuit.enter(at(12)).is_none(),
            "one tries, and the others do not"
        );
        alone.succeeded();
        assert!(circuit.enter(at(12)).is_some());
    }

    #[test]
    fn one_that_fails_after_a_while_keeps_the_others_off_again() {
        let circuit = Circuit::default();
        fail(&circuit, 3);
        circuit.enter(at(10)).unwrap().failed(at(13));
        assert!(circuit.enter(at(22)).is_none() && circuit.enter(at(23)).is_some());
    }

    #[test]
    fn a_try_without_an_outcome_leaves_it_to_the_next() {
        let circuit = Circuit::default();
        fail(&circuit, 3);
        drop(circuit.enter(at(10)).unwrap());
        assert!(!circuit.is_open(at(10)));
        let next = circuit.enter(at(10)).unwrap();
        assert!(circuit.enter(at(10)).is_none(), "again one at a time");
        next.succeeded();
        assert!(circuit.enter(at(10)).is_some());
    }

    #[test]
    fn a_try_without_an_outcome_undoes_no_failure_of_others() {
        let circuit = Circuit::default();
        let slow = circuit.enter(at(0)).unwrap();
        fail(&circuit, 3);
        let alone = circuit.enter(at(10)).unwrap();
        slow.failed(at(11));
        drop(alone);
        assert!(circuit.enter(at(20)).is_none() && circuit.enter(at(21)).is_some());
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let circuit = Circuit::default();
        for _ in 0..10 {
            fail(&circuit, 2);
            circuit.enter(at(0)).unwrap().succeeded();
        }
        assert!(!circuit.is_open(at(0)));
    }
}
