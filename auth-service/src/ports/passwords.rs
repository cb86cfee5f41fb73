//! Checking and hashing passwords, and remembering for a short time which ones were right.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;

use crate::domain::account::CountedName;
use crate::domain::credential::Password;
use crate::domain::foreign::IssuerName;
use crate::domain::login::VerifiedLogin;
use crate::domain::network::ClientNetwork;
use crate::domain::refused_login::RefusedLogin;

/// Why a password was not checked or hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting already.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The hash is none, or the machine has no memory for it.
    #[error("the password hash cannot be computed")]
    Broken,
}

/// What became of a password that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one.
    Wrong,
    /// It is the right one.
    Right,
    /// It is the right one, and the hash is weaker than those that are made now; this is its hash as it is made now.
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

/// Why a login was not found right. It goes to everybody who waits for the same check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailure {
    /// The credential is not good.
    #[error("{}", .0.code())]
    Refused(RefusedLogin),
    /// Too many logins are waiting to be checked.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The issuer of the token cannot be asked; the cause is for the log.
    #[error("{issuer} does not answer: {cause}")]
    IssuerDown {
        /// The operator's name for it.
        issuer: IssuerName,
        /// What failed.
        cause: String,
    },
    /// It cannot be checked now; the cause is for the log.
    #[error("{0}")]
    Unavailable(String),
}

/// A check that is under way.
pub type Verification = Pin<Box<dyn Future<Output = Result<VerifiedLogin, LoginFailure>> + Send>>;

/// Logins that were found right a short time ago. Wrong ones are never remembered.
#[async_trait]
pub trait VerifiedLogins: Send + Sync {
    /// The digest of what was typed, under a key that only this process has. What is remembered is good for the
    /// network that it was shown from: elsewhere nobody can find out by guessing that it is.
    fn digest(&self, name: &CountedName, password: &Password, network: ClientNetwork) -> CredentialDigest;

    /// The login remembered for `digest`, or else what `verification` finds; the same check asked for several
    /// times at once is made once.
    async fn get_or_verify(
        &self,
        digest: CredentialDigest,
        verification: Verification,
    ) -> Result<VerifiedLogin, LoginFailure>;

    /// The login remembered for `digest`. After thirty passwords in place of the right one, nothing is remembered
    /// for that name and network any more.
    async fn get(&self, digest: &CredentialDigest) -> Option<VerifiedLogin>;

    /// Forgets a login that its account's generation has ended.
    async fn forget(&self, digest: &CredentialDigest);
}
