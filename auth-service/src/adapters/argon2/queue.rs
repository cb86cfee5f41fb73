//! A queue in which networks take turns: a flood from one makes the others wait for at most one of its jobs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::network::ClientNetwork;

/// What a job is thought to take until one has been measured.
const FIRST_GUESS: Duration = Duration::from_millis(30);

/// The queue is as long as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueFull;

pub(super) struct FairQueue<T> {
    inner: Mutex<Inner<T>>,
    arrival: Condvar,
    threads: usize,
    longest: Duration,
}

struct Inner<T> {
    waiting: HashMap<ClientNetwork, VecDeque<T>>,
    /// Networks with something waiting, in the order of their turns.
    turns: VecDeque<ClientNetwork>,
    job_takes: Duration,
    closed: bool,
}

impl<T> FairQueue<T> {
    pub(super) fn new(threads: usize, longest: Duration) -> Self {
        let inner =
            Inner { waiting: HashMap::new(), turns: VecDeque::new(), job_takes: FIRST_GUESS, closed: false };
        Self { inner: Mutex::new(inner), arrival: Condvar::new(), threads: threads.max(1), longest }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // A thread that panicked while holding the lock left counters at worst; going on is right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of its network's line, unless it would wait too long there.
    pub(super) fn push(&self, network: ClientNetwork, job: T) -> Result<(), QueueFull> {
        let mut inner = self.lock();
        let ahead = inner.jobs_ahead(network);
        let rounds = u32::try_from(ahead / self.threads).unwrap_or(u32::MAX);
        if inner.closed || inner.job_takes.saturating_mul(rounds) > self.longest {
            return Err(QueueFull);
        }
        if !inner.waiting.contains_key(&network) {
            inner.turns.push_back(network);
        }
        inner.waiting.entry(network).or_default().push_back(job);
        drop(inner);
        self.arrival.notify_one();
        Ok(())
    }

    /// Waits for the next job; `None` when the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut inner = self.lock();
        loop {
            if let Some(job) = inner.take_next() {
                return Some(job);
            }
            if inner.closed {
                return None;
            }
            inner = self.arrival.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells how long a job took, for judging how long the queue is.
    pub(super) fn job_took(&self, time: Duration) {
        let mut inner = self.lock();
        inner.job_takes = (inner.job_takes * 7 + time) / 8;
    }

    /// Takes no more jobs, and lets the threads end when the waiting ones are done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrival.notify_all();
    }
}

impl<T> Inner<T> {
    /// How many jobs come before a new one of this network: its own, and as many of each other network.
    fn jobs_ahead(&self, network: ClientNetwork) -> usize {
        let own = self.waiting.get(&network).map_or(0, VecDeque::len);
        let others = self.waiting.iter().filter(|(other, _)| **other != network);
        own + others.map(|(_, line)| line.len().min(own + 1)).sum::<usize>()
    }

    fn take_next(&mut self) -> Option<T> {
        let network = self.turns.pop_front()?;
        let line = self.waiting.get_mut(&network)?;
        let job = line.pop_front()?;
        if line.is_empty() {
            self.waiting.remove(&network);
        } else {
            self.turns.push_back(network);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn networks_take_turns() {
        let queue = FairQueue::new(1, Duration::from_secs(3));
        for job in ["a1", "a2", "a3"] {
            queue.push(network(1), job).unwrap();
        }
        queue.push(network(2), "b1").unwrap();
        queue.close();
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["a1", "b1", "a2", "a3"]);
    }

    #[test]
    fn a_flood_fills_its_own_line_and_not_that_of_others() {
        let queue = FairQueue::new(1, Duration::from_millis(300));
        let accepted = (0..100).take_while(|job| queue.push(network(1), *job).is_ok()).count();
        assert_eq!(accepted, 11);
        assert_eq!(queue.push(network(2), 0), Ok(()));
    }
}
