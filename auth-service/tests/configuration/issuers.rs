//! Issuers: any number of sections, each with a name of the operator's.

use super::place::{ISSUER, Place, SECRET, assert_holds};

#[test]
fn any_number_of_issuers_is_read_sorted_by_name() {
    assert!(Place::empty().settings().login.issuers.is_empty());
    let two = "[login.issuer.two_2]\nurl = 'http://[::1]:8080/x/'\nclients = ['ci']\n";
    let place = Place::with(&format!("{two}{ISSUER}"));
    let issuers = place.settings().login.issuers;
    let read: Vec<(&str, &str)> =
        issuers.iter().map(|issuer| (issuer.rules.name.as_str(), &*issuer.rules.issuer)).collect();
    assert_eq!(read, [("one", "https://one.example.org"), ("two_2", "http://[::1]:8080/x/")]);
}

#[test]
fn the_environment_adds_to_an_issuer_and_can_make_one() {
    let place = Place::with(ISSUER)
        .variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__TIMEOUT_SECONDS", "7")
        .variable("AUTH_SERVICE__LOGIN__ISSUER__A_B__AUDIENCE", "hub, other")
        .variable("AUTH_SERVICE__LOGIN__ISSUER__A_B__URL", "https://two.example.org");
    let issuers = place.settings().login.issuers;
    assert_eq!(
        (issuers[0].rules.name.as_str(), &*issuers[0].rules.issuer),
        ("a_b", "https://two.example.org")
    );
    assert_eq!(issuers[0].rules.audiences, ["hub", "other"]);
    assert_eq!((issuers[1].rules.name.as_str(), issuers[1].endpoints.timeout.as_secs()), ("one", 7));
    let alone = Place::empty().variable("AUTH_SERVICE__LOGIN__ISSUER__KEYCLOAK__CACHE_SECONDS", "1");
    assert_holds(
        &alone.faults(),
        &["login.issuer.keycloak.url: is not set; write an `https` address", "[default]"],
    );
}

#[test]
fn every_key_of_every_issuer_is_shown_with_its_origin() {
    let place = two_issuers("https://one.example.org", "https://two.example.org")
        .variable("AUTH_SERVICE__LOGIN__ISSUER__TWO__CACHE_SECONDS", "9");
    let shown = place.load().unwrap().shown;
    let of_one: Vec<&str> =
        shown.iter().filter_map(|shown| shown.key.strip_prefix("login.issuer.one.")).collect();
    let of_two: Vec<&str> =
        shown.iter().filter_map(|shown| shown.key.strip_prefix("login.issuer.two.")).collect();
    assert!(of_one.len() > 5, "{of_one:?}");
    assert_eq!(of_one, of_two);
    let of = |key: &str| shown.iter().find(|shown| shown.key == key).unwrap();
    assert_eq!(of("login.issuer.one.cache_seconds").origin, "default");
    assert_eq!(of("login.issuer.two.cache_seconds").value.as_deref(), Some("9"));
    assert_eq!(
        of("login.issuer.two.cache_seconds").origin,
        "AUTH_SERVICE__LOGIN__ISSUER__TWO__CACHE_SECONDS"
    );
    assert_eq!(of("login.issuer.two.jwks_url").value, None);
}

#[test]
fn unknown_keys_of_an_issuer_are_refused_with_the_nearest_known_one() {
    let place = Place::with(&format!(
        "login.issuers.two.url = 'x'\n[login.issuer]\nurl = 'x'\n{ISSUER}urll = 'x'\n[login.issuer.one.more]\nurl = 'x'"
    ))
    .variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__CACHE_SECOND", SECRET)
    .variable("AUTH_SERVICE__login__issuer__one__url", SECRET)
    .variable("AUTH_SERVICE__LOGIN__ISSUER__URL", SECRET);
    let faults = place.load().unwrap_err();
    let text = faults.to_string();
    assert_eq!(faults.iter().count(), 7, "{text}");
    assert_holds(
        &text,
        &[
            "login.issuer.one.urll: there is no such key; remove it, or did you mean `url` in [login.issuer.one]?",
            "login.issuer.url: there is no such key; remove it, or did you mean `url` in [login.issuer.NAME]?",
            "login.issuers.two.url: there is no such key; remove it, or did you mean `url` in [login.issuer.two]?",
            "login.issuer.one.more.url: there is no such key; remove it, or did you mean `url` in [login.issuer.one]?",
            "login.issuer.one.cache_second: there is no such key; remove the variable, or did you mean \
             AUTH_SERVICE__LOGIN__ISSUER__ONE__CACHE_SECONDS?",
            "did you mean AUTH_SERVICE__LOGIN__ISSUER__ONE__URL? [AUTH_SERVICE__login__issuer__one__url]",
            "did you mean AUTH_SERVICE__LOGIN__ISSUER__NAME__URL? [AUTH_SERVICE__LOGIN__ISSUER__URL]",
        ],
    );
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn a_value_in_place_of_a_section_is_refused_with_how_to_write_one() {
    for (content, problem) in [
        (
            "login.issuer = 'x'",
            "login.issuer: is a section, not a key; write the section as [login.issuer.NAME]",
        ),
        (
            "[[login.issuer]]",
            "login.issuer: is a section, not a key; write the section as [login.issuer.NAME]",
        ),
        ("login.issuer.one = 'x'", "login.issuer.one: there is no such key"),
        (
            "[login.issuer.one]\naudience = ['hub']\n[login.issuer.one.url]\nx = 1",
            "login.issuer.one.url: is a table where a value belongs; write `url = …` in [login.issuer.one]",
        ),
        ("['login.issuer'.one]\nurl = 'https://x'", "login.issuer: there is no such key"),
        ("[login.issuer.one]\naudience = ['hub']", "login.issuer.one.url: is not set"),
    ] {
        let text = Place::with(content).faults();
        assert_holds(&text, &[problem]);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    assert!(Place::with("[login.issuer]").settings().login.issuers.is_empty());
}

#[test]
fn a_bad_issuer_name_is_refused_with_the_rules_for_names() {
    let rule =
        "name it by 1 to 32 small letters, digits and underscores, beginning with a letter and without two";
    for name in ["Keycloak", "2nd", "a-b", "a__b", "'a.b'", "''", "'a b'", "'*'", &"a".repeat(33)] {
        let text = Place::with(&format!("[login.issuer.{name}]\nurl = 'https://x.example.org'")).faults();
        assert_holds(&text, &["login.issuer.", "cannot be the name of a section", rule]);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    for name in ["A__B", "2ND", "A-B"] {
        let variable = format!("AUTH_SERVICE__LOGIN__ISSUER__{name}__URL");
        let text = Place::empty().variable(&variable, "https://x.example.org").faults();
        assert_holds(&text, &[&format!("[{variable}]"), "cannot be the name of a section", rule]);
    }
}

#[test]
fn what_others_could_read_or_forge_is_no_address_of_an_issuer() {
    for (key, good, bad) in [
        ("url", "http://localhost:8080/realms/main/", "http://login.example.org"),
        ("url", "https://Login.example.org", "https://login.example.org?x=1"),
        ("url", "https://[2001:db8::1]/a%20b", "https://login.example.org/a b"),
        ("url", "https://x.example.org", "https:x.example.org"),
        ("url", "https://x.example.org/", "https:///x.example.org"),
        ("url", "https://x.example.org:443", "https:\\\\x.example.org"),
        ("url", "https://x.example.org", "https://user:password@x.example.org"),
        ("url", "https://x.example.org", " https://x.example.org"),
        ("jwks_url", "https://x.example.org/keys?p=1", "http://x.example.org/keys"),
        ("introspection_url", "http://127.0.0.1:1/introspect", "http://10.0.0.1/introspect"),
        ("userinfo_url", "https://x.example.org/me", "https://x.example.org/me#top"),
        ("trusted_hosts", "https://keys.example.org/, http://[::1]:1", "https://keys.example.org/path"),
        ("trusted_hosts", "", "http://keys.example.org"),
        ("cache_seconds", "0", "301"),
        ("timeout_seconds", "10", "0"),
    ] {
        let variable = format!("AUTH_SERVICE__LOGIN__ISSUER__ONE__{}", key.to_uppercase());
        let load = |value: &str| Place::with(ISSUER).variable(&variable, value).load();
        assert!(load(good).is_ok(), "{key} = {good}: {:?}", load(good));
        let faults = load(bad).unwrap_err().to_string();
        assert!(
            faults.starts_with(&format!("login.issuer.one.{key}: ")) && faults.lines().count() == 1,
            "{bad}: {faults}"
        );
        assert!(!faults.contains("password@"), "{faults}");
    }
}

fn two_issuers(one: &str, two: &str) -> Place {
    let section =
        |name: &str, url: &str| format!("[login.issuer.{name}]\nurl = '{url}'\naudience = ['hub']\n");
    Place::with(&format!("{}{}", section("one", one), section("two", two)))
}

#[test]
fn a_token_can_name_one_issuer_only() {
    let same = two_issuers("https://one.example.org", "https://one.example.org");
    assert_holds(
        &same.faults(),
        &["login.issuer.two.url: is the same as login.issuer.one.url; write what only"],
    );
    let own = Place::with(ISSUER).variable("AUTH_SERVICE__TOKEN__ISSUER", "https://one.example.org");
    assert_holds(&own.faults(), &["login.issuer.one.url: is the same as token.issuer"]);
    let other = two_issuers("https://one.example.org", "https://one.example.org/");
    assert_eq!(other.settings().login.issuers.len(), 2);
}

#[test]
fn errors_of_several_issuers_are_reported_at_once() {
    let place = Place::with(
        "[login.issuer.one]\nurl = 'http://one.example.org'\ncache_seconds = 'x'\nclients = ['ci']\n\
         [login.issuer.two]\ntimeout_seconds = 0\n[login.issuer.Three]",
    );
    let faults = place.load().unwrap_err();
    let mut keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "login.issuer.Three",
            "login.issuer.one.cache_seconds",
            "login.issuer.one.url",
            "login.issuer.two.audience",
            "login.issuer.two.timeout_seconds",
            "login.issuer.two.url",
        ]
    );
}

#[test]
fn settings_are_not_called_missing_when_the_file_cannot_be_parsed() {
    let place = Place::with("[login.issuer.one]\nurl = ")
        .variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__CACHE_SECONDS", "5");
    let text = place.faults();
    assert_eq!(text.lines().count(), 1, "{text}");
}
