//! What claims mean, as a table: each row changes a good token in one thing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::robot::ClaimPattern;
use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn rules() -> IssuerRules {
    IssuerRules {
        name: IssuerName::new("hub"),
        issuer: "https://hub.example.org".into(),
        audiences: vec!["registry".to_owned()],
        clients: Vec::new(),
        without_expiry: false,
        scopes: Vec::new(),
        subject_claim: "sub".to_owned(),
        name_claim: "preferred_username".to_owned(),
        email_claim: "email".to_owned(),
        create_accounts: false,
        robots: Vec::new(),
        robot_scopes: LoginScopes::NONE,
    }
}

fn good() -> Value {
    json!({
        "iss": "https://hub.example.org", "sub": "u-1", "aud": "registry", "exp": 1_800_000_300, "nbf": 1_800_000_000,
        "scope": "openid download modify", "client_id": "web", "preferred_username": "Alice", "email": "a@x.org",
    })
}

/// A good token with some claims replaced; `null` takes one away.
fn with(changes: &Value) -> ForeignClaims {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    ForeignClaims::read(claims.to_string().as_bytes()).unwrap()
}

fn understand(rules: &IssuerRules, changes: &Value) -> Result<ForeignLogin, ForeignRefusal> {
    rules.understand(&with(changes), ClaimsSource::WebToken, NOW)
}

#[test]
fn a_good_token_stands_for_its_subject_with_its_scopes() {
    let login = understand(&rules(), &json!({})).unwrap();
    let MappedAccount::Linked { subject, is_client } = login.account else { panic!() };
    assert_eq!((&*subject.issuer, &*subject.subject, is_client), ("https://hub.example.org", "u-1", false));
    assert_eq!(login.scopes.names(), ["download", "modify"]);
    assert_eq!(login.new_account, None);
}

#[test]
fn one_thing_that_is_wrong_is_enough() {
    use ForeignRefusal::{
        BadClaim, Expired, NeverExpires, NoScope, NoSubject, NotYetValid, WrongAudience, WrongIssuer,
        WrongType,
    };
    let long = "x".repeat(256);
    let table = [
        (json!({"iss": "https://hub.example.org/"}), WrongIssuer),
        (json!({"iss": null}), WrongIssuer),
        (json!({"iss": ["https://hub.example.org"]}), WrongIssuer),
        (json!({"aud": "other"}), WrongAudience),
        (json!({"aud": null}), WrongAudience),
        (json!({"aud": []}), WrongAudience),
        (json!({"aud": ["other", "registry2"]}), WrongAudience),
        (json!({"aud": ["registry", 7]}), BadClaim),
        (json!({"aud": {"registry": true}}), BadClaim),
        (json!({"exp": 1_799_999_940}), Expired),
        (json!({"exp": 0}), Expired),
        (json!({"exp": null}), NeverExpires),
        (json!({"exp": "1800000300"}), BadClaim),
        (json!({"exp": true}), BadClaim),
        (json!({"nbf": 1_800_000_061}), NotYetValid),
        (json!({"nbf": "1800000000"}), BadClaim),
        (json!({"sub": null}), NoSubject),
        (json!({"sub": ""}), NoSubject),
        (json!({"sub": "a\u{1b}b"}), NoSubject),
        (json!({"sub": "a\u{202e}b"}), NoSubject),
        (json!({"sub": "u-1\u{200b}"}), NoSubject),
        (json!({"sub": long}), NoSubject),
        (json!({"sub": ["u-1"]}), NoSubject),
        (json!({"nonce": "n"}), WrongType),
        (json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}), WrongType),
        (json!({"scope": null}), NoScope),
        (json!({"scope": 7}), NoScope),
        (json!({"at_hash": "h"}), WrongType),
        (json!({"typ": "ID"}), WrongType),
        (json!({"token_use": "id"}), WrongType),
        (json!({"token_type": "OIDC_ID_TOKEN"}), WrongType),
    ];
    for (changes, expected) in table {
        assert_eq!(understand(&rules(), &changes).unwrap_err(), expected, "{changes}");
    }
}

#[test]
fn a_minute_of_a_wrong_clock_and_fractions_are_forgiven() {
    for changes in [
        json!({"exp": 1_799_999_941}),
        json!({"exp": 1_800_000_000.313}),
        json!({"nbf": 1_800_000_060}),
        json!({"nbf": null}),
        json!({"aud": ["other", "registry"]}),
        json!({"typ": "Bearer"}),
        json!({"sub": 42}),
    ] {
        assert!(understand(&rules(), &changes).is_ok(), "{changes}");
    }
    let for_ever = IssuerRules { without_expiry: true, ..rules() };
    assert!(understand(&for_ever, &json!({"exp": null})).is_ok());
    assert_eq!(understand(&for_ever, &json!({"exp": 1})).unwrap_err(), ForeignRefusal::Expired);
}

#[test]
fn clients_are_listed_and_where_audiences_are_too_both_must_fit() {
    let both = IssuerRules { clients: vec!["web".to_owned()], ..rules() };
    assert!(understand(&both, &json!({})).is_ok());
    assert!(understand(&both, &json!({"client_id": null, "azp": "web"})).is_ok());
    let refused = |changes| understand(&both, &changes).unwrap_err();
    assert_eq!(refused(json!({"client_id": "other"})), ForeignRefusal::WrongClient);
    assert_eq!(refused(json!({"client_id": "other", "azp": "web"})), ForeignRefusal::WrongClient);
    assert_eq!(refused(json!({"client_id": null})), ForeignRefusal::WrongClient);
    assert_eq!(refused(json!({"aud": "other"})), ForeignRefusal::WrongAudience);
    let clients_only = IssuerRules { audiences: Vec::new(), ..both };
    assert!(understand(&clients_only, &json!({"aud": "other"})).is_ok());
}

#[test]
fn introspection_must_say_that_the_token_is_active_by_the_boolean_true() {
    let ask = |active: Value| {
        rules().understand(&with(&json!({"active": active})), ClaimsSource::Introspection, NOW)
    };
    assert!(ask(json!(true)).is_ok());
    for active in [json!(false), json!("true"), json!(1), Value::Null] {
        assert_eq!(ask(active.clone()).unwrap_err(), ForeignRefusal::Inactive, "{active}");
    }
    let bare = json!({"active": true, "iss": null, "exp": null, "nbf": null});
    assert!(rules().understand(&with(&bare), ClaimsSource::Introspection, NOW).is_ok());
    let foreign = json!({"active": true, "iss": "https://other.example.org"});
    let refused = rules().understand(&with(&foreign), ClaimsSource::Introspection, NOW);
    assert_eq!(refused.unwrap_err(), ForeignRefusal::WrongIssuer);
}

#[test]
fn user_info_proves_no_audience_and_tells_whose_the_token_is() {
    let rules = IssuerRules { subject_claim: "ownerId".to_owned(), audiences: Vec::new(), ..rules() };
    let claims =
        ForeignClaims::read(br#"{"ownerId":"3400001","userName":"alice","access":{"scope":["download"]}}"#)
            .unwrap();
    let login = rules.understand(&claims, ClaimsSource::UserInfo, NOW).unwrap();
    assert_eq!(login.scopes.names(), ["download"]);
    assert!(matches!(login.account, MappedAccount::Linked { subject, .. } if &*subject.subject == "3400001"));
}

#[test]
fn scopes_mean_themselves_unless_the_operator_says_otherwise_and_never_more() {
    let scopes = |rules: &IssuerRules, scope: Value| {
        understand(rules, &json!({"scope": scope})).unwrap().scopes.names().join(" ")
    };
    assert_eq!(
        scopes(&rules(), json!("view download modify delete admin authorize")),
        "view download modify delete"
    );
    assert_eq!(scopes(&rules(), json!(["download"])), "download");
    let unsaid = rules().understand(&with(&json!({"scope": null})), ClaimsSource::AccessToken, NOW).unwrap();
    assert_eq!(unsaid.scopes, LoginScopes::NONE, "no scope, no rights");
    let map = [("registry.read", LoginScope::Download), ("registry.write", LoginScope::Modify)];
    let mapped = IssuerRules {
        scopes: map.into_iter().map(|(theirs, ours)| (theirs.to_owned(), ours)).collect(),
        ..rules()
    };
    assert_eq!(scopes(&mapped, json!("registry.read registry.write")), "download modify");
    assert_eq!(scopes(&mapped, json!("download modify")), "");
}

#[test]
fn a_program_stands_for_itself_and_gets_no_account() {
    let rules = IssuerRules { create_accounts: true, ..rules() };
    let login = understand(&rules, &json!({"sub": "web"})).unwrap();
    assert!(matches!(login.account, MappedAccount::Linked { is_client: true, .. }));
    assert_eq!(login.new_account, None);
    let by_number = IssuerRules { subject_claim: "uid".to_owned(), ..rules.clone() };
    let login = understand(&by_number, &json!({"sub": "web", "uid": 7})).unwrap();
    assert!(matches!(login.account, MappedAccount::Linked { is_client: true, .. }));
    assert_eq!(login.new_account, None);
    let person = understand(&rules, &json!({})).unwrap();
    let proposed = JustInTimeAccount { name: Some("Alice".to_owned()), email: Some("a@x.org".to_owned()) };
    assert_eq!(person.new_account, Some(proposed));
}

#[test]
fn nobody_gets_an_account_by_a_token_that_allows_nothing_here() {
    let rules = IssuerRules { create_accounts: true, ..rules() };
    for (scope, source) in [
        (json!("openid profile"), ClaimsSource::WebToken),
        (json!("openid"), ClaimsSource::AccessToken),
        (Value::Null, ClaimsSource::AccessToken),
        (Value::Null, ClaimsSource::UserInfo),
    ] {
        let login = rules.understand(&with(&json!({"scope": scope})), source, NOW).unwrap();
        assert_eq!((login.scopes, login.new_account), (LoginScopes::NONE, None), "{scope} {source:?}");
    }
}

#[test]
fn an_address_that_the_issuer_has_not_verified_is_not_taken_over() {
    let rules = IssuerRules { create_accounts: true, ..rules() };
    let email = |verified: Value| {
        let login = understand(&rules, &json!({"email_verified": verified})).unwrap();
        login.new_account.unwrap().email
    };
    for verified in [json!(true), json!("true"), Value::Null] {
        assert_eq!(email(verified.clone()).as_deref(), Some("a@x.org"), "{verified}");
    }
    for unverified in
        [json!(false), json!("false"), json!("True"), json!(""), json!(1), json!([true]), json!({})]
    {
        assert_eq!(email(unverified.clone()), None, "{unverified}");
    }
}

#[test]
fn a_job_acts_for_the_robot_of_its_rule_and_for_nobody_else() {
    let rule = RobotRule {
        robot: AccountName::parse("ci").unwrap(),
        claims: vec![("repository_id".to_owned(), ClaimPattern::Exact("123".to_owned()))],
    };
    let scopes = LoginScopes::parse("download modify").unwrap();
    let rules = IssuerRules { robots: vec![rule], robot_scopes: scopes, create_accounts: true, ..rules() };
    let login = understand(&rules, &json!({"repository_id": "123", "scope": null})).unwrap();
    assert_eq!(login.account, MappedAccount::Robot(AccountName::parse("ci").unwrap()));
    assert_eq!((login.scopes, login.new_account), (scopes, None));
    let event = json!({"repository_id": "123", "events": {}});
    assert_eq!(understand(&rules, &event).unwrap_err(), ForeignRefusal::WrongType);
    let refused = understand(&rules, &json!({"repository_id": "124"}));
    assert_eq!(refused.unwrap_err(), ForeignRefusal::NoRobotRule);
    let elsewhere = understand(&rules, &json!({"repository_id": "123", "aud": "other"}));
    assert_eq!(elsewhere.unwrap_err(), ForeignRefusal::WrongAudience);
}

proptest! {
    #[test]
    fn no_claim_gives_the_power_to_rule_or_to_make_tokens(words in "[a-z ]{0,30}|admin|authorize|.*") {
        let rules = IssuerRules { create_accounts: true, ..rules() };
        let login = understand(&rules, &json!({"scope": words})).unwrap();
        prop_assert!(!login.scopes.has(LoginScope::Admin) && !login.scopes.has(LoginScope::Authorize));
    }
}
