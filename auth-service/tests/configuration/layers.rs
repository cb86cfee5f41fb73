//! Defaults, the file, the environment: who wins, and where relative paths start.

use std::time::Duration;

use auth_service::config::DatabaseUrl;
use auth_service::domain::decision::Certification;

use super::place::{Place, assert_holds};

#[test]
fn without_a_file_the_documented_defaults_hold() {
    let settings = Place::empty().settings();
    assert_eq!(settings.http.listen, "127.0.0.1:5001".parse().unwrap());
    assert_eq!(settings.http.workers, None);
    assert_eq!(settings.http.drain, Duration::from_secs(30));
    assert_eq!(settings.ops.listen, "127.0.0.1:5002".parse().unwrap());
    assert_eq!(settings.token.issuer, "auth-service");
    assert_eq!(settings.token.service, "127.0.0.1:5000");
    assert_eq!(settings.token.realm.as_str(), "http://127.0.0.1:5001/token");
    assert_eq!(settings.token.lifetime, Duration::from_mins(5));
    assert_eq!(settings.registry.url.join("v2/").unwrap().as_str(), "http://127.0.0.1:5000/v2/");
    assert_eq!(settings.webhook.secret, None);
    assert_eq!(settings.access.certification, Certification::Push);
    assert_eq!(settings.limits.layer_bytes, 100_000_000_000);
    assert_eq!(settings.limits.events_kept, Duration::from_hours(30 * 24));
    assert!((1..=64).contains(&settings.login.hash_threads));
    assert_eq!(settings.login.free_tries, 5);
    assert_eq!(settings.login.longest_lock, Duration::from_mins(15));
    assert_eq!(settings.login.identity_idle, Duration::from_hours(180 * 24));
    assert_eq!(settings.login.session, Duration::from_hours(24));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let place =
        Place::with("[token]\nissuer = 'file'\nlifetime = 120\n[registry]\nhost = 'Hub.Example.org:8443'")
            .variable("AUTH_SERVICE__TOKEN__ISSUER", "environment")
            .variable("AUTH_SERVICE__ACCESS__ANONYMOUS_PULL", "true");
    let settings = place.settings();
    assert_eq!(settings.token.issuer, "environment");
    assert_eq!(settings.token.lifetime, Duration::from_mins(2));
    assert_eq!(settings.registry.host, "hub.example.org:8443");
    assert_eq!(settings.token.service, "hub.example.org:8443");
    assert!(settings.access.anonymous_pull);
}

#[test]
fn the_file_is_looked_for_in_the_promised_order() {
    let issuer = |name: &str| format!("[token]\nissuer = '{name}'");
    let mut place = Place::empty().file("etc/auth-service.toml", issuer("system"));
    assert_eq!(place.settings().token.issuer, "system");
    place = place.file("auth-service.toml", issuer("folder"));
    assert_eq!(place.settings().token.issuer, "folder");
    place = place.file("a.toml", issuer("variable")).variable("AUTH_SERVICE_CONFIG", "a.toml");
    assert_eq!(place.settings().token.issuer, "variable");
    place = place.file("b.toml", issuer("option")).named("b.toml");
    assert_eq!(place.settings().token.issuer, "option");
    assert_eq!(place.load().unwrap().file, Some(place.path("b.toml")));
}

#[test]
fn a_named_file_must_exist() {
    assert_holds(&Place::empty().named("none.toml").faults(), &["--config", "none.toml", "cannot be read"]);
    let by_variable = Place::empty().variable("AUTH_SERVICE_CONFIG", "none.toml");
    assert_holds(&by_variable.faults(), &["AUTH_SERVICE_CONFIG", "none.toml", "cannot be read"]);
}

#[test]
fn variables_that_orchestrators_inject_are_ignored() {
    let place = Place::empty()
        .variable("AUTH_SERVICE_SERVICE_HOST", "10.0.0.1")
        .variable("AUTH_SERVICE_PORT_5001_TCP", "tcp://10.0.0.1:5001");
    assert_eq!(place.settings().http.listen, "127.0.0.1:5001".parse().unwrap());
}

#[test]
fn lists_come_from_the_file_as_lists_and_from_the_environment_with_commas() {
    let listed = Place::with("http.trusted_proxies = ['192.0.2.7', '10.1.2.3/8', '::1']").settings();
    let separated = Place::empty()
        .variable("AUTH_SERVICE__HTTP__TRUSTED_PROXIES", "192.0.2.7, 10.1.2.3/8,::1")
        .settings();
    assert_eq!(listed.http.trusted_proxies, separated.http.trusted_proxies);
    let shown: Vec<String> = listed.http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["192.0.2.7/32", "10.0.0.0/8", "::1/128"]);
}

#[test]
fn relative_paths_start_from_the_folder_of_the_file() {
    let place = Place::empty().file("etc/site.toml", "keys.directory = '../keys'").named("etc/site.toml");
    let place = place.variable("AUTH_SERVICE__DATABASE__URL", "sqlite://data/auth.db");
    let settings = place.settings();
    assert_eq!(settings.keys.directory, place.path("etc/../keys"));
    assert_eq!(settings.database.url, DatabaseUrl::Sqlite(place.path("etc/data/auth.db")));
    let without_file = Place::empty();
    assert_eq!(without_file.settings().keys.directory, without_file.path("keys"));
    let absolute = Place::with("[database]\nurl = 'sqlite:///var/lib/auth.db'").settings();
    assert_eq!(absolute.database.url, DatabaseUrl::Sqlite("/var/lib/auth.db".into()));
}
