//! Checking and hashing passwords, and remembering for a short time which ones were right.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;

use super::login_error::LoginError;
use crate::domain::account::CountedName;
use crate::domain::credential::Password;
use crate::domain::login::VerifiedLogin;
use crate::domain::network::ClientNetwork;

/// Why a password was not checked or hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting already.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The stored hash is malformed, or the machine has no memory for computing it.
    #[error("the password hash cannot be computed")]
    Broken,
}

impl From<HashError> for LoginError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Broken => Self::Unavailable(error.to_string()),
        }
    }
}

/// The result of comparing a password with a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the right password.
    Right,
    /// It is the right password, and its hash is weaker than new ones; this is its hash as it is made today.
    RightButWeaklyHashed(String),
}

/// Slow hashing, on threads of its own.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Whether `password` belongs to `hash` (PHC string format). Without a hash it is never right; a wrong one takes as
    /// long with any hash as without one. Waiting callers take turns by `network`.
    async fn verify(
        &self,
        hash: Option<String>,
        password: Password,
        network: ClientNetwork,
    ) -> Result<Verdict, HashError>;

    /// The hash of a new password, in PHC string format.
    async fn hash(&self, password: Password) -> Result<String, HashError>;
}

/// Keyed digests of a login from one network: meaningless outside this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialDigest {
    /// Of the user name.
    pub login: [u8; 32],
    /// Of the user name with the password.
    pub password: [u8; 32],
}

/// The check of a password that is under way.
pub type PendingCheck = Pin<Box<dyn Future<Output = Result<VerifiedLogin, LoginError>> + Send>>;

/// Logins that were found right a short time ago. Wrong ones are never remembered.
#[async_trait]
pub trait VerifiedLogins: Send + Sync {
    /// The digest of a login, under a key that only this process has. A login is remembered for the network it came
    /// from: from elsewhere nobody can find out by guessing that it is.
    fn digest(&self, name: &CountedName, password: &Password, network: ClientNetwork) -> CredentialDigest;

    /// The login remembered for `digest`, or else what `check` finds. The same check, wanted several
    /// times at once, is made once.
    async fn get_or_verify(
        &self,
        digest: CredentialDigest,
        check: PendingCheck,
    ) -> Result<VerifiedLogin, LoginError>;

    /// The login remembered for `digest`. After thirty passwords in place of the right one, nothing is remembered
    /// for that name and network any more.
    fn get(&self, digest: &CredentialDigest) -> Option<VerifiedLogin>;

    /// Forgets a login that its account's generation has ended.
    async fn forget(&self, digest: &CredentialDigest);
}
