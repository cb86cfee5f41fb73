//! From a credential to the account it belongs to, with the facts of that moment.

use std::sync::Arc;

use super::authenticate::Authenticate;
use super::foreign_logins::ForeignLogins;
use crate::domain::credential::Credential;
use crate::domain::decision::{AccessPolicy, ItemRefusal, ItemRights};
use crate::domain::facts::Facts;
use crate::domain::login::{Caller, CredentialUse, LoginContext, LoginOrigin, Proof, admit};
use crate::domain::login_rejection::LoginRejection;
use crate::domain::login_scope::Powers;
use crate::domain::principal::UserId;
use crate::ports::StorageError;
use crate::ports::facts::{FactsReader, Target};
use crate::ports::login_error::LoginError;
use crate::ports::system::Clock;
use crate::ports::tokens::TokenUses;

/// How often a login is tried while its account changes.
const TRIES: usize = 3;

/// A login that was accepted, with facts of that moment.
pub struct Admitted {
    /// About the user, and about the names or the item that were asked for.
    pub facts: Facts,
    /// How the user has shown who they are.
    pub proof: Proof,
    powers: Option<Powers>,
}

impl Admitted {
    /// The user with the powers of the login, or an anonymous caller.
    #[must_use]
    pub fn caller(&self) -> Caller<'_> {
        match (self.facts.user.as_deref(), self.powers) {
            (Some(user), Some(powers)) => Caller::User(user, powers),
            _ => Caller::Anonymous,
        }
    }

    /// What the caller may do with the item that the facts are about.
    pub fn rights(&self, policy: AccessPolicy) -> Result<ItemRights<'_>, ItemRefusal> {
        ItemRights::of(self.caller(), self.facts.item.as_ref(), policy)
    }

    /// The user's number; `None` for an anonymous caller.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.caller().user().map(|user| user.id)
    }
}

/// Accepts logins.
pub struct LogIn {
    /// Checks credentials.
    pub authenticate: Authenticate,
    /// Loads facts.
    pub facts: Arc<dyn FactsReader>,
    /// Creates accounts at the first login.
    pub foreign_logins: Arc<ForeignLogins>,
    /// Notes which tokens are used.
    pub uses: Arc<dyn TokenUses>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The registry's name for this service.
    pub service: String,
}

impl LogIn {
    /// Logs in with `credential`, and loads the facts about the user and about `target`.
    pub async fn run(
        &self,
        credential: &Credential,
        credential_use: CredentialUse,
        origin: LoginOrigin,
        target: Target<'_>,
    ) -> Result<Admitted, LoginError> {
        for _ in 0..TRIES {
            if let Some(admitted) = self.try_once(credential, credential_use, origin, target).await? {
                return Ok(admitted);
            }
        }
        Err(LoginError::Unavailable("the account changed again with each try".to_owned()))
    }

    /// As [`Self::run`], but returns `None` when the account has changed meanwhile: then the login must be tried again,
    /// by a caller that has its own reasons to try more than once.
    pub async fn try_once(
        &self,
        credential: &Credential,
        credential_use: CredentialUse,
        origin: LoginOrigin,
        target: Target<'_>,
    ) -> Result<Option<Admitted>, LoginError> {
        let proof = self.authenticate.run(credential, credential_use, origin).await?;
        let facts = match target {
            Target::Repositories(names) => self.facts.load(&proof.identity(), names).await?,
            Target::Item(entity) => self.facts.load_item(&proof.identity(), entity).await?,
        };
        let now = self.clock.now();
        match admit(&proof, &facts, LoginContext { credential_use, service: &self.service, now }) {
            Ok(powers) => {
                if let Proof::Token(token) = &proof {
                    self.uses.note(token.id, now);
                }
                return Ok(Some(Admitted { facts, proof, powers }));
            }
            Err(LoginRejection::OutdatedLogin) => self.authenticate.forget(credential, origin).await,
            Err(LoginRejection::NotLinked) if self.provision(&proof).await? => {}
            Err(rejection) => {
                self.authenticate.forget(credential, origin).await;
                return Err(rejection.into());
            }
        }
        self.facts.catch_up().await?;
        Ok(None)
    }

    /// Creates an account at the first login, if the issuer's rules want that; whether there is one now.
    async fn provision(&self, proof: &Proof) -> Result<bool, StorageError> {
        match proof {
            Proof::Foreign(login) => self.foreign_logins.provision(login).await,
            _ => Ok(false),
        }
    }
}
