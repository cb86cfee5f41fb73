//! Secrets: in files of their own, and in nothing that is printed.

use auth_service::config::{DatabaseUrl, Purpose};

use super::place::{Place, SECRET, assert_holds};

#[test]
fn secrets_can_stand_in_files_of_their_own() {
    let place = Place::with("webhook.secret_file = 'webhook'\ndatabase.url_file = 'database'")
        .file("webhook", format!("{SECRET}\n"))
        .file("database", "postgres://user:hunter2@db/auth\r\n");
    let settings = place.load_to(Purpose::Serve).unwrap().settings;
    assert!(settings.webhook.secret.unwrap().matches(SECRET.as_bytes()));
    let DatabaseUrl::Postgres(url) = settings.database.url else { panic!("not PostgreSQL") };
    assert_eq!(url.expose(), "postgres://user:hunter2@db/auth?sslmode=verify-full");
}

#[test]
fn a_secret_given_twice_or_in_an_unusable_file_is_a_fault() {
    let twice = Place::with(&format!("webhook.secret = '{SECRET}'"))
        .file("webhook", SECRET)
        .variable("AUTH_SERVICE__WEBHOOK__SECRET_FILE", "webhook");
    assert_holds(
        &twice.faults(),
        &["webhook.secret: is set here and webhook.secret_file is set in AUTH_SERVICE__WEBHOOK__SECRET_FILE"],
    );
    let by_file = Place::with("webhook.secret_file = 'webhook'");
    assert_holds(&by_file.faults(), &["webhook.secret_file: cannot be read"]);
    for (content, problem) in [
        (format!("{SECRET}\n\n").into_bytes(), "holds a space"),
        (b"too short".to_vec(), "holds a space"),
        (b"short\n".to_vec(), "has 5 characters"),
        (b"\n".to_vec(), "is empty"),
        (vec![0xff; 40], "cannot be read"),
        (vec![b'x'; 70_000], "is larger than"),
    ] {
        let place = Place::with("webhook.secret_file = 'webhook'").file("webhook", content);
        assert_holds(&place.faults(), &["webhook.secret", problem, "webhook"]);
    }
}

#[test]
fn no_secret_is_printed() {
    let password = "hunter2hunter2";
    let place = Place::with(&format!(
        "webhook.secret = '{SECRET}'\ndatabase.url = 'postgres://user:{password}@db/auth'"
    ));
    let loaded = place.load().unwrap();
    let printed = format!("{loaded:?}");
    assert!(!printed.contains(SECRET) && !printed.contains(password), "{printed}");
    let shown =
        |key: &str| loaded.shown.iter().find(|shown| shown.key == key).unwrap().value.clone().unwrap();
    assert_eq!(shown("webhook.secret"), "********");
    assert_eq!(shown("database.url"), "postgres://********");

    for content in [
        format!("webhook.secret = '{password}'"),
        format!("webhook.secret = '{SECRET} {SECRET}'"),
        format!("webhook = '{SECRET}'"),
        format!("webhook.secert = '{SECRET}'"),
        format!("webhook.secret.x = '{SECRET}'"),
        format!("[webhook]\nsecret = '{SECRET}"),
        format!("[webhook]\nsecret = {SECRET}"),
        format!("[webhook]\nsecret = 'a' '{SECRET}'"),
        format!("[webhook]\nsecret = \"\\q{SECRET}\""),
        format!("[webhook]\nsecret = '{SECRET}'\nsecret = '{SECRET}'"),
        format!("database.url = 'postgres://user:{password}@db:port/auth'"),
        format!("database.url = 'mysql://user:{password}@db/auth'"),
        format!("database.url = ['postgres://user:{password}@db/auth']"),
        format!("registry.url = 'http://user:{password}@db'"),
        format!("registry.url = 'http://user:{password}@db:port'"),
    ] {
        let faults = Place::with(&content).faults();
        assert!(!faults.contains(SECRET) && !faults.contains(password), "{content}\n{faults}");
    }
}

#[test]
fn settings_are_shown_with_their_origin() {
    let place = Place::with("token.lifetime = 60\nwebhook.secret_file = 'webhook'")
        .file("webhook", SECRET)
        .variable("AUTH_SERVICE__TOKEN__ISSUER", "me");
    let shown = place.load().unwrap().shown;
    let of = |key: &str| shown.iter().find(|shown| shown.key == key).unwrap();
    let file = place.path("auth-service.toml").display().to_string();
    assert_eq!(
        (of("token.lifetime").value.as_deref(), of("token.lifetime").origin.as_str()),
        (Some("60"), file.as_str())
    );
    assert_eq!(of("token.issuer").origin, "AUTH_SERVICE__TOKEN__ISSUER");
    assert_eq!(
        (of("ops.listen").value.as_deref(), of("ops.listen").origin.as_str()),
        (Some("127.0.0.1:5002"), "default")
    );
    assert_eq!(of("http.tls_key").value, None);
    assert_eq!(of("limits.events_kept_days").value.as_deref(), Some("30"));
    assert_holds(&of("webhook.secret").origin, &["webhook named by webhook.secret_file in", &file]);
}
