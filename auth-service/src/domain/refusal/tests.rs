//! When a request is refused and with which reason, row by row.

use super::super::reason::ReasonCode;
use super::super::scope::RequestedScopes;
use super::*;

/// What was asked, in scopes; what is granted; whether the caller may delete; what push can mean; and the code of the
/// refusal, or nothing.
type Row<'a> = (&'a [&'a str], &'a str, bool, PushMeaning, Option<ReasonCode>);

/// The decision on these scopes when `granted` is granted of each repository and the rest is missing.
fn decision(scopes: &[&str], granted: &str, may_delete: bool) -> Decision {
    let requested = RequestedScopes::parse(scopes.iter().copied(), 64).unwrap();
    let granted: Actions = Action::ALL.into_iter().filter(|action| granted.contains(action.name())).collect();
    let reason = |action| match action {
        Action::Pull => Reason::NoDownload,
        Action::Push => Reason::NoUpdate,
        Action::Delete => Reason::NoDelete,
    };
    let decided = requested.repositories.into_iter().map(|one| {
        let missing = one.actions.iter().filter(|action| !granted.has(*action));
        RepositoryDecision {
            name: one.name,
            asked: one.actions,
            delete_alone: one.delete_alone,
            granted: one.actions.iter().filter(|action| granted.has(*action)).collect(),
            missing: missing.map(|action| Missing { action, reason: reason(action) }).collect(),
            may_delete,
            first_use: None,
        }
    });
    Decision { repositories: decided.collect(), catalogue: None }
}

fn code(decision: &Decision, push: PushMeaning) -> Option<ReasonCode> {
    refusal(decision, RefusalContext { host: "hub.example", push }).map(|refusal| refusal.code)
}

fn expect(rows: &[Row<'_>]) {
    for (scopes, granted, may_delete, push, expected) in rows {
        let told = code(&decision(scopes, granted, *may_delete), *push);
        assert_eq!(told, *expected, "{scopes:?} of which {granted:?} is granted, with {push:?}");
    }
}

#[test]
fn a_write_in_vain_is_refused_with_the_reason_of_the_strongest_action() {
    use PushMeaning::Push;
    expect(&[
        (&["repository:syn1/a:pull"], "pull", false, Push, None),
        (&["repository:syn1/a:pull"], "", false, Push, Some(ReasonCode::NoDownload)),
        (&["repository:syn1/a:pull,push"], "pull,push", false, Push, None),
        (&["repository:syn1/a:pull,push"], "pull", false, Push, Some(ReasonCode::NoUpdate)),
        (&["repository:syn1/a:pull,delete"], "pull", false, Push, Some(ReasonCode::NoDelete)),
        (&["repository:syn1/a:*"], "pull", false, Push, Some(ReasonCode::NoDelete)),
        (&["repository:syn1/a:*"], "pull,push", false, Push, None),
        (&["repository:syn1/a:*"], "pull,delete", true, Push, None),
    ]);
}

#[test]
fn a_scope_to_delete_alone_is_refused_when_delete_is_not_granted_whatever_else_is() {
    use PushMeaning::{Push, PushOrDelete};
    let again: &[&str] = &["repository:syn1/a:delete", "repository:syn1/a:push,pull"];
    let joined: &[&str] = &["repository:syn1/a:push,pull repository:syn1/a:delete"];
    for scopes in [again, joined] {
        expect(&[
            (scopes, "pull,push", false, Push, Some(ReasonCode::NoDelete)),
            (scopes, "pull,push", false, PushOrDelete, Some(ReasonCode::NoDelete)),
            (scopes, "pull", false, PushOrDelete, Some(ReasonCode::NoDelete)),
            (scopes, "pull,delete", true, PushOrDelete, None),
            (scopes, "pull,push,delete", true, Push, None),
        ]);
    }
    let beside: &[&str] = &["repository:syn1/b:pull", "repository:syn1/a:delete"];
    expect(&[(beside, "pull", false, Push, Some(ReasonCode::NoDelete))]);
}

#[test]
fn a_client_that_may_only_want_to_read_or_to_delete_gets_what_it_may_have() {
    use PushMeaning::{PushOrDelete, PushOrRead};
    let asked: &[&str] = &["repository:syn1/a:push,pull"];
    expect(&[
        (asked, "pull", false, PushOrRead, None),
        (asked, "", false, PushOrRead, Some(ReasonCode::NoUpdate)),
        (asked, "pull", true, PushOrDelete, None),
        (asked, "pull", false, PushOrDelete, Some(ReasonCode::NoUpdate)),
        (asked, "", true, PushOrDelete, Some(ReasonCode::NoUpdate)),
    ]);
}

#[test]
fn what_cannot_be_read_beside_a_push_is_left_out() {
    let push = decision(&["repository:syn1/a:pull,push"], "pull,push", false);
    let source = decision(&["repository:syn2/b:pull"], "", false);
    let both = Decision { repositories: [push.repositories, source.repositories].concat(), catalogue: None };
    assert_eq!(code(&both, PushMeaning::Push), None);
}

#[test]
fn the_catalogue_alone_is_refused_to_nobody_who_is_logged_in() {
    let asked = |outcome| Decision { repositories: Vec::new(), catalogue: Some(outcome) };
    let told = |outcome| code(&asked(outcome), PushMeaning::Push);
    assert_eq!(told(Ok(())), None);
    assert_eq!(told(Err(Reason::CatalogueOfAdministrators)), None);
    assert_eq!(told(Err(Reason::Anonymous)), Some(ReasonCode::Anonymous));
    let beside = decision(&["repository:syn1/a:pull"], "", false);
    let beside = Decision { catalogue: Some(Err(Reason::CatalogueOfAdministrators)), ..beside };
    assert_eq!(code(&beside, PushMeaning::Push), Some(ReasonCode::NoDownload));
}
