//! The decision, told instead of signed: the same facts, the same rules, the same reasons.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::account::{AccountName, AccountState};
use crate::domain::facts::UserFacts;
use crate::domain::grant::{AccessPolicy, Decision, RepositoryDecision, decide};
use crate::domain::login::{Asker, Caller, LoginScopes, Powers};
use crate::domain::reason::{ReasonCode, with_code};
use crate::domain::repository::RepositoryName;
use crate::domain::scope::{Action, Wanted};
use crate::ports::StorageError;
use crate::ports::accounts::Users;
use crate::ports::facts::FactsReader;

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
    /// Choices that decisions depend on.
    pub policy: AccessPolicy,
    /// The registry's host in image names.
    pub host: String,
}

impl Explain {
    /// What `user` (nobody, when there is none) would be granted of `wanted` with a login of `scopes`. It
    /// changes nothing, and does not ask the registry about names that were never pushed.
    pub async fn run(
        &self,
        user: Option<&AccountName>,
        scopes: LoginScopes,
        wanted: &Wanted,
    ) -> Result<Explanation, ExplainError> {
        let found = match user {
            None => None,
            Some(name) => {
                Some(self.users.user(name).await?.ok_or_else(|| ExplainError::NoSuchUser(name.clone()))?)
            }
        };
        let names: Vec<RepositoryName> = wanted.proper_names().cloned().collect();
        let asker = found.as_ref().map_or(Asker::Nobody, |user| Asker::User(user.id));
        let facts = self.facts.load(&asker, &names).await?;
        let caller = match facts.user.as_deref() {
            Some(user) => Caller::User(user, Powers::of(scopes)),
            None => Caller::Anonymous,
        };
        let decision = decide(&caller, wanted, &facts, self.policy);
        let shown = found.map_or_else(|| "anonymous".to_owned(), |user| user.name.to_string());
        Ok(Explanation { user: shown, scopes: self.tell(&decision, facts.user.as_deref()) })
    }

    fn tell(&self, decision: &Decision, user: Option<&UserFacts>) -> Vec<ExplainedScope> {
        let disabled = user.is_some_and(|user| user.state == AccountState::Disabled);
        let repositories = decision.repositories.iter().map(|one| match disabled {
            true => closed_account(one),
            false => self.tell_of(one),
        });
        let catalogue = decision.catalogue.map(|catalogue| ExplainedScope {
            kind: "registry",
            name: "catalog".to_owned(),
            granted: if catalogue.is_ok() { vec!["*"] } else { Vec::new() },
            missing: catalogue
                .err()
                .map(|reason| ExplainedMissing {
                    action: "*",
                    reason: reason.code().name(),
                    message: reason.catalogue_sentence(&self.host),
                })
                .into_iter()
                .collect(),
        });
        repositories.chain(catalogue).collect()
    }

    fn tell_of(&self, one: &RepositoryDecision) -> ExplainedScope {
        let missing = one.missing.iter().map(|missing| ExplainedMissing {
            action: missing.action.name(),
            reason: missing.reason.code().name(),
            message: missing.reason.sentence(missing.action, &one.name, &self.host),
        });
        ExplainedScope {
            kind: "repository",
            name: one.name.as_sent().to_owned(),
            granted: one.granted.names(),
            missing: missing.collect(),
        }
    }
}

/// Whoever cannot log in is granted nothing, whatever the rights.
fn closed_account(one: &RepositoryDecision) -> ExplainedScope {
    let code = ReasonCode::AccountDisabled;
    let missing = |action: Action| ExplainedMissing {
        action: action.name(),
        reason: code.name(),
        message: with_code(code, "this account is disabled; ask an administrator to enable it"),
    };
    ExplainedScope {
        kind: "repository",
        name: one.name.as_sent().to_owned(),
        granted: Vec::new(),
        missing: one.asked.iter().map(missing).collect(),
    }
}
