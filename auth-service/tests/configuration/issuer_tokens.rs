//! Which tokens of an issuer are accepted.

use auth_service::domain::foreign::VerificationMethod;
use auth_service::domain::foreign::shape::TokenShapes;
use jsonwebtoken::Algorithm;
use regex::Regex;

use super::place::{ISSUER, Place, SECRET, assert_each_refused, assert_holds};

/// An issuer whose opaque tokens are introspected.
const INTROSPECTED: &str = "[login.issuer.two]\nurl = 'https://two.example.org'\nverify = 'introspection'\n\
    clients = ['ci']\nopaque_prefix = ['two_']\nclient_id = 'hub'\nclient_secret = 's e c r e t'\n";

/// An issuer with an endpoint that names the owner of a token.
const ASKED: &str = "[login.issuer.three]\nurl = 'https://three.example.org'\nverify = 'userinfo'\n\
    accept_tokens_of_any_client = true\nopaque_pattern = '[0-9a-f]{40}'\n";

#[test]
fn an_issuer_of_each_kind_needs_little() {
    let issuers = Place::with(&format!("{ISSUER}{INTROSPECTED}{ASKED}")).settings().login.issuers;
    let [one, three, two] = issuers.as_slice() else { panic!("{issuers:?}") };
    assert_eq!(one.verification, VerificationMethod::WebToken);
    assert_eq!(one.rules.audiences, ["hub"]);
    assert_eq!(one.algorithms, [Algorithm::RS256, Algorithm::ES256]);
    assert_eq!(one.types, ["at+jwt"]);
    assert!(!one.rules.without_expiry);
    assert_eq!((one.endpoints.cache.as_secs(), one.endpoints.timeout.as_secs()), (60, 3));
    assert_eq!(one.client, None);
    assert_eq!(two.verification, VerificationMethod::Introspection);
    assert_eq!(two.rules.clients, ["ci"]);
    assert_eq!(two.shape.prefixes, ["two_"]);
    let client = two.client.as_ref().unwrap();
    assert_eq!((client.id.as_str(), client.secret.expose()), ("hub", "s e c r e t"));
    assert_eq!(three.verification, VerificationMethod::UserInfo);
    assert_eq!(three.shape.pattern.as_ref().map(Regex::as_str), Some(r"\A(?-u:[0-9a-f]{40})\z"));
}

#[test]
fn a_token_must_have_been_made_for_this_service() {
    let bare = "[login.issuer.one]\nurl = 'https://one.example.org'\n";
    assert_each_refused(
        bare,
        &[
            ("", "login.issuer.one.audience: is not set, nor is login.issuer.one.clients, so that a token"),
            ("audience = []", "login.issuer.one.audience: is not set"),
            (
                "accept_tokens_of_any_client = true",
                "login.issuer.one.accept_tokens_of_any_client: is true, and verify = \"jwt\" can tell",
            ),
            (
                "verify = 'userinfo'\nopaque_prefix = ['one_']",
                "login.issuer.one.accept_tokens_of_any_client: is not true, and verify = \"userinfo\" cannot tell",
            ),
        ],
    );
    assert_each_refused(
        ASKED,
        &[
            (
                "audience = ['hub']",
                "login.issuer.three.audience: is set, and verify = \"userinfo\" cannot check it",
            ),
            (
                "clients = ['ci']",
                "login.issuer.three.clients: is set, and verify = \"userinfo\" cannot check it",
            ),
        ],
    );
}

#[test]
fn introspection_needs_a_client_id_and_a_secret() {
    assert_each_refused(
        ISSUER,
        &[
            (
                "verify = 'jwt+introspection'",
                "login.issuer.one.client_id: is not set, and verify = \"jwt+introspection\" needs it",
            ),
            (
                "verify = 'introspection'\nopaque_prefix = ['one_']",
                "login.issuer.one.client_id: is not set, and verify = \"introspection\" needs it",
            ),
            ("client_id = 'x'", "login.issuer.one.client_id: is set without login.issuer.one.client_secret"),
            (
                "client_secret = 'x'",
                "login.issuer.one.client_secret: is set without login.issuer.one.client_id",
            ),
            (
                "client_id = 'x'\nclient_secret = 'ä'",
                "login.issuer.one.client_secret: holds something that is not",
            ),
            ("verify = 'oidc'", "login.issuer.one.verify: \"oidc\" is none of the choices"),
        ],
    );
    let by_file = Place::with(&format!("{ISSUER}client_secret_file = 'webhook'")).file("webhook", SECRET);
    assert_holds(
        &by_file.faults(),
        &["login.issuer.one.client_secret_file: is set without login.issuer.one"],
    );
}

#[test]
fn a_signature_that_proves_nothing_is_never_accepted() {
    assert_each_refused(
        ISSUER,
        &[
            (
                "algorithms = ['RS256', 'HS256']",
                "login.issuer.one.algorithms: \"HS256\" is never accepted: whoever",
            ),
            ("algorithms = 'hs512'", "login.issuer.one.algorithms: \"hs512\" is never accepted: whoever"),
            (
                "algorithms = ['None']",
                "login.issuer.one.algorithms: \"None\" is never accepted: it is no signature",
            ),
            (
                "algorithms = ['ES512']",
                "login.issuer.one.algorithms: \"ES512\" is none of the choices; write a list",
            ),
            ("algorithms = []", "login.issuer.one.algorithms: names nothing"),
            ("types = []", "login.issuer.one.types: names nothing"),
        ],
    );
    let place =
        Place::with(&format!("{ISSUER}algorithms = 'EdDSA, PS512'\ntypes = ['JWT', 'application/at+jwt']"));
    let issuer = place.settings().login.issuers.remove(0);
    assert_eq!(issuer.algorithms, [Algorithm::EdDSA, Algorithm::PS512]);
    assert_eq!(issuer.types, ["jwt", "at+jwt"]);
}

#[test]
fn no_password_is_taken_for_an_opaque_token() {
    let introspected = INTROSPECTED.replace("opaque_prefix = ['two_']\n", "");
    assert_each_refused(
        &introspected,
        &[
            (
                "opaque_prefix = ['two']",
                "login.issuer.two.opaque_prefix: \"two\" is so short that a password",
            ),
            (
                "opaque_prefix = ['asp_2']",
                "login.issuer.two.opaque_prefix: \"asp_2\" begins like a token of this",
            ),
            ("opaque_prefix = ['eyJ0']", "login.issuer.two.opaque_prefix: \"eyJ0\" begins like a JWT"),
            (
                "opaque_pattern = '[a-z]{19}'",
                "login.issuer.two.opaque_pattern: \"[a-z]{19}\" matches texts of 19 characters, and so short a pattern \
                 would send passwords out",
            ),
            (
                "opaque_pattern = '[a-z]{20'",
                "login.issuer.two.opaque_pattern: \"[a-z]{20\" is no regular expression",
            ),
            (
                "opaque_pattern = '(?x)a{20} # b'",
                "login.issuer.two.opaque_pattern: \"(?x)a{20} # b\" cannot be matched",
            ),
            (
                "opaque_pattern = '([a-z]{90}){90}'",
                "login.issuer.two.opaque_pattern: \"([a-z]{90}){90}\" is too large",
            ),
        ],
    );
    assert_each_refused(
        ISSUER,
        &[
            (
                "opaque_prefix = ['one_']",
                "login.issuer.one.opaque_prefix: is set, and verify = \"jwt\" cannot check",
            ),
            (
                "opaque_pattern = 'a{40}'",
                "login.issuer.one.opaque_pattern: is set, and verify = \"jwt\" cannot check",
            ),
        ],
    );
    let both = INTROSPECTED.replace("'introspection'", "'jwt+introspection'");
    assert_eq!(Place::with(&both).settings().login.issuers[0].shape.prefixes, ["two_"]);
}

#[test]
fn an_opaque_token_goes_to_one_issuer_only() {
    let asked = ASKED.replace("opaque_pattern = '[0-9a-f]{40}'", "opaque_prefix = ['three_', 'two_three_']");
    assert_holds(
        &Place::with(&format!("{INTROSPECTED}{asked}")).faults(),
        &[
            "login.issuer.two.opaque_prefix: \"two_\" overlaps \"two_three_\" of login.issuer.three.opaque_prefix",
        ],
    );
    let own = INTROSPECTED.replace("['two_']", "['two_', 'two_two_']");
    assert_eq!(Place::with(&own).settings().login.issuers[0].shape.prefixes.len(), 2);
}

#[test]
fn only_one_issuer_has_a_pattern_and_the_prefixes_of_others_go_before_it() {
    let place = |two: &str, three: &str| {
        let two = INTROSPECTED.replace("opaque_prefix = ['two_']", two);
        let three = ASKED.replace("opaque_pattern = '[0-9a-f]{40}'", three);
        Place::with(&format!("{two}{three}"))
    };
    let of_43 = "opaque_pattern = '[A-Za-z0-9_-]{43}'";
    for other in [of_43, "opaque_pattern = '[A-Za-z0-9_-]{86}'"] {
        assert_holds(
            &place(of_43, other).faults(),
            &[
                "login.issuer.two.opaque_pattern: is set, and so is login.issuer.three.opaque_pattern: only one issuer",
            ],
        );
    }
    let issuers = place(of_43, "opaque_prefix = ['three_']").settings().login.issuers;
    let shapes = TokenShapes::new(issuers.into_iter().map(|issuer| issuer.shape).collect());
    let issuer_of = |text: &str| shapes.read(text).map(|token| token.issuer.to_string());
    assert_eq!(issuer_of(&format!("three_{}", "a".repeat(37))).as_deref(), Some("three"));
    assert_eq!(issuer_of(&"a".repeat(43)).as_deref(), Some("two"));
    let both = format!("opaque_prefix = ['two_']\n{of_43}");
    assert_eq!(place(&both, "opaque_prefix = ['three_']").settings().login.issuers.len(), 2);
}

#[test]
fn the_secret_of_an_issuers_client_can_stand_in_a_file_and_is_never_shown() {
    let section = INTROSPECTED.replace("client_secret = 's e c r e t'", "client_secret_file = 'webhook'");
    let place = Place::with(&section).file("webhook", format!("{SECRET}\n"));
    let loaded = place.load().unwrap();
    let client = loaded.settings.login.issuers[0].client.clone().unwrap();
    assert!(client.secret.matches(SECRET.as_bytes()));
    let shown = loaded.shown.iter().find(|shown| shown.key == "login.issuer.two.client_secret").unwrap();
    assert_eq!(shown.value.as_deref(), Some("********"));
    assert_holds(&shown.origin, &["webhook named by login.issuer.two.client_secret_file in "]);
    assert!(!format!("{loaded:?}").contains(SECRET));
    let twice = place.variable("AUTH_SERVICE__LOGIN__ISSUER__TWO__CLIENT_SECRET", SECRET).faults();
    assert_holds(
        &twice,
        &["login.issuer.two.client_secret: is set here and login.issuer.two.client_secret_file is"],
    );
    assert!(!twice.contains(SECRET), "{twice}");
}
