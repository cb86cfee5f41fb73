//! From a credential to a login: who it is, and which generation of the account it was checked against.

use std::sync::Arc;

use crate::domain::account::{AccountState, LoginName};
use crate::domain::credential::{Credential, Password};
use crate::domain::login::LoginScopes;
use crate::domain::network::ClientNetwork;
use crate::ports::accounts::Users;
use crate::ports::passwords::{
    CredentialDigest, HashError, LoginFailure, PasswordHasher, VerifiedLogin, VerifiedLogins,
};

/// A login that was found right, now or a short time ago.
#[derive(Clone, Copy)]
pub struct Login {
    /// Whose it is, as of which generation of the account.
    pub verified: VerifiedLogin,
    /// What it may be used for.
    pub scopes: LoginScopes,
    /// Under what it is remembered.
    digest: CredentialDigest,
}

/// Checks credentials.
pub struct Authenticate {
    users: Arc<dyn Users>,
    hasher: Arc<dyn PasswordHasher>,
    logins: Arc<dyn VerifiedLogins>,
}

impl Authenticate {
    /// Checks against `users`, with `hasher` for what `logins` does not remember.
    #[must_use]
    pub fn new(
        users: Arc<dyn Users>,
        hasher: Arc<dyn PasswordHasher>,
        logins: Arc<dyn VerifiedLogins>,
    ) -> Self {
        Self { users, hasher, logins }
    }

    /// The login that `credential` is; `None` when there is none. Waiting for the hash of a password takes
    /// turns by `network`.
    pub async fn run(
        &self,
        credential: &Credential,
        network: ClientNetwork,
    ) -> Result<Option<Login>, LoginFailure> {
        let Credential::Password { name, password } = credential else { return Ok(None) };
        let digest = self.logins.digest(name, password);
        let verified = match self.logins.get(&digest).await {
            Some(verified) => verified,
            None => {
                let check = verify(
                    Arc::clone(&self.users),
                    Arc::clone(&self.hasher),
                    LoginName::parse(name),
                    password.clone(),
                    network,
                );
                self.logins.get_or_verify(digest, Box::pin(check)).await?
            }
        };
        Ok(Some(Login { verified, scopes: LoginScopes::ALL, digest }))
    }

    /// Makes the next use of the same credential check it anew.
    pub async fn forget(&self, login: &Login) {
        self.logins.forget(&login.digest).await;
    }
}

/// Checks a password against what is stored. A name that nobody has costs as much as one that somebody has.
async fn verify(
    users: Arc<dyn Users>,
    hasher: Arc<dyn PasswordHasher>,
    name: Option<LoginName>,
    password: Password,
    network: ClientNetwork,
) -> Result<VerifiedLogin, LoginFailure> {
    let stored = match &name {
        Some(name) => {
            users.stored_login(name).await.map_err(|error| LoginFailure::Unavailable(error.to_string()))?
        }
        None => None,
    };
    let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
    let right = hasher.verify(hash, password, network).await.map_err(|error| match error {
        HashError::Busy => LoginFailure::Busy,
        HashError::Broken => LoginFailure::Unavailable(error.to_string()),
    })?;
    match stored {
        Some(stored) if right && stored.state == AccountState::Disabled => Err(LoginFailure::AccountDisabled),
        Some(stored) if right => Ok(VerifiedLogin { user: stored.user, generation: stored.generation }),
        _ => Err(LoginFailure::WrongCredentials),
    }
}
