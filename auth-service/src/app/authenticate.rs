//! From a credential to a proof: everything that can be checked without the facts about the account.

use std::sync::Arc;

use super::foreign_logins::ForeignLogins;
use super::lockout::Lockout;
use super::password_check::{PasswordCheck, PasswordLogin, ReadAs};
use crate::domain::account::LoginName;
use crate::domain::credential::{Credential, Password};
use crate::domain::foreign::ForeignToken;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::login::{CredentialUse, LoginOrigin, Proof, VerifiedLogin};
use crate::domain::login_rejection::LoginRejection;
use crate::ports::accounts::Passwords;
use crate::ports::login_error::LoginError;
use crate::ports::passwords::PasswordHasher;

/// Checks credentials.
pub struct Authenticate {
    /// Where passwords are stored.
    pub passwords: Arc<dyn Passwords>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Decides whether a password may be checked.
    pub lockout: Arc<Lockout>,
    /// Checks tokens of other issuers.
    pub foreign_logins: Arc<ForeignLogins>,
    /// The shapes by which opaque tokens are told apart from passwords.
    pub shapes: ShapesDigest,
}

impl Authenticate {
    /// Checks `credential`. A token is never counted as a wrong password, nor compared with one, except an opaque one
    /// that may be a password from before there were such tokens.
    pub async fn run(
        &self,
        credential: &Credential,
        credential_use: CredentialUse,
        origin: LoginOrigin,
    ) -> Result<Proof, LoginError> {
        let rejection = match credential {
            Credential::Anonymous => return Ok(Proof::None),
            Credential::Token(token) => return Ok(Proof::Token(*token)),
            Credential::Password { name, password } => {
                let login = PasswordLogin { name, password, origin };
                let check = || self.password_check(login, ReadAs::Password).run();
                return self.lockout.check(login, check).await.map(Proof::Password);
            }
            Credential::Foreign { token, password_of } => {
                let older = self.check_older_password(password_of.as_deref(), token, origin).await?;
                return match (older, credential_use) {
                    (Some(login), _) => Ok(Proof::Password(login)),
                    (None, CredentialUse::Session) => Ok(Proof::None),
                    (None, _) => self.foreign_logins.check(token, origin.network).await.map(Proof::Foreign),
                };
            }
            Credential::Mistyped(mistyped) => LoginRejection::MistypedToken(*mistyped),
            Credential::UnknownIssuer(issuer) => LoginRejection::UnknownIssuer(issuer.clone()),
            Credential::EmptyPassword => LoginRejection::EmptyPassword,
        };
        Err(rejection.into())
    }

    /// Makes the next use of the same credential check it again.
    pub async fn forget(&self, credential: &Credential, origin: LoginOrigin) {
        match credential {
            Credential::Password { name, password } => {
                self.lockout.forget(PasswordLogin { name, password, origin }).await;
            }
            Credential::Foreign { token, password_of: Some(name) } => {
                let password = &Password::of_token(token);
                self.lockout.forget(PasswordLogin { name, password, origin }).await;
            }
            _ => {}
        }
    }

    /// Whether an opaque token is the password of the account it is sent with, set before there was an issuer of such
    /// tokens: a password is never sent to an issuer. While any account can have such a password, every name takes as
    /// long, so that the time does not show which accounts have one. Nothing is counted, because the text looks like a
    /// token.
    async fn check_older_password(
        &self,
        name: Option<&str>,
        token: &ForeignToken,
        origin: LoginOrigin,
    ) -> Result<Option<VerifiedLogin>, LoginError> {
        let Some(name) = name.filter(|name| LoginName::parse(name).is_some()) else { return Ok(None) };
        if !self.passwords.has_unchecked_passwords(self.shapes).await? {
            return Ok(None);
        }
        let login = PasswordLogin { name, password: &Password::of_token(token), origin };
        let check = || self.password_check(login, ReadAs::OpaqueToken).run();
        match self.lockout.check_uncounted(login, check).await {
            Err(LoginError::Rejected(LoginRejection::WrongCredentials)) => Ok(None),
            checked => checked.map(Some),
        }
    }

    fn password_check(&self, login: PasswordLogin<'_>, read_as: ReadAs) -> PasswordCheck {
        PasswordCheck {
            passwords: Arc::clone(&self.passwords),
            hasher: Arc::clone(&self.hasher),
            name: LoginName::parse(login.name),
            password: login.password.clone(),
            network: login.origin.network,
            read_as,
            shapes: self.shapes,
        }
    }
}
