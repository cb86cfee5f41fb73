//! What `config check` warns of.

use auth_service::bootstrap::warnings;
use auth_service::config::Purpose;

use super::place::Place;

fn warned(realm: &str) -> Vec<String> {
    let place = Place::with(&format!("[token]\nrealm = 'https://hub.example.org{realm}'\n"));
    warnings(&place.load_to(Purpose::Command).unwrap().settings)
}

#[test]
fn a_realm_under_which_nothing_is_answered_is_warned_of_with_one_that_is() {
    for realm in ["", "/", "/auth/token", "/Token", "/token//"] {
        let warnings = warned(realm);
        assert_eq!(warnings.len(), 1, "{realm}");
        assert!(warnings[0].starts_with("token.realm: "), "{}", warnings[0]);
        assert!(warnings[0].contains("https://hub.example.org/token,"), "{}", warnings[0]);
    }
    for realm in ["/token", "/token/", "/docker/v1/bearerToken"] {
        assert_eq!(warned(realm), [""; 0], "{realm}");
    }
    let derived = Place::empty().load_to(Purpose::Command).unwrap();
    assert_eq!(warnings(&derived.settings), [""; 0]);
}
