//! A database of the size that the service is made for, and how long it takes to answer then.
//!
//! `tests/with-postgres.sh cargo test --release --test contract full_size -- --ignored --nocapture`
//! prints the times. With `FULL_SIZE_FILE` set, the `SQLite` file is made there and stays.

use std::sync::Arc;
use std::time::Duration;

use auth_service::adapters::store::{Location, Store};
use auth_service::adapters::system::SystemClock;
use auth_service::domain::account::LoginName;
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::domain::project::ProjectId;
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::accounts::{Passwords, Users};
use auth_service::ports::events::EventInbox;
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::{Items, NameReservations, SharingSettings};
use auth_service::ports::system::Clock;

use crate::database::{Database, TIMEOUT, connect, drop_postgres};
use crate::makers::{ROOM, add_user, at, item, login, push, repository};

const USERS: i64 = 100_000;
const PROJECTS: i64 = 10_000;
const REPOSITORIES: i64 = 1_000_000;
const FIRST_USER: i64 = 3_400_001;
const FIRST_PROJECT: i64 = 2_000_001;

/// User `n` is `user-n`, in two of 1,000 teams. Repository `n` is `r-n` in project `n % 10,000`, but the last
/// 10,000 are in the first project. Each project belongs to one user and is shared with a team and with
/// everybody who is logged in. One repository in a hundred is unusual.
const FILL: [&str; 12] = [
    "CREATE TABLE numbers (n BIGINT PRIMARY KEY)",
    "INSERT INTO numbers WITH RECURSIVE counted (n) AS \
     (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM counted WHERE n < 999999) SELECT n FROM counted",
    "INSERT INTO principals SELECT 3400001 + n, 'user-' || n, 'user' FROM numbers WHERE n < 100000",
    "INSERT INTO users SELECT 3400001 + n, 'user-' || n || '@example.org', \
     '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$rdJm1r1zzRkiHGkTRmQBVVVVVVVVVVVVVVVVVVVVVVU', \
     n % 2 = 0, n = 0, FALSE, 1, 1 FROM numbers WHERE n < 100000",
    "INSERT INTO principals SELECT 3600001 + n, 'team-' || n, 'team' FROM numbers WHERE n < 1000",
    "INSERT INTO teams SELECT 3600001 + n, 1 FROM numbers WHERE n < 1000",
    "INSERT INTO team_members SELECT 3400001 + n, 3600001 + n % 1000 FROM numbers WHERE n < 100000 \
     UNION ALL SELECT 3400001 + n, 3600001 + (n + 500) % 1000 FROM numbers WHERE n < 100000",
    "INSERT INTO projects (id, name, open_data, created_by, created_at) \
     SELECT 2000001 + n, 'project ' || n, FALSE, 3400001 + n, 1 FROM numbers WHERE n < 10000",
    "INSERT INTO access SELECT 2000001 + n, 3400001 + n, 255 FROM numbers WHERE n < 10000 \
     UNION ALL SELECT 2000001 + n, 3600001 + n % 1000, 15 FROM numbers WHERE n < 10000 \
     UNION ALL SELECT 2000001 + n, 273948, 3 FROM numbers WHERE n < 10000 \
     UNION ALL SELECT 3000001 + n, 3400001 + n % 10000, 255 FROM numbers WHERE n % 200 = 7",
    "INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_at) \
     SELECT 3000001 + n, 2000001 + CASE WHEN n < 990000 THEN n % 10000 ELSE 0 END, 'r-' || n, \
     CASE WHEN n % 500 = 3 THEN 'trashed' WHEN n % 1000 = 5 THEN 'quarantined' ELSE 'live' END, n % 200 = 7, \
     n % 500 = 9, 1 FROM numbers",
    "INSERT INTO tags SELECT 3000001 + n, 'latest', \
     'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 3400001, 1, 1 FROM numbers",
    "UPDATE sequences SET value = CASE name WHEN 'entity' THEN 4000001 ELSE 3700001 END; DROP TABLE numbers",
];

#[tokio::test]
#[ignore = "it takes minutes, and its times mean nothing without --release; run it by hand"]
async fn sqlite_answers_at_once_at_full_size() {
    let database = Database::sqlite().await;
    fill(&database).await;
    measure(&database).await;
    database.store.close().await;
    if let Some(kept) = file_to_keep() {
        std::fs::copy(database.path(), kept).unwrap();
    }
}

#[tokio::test]
#[ignore = "it takes minutes, and its times mean nothing without --release; run it by hand"]
async fn postgres_answers_at_once_at_full_size() {
    let database = Database::postgres().await;
    fill(&database).await;
    database.run("VACUUM ANALYZE").await;
    measure(&database).await;
    drop_postgres(&database.postgres_name()).await;
}

#[expect(clippy::disallowed_methods, reason = "the test run is configured by its environment")]
fn file_to_keep() -> Option<String> {
    std::env::var("FULL_SIZE_FILE").ok()
}

async fn fill(database: &Database) {
    assert_eq!((USERS, PROJECTS, REPOSITORIES), (100_000, 10_000, 1_000_000), "FILL has other numbers");
    for statement in FILL {
        database.run(statement).await;
    }
}

/// The time that most of many calls take less than, and the longest.
async fn timed(what: &str, calls: i64, call: impl AsyncFn(i64)) -> Duration {
    let mut times = Vec::new();
    for number in 0..calls {
        let began = SystemClock.elapsed();
        call(number).await;
        times.push(SystemClock.elapsed().saturating_sub(began));
    }
    times.sort();
    let median = times[times.len() / 2];
    println!("{what}: median {median:?}, longest {:?} of {calls}", times[times.len() - 1]);
    median
}

/// Numbers that lie far apart, always the same.
fn scattered(number: i64, below: i64) -> i64 {
    (number * 7_919_317 + 13) % below
}

fn user(number: i64) -> UserId {
    UserId::new(FIRST_USER + scattered(number, USERS))
}

fn some_repository(number: i64) -> RepositoryName {
    let number = scattered(number, 990_000);
    repository(ProjectId::new(FIRST_PROJECT + number % PROJECTS), &format!("r-{number}"))
}

async fn measure(database: &Database) {
    let store = &database.store;
    println!("== {}", store.engine_name());
    let opening = timed("open", 5, async |_| open(&database.location).await.close().await).await;
    assert!(opening < Duration::from_millis(100));
    measure_reads(store).await;
    measure_large_project(store).await;
    timed("receive", 200, async |number| {
        let id = format!("event-{number}");
        let event = push(&id, &some_repository(number), Some("v1"), 'b', 5);
        store.receive(&[event], &[], at(5)).await.unwrap();
    })
    .await;
    timed("reserve", 200, async |number| {
        let name = repository(some_repository(number).project(), &format!("new-{number}"));
        store.reserve(&name, user(number), at(i64::MAX), ROOM).await.unwrap();
    })
    .await;
    timed("add_user, remove_user", 20, async |number| {
        add_user(store, &format!("new-{number}")).await;
        store.remove_user(&crate::makers::name(&format!("new-{number}"))).await.unwrap();
    })
    .await;
    timed("projects", 1, async |_| drop(store.projects().await.unwrap())).await;
    timed("repositories", 1, async |_| drop(store.repositories(None).await.unwrap())).await;
}

async fn open(location: &Location) -> Store {
    connect(location, TIMEOUT, Arc::new(SystemClock)).await.unwrap()
}

async fn measure_reads(store: &Store) {
    timed("revision", 1_000, async |_| assert!(store.revision().await.is_ok())).await;
    let one = timed("snapshot of one", 1_000, async |number| {
        let facts = store.snapshot(&Identity::User(user(number)), &[some_repository(number)]).await.unwrap();
        assert!(facts.value.user.is_some() && facts.value.repositories[0].project.is_some());
    });
    assert!(one.await < Duration::from_millis(5));
    timed("snapshot of 64", 100, async |number| {
        let names: Vec<_> = (0..64).map(|part| some_repository(number * 64 + part)).collect();
        store.snapshot(&Identity::User(user(number)), &names).await.unwrap();
    })
    .await;
    timed("project of 100", 1_000, async |number| {
        let id = some_repository(number + 1).project();
        store.project(id, 4_096).await.unwrap().value.unwrap();
    })
    .await;
    let typed =
        |number, suffix: &str| -> LoginName { login(&format!("user-{}{suffix}", scattered(number, USERS))) };
    for suffix in ["", "@example.org"] {
        timed("stored_login", 1_000, async |number| {
            assert!(store.stored_login(&typed(number, suffix)).await.unwrap().is_some());
        })
        .await;
    }
    timed("sharing", 1_000, async |number| {
        store.sharing(&item(&some_repository(number))).await.unwrap();
    })
    .await;
}

async fn measure_large_project(store: &Store) {
    let large = ProjectId::new(FIRST_PROJECT);
    timed("project of 10,100", 20, async |_| {
        let contents = store.project(large, 4_096).await.unwrap().value.unwrap();
        assert!(contents.plain.is_none());
    })
    .await;
    timed("snapshot in it", 1_000, async |number| {
        let name = repository(large, &format!("r-{}", 990_000 + scattered(number, 10_000)));
        store.snapshot(&Identity::Nobody, &[name]).await.unwrap();
    })
    .await;
}
