//! Settings that are refused, and the messages.

use auth_service::config::Purpose;

use super::place::{ISSUER, Place, SECRET, assert_holds};

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    let place = Place::with(
        "verbose = true\n[http]\nlisten_on = 'x'\n[servers]\n[token.realm]\nurl = 'x'\n[[limits]]",
    )
    .variable("AUTH_SERVICE__WEBHOK__SECRET", SECRET)
    .variable("AUTH_SERVICE__http__listen", "127.0.0.1:1");
    let faults = place.load().unwrap_err();
    let text = faults.to_string();
    assert_eq!(faults.iter().count(), 7, "{text}");
    let file = place.path("auth-service.toml").display().to_string();
    assert_holds(
        &text,
        &[
            "webhok.secret: there is no such key",
            "did you mean AUTH_SERVICE__WEBHOOK__SECRET? [AUTH_SERVICE__WEBHOK__SECRET]",
            "did you mean AUTH_SERVICE__HTTP__LISTEN? [AUTH_SERVICE__http__listen]",
            "verbose: there is no such key",
            &format!(
                "http.listen_on: there is no such key; remove it, or did you mean `listen` in [http]? [{file}]"
            ),
            "servers: there is no such key",
            "limits: is a section, not a key; write the section as [limits]",
            "token.realm: is a table where a value belongs; write `realm = …` in [token]",
        ],
    );
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn a_dot_in_quotes_does_not_lead_into_a_section() {
    assert_holds(
        &Place::with("'http.listen' = '127.0.0.1:1'").faults(),
        &["http.listen: there is no such key"],
    );
}

#[test]
fn all_errors_are_reported_at_once_each_with_its_key_its_origin_and_the_fix() {
    let place = Place::with(
        "[http]\nlisten = 'localhost'\n[token]\nlifetime = 30\nbogus = 1\n[access]\ncertification = 'none'",
    )
    .variable("AUTH_SERVICE__LOGIN__ARGON2_PASSES", "one");
    let faults = place.load_to(Purpose::Serve).unwrap_err();
    let text = faults.to_string();
    assert_eq!(text.lines().count(), 6, "{text}");
    assert_eq!(faults.iter().count(), 6);
    assert_holds(
        &text,
        &[
            "http.listen: \"localhost\" is not an IP address and a port; write an IP address and a port, such as",
            "token.bogus: there is no such key",
            "token.lifetime: 30 is not a whole number of seconds from 60 to 3600",
            "access.certification: \"none\" is none of the choices; write `\"push\"`, `\"create\"` or `\"off\"`",
            "login.argon2_passes: \"one\" is not a whole number from 2 to 100",
            "[AUTH_SERVICE__LOGIN__ARGON2_PASSES]",
            "webhook.secret: is not set, and serving needs it; write 32 or more",
            "auth-service.toml]",
        ],
    );
}

#[test]
fn every_key_refuses_a_list_in_a_list_by_its_own_name() {
    let names = Place::with(ISSUER).names();
    let content = names.join(" = [['x']]\n") + " = [['x']]";
    let text = Place::with(&content).faults();
    for name in &names {
        assert!(
            text.lines().any(|line| line.starts_with(&format!("{name}: "))),
            "{name} is not read:\n{text}"
        );
    }
}

#[test]
fn values_at_the_limit_are_accepted_and_values_beyond_it_refused() {
    for (key, good, bad) in [
        ("token.lifetime", "60", "59"),
        ("token.lifetime", "3600", "3601"),
        ("http.workers", "256", "0"),
        ("http.listen", "127.0.0.1:0", "127.0.0.1"),
        ("http.listen", "[::1]:5001", "::1:5001"),
        ("http.trusted_proxies", "2001:db8::/32", "0.0.0.0/0"),
        ("http.trusted_proxies", "", "proxy.example.org"),
        ("login.argon2_memory_kib", "19456", "19455"),
        ("login.free_tries", "0", "101"),
        ("login.longest_lock_seconds", "3600", "9"),
        ("login.identity_token_idle_days", "365", "366"),
        ("login.session_seconds", "60", "59"),
        ("limits.facts_cache_bytes", "0", "-1"),
        ("limits.layer_bytes", "100000000000", "100 GB"),
        ("access.anonymous_pull", "false", "no"),
        ("token.issuer", "My Issuer", "My \"Issuer\""),
        ("token.realm", "https://example.org/token", "https://example.org/token?x=1"),
        ("token.realm", "http://example.org", "ftp://example.org/token"),
        ("registry.url", "https://registry:5000", "registry:5000"),
        ("registry.url", "http://[::1]:5000", "http://10.0.0.1:5000"),
        ("registry.host", "registry.example.org", "https://registry.example.org"),
        ("registry.host", "LOCALHOST", "registry"),
        ("registry.host", "[2001:db8::1]:5000", "2001:db8::1"),
        ("registry.host", "registry:5000", "registry:0"),
        ("registry.host", "a-b.example:65535", "a_b.example:65536"),
        ("registry.host", "10.0.0.1", "10.0.0.1/project"),
        ("database.url", "postgresql://user:pw@db/auth?sslmode=verify-full", "mysql://user:pw@db/auth"),
        (
            "database.url",
            "postgresql://user:pw@127.0.0.1/auth?sslmode=disable",
            "postgresql://user:pw@db/auth?sslmode=disable",
        ),
        (
            "database.url",
            "postgresql:///auth?host=/run/postgresql",
            "postgresql:///auth?host=db&sslmode=require",
        ),
        ("database.url", "sqlite:a b.db", "sqlite::memory:"),
        ("database.url", "sqlite:auth.db", "auth.db"),
    ] {
        let variable = format!("AUTH_SERVICE__{}", key.replace('.', "__").to_uppercase());
        let load = |value: &str| Place::empty().variable(&variable, value).load();
        assert!(load(good).is_ok(), "{key} = {good}: {:?}", load(good));
        let faults = load(bad).unwrap_err().to_string();
        assert!(faults.starts_with(&format!("{key}: ")) && faults.lines().count() == 1, "{bad}: {faults}");
    }
}

#[test]
fn the_largest_body_must_fit_or_both_settings_are_reported() {
    for (room, content) in [
        ("limits.network_in_flight_bytes", "limits.body_bytes = 8388608"),
        ("limits.network_in_flight_bytes", "limits.network_in_flight_bytes = 1000000"),
        ("limits.in_flight_bytes", "limits.network_in_flight_bytes = 67108864"),
        ("limits.webhook_in_flight_bytes", "limits.webhook_bytes = 67108864"),
    ] {
        let faults = Place::with(content).faults();
        assert_holds(&faults, &[room, "is less than", "write at least"]);
        assert_eq!(faults.lines().count(), 1, "{faults}");
    }
}

#[test]
fn a_listener_that_others_can_reach_needs_tls_or_a_proxy() {
    let tls = "http.tls_certificate = 'a.pem'\nhttp.tls_key = 'a.key'\n";
    let proxy = "http.trusted_proxies = ['10.0.0.1']\n";
    for address in ["0.0.0.0:5001", "[::]:5001", "192.0.2.1:5001", "[2001:db8::1]:5001"] {
        let public = format!("http.listen = '{address}'\n");
        let cures = ["http.listen: ", "is not loopback", "http.tls_certificate", "http.trusted_proxies"];
        assert_holds(&Place::with(&public).faults(), &cures);
        assert!(Place::with(&format!("{public}{tls}")).load().is_ok());
        assert!(Place::with(&format!("{public}{proxy}")).load().is_ok());
        let operations = format!("ops.listen = '{address}'\n");
        assert_holds(
            &Place::with(&operations).faults(),
            &["ops.listen: ", "is not loopback", "ops.allowed_networks"],
        );
        assert!(Place::with(&format!("{operations}{tls}")).load().is_err());
        assert!(Place::with(&format!("{operations}{proxy}")).load().is_err(), "a proxy is no registry");
        assert!(Place::with(&format!("{operations}ops.allowed_networks = ['10.0.0.0/8']")).load().is_ok());
    }
}

#[test]
fn two_listeners_need_two_ports_unless_the_system_picks_them() {
    let both = |address: &str| format!("http.listen = '{address}'\nops.listen = '{address}'");
    assert_holds(&Place::with(&both("127.0.0.1:7000")).faults(), &["ops.listen: is the same as http.listen"]);
    assert!(Place::with(&both("127.0.0.1:0")).load().is_ok());
}

#[test]
fn a_certificate_needs_its_key_and_makes_the_realm_https() {
    assert_holds(
        &Place::with("http.tls_key = 'a.key'").faults(),
        &["http.tls_key: is set without http.tls_certificate"],
    );
    assert_holds(&Place::with("http.tls_certificate = 'a'").faults(), &["set http.tls_key too"]);
    let settings = Place::with("http.tls_key = 'a.key'\nhttp.tls_certificate = 'a.pem'").settings();
    assert_eq!(settings.token.realm.as_str(), "https://127.0.0.1:5001/token");
}

#[test]
fn a_contact_is_an_address_that_can_be_shown_in_any_terminal() {
    let with = |contact: &str| Place::with(&format!("[registry]\ncontact = \"{contact}\""));
    for good in ["help@example.org", "https://example.org/help?about=images", "http://wiki/registry"] {
        assert_eq!(with(good).load().unwrap().settings.registry.contact.as_deref(), Some(good));
    }
    let long = format!("{}@example.org", "x".repeat(200));
    for bad in [
        "",
        " ",
        "help",
        "@",
        "help@",
        "@x",
        "help@x y",
        "a@b@c",
        "help@x.org\\u001B[31m",
        "hilfe@\u{fc}.org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://user:word@example.org",
        "https://",
        &long,
        "help@example.org\\nmore",
    ] {
        assert_holds(&with(bad).faults(), &["registry.contact: "]);
    }
}

#[test]
fn what_goes_to_another_machine_is_protected_unless_the_operator_says_otherwise() {
    use auth_service::config::DatabaseUrl;
    let url = |content: &str| match Place::with(content).settings().database.url {
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
        DatabaseUrl::Sqlite(_) => panic!("it is a server"),
    };
    assert_eq!(
        url("database.url = 'postgres://me:pw@db.example.org/auth'"),
        "postgres://me:pw@db.example.org/auth?sslmode=verify-full"
    );
    let unprotected = "database.url = 'postgres://me:pw@db/auth?sslmode=prefer'\n";
    let refused = Place::with(unprotected).faults();
    assert_holds(&refused, &["database.url: ", "sslmode=verify-full", "database.plain_text = true"]);
    assert!(!refused.contains("pw@"), "{refused}");
    assert!(url(&format!("{unprotected}database.plain_text = true")).ends_with("prefer"));
    assert_eq!(url("database.url = 'postgres://me:pw@localhost/auth'"), "postgres://me:pw@localhost/auth");
    let plain = "registry.url = 'http://registry:5000'\n";
    assert_holds(&Place::with(plain).faults(), &["registry.url: ", "registry.plain_http = true"]);
    assert!(Place::with(&format!("{plain}registry.plain_http = true")).load().is_ok());
}
