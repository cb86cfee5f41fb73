//! When to stop asking somebody who does not answer: after some failures in a row nobody waits for a while, and
//! then one tries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ports::system::Clock;

/// How many failures in a row open the circuit.
const FAILURES: u32 = 3;

/// How long it stays open.
const OPEN_FOR: Duration = Duration::from_secs(10);

pub(super) struct Circuit {
    clock: Arc<dyn Clock>,
    /// How long somebody may take to answer: one that is waited for so long has failed, whoever stops waiting.
    enough: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// When the next try may be made, by a clock that never goes back.
    open_until: Duration,
}

/// Leave to ask once, of which the outcome counts. One that is dropped without an outcome, because whoever asked has
/// gone away, says nothing of the issuer unless it took long, and where it was the one try in a while it leaves that
/// to the next.
pub(super) struct Try<'c> {
    circuit: &'c Circuit,
    begun: Duration,
    /// Until when the others are kept off for it, if the circuit is open.
    alone_until: Option<Duration>,
    has_outcome: bool,
}

impl Circuit {
    pub(super) fn new(clock: &Arc<dyn Clock>, enough: Duration) -> Self {
        Self { clock: Arc::clone(clock), enough, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody is to ask now.
    pub(super) fn is_open(&self) -> bool {
        let now = self.clock.elapsed();
        let state = self.state();
        state.failures >= FAILURES && now < state.open_until
    }

    /// Leave to ask now. While the circuit is open nobody has it; then one at a time.
    pub(super) fn enter(&self) -> Option<Try<'_>> {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let mut alone_until = None;
        if state.failures >= FAILURES {
            if now < state.open_until {
                return None;
            }
            state.open_until = now + OPEN_FOR;
            alone_until = Some(state.open_until);
        }
        Some(Try { circuit: self, begun: now, alone_until, has_outcome: false })
    }
}

impl Try<'_> {
    pub(super) fn succeeded(mut self) {
        self.has_outcome = true;
        *self.circuit.state() = State::default();
    }

    pub(super) fn failed(mut self) {
        self.fail();
    }

    fn fail(&mut self) {
        self.has_outcome = true;
        let now = self.circuit.clock.elapsed();
        let mut state = self.circuit.state();
        state.failures = state.failures.saturating_add(1);
        state.open_until = now + OPEN_FOR;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.has_outcome {
            return;
        }
        if self.circuit.clock.elapsed().saturating_sub(self.begun) >= self.circuit.enough {
            return self.fail();
        }
        let mut state = self.circuit.state();
        // Not where another one has failed since.
        if self.alone_until == Some(state.open_until) {
            state.open_until = self.begun;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Hands;
    use super::*;

    fn circuit() -> (Arc<Hands>, Circuit) {
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hands) as _;
        (hands, Circuit::new(&clock, Duration::from_secs(3)))
    }

    fn fail(circuit: &Circuit, times: usize) {
        for _ in 0..times {
            circuit.enter().unwrap().failed();
        }
    }

    #[test]
    fn after_failures_in_a_row_one_tries_after_a_while() {
        let (hands, circuit) = circuit();
        for second in 0..3 {
            hands.set(second);
            assert!(!circuit.is_open());
            fail(&circuit, 1);
        }
        for second in [3, 11] {
            hands.set(second);
            assert!(circuit.is_open() && circuit.enter().is_none());
        }
        hands.set(12);
        let alone = circuit.enter().unwrap();
        assert!(circuit.is_open() && circuit.enter().is_none(), "one tries, and the others do not");
        alone.succeeded();
        assert!(circuit.enter().is_some());
    }

    #[test]
    fn one_that_fails_after_a_while_keeps_the_others_off_again() {
        let (hands, circuit) = circuit();
        fail(&circuit, 3);
        hands.set(10);
        let alone = circuit.enter().unwrap();
        hands.set(13);
        alone.failed();
        hands.set(22);
        assert!(circuit.is_open());
        hands.set(23);
        assert!(!circuit.is_open());
    }

    #[test]
    fn a_try_without_an_outcome_leaves_it_to_the_next() {
        let (hands, circuit) = circuit();
        fail(&circuit, 3);
        hands.set(10);
        drop(circuit.enter().unwrap());
        assert!(!circuit.is_open());
        let next = circuit.enter().unwrap();
        assert!(circuit.enter().is_none(), "again one at a time");
        next.succeeded();
        assert!(circuit.enter().is_some());
    }

    #[test]
    fn a_try_that_is_broken_off_when_it_took_long_has_failed() {
        let (hands, circuit) = circuit();
        for (second, is_open) in [(2, false), (4, false), (6, false), (9, true)] {
            let tries = [circuit.enter(), circuit.enter(), circuit.enter()];
            hands.set(second);
            drop(tries);
            assert_eq!(circuit.is_open(), is_open, "after {second}");
        }
    }

    #[test]
    fn a_try_without_an_outcome_undoes_no_failure_of_others() {
        let (hands, circuit) = circuit();
        let slow = circuit.enter().unwrap();
        fail(&circuit, 3);
        hands.set(10);
        let alone = circuit.enter().unwrap();
        hands.set(11);
        slow.failed();
        drop(alone);
        hands.set(20);
        assert!(circuit.is_open());
        hands.set(21);
        assert!(!circuit.is_open());
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let (_, circuit) = circuit();
        for _ in 0..10 {
            fail(&circuit, 2);
            circuit.enter().unwrap().succeeded();
        }
        assert!(!circuit.is_open());
    }
}
