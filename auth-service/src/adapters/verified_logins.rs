//! Logins that were right a short time ago, kept by a keyed digest of what was typed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use moka::future::Cache;

use crate::domain::credential::Password;
use crate::domain::login::VerifiedLogin;
use crate::domain::network::ClientNetwork;
use crate::ports::passwords::{CredentialDigest, LoginFailure, Verification, VerifiedLogins};

/// Most logins remembered at one time; about 200 bytes each.
const MOST_LOGINS: u64 = 20_000;

/// The cache and the key, which is made at start and never leaves the process.
pub struct LoginCache {
    key: hmac::Key,
    logins: Cache<CredentialDigest, VerifiedLogin>,
}

impl LoginCache {
    /// A cache that forgets each login after `life`. Fails when the system gives no random bytes.
    pub fn new(life: Duration) -> Result<Self, std::io::Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        Ok(Self { key, logins: Cache::builder().max_capacity(MOST_LOGINS).time_to_live(life).build() })
    }
}

#[async_trait]
impl VerifiedLogins for LoginCache {
    fn digest(&self, name: &str, password: &Password, network: ClientNetwork) -> CredentialDigest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&network.to_bits().to_be_bytes());
        // The length keeps ("ab", "c") apart from ("a", "bc").
        context.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(name.as_bytes());
        context.update(password.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        CredentialDigest(digest)
    }

    async fn get_or_verify(
        &self,
        digest: CredentialDigest,
        verification: Verification,
    ) -> Result<VerifiedLogin, LoginFailure> {
        self.logins
            .try_get_with(digest, verification)
            .await
            .map_err(|failure: Arc<LoginFailure>| Arc::unwrap_or_clone(failure))
    }

    async fn get(&self, digest: &CredentialDigest) -> Option<VerifiedLogin> {
        self.logins.get(digest).await
    }

    async fn forget(&self, digest: &CredentialDigest) {
        self.logins.invalidate(digest).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::principal::UserId;
    use crate::domain::refused_login::RefusedLogin;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    const LOGIN: VerifiedLogin = VerifiedLogin { user: UserId::new(1), generation: 1 };

    #[tokio::test]
    async fn a_burst_of_the_same_login_is_verified_once() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let digest = cache.digest("alice", &password("sesame"), network(1));
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
        let digest = cache.digest("alice", &password("wrong"), network(1));
        let failed = cache
            .get_or_verify(
                digest,
                Box::pin(async { Err(LoginFailure::Refused(RefusedLogin::WrongCredentials)) }),
            )
            .await;
        assert_eq!(failed, Err(LoginFailure::Refused(RefusedLogin::WrongCredentials)));
        assert_eq!(cache.get(&digest).await, None);
    }

    #[test]
    fn name_password_and_network_are_kept_apart_in_the_digest() {
        let cache = LoginCache::new(Duration::from_mins(1)).unwrap();
        let digest = |name, text, last| cache.digest(name, &password(text), network(last));
        assert!(digest("ab", "c", 1) != digest("a", "bc", 1));
        assert!(digest("ab", "c", 1) != digest("ab", "c", 2));
        assert!(digest("ab", "c", 1) == digest("ab", "c", 1));
    }
}
