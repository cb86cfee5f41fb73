//! Whose the tokens of an issuer are, and what they allow.

use auth_service::config::ScopeWord;

use super::place::{ISSUER, Place, assert_each_refused};

#[test]
fn the_scopes_of_an_issuer_mean_what_is_listed() {
    let place = Place::with(&format!(
        "{ISSUER}scopes = ['registry.read=download', 'registry.write=download', 'registry.write=modify', 'a=b=view']"
    ));
    let issuer = place.settings().login.issuers.remove(0);
    let scopes: Vec<(&str, ScopeWord)> =
        issuer.scopes.iter().map(|(theirs, ours)| (theirs.as_str(), *ours)).collect();
    assert_eq!(
        scopes,
        [
            ("registry.read", ScopeWord::Download),
            ("registry.write", ScopeWord::Download),
            ("registry.write", ScopeWord::Modify),
            ("a=b", ScopeWord::View),
        ]
    );
    let by_variable =
        Place::with(ISSUER).variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__SCOPES", "x=delete, y=view");
    let issuer = by_variable.settings().login.issuers.remove(0);
    assert_eq!(issuer.scopes, [("x".to_owned(), ScopeWord::Delete), ("y".to_owned(), ScopeWord::View)]);
    assert_eq!(Place::with(ISSUER).settings().login.issuers[0].scopes, []);
    assert_each_refused(
        ISSUER,
        &[
            (
                "scopes = ['x=admin']",
                "login.issuer.one.scopes: \"admin\" is never given to the token of another",
            ),
            (
                "scopes = ['x=authorize']",
                "login.issuer.one.scopes: \"authorize\" is never given to the token of",
            ),
            ("scopes = ['x=pull']", "login.issuer.one.scopes: \"pull\" is none of the choices"),
            (
                "scopes = ['download']",
                "login.issuer.one.scopes: \"download\" is not a scope, `=` and what it means",
            ),
        ],
    );
}

#[test]
fn accounts_are_linked_and_made_by_the_claims_that_are_named() {
    let one = Place::with(ISSUER).settings().login.issuers.remove(0);
    assert_eq!(
        [one.subject_claim, one.name_claim, one.email_claim],
        ["sub", "preferred_username", "email"].map(str::to_owned)
    );
    assert!(!one.create_accounts);
    let place = Place::with(&format!(
        "{ISSUER}subject_claim = 'ownerId'\nname_claim = 'userName'\nemail_claim = 'mail'\ncreate_accounts = true"
    ));
    let one = place.settings().login.issuers.remove(0);
    assert_eq!(
        [one.subject_claim, one.name_claim, one.email_claim],
        ["ownerId", "userName", "mail"].map(str::to_owned)
    );
    assert!(one.create_accounts);
}
