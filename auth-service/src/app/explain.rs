//! The decision, told instead of signed: the same facts, the same rules, the same reasons, and the same question to the
//! registry before a first push.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::first_push::FirstPush;
use crate::domain::account::AccountName;
use crate::domain::contact::Contact;
use crate::domain::decision::{AccessPolicy, Decision, RepositoryDecision, decide};
use crate::domain::facts::{Facts, RepositoryFacts, UserFacts};
use crate::domain::login::{Caller, CredentialUse, Identity, LoginContext, Proof, VerifiedLogin, admit};
use crate::domain::login_rejection::LoginRejection;
use crate::domain::login_scope::{LoginScopes, Powers};
use crate::domain::project::ProjectId;
use crate::domain::reason::Refusal;
use crate::domain::reason::{ReasonCode, with_code};
use crate::domain::repository::RepositoryName;
use crate::domain::scope::RequestedScopes;
use crate::ports::StorageError;
use crate::ports::accounts::{User, Users};
use crate::ports::facts::FactsReader;
use crate::ports::system::Clock;

/// How the user is taken to have logged in. That the login itself is good is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssumedLogin {
    /// With a password, for which the client stores an identity token.
    Docker,
    /// With a password each time.
    Password,
    /// With a token of these scopes.
    Token {
        /// What it may be used for.
        scopes: LoginScopes,
        /// The only project that it is good for.
        project: Option<ProjectId>,
    },
}

impl AssumedLogin {
    /// A personal access token as it is made when nothing else is said.
    pub const USUAL_TOKEN: Self = Self::Token { scopes: LoginScopes::USUAL, project: None };

    const fn powers(self) -> Powers {
        match self {
            Self::Docker => Powers::of(LoginScopes::DOCKER),
            Self::Password => Powers::WHOLE,
            Self::Token { scopes, project } => Powers { scopes, only_in: project },
        }
    }
}

/// One decision, told.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The user's name, or `anonymous`.
    pub user: String,
    /// One entry for each thing asked about.
    pub scopes: Vec<ExplainedScope>,
}

/// What is decided on one thing.
#[derive(Debug, Serialize)]
pub struct ExplainedScope {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The actions that are granted.
    pub granted: Vec<&'static str>,
    /// The actions that are not.
    pub missing: Vec<ExplainedMissing>,
}

/// Why one action is not granted.
#[derive(Debug, Serialize)]
pub struct ExplainedMissing {
    /// The action.
    pub action: &'static str,
    /// The stable code.
    pub reason: &'static str,
    /// The sentence that the user would read.
    pub message: String,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(AccountName),
    /// It has no password that it could log in with.
    #[error("{0} is a robot account, which has no password; ask about a token, with --login token")]
    IsRobot(AccountName),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Explains decisions.
pub struct Explain {
    /// Finds users.
    pub users: Arc<dyn Users>,
    /// Loads facts.
    pub facts: Arc<dyn FactsReader>,
    /// Asks the registry.
    pub first_push: FirstPush,
    /// Why no token can be signed at present, if that is so.
    pub unsigned: Option<String>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Choices that decisions depend on.
    pub policy: AccessPolicy,
    /// The registry's host in image names.
    pub host: String,
    /// Whom people can ask.
    pub contact: Option<Contact>,
}

impl Explain {
    /// What `user` (nobody, when there is none) would be granted of `requested` with such a login; when none is said, with that
    /// of docker, and a robot account with a token. It changes nothing.
    pub async fn run(
        &self,
        user: Option<&AccountName>,
        login: Option<AssumedLogin>,
        requested: &RequestedScopes,
    ) -> Result<Explanation, ExplainError> {
        let Some(name) = user else {
            let names: Vec<RepositoryName> = requested.proper_names().cloned().collect();
            let facts = self.facts.load(&Identity::Nobody, &names).await?;
            let decision = decide(&Caller::Anonymous, requested, &facts, self.policy);
            return Ok(self.told("anonymous", self.tell(&decision, &HashMap::new())));
        };
        let user = self.users.user(name).await?.ok_or_else(|| ExplainError::NoSuchUser(name.clone()))?;
        let login = login.unwrap_or(match user.robot_of {
            Some(_) => AssumedLogin::USUAL_TOKEN,
            None => AssumedLogin::Docker,
        });
        if user.robot_of.is_some() && !matches!(login, AssumedLogin::Token { .. }) {
            return Err(ExplainError::IsRobot(name.clone()));
        }
        let scopes = self.of_user(&user, login.powers(), requested).await?;
        Ok(self.told(user.name.as_str(), scopes))
    }

    async fn of_user(
        &self,
        user: &User,
        powers: Powers,
        requested: &RequestedScopes,
    ) -> Result<Vec<ExplainedScope>, ExplainError> {
        let names: Vec<RepositoryName> = requested.proper_names().cloned().collect();
        let mut facts = self.facts.load(&Identity::User(user.id), &names).await?;
        let known = facts.user.clone().ok_or_else(|| ExplainError::NoSuchUser(user.name.clone()))?;
        if let Some(reason) = self.barred(&known, &facts) {
            return Ok(refused_wholly(requested, &reason.refusal()));
        }
        let decide = |facts: &Facts| decide(&Caller::User(&known, powers), requested, facts, self.policy);
        let mut unanswered = HashMap::new();
        for (name, _) in decide(&facts).first_uses() {
            match self.first_push.is_free(name).await {
                Ok(true) => {}
                // As the token endpoint does, but without closing the name on record.
                Ok(false) => facts.repositories.iter_mut().filter(|one| one.name == *name).for_each(|one| {
                    one.repository = RepositoryFacts::Quarantined;
                }),
                Err(error) => {
                    unanswered.insert(name.clone(), error.to_string());
                }
            }
        }
        Ok(self.tell(&decide(&facts), &unanswered))
    }

    /// What stands against a right password of the user that the facts are about.
    fn barred(&self, user: &UserFacts, facts: &Facts) -> Option<LoginRejection> {
        let proof = Proof::Password(VerifiedLogin { user: user.id, generation: user.generation });
        admit(
            &proof,
            facts,
            LoginContext { credential_use: CredentialUse::Registry, service: "", now: self.clock.now() },
        )
        .err()
    }

    /// `unanswered` are names of which the registry could not say whether it has anything under them.
    fn tell(&self, decision: &Decision, unanswered: &HashMap<RepositoryName, String>) -> Vec<ExplainedScope> {
        let repositories = decision.repositories.iter().map(|one| {
            let cause = unanswered.iter().find(|(name, _)| name.as_str() == one.name.as_sent());
            let cause = cause.map(|(_, cause)| cause).or(self.unsigned.as_ref());
            self.tell_of(one).withholding(cause)
        });
        let catalogue = decision.catalogue.map(|catalogue| {
            let missing = catalogue.err().map(|reason| ExplainedMissing {
                action: "*",
                reason: reason.code().name(),
                message: reason.catalogue_sentence(&self.host),
            });
            let granted = if catalogue.is_ok() { vec!["*"] } else { Vec::new() };
            ExplainedScope::of_catalogue(granted, missing).withholding(self.unsigned.as_ref())
        });
        repositories.chain(catalogue).collect()
    }

    fn tell_of(&self, one: &RepositoryDecision) -> ExplainedScope {
        let missing = one.missing.iter().map(|missing| ExplainedMissing {
            action: missing.action.name(),
            reason: missing.reason.code().name(),
            message: missing.reason.sentence(missing.action, &one.name, &self.host),
        });
        ExplainedScope::of_repository(one.name.as_sent(), one.granted.names(), missing.collect())
    }

    fn told(&self, user: &str, mut scopes: Vec<ExplainedScope>) -> Explanation {
        for missing in scopes.iter_mut().flat_map(|scope| &mut scope.missing) {
            missing.message = Contact::added_to(self.contact.as_ref(), &missing.message);
        }
        Explanation { user: user.to_owned(), scopes }
    }
}

impl ExplainedScope {
    fn of_repository(name: &str, granted: Vec<&'static str>, missing: Vec<ExplainedMissing>) -> Self {
        Self { kind: "repository", name: name.to_owned(), granted, missing }
    }

    fn of_catalogue(granted: Vec<&'static str>, missing: impl IntoIterator<Item = ExplainedMissing>) -> Self {
        let missing = missing.into_iter().collect();
        Self { kind: "registry", name: "catalog".to_owned(), granted, missing }
    }

    /// With nothing granted, if there is a cause why the token endpoint could not answer just now.
    fn withholding(mut self, cause: Option<&String>) -> Self {
        if let Some(cause) = cause {
            let code = ReasonCode::Unavailable;
            let message = with_code(code, &format!("the token service could not answer: {cause}"));
            let withheld =
                |action| ExplainedMissing { action, reason: code.name(), message: message.clone() };
            self.missing.extend(self.granted.drain(..).map(withheld));
        }
        self
    }
}

/// Whoever cannot log in is granted nothing, whatever the rights.
fn refused_wholly(requested: &RequestedScopes, refusal: &Refusal) -> Vec<ExplainedScope> {
    let missing =
        |action| ExplainedMissing { action, reason: refusal.code.name(), message: refusal.message.clone() };
    let repositories = requested.repositories.iter().map(|one| {
        let missing = one.actions.names().into_iter().map(missing).collect();
        ExplainedScope::of_repository(one.name.as_sent(), Vec::new(), missing)
    });
    let catalogue = requested.catalogue.then(|| ExplainedScope::of_catalogue(Vec::new(), Some(missing("*"))));
    repositories.chain(catalogue).collect()
}
