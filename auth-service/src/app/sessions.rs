//! Sessions of the REST interface: opened with a password, and ended one by one or all at once.

use std::sync::Arc;

use super::give_tokens::{GiveTokenError, GiveTokens, GivenToken, Requester};
use super::log_in::LogIn;
use crate::domain::credential::Credential;
use crate::domain::login::{CredentialUse, LoginOrigin, Proof};
use crate::domain::principal::UserId;
use crate::domain::service_token::ServiceTokenKind;
use crate::ports::StorageError;
use crate::ports::facts::{FactsReader, Target};
use crate::ports::login_error::LoginError;
use crate::ports::tokens::Tokens;

/// Why no session was opened.
#[derive(Debug)]
pub enum NoSession {
    /// The password is not right, or cannot be checked.
    Login(LoginError),
    /// A token was given in place of a password.
    NotAPassword,
    /// The session could not be made.
    Give(GiveTokenError),
}

/// Opens and ends sessions.
pub struct Sessions {
    /// Checks passwords.
    pub log_in: Arc<LogIn>,
    /// Makes sessions.
    pub give_tokens: Arc<GiveTokens>,
    /// Where they are kept.
    pub tokens: Arc<dyn Tokens>,
    /// Learns of changes, so that they hold for the next request.
    pub facts: Arc<dyn FactsReader>,
}

impl Sessions {
    /// Opens a session with a password. A token is refused, because it would gain rights that only a password has.
    pub async fn open(
        &self,
        credential: &Credential,
        origin: LoginOrigin,
        requester: Requester,
    ) -> Result<GivenToken, NoSession> {
        if matches!(credential, Credential::Token(_) | Credential::Mistyped(_)) {
            return Err(NoSession::NotAPassword);
        }
        let admitted = self
            .log_in
            .run(credential, CredentialUse::Session, origin, Target::Repositories(&[]))
            .await
            .map_err(NoSession::Login)?;
        match admitted.proof {
            Proof::Password(login) => {
                self.give_tokens.session(login, requester).await.map_err(NoSession::Give)
            }
            _ => Err(NoSession::NotAPassword),
        }
    }

    /// Ends the session that somebody has logged in with.
    pub async fn end(&self, proof: &Proof) -> Result<(), StorageError> {
        match proof {
            Proof::Token(token) if token.kind == ServiceTokenKind::Session => {
                self.tokens.revoke_token(ServiceTokenKind::Session, token.id, None).await?;
                self.facts.catch_up().await
            }
            _ => Ok(()),
        }
    }

    /// Ends every session and every docker login of a user, and the logins that are under way.
    pub async fn end_all(&self, user: UserId) -> Result<(), StorageError> {
        self.tokens.end_logins(user).await?;
        self.facts.catch_up().await
    }
}
