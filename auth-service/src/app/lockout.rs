//! Making whoever sends wrong passwords wait. Only passwords that have to be checked come here: tokens, logins that
//! are remembered, and requests without credentials are none of its business, so that a running push goes on.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::refused_forms::RefusedForms;
use crate::domain::lockout::{Counts, FORGOTTEN_AFTER, LockoutPolicy, UnderWay, Wait};
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::ports::StorageError;
use crate::ports::login_failures::{Attempt, LoginFailures};
use crate::ports::passwords::CredentialDigest;
use crate::ports::system::Clock;

/// How many wrong passwords may wait to be counted before no further password is checked.
const MOST_UNCOUNTED: usize = 1_000;

/// Counts, and makes wait.
pub struct Lockout {
    failures: Arc<dyn LoginFailures>,
    clock: Arc<dyn Clock>,
    policy: LockoutPolicy,
    under_way: Mutex<BeingChecked>,
    uncounted: Mutex<Vec<Ticket>>,
    refused_forms: RefusedForms,
}

/// Passwords that this process is checking, and those that were wrong and could not be counted.
#[derive(Default)]
struct BeingChecked {
    accounts: HashMap<Attempt, u32>,
    networks: HashMap<ClientNetwork, u32>,
    uncounted: HashMap<ClientNetwork, u32>,
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
    is_uncounted: bool,
    /// Whose password it was not; for the log alone.
    account: Option<UserId>,
}

/// A password that was wrong.
#[derive(Clone, Copy)]
pub struct WrongPassword {
    /// The digest of what was typed.
    pub digest: CredentialDigest,
    /// Whether it came in a form. Some clients ask once more, by query, when a form is refused: that second time
    /// is not counted.
    pub by_form: bool,
    /// Whose password it was not, if it could be somebody's.
    pub account: Option<UserId>,
}

impl Lockout {
    /// Counts in `failures`.
    #[must_use]
    pub fn new(failures: Arc<dyn LoginFailures>, clock: Arc<dyn Clock>, policy: LockoutPolicy) -> Self {
        let (under_way, uncounted) = (Mutex::default(), Mutex::default());
        Self { failures, clock, policy, under_way, uncounted, refused_forms: RefusedForms::default() }
    }

    /// Whether a password may be checked now.
    pub async fn enter(self: &Arc<Self>, attempt: Attempt) -> Result<Entry, StorageError> {
        let network = attempt.network;
        let uncounted = match self.try_to_enter(&attempt).await? {
            _ if self.uncounted().len() >= MOST_UNCOUNTED => self.take_uncounted(|_| true),
            Entry::Busy => self.take_uncounted(|ticket| ticket.attempt.network == network),
            entry => return Ok(entry),
        };
        if uncounted.is_empty() {
            return match self.being_checked().uncounted.contains_key(&network) {
                true => Err(StorageError::Unavailable("wrong passwords are still being counted".to_owned())),
                false => Ok(Entry::Busy),
            };
        }
        self.count_all(uncounted).await?;
        self.try_to_enter(&attempt).await
    }

    async fn try_to_enter(self: &Arc<Self>, attempt: &Attempt) -> Result<Entry, StorageError> {
        let now = self.clock.now();
        let counts = match self.policy.is_on() {
            true => self.failures.counts(attempt, now).await?,
            false => Counts::default(),
        };
        let now = self.clock.now();
        let mut checked = self.being_checked();
        let under_way = UnderWay {
            account: checked.accounts.get(attempt).copied().unwrap_or(0),
            network: checked.networks.get(&attempt.network).copied().unwrap_or(0),
        };
        if let Some(wait) = self.policy.wait(&counts, UnderWay::default(), now) {
            return Ok(Entry::Locked(wait));
        }
        if self.policy.wait(&counts, under_way, now).is_some() {
            return Ok(Entry::Busy);
        }
        *checked.accounts.entry(attempt.clone()).or_insert(0) += 1;
        *checked.networks.entry(attempt.network).or_insert(0) += 1;
        drop(checked);
        Ok(Entry::Admitted(Ticket {
            lockout: Arc::clone(self),
            attempt: attempt.clone(),
            had_failures: counts.account.failures > 0,
            is_uncounted: false,
            account: None,
        }))
    }

    /// Counts wrong passwords, whether or not anybody waits for that. Those that cannot be counted go on as if they
    /// were being checked, so that nothing is free meanwhile, until somebody has to wait for them.
    async fn count_all(self: &Arc<Self>, tickets: Vec<Ticket>) -> Result<(), StorageError> {
        let lockout = Arc::clone(self);
        let counting = tokio::spawn(async move {
            let mut tickets = tickets.into_iter();
            while let Some(ticket) = tickets.next() {
                if let Err(error) = ticket.count().await {
                    let left = std::iter::once(ticket).chain(tickets).map(Ticket::into_uncounted);
                    lockout.uncounted().extend(left.collect::<Vec<_>>());
                    return Err(error);
                }
            }
            Ok(())
        });
        counting.await.map_err(|_| StorageError::Unavailable("the service stops".to_owned()))?
    }

    /// Forgets counts that count no more, when what could not be counted before has been.
    pub async fn forget_old(self: &Arc<Self>) -> Result<(), StorageError> {
        self.count_all(self.take_uncounted(|_| true)).await?;
        let now = self.clock.now();
        self.failures.forget_failures_before(now.minus(FORGOTTEN_AFTER), now).await
    }

    fn take_uncounted(&self, which: impl Fn(&Ticket) -> bool) -> Vec<Ticket> {
        self.uncounted().extract_if(.., |ticket| which(ticket)).collect()
    }

    fn uncounted(&self) -> MutexGuard<'_, Vec<Ticket>> {
        self.uncounted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn being_checked(&self) -> MutexGuard<'_, BeingChecked> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Counts that the password was wrong, also when the client has gone meanwhile: it may have gone because no answer
    /// came at once, which a right password would have had.
    pub async fn wrong(mut self, wrong: WrongPassword) -> Result<(), StorageError> {
        let lockout = Arc::clone(&self.lockout);
        if !wrong.by_form && lockout.refused_forms.take(&wrong.digest, lockout.clock.elapsed()) {
            return Ok(());
        }
        self.account = wrong.account;
        lockout.count_all(vec![self]).await?;
        if wrong.by_form {
            lockout.refused_forms.note(wrong.digest, lockout.clock.elapsed());
        }
        Ok(())
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
        drop(self.lockout.take_uncounted(|ticket| ticket.attempt == self.attempt));
        if self.had_failures {
            // The login is right, whether or not this is forgotten now.
            let Lockout { failures, clock, .. } = &*self.lockout;
            if let Err(error) = failures.forget_attempts(&self.attempt, clock.now()).await {
                tracing::warn!(%error, "wrong passwords before a right one stay counted");
            }
        }
    }

    fn into_uncounted(mut self) -> Self {
        if !self.is_uncounted {
            self.is_uncounted = true;
            let mut checked = self.lockout.being_checked();
            *checked.uncounted.entry(self.attempt.network).or_insert(0) += 1;
        }
        self
    }

    /// Tells the operator. The name that was typed is not told: people type passwords there.
    fn notice(&self, wait: Wait, failures: u32) {
        tracing::warn!(
            target: "logins",
            user = self.account.map_or(0, UserId::number),
            network = wait.counter.network(self.attempt.network),
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
        one_less(&mut checked.accounts, &self.attempt);
        one_less(&mut checked.networks, &self.attempt.network);
        if self.is_uncounted {
            one_less(&mut checked.uncounted, &self.attempt.network);
        }
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
