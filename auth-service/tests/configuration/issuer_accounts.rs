//! Whose the tokens of an issuer are, and what they allow.

use auth_service::domain::login_scope::LoginScope;

use super::place::{ISSUER, Place, assert_each_refused};

#[test]
fn the_scopes_of_an_issuer_mean_what_is_listed() {
    let place = Place::with(&format!(
        "{ISSUER}scopes = ['registry.read=download', 'registry.write=download', 'registry.write=modify', 'a=b=view']"
    ));
    let issuer = place.settings().login.issuers.remove(0);
    let scopes: Vec<(&str, LoginScope)> =
        issuer.rules.scopes.iter().map(|(theirs, ours)| (theirs.as_str(), *ours)).collect();
    assert_eq!(
        scopes,
        [
            ("registry.read", LoginScope::Download),
            ("registry.write", LoginScope::Download),
            ("registry.write", LoginScope::Modify),
            ("a=b", LoginScope::View),
        ]
    );
    let by_variable =
        Place::with(ISSUER).variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__SCOPES", "x=delete, y=view");
    let issuer = by_variable.settings().login.issuers.remove(0);
    assert_eq!(
        issuer.rules.scopes,
        [("x".to_owned(), LoginScope::Delete), ("y".to_owned(), LoginScope::View)]
    );
    assert_eq!(Place::with(ISSUER).settings().login.issuers[0].rules.scopes, []);
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
        [one.rules.subject_claim, one.rules.name_claim, one.rules.email_claim],
        ["sub", "preferred_username", "email"].map(str::to_owned)
    );
    assert!(!one.rules.create_accounts);
    let place = Place::with(&format!(
        "{ISSUER}subject_claim = 'ownerId'\nname_claim = 'userName'\nemail_claim = 'mail'\ncreate_accounts = true"
    ));
    let one = place.settings().login.issuers.remove(0);
    assert_eq!(
        [one.rules.subject_claim, one.rules.name_claim, one.rules.email_claim],
        ["ownerId", "userName", "mail"].map(str::to_owned)
    );
    assert!(one.rules.create_accounts);
}
