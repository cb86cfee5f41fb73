//! Making whoever sends wrong passwords wait. Only passwords that have to be checked come here: tokens, logins that
//! are remembered, and requests without credentials are none of its business, so that a running push goes on.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::missed_logins::MissedLogins;
use crate::domain::lockout::{Counts, FORGOTTEN_AFTER, LockoutPolicy, UnderWay, Wait};
use crate::domain::network::ClientNetwork;
use crate::ports::StorageError;
use crate::ports::login_failures::{Attempt, LoginFailures, Target};
use crate::ports::passwords::CredentialDigest;
use crate::ports::system::Clock;

/// How long a wrong password that could not be counted is taken for one that is being checked.
const UNCOUNTED_FOR: Duration = Duration::from_mins(1);

/// Counts, and makes wait.
pub struct Lockout {
    failures: Arc<dyn LoginFailures>,
    clock: Arc<dyn Clock>,
    policy: LockoutPolicy,
    under_way: Mutex<BeingChecked>,
    missed: MissedLogins,
}

/// Passwords that this process is checking.
#[derive(Default)]
struct BeingChecked {
    accounts: HashMap<(Target, ClientNetwork), u32>,
    networks: HashMap<ClientNetwork, u32>,
}

/// Whether a password may be checked.
pub enum Entry {
    /// It may; the ticket is to be kept until the outcome is counted.
    Admitted(Ticket),
    /// Not yet.
    Locked(Wait),
    /// Not while so many others are being checked: whether they are wrong is not known yet.
    Busy,
}

/// A password that is being checked.
pub struct Ticket {
    lockout: Arc<Lockout>,
    attempt: Attempt,
    had_failures: bool,
}

impl Lockout {
    /// Counts in `failures`.
    #[must_use]
    pub fn new(failures: Arc<dyn LoginFailures>, clock: Arc<dyn Clock>, policy: LockoutPolicy) -> Self {
        Self { failures, clock, policy, under_way: Mutex::default(), missed: MissedLogins::default() }
    }

    /// Whether a password may be checked now.
    pub async fn enter(self: &Arc<Self>, attempt: Attempt) -> Result<Entry, StorageError> {
        let counts = match self.policy.is_on() {
            true => self.failures.counts(&attempt).await?,
            false => Counts::default(),
        };
        let now = self.clock.now();
        let account = (attempt.target.clone(), attempt.network);
        let mut checked = self.being_checked();
        let under_way = UnderWay {
            account: checked.accounts.get(&account).copied().unwrap_or(0),
            network: checked.networks.get(&attempt.network).copied().unwrap_or(0),
        };
        if let Some(wait) = self.policy.wait(&counts, UnderWay::default(), now) {
            return Ok(Entry::Locked(wait));
        }
        if self.policy.wait(&counts, under_way, now).is_some() {
            return Ok(Entry::Busy);
        }
        *checked.accounts.entry(account).or_insert(0) += 1;
        *checked.networks.entry(attempt.network).or_insert(0) += 1;
        drop(checked);
        let had_failures = counts.account.failures > 0;
        Ok(Entry::Admitted(Ticket { lockout: Arc::clone(self), attempt, had_failures }))
    }

    /// Whether a password may be compared with the logins that are remembered.
    pub fn may_look(&self, name: &str, network: ClientNetwork) -> bool {
        self.missed.may_look(name, network, || self.clock.now())
    }

    /// Notes that a password is none that is remembered.
    pub fn missed(&self, name: &str, network: ClientNetwork, digest: CredentialDigest) {
        if self.policy.is_on() {
            self.missed.missed(name, network, digest, self.clock.now(), self.policy.longest);
        }
    }

    /// Notes that a password was right.
    pub fn right(&self, name: &str, network: ClientNetwork) {
        self.missed.right(name, network);
    }

    /// Forgets counts that count no more.
    pub async fn forget_old(&self) -> Result<(), StorageError> {
        self.failures.forget_failures_before(self.clock.now().minus(FORGOTTEN_AFTER)).await
    }

    fn being_checked(&self) -> MutexGuard<'_, BeingChecked> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Counts that the password was wrong, also when the client has gone meanwhile: it may have gone because no answer
    /// came at once, which a right password would have had.
    pub async fn wrong(self) -> Result<(), StorageError> {
        let counting = tokio::spawn(async move {
            let counted = self.count().await;
            if counted.is_err() {
                // What cannot be written down is held against the account here, for as long.
                tokio::spawn(async move {
                    tokio::time::sleep(UNCOUNTED_FOR).await;
                    drop(self);
                });
            }
            counted
        });
        counting.await.map_err(|_| StorageError::Unavailable("the service stops".to_owned()))?
    }

    async fn count(&self) -> Result<(), StorageError> {
        let Lockout { failures, clock, policy, .. } = &*self.lockout;
        if !policy.is_on() {
            return Ok(());
        }
        let now = clock.now();
        let counts = failures.count_failure(&self.attempt, now).await?;
        if let Some(wait) = policy.wait(&counts, UnderWay::default(), now) {
            self.notice(wait, counts.account.failures);
        }
        Ok(())
    }

    /// Forgets what was wrong before, if anything: the owner is here.
    pub async fn right(self) {
        if self.had_failures {
            // The login is right, whether or not this is forgotten now.
            let Lockout { failures, clock, .. } = &*self.lockout;
            if let Err(error) = failures.forget_attempts(&self.attempt, clock.now()).await {
                tracing::warn!(%error, "wrong passwords before a right one stay counted");
            }
        }
    }

    /// Tells the operator. The name that was typed is not told: people type passwords there.
    fn notice(&self, wait: Wait, failures: u32) {
        let account = match &self.attempt.target {
            Target::Account(user) => user.number(),
            Target::Nobody(_) => 0,
        };
        tracing::warn!(
            target: "logins",
            user = account,
            network = %self.attempt.network,
            locked = wait.counter.name(),
            seconds = wait.left.as_secs(),
            failures,
            "wrong passwords: logins have to wait"
        );
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut checked = self.lockout.being_checked();
        one_less(&mut checked.accounts, &(self.attempt.target.clone(), self.attempt.network));
        one_less(&mut checked.networks, &self.attempt.network);
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
