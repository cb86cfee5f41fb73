//! A database that is locked, closed, of another version or away: an error in time.

use std::sync::Arc;
use std::time::Duration;

use auth_service::adapters::store::{Location, Store};
use auth_service::adapters::system::SystemClock;
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::StorageError;
use auth_service::ports::accounts::{Passwords, UserChange, Users};
use auth_service::ports::events::EventInbox;
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::NameReservations;
use auth_service::ports::system::Clock;
use sqlx::Connection as _;

use crate::database::{
    Database, TIMEOUT, TestClock, connect, create, drop_postgres, on_both_engines, open_postgres, open_sqlite,
};
use crate::makers::{ROOM, add_project, add_repository, add_user, at, login, name, push, repository};

on_both_engines!(
    while_somebody_else_writes_reads_go_on_and_changes_fail_in_time,
    a_database_of_a_later_version_is_refused,
    what_is_made_by_many_at_once_is_made_once,
    a_closed_store_gives_errors,
);

/// How long tests let a statement wait that must fail.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// The most that a few statements with that limit may take. It is generous, because the machine may be busy; without a
/// limit they would wait for ever.
pub(crate) const IN_TIME: Duration = Duration::from_mins(1);

/// Everything that a token request or the webhook does with the database.
pub(crate) async fn use_everything(store: &Store, name: &RepositoryName) -> Vec<Result<(), StorageError>> {
    let user = UserId::new(3_400_001);
    vec![
        store.stored_login(&login("alice")).await.map(drop),
        store.snapshot(&Identity::User(user), std::slice::from_ref(name)).await.map(drop),
        store.project(name.project(), 10).await.map(drop),
        store.revision().await.map(drop),
        store.reserve(name, user, at(i64::MAX), ROOM).await.map(drop),
        store.quarantine(name).await,
        store.receive(&[push("e1", name, Some("v1"), 'b', 1)], &[], at(5)).await.map(drop),
        store.keep_dead_letter(b"junk", "junk", at(5)).await,
        store.pending(10).await.map(drop),
    ]
}

async fn while_somebody_else_writes_reads_go_on_and_changes_fail_in_time(database: Database) {
    let store = &database.store;
    let in_vain = connect(&database.location, SHORT, database.clock.clone()).await.unwrap();
    add_user(store, "alice").await;
    let name = add_repository(store, add_project(store, "p").await, "app").await;
    let event = push("e1", &name, Some("v2"), 'b', 5_000);
    let clock = SystemClock;
    let blocked = async {
        let began = clock.elapsed();
        store.snapshot(&Identity::Nobody, std::slice::from_ref(&name)).await.unwrap();
        assert!(store.stored_login(&login("alice")).await.unwrap().is_some());
        // A command, and a service that starts, find the schema as it should be and need no lock.
        connect(&database.location, TIMEOUT, database.clock.clone()).await.unwrap();
        in_vain.receive(std::slice::from_ref(&event), &[], at(5_000)).await.unwrap_err();
        in_vain.change_user(&crate::makers::name("alice"), &UserChange::Certified(true)).await.unwrap_err();
        in_vain
            .reserve(&repository(name.project(), "new"), UserId::new(1), at(i64::MAX), ROOM)
            .await
            .unwrap_err();
        let took = clock.elapsed().saturating_sub(began);
        assert!(took < IN_TIME, "it took {took:?}");
    };
    match &database.location {
        Location::Sqlite(path) => {
            let mut other = open_sqlite(path).await;
            sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
            blocked.await;
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        }
        Location::Postgres(url) => {
            let mut other = open_postgres(url).await;
            let lock = "BEGIN; UPDATE facts_revision SET revision = revision; UPDATE users SET email = email";
            sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
            blocked.await;
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        }
    }
    store.receive(&[event], &[], at(5_000)).await.unwrap();
    store.change_user(&crate::makers::name("alice"), &UserChange::Certified(true)).await.unwrap();
}

async fn a_database_of_a_later_version_is_refused(database: Database) {
    let installed_on = if database.is_postgres() { "now()" } else { "'2027-01-01'" };
    let later = format!(
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
         SELECT 9999, 'later', {installed_on}, TRUE, checksum, 1 FROM _sqlx_migrations LIMIT 1"
    );
    database.run(&later).await;
    let refused = connect(&database.location, TIMEOUT, database.clock.clone()).await;
    let Err(StorageError::Unavailable(text)) = refused.map(drop) else { panic!("it was opened") };
    assert!(text.contains("9999"), "{text}");
}

async fn what_is_made_by_many_at_once_is_made_once(database: Database) {
    let empty = match &database.location {
        Location::Sqlite(path) => Location::Sqlite(path.with_file_name("new.db")),
        Location::Postgres(url) => {
            database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
            Location::Postgres(url.clone())
        }
    };
    let making = (0..4).map(|_| create(&empty));
    let made = futures_util::future::join_all(making).await.into_iter().map(Result::unwrap);
    assert!(made.filter(|made| *made).count() >= 1);
    let openings = (0..4).map(|_| connect(&empty, TIMEOUT, database.clock.clone() as Arc<dyn Clock>));
    for store in futures_util::future::join_all(openings).await {
        assert_eq!(store.unwrap().users().await.unwrap(), []);
    }
    if !database.is_postgres() {
        let names = std::fs::read_dir(database.path().parent().unwrap()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(!names.any(|name| name.contains(".new")), "something half made is left");
    }
}

async fn a_closed_store_gives_errors(database: Database) {
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    database.store.close().await;
    for outcome in use_everything(&database.store, &name).await {
        outcome.unwrap_err();
    }
}

#[tokio::test]
async fn a_server_that_ended_the_connections_is_found_again() {
    let database = Database::postgres().await;
    add_user(&database.store, "alice").await;
    let all = (0..8).map(|_| database.store.users());
    futures_util::future::join_all(all).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.run(end).await;
    let mut failures = 0;
    while database.store.stored_login(&login("alice")).await.is_err() {
        failures += 1;
        assert!(failures <= 4, "more failures than there were connections");
    }
    database.store.change_user(&name("alice"), &UserChange::Certified(true)).await.unwrap();
    crate::database::drop_postgres(&database.postgres_name()).await;
}

#[tokio::test]
async fn a_table_that_is_locked_is_an_error_in_time() {
    let database = Database::postgres().await;
    let store = connect(&database.location, SHORT, database.clock.clone()).await.unwrap();
    let Location::Postgres(url) = &database.location else { panic!("it is a server") };
    let mut other = open_postgres(url).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE users, facts_revision").execute(&mut other).await.unwrap();
    let clock = SystemClock;
    let began = clock.elapsed();
    store.stored_login(&login("alice")).await.unwrap_err();
    store.revision().await.unwrap_err();
    assert!(clock.elapsed().saturating_sub(began) < IN_TIME);
    other.close().await.unwrap();
    store.revision().await.unwrap();
    crate::database::drop_postgres(&database.postgres_name()).await;
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_without_its_password() {
    for url in ["postgres://me:hunter2@127.0.0.1:1/none", "postgres://me:hunter2@[bad/none", "hunter2"] {
        let clock = Arc::new(TestClock::default());
        let refused = connect(&Location::Postgres(url.to_owned()), SHORT, clock).await;
        let Err(error) = refused.map(drop) else { panic!("it was opened") };
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_server_out_of_connections_is_named_as_the_cause() {
    let database = Database::postgres().await;
    let name = database.postgres_name();
    let role = format!("{name}_without_connections");
    database.run(&format!("CREATE ROLE {role} LOGIN PASSWORD '{role}' CONNECTION LIMIT 0")).await;
    let outcome = connect(&database.as_role(&role), TIMEOUT, database.clock.clone()).await;
    let error = outcome.err().map(|error| error.to_string()).unwrap_or_default();
    database.run(&format!("DROP ROLE {role}")).await;
    drop_postgres(&name).await;
    assert!(error.contains("takes no more connections") && error.contains("max_connections"), "{error}");
}
