//! From a credential to a proof: what can be said of it before anything is known of the account.

use std::sync::Arc;

use super::foreign_logins::ForeignLogins;
use super::lockout::Lockout;
use super::log_in::Origin;
use super::password_check::{PasswordCheck, unavailable};
use crate::domain::account::{CountedName, LoginName};
use crate::domain::credential::{Credential, Password};
use crate::domain::foreign::ForeignToken;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::login::{CredentialUse, Proof, VerifiedLogin};
use crate::domain::network::ClientNetwork;
use crate::domain::refused_login::RefusedLogin;
use crate::ports::accounts::Passwords;
use crate::ports::passwords::{LoginFailure, PasswordHasher, VerifiedLogins};

/// Checks credentials.
pub struct Authenticate {
    passwords: Arc<dyn Passwords>,
    hasher: Arc<dyn PasswordHasher>,
    logins: Arc<dyn VerifiedLogins>,
    lockout: Arc<Lockout>,
    foreign_logins: Arc<ForeignLogins>,
    shapes: ShapesDigest,
}

impl Authenticate {
    /// Checks against `passwords`, with `hasher` for what `logins` does not remember, unless `lockout` makes wait.
    /// `shapes` are those by which opaque tokens are told from passwords.
    #[must_use]
    pub fn new(
        passwords: Arc<dyn Passwords>,
        hasher: Arc<dyn PasswordHasher>,
        logins: Arc<dyn VerifiedLogins>,
        lockout: Arc<Lockout>,
        foreign_logins: Arc<ForeignLogins>,
        shapes: ShapesDigest,
    ) -> Self {
        Self { passwords, hasher, logins, lockout, foreign_logins, shapes }
    }

    /// The proof that `credential` is. A token never comes near what counts wrong passwords, nor near a password, but
    /// for an opaque one that may be a password from before there were such tokens.
    pub async fn run(
        &self,
        credential: &Credential,
        credential_use: CredentialUse,
        origin: Origin,
    ) -> Result<Proof, LoginFailure> {
        match credential {
            Credential::Anonymous => Ok(Proof::None),
            Credential::Token(token) => Ok(Proof::Token(*token)),
            Credential::Mistyped(mistyped) => Err(LoginFailure::Refused(RefusedLogin::Mistyped(*mistyped))),
            Credential::UnknownIssuer(issuer) => {
                Err(LoginFailure::Refused(RefusedLogin::UnknownIssuer(issuer.clone())))
            }
            Credential::EmptyPassword => Err(LoginFailure::Refused(RefusedLogin::EmptyPassword)),
            Credential::Foreign { token, password_of } => {
                if let Some(name) = password_of
                    && let Some(login) = self.check_older_password(name, token, origin.network).await?
                {
                    return Ok(Proof::Password(login));
                }
                match credential_use {
                    CredentialUse::Session => Ok(Proof::None),
                    _ => self.foreign_logins.check(token, origin.network).await.map(Proof::Foreign),
                }
            }
            Credential::Password { name, password } => {
                self.check_password(name, password, origin).await.map(Proof::Password)
            }
        }
    }

    /// Makes the next use of the same credential check it anew.
    pub async fn forget(&self, credential: &Credential, network: ClientNetwork) {
        let (name, password) = match credential {
            Credential::Password { name, password } => (name, password.clone()),
            Credential::Foreign { token, password_of: Some(name) } => (name, Password::of_token(token)),
            _ => return,
        };
        let digest = self.logins.digest(&CountedName::of(name), &password, network);
        self.logins.forget(&digest).await;
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
            passwords: Arc::clone(&self.passwords),
            hasher: Arc::clone(&self.hasher),
            name: LoginName::parse(name),
            password: password.clone(),
            shapes: self.shapes,
        };
        let check = check.counted(Arc::clone(&self.lockout), counted, digest, origin);
        self.logins.get_or_verify(digest, Box::pin(check)).await
    }

    /// Whether an opaque token is the password of whoever is named with it, set when there was no issuer of such tokens:
    /// that is never sent to one. While anybody can have such a password, all names take as long, so that none tells
    /// whether somebody has it; and nothing is counted, since it is a token for all that is known.
    async fn check_older_password(
        &self,
        name: &str,
        token: &ForeignToken,
        network: ClientNetwork,
    ) -> Result<Option<VerifiedLogin>, LoginFailure> {
        let Some(login) = LoginName::parse(name) else { return Ok(None) };
        if !self.passwords.has_unchecked_passwords(self.shapes).await.map_err(unavailable)? {
            return Ok(None);
        }
        let password = Password::of_token(token);
        let digest = self.logins.digest(&CountedName::of(name), &password, network);
        if let Some(verified) = self.logins.get(&digest).await {
            return Ok(Some(verified));
        }
        let check = PasswordCheck {
            passwords: Arc::clone(&self.passwords),
            hasher: Arc::clone(&self.hasher),
            name: Some(login),
            password,
            shapes: self.shapes,
        };
        match self.logins.get_or_verify(digest, Box::pin(check.of_older_one(network))).await {
            Ok(verified) => Ok(Some(verified)),
            Err(LoginFailure::Refused(RefusedLogin::WrongCredentials)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
