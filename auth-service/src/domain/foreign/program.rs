//! Whether a token is that of a program itself (RFC 6749, section 4.4), with nobody behind it. No standard says how an
//! issuer tells so; each row is how some do. One sign is enough: a person taken for a program gets less, and the other
//! way round a program would get a person's account.

use super::claims::{ClaimsSource, ForeignClaims};

/// Where issuers name the program that a token was given to: RFC 9068 and RFC 7662, OpenID Connect, Okta, Entra.
const CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// What Keycloak calls the users that it makes for programs.
const SERVICE_ACCOUNT: &str = "service-account-";

/// What Auth0 puts behind the client id to make a program's subject.
const CLIENT_SUBJECT: &str = "@clients";

/// Whether the token stands for the program that it was given to. `subject` is what the account would be linked to;
/// `sub` is looked at too, because another claim may have been set as the subject.
pub(super) fn is_program(claims: &ForeignClaims, subject: &str) -> bool {
    let is = |name: &str, mark: &str| {
        claims.texts(name).is_ok_and(|texts| texts.iter().any(|text| text.eq_ignore_ascii_case(mark)))
    };
    let sub = claims.text("sub");
    let is_own_subject = |subject: &str| {
        subject.ends_with(CLIENT_SUBJECT)
            || CLIENT_CLAIMS.iter().any(|name| claims.text(name).as_deref() == Some(subject))
    };
    is_own_subject(subject)
        || sub.as_deref().is_some_and(is_own_subject)
        || is("gty", "client-credentials")
        || is("idtyp", "app")
        || claims.text("preferred_username").is_some_and(|name| name.starts_with(SERVICE_ACCOUNT))
}

/// The program that a token stands for by what introspection tells (RFC 7662, section 2.2): the one that it was given to,
/// where it tells of nobody else. Whoever is told of by `username` alone is a person.
pub(super) fn nameless_program(claims: &ForeignClaims, source: ClaimsSource) -> Option<String> {
    let is_of_somebody = claims.has("sub") || claims.has("username");
    claims.text("client_id").filter(|_| source == ClaimsSource::Introspection && !is_of_somebody)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is(claims: &Value) -> bool {
        let claims = ForeignClaims::read(claims.to_string().as_bytes()).unwrap();
        is_program(&claims, &claims.text("uid").or_else(|| claims.text("sub")).unwrap())
    }

    #[test]
    fn each_issuers_way_to_mark_a_program_is_known() {
        for (issuer, claims) in [
            ("RFC 9068", json!({"sub": "ci", "client_id": "ci"})),
            ("OpenID Connect", json!({"sub": "ci", "azp": "ci"})),
            ("both, of which one fits", json!({"sub": "ci", "client_id": "other", "azp": "ci"})),
            ("Okta", json!({"sub": "0oa1", "cid": "0oa1"})),
            ("Auth0", json!({"sub": "Xy7@clients", "azp": "Xy7", "gty": "client-credentials"})),
            ("Auth0, by its subject", json!({"sub": "Xy7@clients", "azp": "Xy7"})),
            ("Auth0, by its grant", json!({"sub": "custom", "azp": "Xy7", "gty": "client-credentials"})),
            ("Auth0, by one grant of some", json!({"sub": "custom", "gty": ["client-credentials"]})),
            ("Entra", json!({"sub": "6b1c", "appid": "f00d", "idtyp": "app"})),
            ("Entra, by its subject", json!({"sub": "f00d", "appid": "f00d"})),
            ("Keycloak", json!({"sub": "2b9f", "azp": "ci", "preferred_username": "service-account-ci"})),
            ("another subject claim", json!({"uid": "ci", "sub": "x", "client_id": "ci"})),
            ("sub beside another subject claim", json!({"uid": "7", "sub": "ci", "client_id": "ci"})),
            ("Auth0 beside another subject claim", json!({"uid": "7", "sub": "Xy7@clients"})),
        ] {
            assert!(is(&claims), "{issuer}: {claims}");
        }
    }

    #[test]
    fn introspection_that_tells_of_nobody_tells_of_a_program() {
        let program = |claims: Value, source| {
            nameless_program(&ForeignClaims::read(claims.to_string().as_bytes()).unwrap(), source)
        };
        let told = json!({"active": true, "client_id": "ci"});
        assert_eq!(program(told.clone(), ClaimsSource::Introspection).as_deref(), Some("ci"));
        assert_eq!(program(told.clone(), ClaimsSource::WebToken), None);
        assert_eq!(program(told, ClaimsSource::UserInfo), None);
        for somebody in [json!({"sub": "u"}), json!({"username": "ann"})] {
            let mut claims = json!({"client_id": "ci"});
            claims.as_object_mut().unwrap().extend(somebody.as_object().unwrap().clone());
            assert_eq!(program(claims.clone(), ClaimsSource::Introspection), None, "{claims}");
        }
        assert_eq!(program(json!({"active": true}), ClaimsSource::Introspection), None);
    }

    #[test]
    fn people_are_no_programs_whatever_they_log_in_with() {
        for (issuer, claims) in [
            ("RFC 9068", json!({"sub": "u-1", "client_id": "web"})),
            ("Okta", json!({"sub": "ann@example.org", "uid": "00u1", "cid": "0oa1"})),
            ("Auth0", json!({"sub": "auth0|5f7c", "azp": "Xy7", "gty": "password"})),
            ("Entra", json!({"sub": "6b1c", "appid": "f00d", "idtyp": "user"})),
            ("Keycloak", json!({"sub": "2b9f", "azp": "web", "preferred_username": "ann"})),
            ("nothing else", json!({"sub": "u-1"})),
            ("marks of another type", json!({"sub": "u-1", "gty": 7, "idtyp": {"app": true}})),
        ] {
            assert!(!is(&claims), "{issuer}: {claims}");
        }
    }
}
