//! When a request is refused as a whole and when it gets less than it asked for (`docs/PROTOCOL.md`): the
//! rule with which every client goes on as far as it can and shows its user the reason otherwise.

use super::grant::{Decision, RepositoryDecision};
use super::reason::{ReasonCode, with_code};
use super::scope::{Action, Actions};

/// What a client is told in place of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: ReasonCode,
    /// One line for the user's terminal.
    pub message: String,
    /// The same without anything that changes, for the status line: `docs/PROTOCOL.md`.
    pub phrase: &'static str,
}

impl Refusal {
    /// With a line that says its code already.
    #[must_use]
    pub const fn new(code: ReasonCode, message: String) -> Self {
        Self { code, message, phrase: code.phrase() }
    }

    /// With the sentence of a line.
    #[must_use]
    pub fn of(code: ReasonCode, sentence: &str) -> Self {
        Self::new(code, with_code(code, sentence))
    }
}

/// How the request is put, as far as it bears on refusing it.
#[derive(Clone, Copy, Debug)]
pub struct Manners<'a> {
    /// The registry's host in image names, for the sentences.
    pub host: &'a str,
    /// Whether the client is a go-containerregistry one, which asks for push before it deletes.
    pub asks_push_to_delete: bool,
}

/// Refuses when a repository is asked for push or delete and gets neither, or when nothing at all is
/// granted; `None` means that what is granted goes out as a token.
#[must_use]
pub fn refusal(decision: &Decision, manners: Manners<'_>) -> Option<Refusal> {
    let useless = decision.repositories.iter().find(|one| writes_in_vain(one, manners));
    let granted_something = decision.repositories.iter().any(|one| !one.granted.is_empty())
        || decision.catalogue.is_some_and(|catalogue| catalogue.is_ok());
    match useless {
        Some(one) => of_repository(one, manners),
        None if granted_something => None,
        None => decision
            .repositories
            .first()
            .map_or_else(|| of_catalogue(decision, manners), |one| of_repository(one, manners)),
    }
}

fn writes_in_vain(one: &RepositoryDecision, manners: Manners<'_>) -> bool {
    let writes = Actions::NONE.with(Action::Push).with(Action::Delete);
    let asked = one.asked.iter().any(|action| writes.has(action));
    let granted = one.granted.iter().any(|action| writes.has(action));
    let means_to_delete = manners.asks_push_to_delete && one.may_delete && one.granted.has(Action::Pull);
    asked && !granted && !means_to_delete
}

/// The reason of the strongest action that was asked: a push that needs certification is not helped by
/// hearing about pull.
fn of_repository(one: &RepositoryDecision, manners: Manners<'_>) -> Option<Refusal> {
    let rank = |action: Action| match action {
        Action::Push => 2,
        Action::Delete => 1,
        Action::Pull => 0,
    };
    let missing = one.missing.iter().max_by_key(|missing| rank(missing.action))?;
    let message = missing.reason.sentence(missing.action, &one.name, manners.host);
    Some(Refusal::new(missing.reason.code(), message))
}

fn of_catalogue(decision: &Decision, manners: Manners<'_>) -> Option<Refusal> {
    let reason = decision.catalogue?.err()?;
    Some(Refusal::new(reason.code(), reason.catalogue_sentence(manners.host)))
}
