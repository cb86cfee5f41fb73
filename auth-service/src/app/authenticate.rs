//! From a credential to a proof: what can be said of it before anything is known of the account.

use std::sync::Arc;

use super::foreign_logins::ForeignLogins;
use super::lockout::{Entry, Lockout, WrongPassword};
use super::log_in::Origin;
use crate::domain::account::{AccountState, CountedName, LoginName};
use crate::domain::credential::{Credential, Password};
use crate::domain::login::{NotAdmitted, Proof, VerifiedLogin};
use crate::domain::network::ClientNetwork;
use crate::domain::refused_login::RefusedLogin;
use crate::ports::accounts::Users;
use crate::ports::login_failures::Attempt;
use crate::ports::passwords::{CredentialDigest, HashError, LoginFailure, PasswordHasher, VerifiedLogins};

/// Checks credentials.
pub struct Authenticate {
    users: Arc<dyn Users>,
    hasher: Arc<dyn PasswordHasher>,
    logins: Arc<dyn VerifiedLogins>,
    lockout: Arc<Lockout>,
    foreign_logins: Arc<ForeignLogins>,
}

impl Authenticate {
    /// Checks against `users`, with `hasher` for what `logins` does not remember, unless `lockout` makes wait.
    #[must_use]
    pub fn new(
        users: Arc<dyn Users>,
        hasher: Arc<dyn PasswordHasher>,
        logins: Arc<dyn VerifiedLogins>,
        lockout: Arc<Lockout>,
        foreign_logins: Arc<ForeignLogins>,
    ) -> Self {
        Self { users, hasher, logins, lockout, foreign_logins }
    }

    /// The proof that `credential` is. A token never comes near a password, nor what counts wrong ones.
    pub async fn run(&self, credential: &Credential, origin: Origin) -> Result<Proof, LoginFailure> {
        match credential {
            Credential::Anonymous => Ok(Proof::None),
            Credential::Token(token) => Ok(Proof::Token(*token)),
            Credential::Mistyped(mistyped) => Err(LoginFailure::Refused(RefusedLogin::Mistyped(*mistyped))),
            Credential::UnknownIssuer(issuer) => {
                Err(LoginFailure::Refused(RefusedLogin::UnknownIssuer(issuer.clone())))
            }
            Credential::EmptyPassword => Err(LoginFailure::Refused(RefusedLogin::EmptyPassword)),
            Credential::Foreign(token) => {
                self.foreign_logins.check(token, origin.network).await.map(Proof::Foreign)
            }
            Credential::Password { name, password } => {
                self.check_password(name, password, origin).await.map(Proof::Password)
            }
        }
    }

    /// Makes the next use of the same credential check it anew.
    pub async fn forget(&self, credential: &Credential, network: ClientNetwork) {
        if let Credential::Password { name, password } = credential {
            let digest = self.logins.digest(&CountedName::of(name), password, network);
            self.logins.forget(&digest).await;
        }
    }

    async fn check_password(
        &self,
        name: &str,
        password: &Password,
        origin: Origin,
    ) -> Result<VerifiedLogin, LoginFailure> {
        let counted = CountedName::of(name);
        let digest = self.logins.digest(&counted, password, origin.network);
        if let Some(verified) = self.logins.get(&digest).await {
            return Ok(verified);
        }
        let check = PasswordCheck {
            users: Arc::clone(&self.users),
            hasher: Arc::clone(&self.hasher),
            lockout: Arc::clone(&self.lockout),
            name: LoginName::parse(name),
            counted,
            digest,
            password: password.clone(),
            origin,
        };
        self.logins.get_or_verify(digest, Box::pin(check.run())).await
    }
}

/// One password, checked against what is stored. Whoever waits for the same one shares the outcome, so that it
/// holds all that it needs.
struct PasswordCheck {
    users: Arc<dyn Users>,
    hasher: Arc<dyn PasswordHasher>,
    lockout: Arc<Lockout>,
    name: Option<LoginName>,
    counted: CountedName,
    digest: CredentialDigest,
    password: Password,
    origin: Origin,
}

impl PasswordCheck {
    /// A name that nobody has costs as much as one that somebody has, and is locked as soon.
    async fn run(self) -> Result<VerifiedLogin, LoginFailure> {
        let stored = match &self.name {
            Some(name) => self.users.stored_login(name).await.map_err(unavailable)?,
            None => None,
        };
        let Origin { network, by_form } = self.origin;
        let attempt = Attempt { name: self.counted, network };
        let entry = self.lockout.enter(attempt).await.map_err(unavailable)?;
        let ticket = match entry {
            Entry::Admitted(ticket) => ticket,
            Entry::Busy => return Err(LoginFailure::Busy),
            Entry::Locked(wait) => return Err(LoginFailure::Refused(RefusedLogin::LockedOut(wait))),
        };
        let hash = stored.as_ref().and_then(|stored| stored.password_hash.clone());
        let right = self.hasher.verify(hash, self.password, network).await.map_err(|error| match error {
            HashError::Busy => LoginFailure::Busy,
            HashError::Broken => unavailable(error),
        })?;
        let account = stored.as_ref().map(|stored| stored.user);
        let Some(stored) = stored.filter(|_| right) else {
            let wrong = WrongPassword { digest: self.digest, by_form, account };
            // Who cannot count wrong passwords must not let them be tried.
            ticket.wrong(wrong).await.map_err(unavailable)?;
            return Err(LoginFailure::Refused(RefusedLogin::WrongCredentials));
        };
        ticket.right().await;
        match stored.state {
            AccountState::Active => Ok(VerifiedLogin { user: stored.user, generation: stored.generation }),
            AccountState::Disabled => {
                Err(LoginFailure::Refused(RefusedLogin::NotAdmitted(NotAdmitted::Disabled)))
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err, which passes the error itself")]
fn unavailable(cause: impl ToString) -> LoginFailure {
    LoginFailure::Unavailable(cause.to_string())
}
