//! From a credential to whoever it admits, with the facts that were known at that moment.

use std::sync::Arc;

use super::authenticate::Authenticate;
use super::foreign_logins::ForeignLogins;
use crate::domain::credential::Credential;
use crate::domain::decision::{AccessPolicy, ItemRefusal, ItemRights};
use crate::domain::facts::Facts;
use crate::domain::foreign::IssuerName;
use crate::domain::login::{Caller, CredentialUse, LoginContext, NotAdmitted, Proof, admit};
use crate::domain::login_scope::Powers;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::domain::refused_login::RefusedLogin;
use crate::ports::StorageError;
use crate::ports::facts::{FactsReader, Target};
use crate::ports::passwords::LoginFailure;
use crate::ports::system::Clock;
use crate::ports::tokens::TokenUses;

/// How often a login is tried when the account changes under its hands.
const TRIES: usize = 3;

/// Where a login comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The network that it is counted for.
    pub network: ClientNetwork,
    /// Whether it came in a form: some clients ask once more, otherwise, when that is refused.
    pub by_form: bool,
}

/// Whoever was admitted, with facts of that moment.
pub struct Admitted {
    /// About the user, and about the names or the item that were asked for.
    pub facts: Facts,
    /// What the login was shown with.
    pub proof: Proof,
    powers: Option<Powers>,
}

impl Admitted {
    /// Who asks.
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

    /// The user's number; `None` for nobody.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self.caller() {
            Caller::User(user, _) => Some(user.id),
            Caller::Anonymous => None,
        }
    }
}

/// Why nobody was admitted.
#[derive(Debug)]
pub enum NoLogin {
    /// The credential is not good.
    Refused(RefusedLogin),
    /// Too many passwords wait to be checked.
    Busy,
    /// The issuer of the token does not answer; the cause is for the log.
    IssuerDown {
        /// The operator's name for it.
        issuer: IssuerName,
        /// What failed.
        cause: String,
    },
    /// It cannot be told just now; the cause is for the log.
    Unavailable(String),
}

impl From<StorageError> for NoLogin {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<LoginFailure> for NoLogin {
    fn from(failure: LoginFailure) -> Self {
        match failure {
            LoginFailure::Refused(refused) => Self::Refused(refused),
            LoginFailure::Busy => Self::Busy,
            LoginFailure::IssuerDown { issuer, cause } => Self::IssuerDown { issuer, cause },
            LoginFailure::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// Admits people.
pub struct LogIn {
    /// Checks credentials.
    pub authenticate: Authenticate,
    /// Loads facts.
    pub facts: Arc<dyn FactsReader>,
    /// Makes accounts for those who come for the first time.
    pub foreign_logins: Arc<ForeignLogins>,
    /// Is told which tokens are used.
    pub uses: Arc<dyn TokenUses>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The registry's name for this service.
    pub service: String,
}

impl LogIn {
    /// Who `credential` admits at `use`, with facts about them and about `target`.
    pub async fn run(
        &self,
        credential: &Credential,
        credential_use: CredentialUse,
        origin: Origin,
        target: Target<'_>,
    ) -> Result<Admitted, NoLogin> {
        for _ in 0..TRIES {
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
                    return Ok(Admitted { facts, proof, powers });
                }
                Err(NotAdmitted::CheckAgain) => {
                    self.authenticate.forget(credential, origin.network).await;
                    self.facts.catch_up().await?;
                }
                Err(NotAdmitted::NotLinked) if self.provision(&proof).await? => self.facts.catch_up().await?,
                Err(reason) => {
                    self.authenticate.forget(credential, origin.network).await;
                    return Err(NoLogin::Refused(RefusedLogin::NotAdmitted(reason)));
                }
            }
        }
        Err(NoLogin::Unavailable("the account changed again with each try".to_owned()))
    }

    /// Makes an account for somebody who comes for the first time; whether there is one now.
    async fn provision(&self, proof: &Proof) -> Result<bool, StorageError> {
        match proof {
            Proof::Foreign(login) => self.foreign_logins.provision(login).await,
            _ => Ok(false),
        }
    }
}
