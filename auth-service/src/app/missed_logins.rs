//! Guesses at logins that are remembered. A remembered login is good while its account is locked, so that a running
//! push goes on; whoever shares the network with its owner could therefore try passwords on it without waiting, and as
//! fast as memory answers. After some different passwords that were none of them, nothing is remembered for them any
//! more, and the lock is all that there is.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::network::ClientNetwork;
use crate::domain::time::Timestamp;
use crate::ports::passwords::CredentialDigest;

/// How many different passwords for one name from one network may be compared with what is remembered.
const MOST_MISSES: u32 = 30;

/// What was missed under one name from one network.
struct Misses {
    count: u32,
    last: CredentialDigest,
    until: Timestamp,
}

/// Counts of passwords that were not remembered, in a bounded number of buckets: names are chosen by whoever tries, and
/// a collision only makes somebody's password be checked that was remembered.
#[derive(Default)]
pub struct MissedLogins {
    hasher: RandomState,
    buckets: Mutex<HashMap<u16, Misses>>,
}

impl MissedLogins {
    /// Whether a password may be compared with what is remembered. `now` is asked for only when there is something
    /// to compare with it.
    pub fn may_look(&self, name: &str, network: ClientNetwork, now: impl FnOnce() -> Timestamp) -> bool {
        let mut buckets = self.buckets();
        if buckets.is_empty() {
            return true;
        }
        let bucket = self.bucket(name, network);
        match buckets.get(&bucket) {
            Some(misses) if misses.until <= now() => {
                buckets.remove(&bucket);
                true
            }
            Some(misses) => misses.count < MOST_MISSES,
            None => true,
        }
    }

    /// Notes that a password is none that is remembered. The same one is asked for several times at once by clients
    /// that begin: that is one guess.
    pub fn missed(
        &self,
        name: &str,
        network: ClientNetwork,
        digest: CredentialDigest,
        now: Timestamp,
        window: Duration,
    ) {
        let mut buckets = self.buckets();
        let fresh = Misses { count: 1, last: digest, until: now.plus(window) };
        let misses = buckets.entry(self.bucket(name, network)).or_insert(fresh);
        if misses.last != digest {
            misses.count = misses.count.saturating_add(1);
            misses.last = digest;
        }
    }

    /// Forgets what was missed: the owner is here.
    pub fn right(&self, name: &str, network: ClientNetwork) {
        self.buckets().remove(&self.bucket(name, network));
    }

    fn bucket(&self, name: &str, network: ClientNetwork) -> u16 {
        // The upper bits of a SipHash are as good as any.
        (self.hasher.hash_one((name, network)) >> 48) as u16
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<u16, Misses>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const WINDOW: Duration = Duration::from_mins(15);
    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(IpAddr::from([192, 0, 2, last]))
    }

    fn guess(misses: &MissedLogins, number: u8) {
        misses.missed("alice", network(1), CredentialDigest([number; 32]), START, WINDOW);
    }

    fn may_look(misses: &MissedLogins, last: u8, now: Timestamp) -> bool {
        misses.may_look("alice", network(last), || now)
    }

    #[test]
    fn after_many_different_passwords_nothing_is_remembered_for_a_while_and_here_only() {
        let misses = MissedLogins::default();
        for number in 1..30 {
            guess(&misses, number);
        }
        assert!(may_look(&misses, 1, START));
        guess(&misses, 30);
        assert!(!may_look(&misses, 1, START));
        assert!(may_look(&misses, 2, START));
        assert!(!may_look(&misses, 1, START.plus(WINDOW / 2)));
        assert!(may_look(&misses, 1, START.plus(WINDOW)));
    }

    #[test]
    fn one_password_is_one_guess_and_the_right_one_forgets_them_all() {
        let misses = MissedLogins::default();
        for _ in 0..100 {
            guess(&misses, 1);
        }
        assert!(may_look(&misses, 1, START));
        for number in 0..40 {
            guess(&misses, number);
        }
        assert!(!may_look(&misses, 1, START));
        misses.right("alice", network(1));
        assert!(may_look(&misses, 1, START));
        assert!(misses.buckets().is_empty());
    }
}
