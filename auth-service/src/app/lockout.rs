//! Whether a password may be checked, and what follows from the result: a right one is remembered for a short time, and
//! wrong ones make later logins wait. Tokens and requests without credentials never come here. A login that is
//! remembered ignores every lock, so that a running push goes on.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::password_check::{Checked, PasswordLogin};
use super::refused_forms::RefusedForms;
use crate::domain::account::CountedName;
use crate::domain::lockout::{Counts, FORGOTTEN_AFTER, LockoutPolicy, UnderWay, Wait};
use crate::domain::login::{LoginOrigin, VerifiedLogin};
use crate::domain::login_rejection::LoginRejection;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::ports::StorageError;
use crate::ports::login_error::LoginError;
use crate::ports::login_failures::{Attempt, LoginFailures};
use crate::ports::passwords::{CredentialDigest, VerifiedLogins};
use crate::ports::system::Clock;

/// How many wrong passwords may wait to be counted before no further password is checked.
const MOST_UNCOUNTED: usize = 1_000;

/// Remembers right passwords, and counts wrong ones.
pub struct Lockout {
    failures: Arc<dyn LoginFailures>,
    logins: Arc<dyn VerifiedLogins>,
    clock: Arc<dyn Clock>,
    policy: LockoutPolicy,
    under_way: Mutex<BeingChecked>,
    uncounted: Mutex<Vec<Ticket>>,
    refused_forms: RefusedForms,
}

/// Passwords that this process is checking, and wrong ones that could not be counted.
#[derive(Default)]
struct BeingChecked {
    accounts: HashMap<Attempt, u32>,
    networks: HashMap<ClientNetwork, u32>,
    uncounted: HashMap<ClientNetwork, u32>,
}

/// A password that is being checked. It counts as wrong until the ticket is dropped.
struct Ticket {
    lockout: Arc<Lockout>,
    attempt: Attempt,
    had_failures: bool,
    is_uncounted: bool,
    account: Option<UserId>,
}

impl Lockout {
    /// Counts in `failures`, and remembers in `logins`.
    #[must_use]
    pub fn new(
        failures: Arc<dyn LoginFailures>,
        logins: Arc<dyn VerifiedLogins>,
        clock: Arc<dyn Clock>,
        policy: LockoutPolicy,
    ) -> Self {
        let (under_way, uncounted) = (Mutex::default(), Mutex::default());
        Self { failures, logins, clock, policy, under_way, uncounted, refused_forms: RefusedForms::default() }
    }

    /// The account that `login` belongs to: as remembered, or as `check` finds unless the login has to wait. The same
    /// login, checked several times at once, is checked and counted once.
    pub async fn check<C>(
        self: &Arc<Self>,
        login: PasswordLogin<'_>,
        check: impl FnOnce() -> C,
    ) -> Result<VerifiedLogin, LoginError>
    where
        C: Future<Output = Result<Checked, LoginError>> + Send + 'static,
    {
        let name = CountedName::of(login.name);
        let LoginOrigin { network, by_form } = login.origin;
        let digest = self.logins.digest(&name, login.password, network);
        if let Some(verified) = self.logins.get(&digest) {
            return Ok(verified);
        }
        let (lockout, check) = (Arc::clone(self), check());
        let counted = async move {
            let ticket = lockout.enter(&Attempt { name, network }).await?;
            match check.await? {
                Checked::Right(verified) => {
                    ticket.right().await;
                    Ok(verified)
                }
                Checked::Wrong { account } => {
                    // If wrong passwords cannot be counted, nobody may try them.
                    ticket.wrong(digest, by_form, account).await?;
                    Err(LoginRejection::WrongCredentials.into())
                }
            }
        };
        self.logins.get_or_verify(digest, Box::pin(counted)).await
    }

    /// As [`Self::check`], but nobody has to wait and nothing is counted.
    pub async fn check_uncounted<C>(
        &self,
        login: PasswordLogin<'_>,
        check: impl FnOnce() -> C,
    ) -> Result<VerifiedLogin, LoginError>
    where
        C: Future<Output = Result<Checked, LoginError>> + Send + 'static,
    {
        let digest = self.digest(login);
        if let Some(verified) = self.logins.get(&digest) {
            return Ok(verified);
        }
        let check = check();
        let uncounted = async move {
            match check.await? {
                Checked::Right(verified) => Ok(verified),
                Checked::Wrong { .. } => Err(LoginRejection::WrongCredentials.into()),
            }
        };
        self.logins.get_or_verify(digest, Box::pin(uncounted)).await
    }

    /// Forgets a login that was remembered.
    pub async fn forget(&self, login: PasswordLogin<'_>) {
        self.logins.forget(&self.digest(login)).await;
    }

    fn digest(&self, login: PasswordLogin<'_>) -> CredentialDigest {
        self.logins.digest(&CountedName::of(login.name), login.password, login.origin.network)
    }

    async fn enter(self: &Arc<Self>, attempt: &Attempt) -> Result<Ticket, LoginError> {
        let network = attempt.network;
        let uncounted = match self.try_to_enter(attempt).await {
            Err(LoginError::Unavailable(cause)) => return Err(LoginError::Unavailable(cause)),
            _ if self.uncounted().len() >= MOST_UNCOUNTED => self.take_uncounted(|_| true),
            Err(LoginError::Busy) => self.take_uncounted(|ticket| ticket.attempt.network == network),
            entered => return entered,
        };
        if uncounted.is_empty() {
            return Err(match self.being_checked().uncounted.contains_key(&network) {
                true => LoginError::Unavailable("wrong passwords are still being counted".to_owned()),
                false => LoginError::Busy,
            });
        }
        self.count_all(uncounted).await?;
        self.try_to_enter(attempt).await
    }

    async fn try_to_enter(self: &Arc<Self>, attempt: &Attempt) -> Result<Ticket, LoginError> {
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
            return Err(LoginRejection::LockedOut(wait).into());
        }
        if self.policy.wait(&counts, under_way, now).is_some() {
            return Err(LoginError::Busy);
        }
        *checked.accounts.entry(attempt.clone()).or_insert(0) += 1;
        *checked.networks.entry(attempt.network).or_insert(0) += 1;
        drop(checked);
        Ok(Ticket {
            lockout: Arc::clone(self),
            attempt: attempt.clone(),
            had_failures: counts.account.failures > 0,
            is_uncounted: false,
            account: None,
        })
    }

    /// Counts wrong passwords, even if nobody waits for that any longer. Those that cannot be counted go on as if they
    /// were being checked, until a later login has to wait for them: so no try is free meanwhile.
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

    /// Counts the wrong passwords that could not be counted before, and then forgets old counts.
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
    /// Counts that the password was wrong, even if the client has gone: it may have gone because no answer came as fast
    /// as for a right password. Some clients repeat a refused form as a query; the second time is not counted.
    async fn wrong(
        mut self,
        digest: CredentialDigest,
        by_form: bool,
        account: Option<UserId>,
    ) -> Result<(), StorageError> {
        let lockout = Arc::clone(&self.lockout);
        if !by_form && lockout.refused_forms.take(&digest, lockout.clock.elapsed()) {
            return Ok(());
        }
        self.account = account;
        lockout.count_all(vec![self]).await?;
        if by_form {
            lockout.refused_forms.note(digest, lockout.clock.elapsed());
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
            self.warn(wait, counts.account.failures);
        }
        Ok(())
    }

    /// Forgets the wrong passwords that were counted before the right one.
    async fn right(self) {
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

    /// Warns the operator. The name as typed is left out: people type passwords there by mistake.
    fn warn(&self, wait: Wait, failures: u32) {
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
