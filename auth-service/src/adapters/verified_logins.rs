//! Logins that were right a short time ago, each kept by a keyed digest of its name and network.
//!
//! A remembered login is good while its account is locked, so that a running push goes on; anybody in the network
//! of its owner could therefore try passwords on it without waiting, and as fast as memory answers. After some
//! different wrong passwords it is forgotten, and only the lock is left. Passwords for names without a remembered login
//! leave no trace here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use moka::future::Cache;
use quick_cache::UnitWeighter;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::domain::account::CountedName;
use crate::domain::credential::Password;
use crate::domain::login::VerifiedLogin;
use crate::domain::network::ClientNetwork;
use crate::ports::login_error::LoginError;
use crate::ports::passwords::{CredentialDigest, PendingCheck, VerifiedLogins};

/// Most logins remembered at one time; about 300 bytes each.
const MOST_LOGINS: u64 = 20_000;

/// How many logins there is room for at first; it grows.
const EXPECTED_LOGINS: usize = 1_000;

/// How many different passwords may be compared with a login that is remembered.
const MOST_MISSES: u32 = 30;

/// For how long whoever comes just after a check may share its outcome, should nobody have waited for that.
const CHECK_KEPT: Duration = Duration::from_secs(1);

/// The cache and the key, which is made at start and never leaves the process.
pub struct LoginCache {
    key: hmac::Key,
    /// Looked into by each request; a cache that forgets by itself keeps books that cost several times as much.
    logins: quick_cache::sync::Cache<[u8; 32], Arc<Remembered>>,
    life: Duration,
    checks: Cache<CredentialDigest, VerifiedLogin>,
}

/// A login that was right.
struct Remembered {
    password: [u8; 32],
    login: VerifiedLogin,
    ends: Instant,
    misses: Mutex<Misses>,
}

/// Passwords that were compared with it and are not the right one. The same one is asked for several times at once by
/// clients that begin: that is one guess.
#[derive(Default)]
struct Misses {
    count: u32,
    last: Option<[u8; 32]>,
}

impl Remembered {
    /// Notes a password that is not the right one; whether that is enough.
    fn has_enough_of(&self, password: [u8; 32]) -> bool {
        let mut misses = self.misses.lock().unwrap_or_else(PoisonError::into_inner);
        if misses.last != Some(password) {
            misses.count = misses.count.saturating_add(1);
            misses.last = Some(password);
        }
        misses.count >= MOST_MISSES
    }
}

impl LoginCache {
    /// A cache that forgets each login after `life`. Fails when the system gives no random bytes.
    pub fn new(life: Duration) -> Result<Self, std::io::Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        let logins = quick_cache::sync::Cache::with_weighter(EXPECTED_LOGINS, MOST_LOGINS, UnitWeighter);
        let checks = Cache::builder().max_capacity(MOST_LOGINS).time_to_live(CHECK_KEPT.min(life)).build();
        Ok(Self { key, logins, life, checks })
    }

    fn sign(&self, network: ClientNetwork, name: &CountedName, password: Option<&Password>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[u8::from(password.is_some())]);
        context.update(&network.to_bits().to_be_bytes());
        // The length keeps ("ab", "c") apart from ("a", "bc").
        context.update(&u64::try_from(name.as_str().len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(name.as_str().as_bytes());
        context.update(password.map_or("", Password::expose).as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

#[async_trait]
impl VerifiedLogins for LoginCache {
    fn digest(&self, name: &CountedName, password: &Password, network: ClientNetwork) -> CredentialDigest {
        CredentialDigest {
            login: self.sign(network, name, None),
            password: self.sign(network, name, Some(password)),
        }
    }

    async fn get_or_verify(
        &self,
        digest: CredentialDigest,
        check: PendingCheck,
    ) -> Result<VerifiedLogin, LoginError> {
        let checked = self.checks.try_get_with(digest, check).await;
        let login = checked.map_err(Arc::unwrap_or_clone)?;
        let ends = Instant::now() + self.life;
        let remembered = Remembered { password: digest.password, login, ends, misses: Mutex::default() };
        self.logins.insert(digest.login, Arc::new(remembered));
        self.checks.invalidate(&digest).await;
        Ok(login)
    }

    fn get(&self, digest: &CredentialDigest) -> Option<VerifiedLogin> {
        let remembered = self.logins.get(&digest.login)?;
        let has_ended = remembered.ends <= Instant::now();
        if !has_ended && bool::from(remembered.password.ct_eq(&digest.password)) {
            return Some(remembered.login);
        }
        if has_ended || remembered.has_enough_of(digest.password) {
            self.logins.remove(&digest.login);
        }
        None
    }

    async fn forget(&self, digest: &CredentialDigest) {
        self.logins.remove(&digest.login);
        self.checks.invalidate(digest).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::login_rejection::LoginRejection;
    use crate::domain::principal::UserId;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    fn name(text: &str) -> CountedName {
        CountedName::of(text)
    }

    const LOGIN: VerifiedLogin = VerifiedLogin { user: UserId::new(1), generation: 1 };

    #[tokio::test]
    async fn a_burst_of_the_same_login_is_verified_once() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let digest = cache.digest(&name("alice"), &password("sesame"), network(1));
        let verify = || {
            let count = Arc::clone(&count);
            cache.get_or_verify(
                digest,
                Box::pin(async move {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(LOGIN)
                }),
            )
        };
        let all = futures_util::future::join_all((0..8).map(|_| verify())).await;
        assert!(all.iter().all(|login| *login == Ok(LOGIN)));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        cache.forget(&digest).await;
        verify().await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_wrong_login_is_not_remembered() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let digest = cache.digest(&name("alice"), &password("wrong"), network(1));
        let failed = cache
            .get_or_verify(
                digest,
                Box::pin(async { Err(LoginError::Rejected(LoginRejection::WrongCredentials)) }),
            )
            .await;
        assert_eq!(failed, Err(LoginError::Rejected(LoginRejection::WrongCredentials)));
        assert_eq!(cache.get(&digest), None);
    }

    async fn remember(cache: &LoginCache, name: &str, last: u8) -> CredentialDigest {
        let digest = cache.digest(&CountedName::of(name), &password("sesame"), network(last));
        cache.get_or_verify(digest, Box::pin(async { Ok(LOGIN) })).await.unwrap();
        digest
    }

    fn guess(cache: &LoginCache, name: &str, number: u32, last: u8) {
        let guess = cache.digest(&CountedName::of(name), &password(&number.to_string()), network(last));
        assert_eq!(cache.get(&guess), None);
    }

    #[tokio::test]
    async fn thirty_different_passwords_make_a_login_forgotten_there_only_and_one_password_is_one_guess() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let (here, elsewhere) = (remember(&cache, "alice", 1).await, remember(&cache, "alice", 2).await);
        for number in (1..30).chain([29; 100]) {
            guess(&cache, "Alice", number, 1);
        }
        assert_eq!(cache.get(&here), Some(LOGIN));
        guess(&cache, "alice", 30, 1);
        assert_eq!(cache.get(&here), None);
        assert_eq!(cache.get(&elsewhere), Some(LOGIN));
        let again = remember(&cache, "alice", 1).await;
        guess(&cache, "alice", 31, 1);
        assert_eq!(cache.get(&again), Some(LOGIN), "what was guessed before is over");
    }

    #[tokio::test]
    async fn a_flood_under_other_names_forgets_nothing_and_leaves_nothing() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let alice = remember(&cache, "alice", 1).await;
        for number in 0..100_000 {
            guess(&cache, &format!("flood {number}"), number, 1);
        }
        assert_eq!((cache.get(&alice), cache.logins.len()), (Some(LOGIN), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_is_remembered_for_its_time_and_no_longer() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let alice = remember(&cache, "alice", 1).await;
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(cache.get(&alice), Some(LOGIN));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((cache.get(&alice), cache.logins.len()), (None, 0));
    }

    #[test]
    fn name_password_and_network_are_kept_apart_in_the_digest() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let digest = |text, secret, last| cache.digest(&name(text), &password(secret), network(last));
        assert!(digest("ab", "c", 1) != digest("a", "bc", 1));
        assert!(digest("ab", "c", 1) != digest("ab", "c", 2));
        assert!(digest("ab", "c", 1) == digest("ab", "c", 1));
    }
}
