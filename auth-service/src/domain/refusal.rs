//! When a request is refused as a whole and when it gets less than it asked for (`docs/PROTOCOL.md`): the
//! rule with which every client goes on as far as it can and shows its user the reason otherwise.

use super::decision::{Decision, Missing, RepositoryDecision};
use super::reason::{Reason, Refusal};
use super::scope::{Action, Actions};

/// What a request for push can mean; it depends on the client that sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushMeaning {
    /// To push.
    Push,
    /// To push, or only to read.
    PushOrRead,
    /// To push, or only to delete.
    PushOrDelete,
}

/// How the request is put, as far as it bears on refusing it.
#[derive(Clone, Copy, Debug)]
pub struct RefusalContext<'a> {
    /// The registry's host in image names, for the sentences.
    pub host: &'a str,
    /// What the client means by push.
    pub push: PushMeaning,
}

/// Refuses when a repository is asked for push or delete in vain, or when nothing at all is granted; `None` means
/// that what is granted goes out as a token.
#[must_use]
pub fn refusal(decision: &Decision, context: RefusalContext<'_>) -> Option<Refusal> {
    let mut repositories = decision.repositories.iter();
    let in_vain = repositories.find_map(|one| in_vain(one, context).map(|missing| (one, missing)));
    if let Some((one, missing)) = in_vain {
        return Some(of_repository(one, missing, context));
    }
    let granted_something = decision.repositories.iter().any(|one| !one.granted.is_empty())
        || decision.catalogue.is_some_and(|catalogue| catalogue.is_ok());
    if granted_something {
        return None;
    }
    match decision.repositories.first() {
        Some(one) => strongest(one).map(|missing| of_repository(one, missing, context)),
        None => of_catalogue(decision, context),
    }
}

/// What is missing of a write that gets nothing to write with.
fn in_vain<'a>(one: &'a RepositoryDecision, context: RefusalContext<'_>) -> Option<&'a Missing> {
    if one.delete_alone && !one.granted.has(Action::Delete) {
        // The registry has told the client what its delete needs. It asks for the rest out of habit, and shows no
        // reason when it gets that.
        return one.missing.iter().find(|missing| missing.action == Action::Delete);
    }
    let writes = Actions::NONE.with(Action::Push).with(Action::Delete);
    let asked = one.asked.iter().any(|action| writes.has(action));
    let granted = one.granted.iter().any(|action| writes.has(action));
    let is_served = one.granted.has(Action::Pull)
        && match context.push {
            PushMeaning::Push => false,
            PushMeaning::PushOrRead => true,
            PushMeaning::PushOrDelete => one.may_delete,
        };
    if asked && !granted && !is_served { strongest(one) } else { None }
}

/// The strongest action that was asked and is missing: a push that needs certification is not helped by hearing
/// about pull. Whoever asks for delete beside push wants to delete: skopeo asks for everything then.
fn strongest(one: &RepositoryDecision) -> Option<&Missing> {
    let rank = |action: Action| match action {
        Action::Delete => 2,
        Action::Push => 1,
        Action::Pull => 0,
    };
    one.missing.iter().max_by_key(|missing| rank(missing.action))
}

fn of_repository(one: &RepositoryDecision, missing: &Missing, context: RefusalContext<'_>) -> Refusal {
    let message = missing.reason.sentence(missing.action, &one.name, context.host);
    Refusal::new(missing.reason.code(), message)
}

/// The login is good, and to ask for the catalogue is how some programs log in: only nobody is refused.
fn of_catalogue(decision: &Decision, context: RefusalContext<'_>) -> Option<Refusal> {
    let reason = decision.catalogue?.err().filter(|reason| *reason == Reason::Anonymous)?;
    Some(Refusal::new(reason.code(), reason.catalogue_sentence(context.host)))
}

#[cfg(test)]
mod tests;
