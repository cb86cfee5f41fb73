//! Facts kept in memory: never older than the last confirmation allows, never mixed, never without one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_service::adapters::facts::CachedFacts;
use auth_service::adapters::system::SystemClock;
use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::domain::project::ProjectId;
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::accounts::{UserChange, Users};
use auth_service::ports::facts::FactsReader;
use auth_service::ports::items::{Items, NameReservations};
use auth_service::ports::system::Clock;
use futures_util::future::join_all;

use crate::database::{Database, TIMEOUT, TestClock, connect, on_both_engines};
use crate::fake_facts::{Counting, FakeFacts, Mood, revisions_in};
use crate::makers::{
    ROOM, add_project, add_project_of, add_repository, add_user, item, name, password, repository,
};

const BYTES: u64 = 8 << 20;
/// Long enough for a machine under load, and so much shorter than a hundred times as long.
const SHORT: Duration = Duration::from_millis(200);

on_both_engines!(
    a_change_in_the_same_process_holds_for_the_next_load,
    a_change_of_another_process_holds_within_a_second,
    a_change_of_another_process_holds_after_the_next_confirmation,
    a_cache_that_is_far_behind_drops_everything,
    a_reservation_ends_by_the_clock_alone,
);

fn cached(database: &Database) -> CachedFacts {
    CachedFacts::new(database.store.clone(), database.clock.clone(), BYTES)
}

fn faked(store: &Arc<FakeFacts>) -> (CachedFacts, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    (CachedFacts::new(store.clone(), clock.clone(), BYTES).with_timeout(SHORT), clock)
}

fn app() -> RepositoryName {
    repository(ProjectId::new(5), "app")
}

async fn load(facts: &CachedFacts, name: &RepositoryName) -> RepositoryFacts {
    load_for(facts, &Identity::Nobody, name).await
}

/// As somebody who may see it, to whom memory answers.
async fn load_as(facts: &CachedFacts, user: UserId, name: &RepositoryName) -> RepositoryFacts {
    load_for(facts, &Identity::User(user), name).await
}

async fn load_for(facts: &CachedFacts, identity: &Identity, name: &RepositoryName) -> RepositoryFacts {
    let loaded = facts.load(identity, std::slice::from_ref(name)).await.unwrap();
    loaded.of(name).unwrap().repository.clone()
}

fn trashed() -> RepositoryFacts {
    RepositoryFacts::Known { state: LifeState::Trashed, open_data: false, local_sharing: None }
}

async fn a_change_in_the_same_process_holds_for_the_next_load(database: Database) {
    let store = &database.store;
    let facts = cached(&database);
    let alice = add_user(store, "alice").await;
    let project = add_project(store, "p").await;
    let app = repository(project, "app");
    let generation =
        || async { facts.load(&Identity::User(alice), &[]).await.unwrap().user.unwrap().generation };
    assert_eq!((generation().await, load(&facts, &app).await), (1, RepositoryFacts::Unknown));
    for round in 2..5 {
        store.change_user(&name("alice"), &UserChange::Password(password("$new"))).await.unwrap();
        facts.catch_up().await.unwrap();
        assert_eq!(generation().await, round);
    }
    add_repository(store, project, "app").await;
    facts.catch_up().await.unwrap();
    assert_eq!(load(&facts, &app).await, RepositoryFacts::PLAIN);
    store.set_life_state(&item(&app), LifeState::Trashed).await.unwrap();
    facts.catch_up().await.unwrap();
    assert_eq!(load(&facts, &app).await, trashed());
    store.remove_user(&name("alice")).await.unwrap();
    facts.catch_up().await.unwrap();
    assert_eq!(facts.load(&Identity::User(alice), &[]).await.unwrap().user, None);
}

async fn a_change_of_another_process_holds_within_a_second(database: Database) {
    let clock = Arc::new(SystemClock);
    let other = connect(&database.location, TIMEOUT, clock.clone()).await.unwrap();
    let owner = add_user(&database.store, "owner").await;
    let project = add_project_of(&database.store, "p", owner).await;
    let app = add_repository(&database.store, project, "app").await;
    let facts = Arc::new(CachedFacts::new(database.store.clone(), clock.clone(), BYTES));
    let fresh = facts.clone();
    let keeper = tokio::spawn(async move { fresh.keep_fresh(Duration::from_millis(100)).await });
    assert_eq!(load_as(&facts, owner, &app).await, RepositoryFacts::PLAIN);
    other.set_life_state(&item(&app), LifeState::Trashed).await.unwrap();
    let changed = clock.elapsed();
    // Loading all the time: nothing but the age of the last confirmation makes the next one.
    while load_as(&facts, owner, &app).await != trashed() {
        assert!(
            clock.elapsed().saturating_sub(changed) < Duration::from_secs(1),
            "it still holds after a second"
        );
    }
    keeper.abort();
    // The same when nobody but loads asks.
    other.set_life_state(&item(&app), LifeState::Live).await.unwrap();
    let changed = clock.elapsed();
    while load_as(&facts, owner, &app).await == trashed() {
        assert!(
            clock.elapsed().saturating_sub(changed) < Duration::from_secs(1),
            "it still holds after a second"
        );
    }
}

async fn a_change_of_another_process_holds_after_the_next_confirmation(database: Database) {
    let facts = cached(&database);
    let other = database.opened_again().await;
    let owner = add_user(&database.store, "owner").await;
    let project = add_project_of(&database.store, "p", owner).await;
    let app = add_repository(&database.store, project, "app").await;
    assert_eq!(load_as(&facts, owner, &app).await, RepositoryFacts::PLAIN);
    other.set_life_state(&item(&app), LifeState::Trashed).await.unwrap();
    database.clock.advance(Duration::from_millis(850));
    assert_eq!(load_as(&facts, owner, &app).await, RepositoryFacts::PLAIN, "nothing is kept at all");
    // The clock runs on while the machine is suspended.
    database.clock.advance(Duration::from_secs(2));
    assert_eq!(load_as(&facts, owner, &app).await, trashed());
}

async fn a_cache_that_is_far_behind_drops_everything(database: Database) {
    let facts = cached(&database);
    let project = add_project(&database.store, "p").await;
    let app = add_repository(&database.store, project, "app").await;
    let alice = add_user(&database.store, "alice").await;
    assert_eq!(load(&facts, &app).await, RepositoryFacts::PLAIN);
    assert!(!facts.load(&Identity::User(alice), &[]).await.unwrap().user.unwrap().certified);
    for change in ["+ 20000", "- 19000"] {
        database.run("UPDATE users SET certified = NOT certified").await;
        database.run("UPDATE repositories SET open_data = NOT open_data").await;
        database.run(&format!("UPDATE facts_revision SET revision = revision {change}")).await;
        facts.catch_up().await.unwrap();
        let is_open = change.starts_with('+');
        assert_eq!(load(&facts, &app).await != RepositoryFacts::PLAIN, is_open, "{change}");
        assert_eq!(facts.load(&Identity::User(alice), &[]).await.unwrap().user.unwrap().certified, is_open);
    }
}

async fn a_reservation_ends_by_the_clock_alone(database: Database) {
    let store = &database.store;
    let facts = cached(&database);
    let alice = add_user(store, "alice").await;
    let small = add_project_of(store, "small", alice).await;
    let large = add_project_of(store, "large", alice).await;
    fill(&database, large).await;
    let until = database.clock.now().plus(Duration::from_millis(500));
    for project in [small, large] {
        let name = repository(project, "app");
        store.reserve(&name, alice, until, ROOM).await.unwrap();
        facts.catch_up().await.unwrap();
        assert_eq!(load_as(&facts, alice, &name).await, RepositoryFacts::Reserved { by: alice }, "{name}");
    }
    database.clock.advance(Duration::from_millis(500));
    for project in [small, large] {
        let name = repository(project, "app");
        assert_eq!(load_as(&facts, alice, &name).await, RepositoryFacts::Unknown, "{name}");
    }
}

/// More repositories than a project may have to be kept whole.
async fn fill(database: &Database, project: ProjectId) {
    let statement = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4200) \
         INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_at) \
         SELECT 5000000 + n, {project}, 'r-' || n, 'live', FALSE, FALSE, 1 FROM numbers",
        project = project.number()
    );
    database.run(&statement).await;
}

#[tokio::test]
async fn repositories_of_a_project_too_large_to_keep_are_asked_for_and_kept() {
    let database = Database::sqlite().await;
    let facts = cached(&database);
    let owner = add_user(&database.store, "owner").await;
    let large = add_project_of(&database.store, "large", owner).await;
    fill(&database, large).await;
    let (present, missing) = (repository(large, "r-77"), repository(large, "r-9999"));
    for _ in 0..2 {
        assert_eq!(load_as(&facts, owner, &present).await, RepositoryFacts::PLAIN);
        assert_eq!(load_as(&facts, owner, &missing).await, RepositoryFacts::Unknown);
    }
    database.store.set_life_state(&item(&present), LifeState::Trashed).await.unwrap();
    add_repository(&database.store, large, "r-9999").await;
    facts.catch_up().await.unwrap();
    assert_eq!(load_as(&facts, owner, &present).await, trashed());
    assert_eq!(load_as(&facts, owner, &missing).await, RepositoryFacts::PLAIN);
}

#[tokio::test]
async fn cached_facts_are_not_read_again() {
    let store = FakeFacts::new();
    let (facts, _) = faked(&store);
    facts.load(&Identity::User(UserId::new(7)), &[]).await.unwrap();
    let readings = store.readings.load(Ordering::SeqCst);
    for _ in 0..100 {
        facts.load(&Identity::User(UserId::new(7)), &[]).await.unwrap();
    }
    assert_eq!(store.readings.load(Ordering::SeqCst), readings);
}

fn names(projects: impl IntoIterator<Item = i64>, path: &str) -> Vec<RepositoryName> {
    projects.into_iter().map(|project| repository(ProjectId::new(project), path)).collect()
}

/// How many statements a load takes.
async fn statements(store: &FakeFacts, facts: &CachedFacts, user: UserId, names: &[RepositoryName]) -> usize {
    let before = store.readings.load(Ordering::SeqCst);
    facts.load(&Identity::User(user), names).await.unwrap();
    store.readings.load(Ordering::SeqCst) - before
}

#[tokio::test]
async fn all_names_of_a_request_that_are_not_known_are_read_in_one_statement() {
    let store = FakeFacts::new();
    let (facts, _) = faked(&store);
    let user = UserId::new(7);
    facts.load(&Identity::User(user), &[]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(statements(&store, &facts, user, &names(1_000..1_064, "app")).await, 1);
    }
    let in_one_project: Vec<_> =
        (0..64).map(|number| repository(ProjectId::new(5), &format!("r-{number}"))).collect();
    // The project is read and kept, and what is not in it.
    assert_eq!(statements(&store, &facts, user, &in_one_project).await, 2);
    assert_eq!(statements(&store, &facts, user, &in_one_project).await, 1);
}

#[tokio::test]
async fn callers_who_may_not_see_a_project_cause_equally_many_reads_whatever_exists() {
    let database = Database::sqlite().await;
    let (small, large) =
        (add_project(&database.store, "small").await, add_project(&database.store, "large").await);
    fill(&database, large).await;
    add_repository(&database.store, small, "r-1").await;
    let alice = add_user(&database.store, "alice").await;
    let until = database.clock.now().plus(Duration::from_hours(1));
    for project in [small, large] {
        database.store.reserve(&repository(project, "reserved"), alice, until, ROOM).await.unwrap();
    }
    let stranger = add_user(&database.store, "stranger").await;
    let store = Counting::new(database.store.clone());
    let facts = CachedFacts::new(store.clone(), database.clock.clone(), BYTES);
    facts.load(&Identity::User(stranger), &[]).await.unwrap();
    // For each project, however it is: at first, and then again and again.
    for project in [small, large, ProjectId::new(5)] {
        let mut counts = Vec::new();
        for path in ["r-1", "r-1", "missing", "missing", "reserved", "reserved"] {
            let before = store.statements();
            facts.load(&Identity::User(stranger), &[repository(project, path)]).await.unwrap();
            counts.push(store.statements() - before);
        }
        assert_eq!(counts, [2, 1, 1, 1, 1, 1], "{project}");
    }
}

#[tokio::test]
async fn callers_who_may_see_a_project_are_answered_from_the_cache() {
    let database = Database::sqlite().await;
    let owner = add_user(&database.store, "owner").await;
    let project = add_project_of(&database.store, "p", owner).await;
    add_repository(&database.store, project, "app").await;
    let store = Counting::new(database.store.clone());
    let facts = CachedFacts::new(store.clone(), database.clock.clone(), BYTES);
    let names = [repository(project, "app"), repository(project, "missing")];
    facts.load(&Identity::User(owner), &names).await.unwrap();
    let before = store.statements();
    let loaded = facts.load(&Identity::User(owner), &names).await.unwrap();
    assert_eq!(store.statements(), before);
    assert_eq!(loaded.of(&names[0]).unwrap().repository, RepositoryFacts::PLAIN);
    assert_eq!(loaded.of(&names[1]).unwrap().repository, RepositoryFacts::Unknown);
}

#[tokio::test]
async fn no_facts_are_given_while_the_database_fails() {
    let store = FakeFacts::new();
    let (facts, clock) = faked(&store);
    let user = Identity::User(UserId::new(7));
    facts.load(&user, &[]).await.unwrap();
    store.set_mood(Mood::Fails);
    clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        facts.load(&user, &[]).await.unwrap_err();
        clock.advance(Duration::from_millis(10));
    }
    store.set_mood(Mood::Answers);
    facts.load(&user, &[]).await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_caught_up_with_is_not_answered_from_memory() {
    let store = FakeFacts::new();
    let (facts, _) = faked(&store);
    let user = Identity::User(UserId::new(7));
    facts.load(&user, &[]).await.unwrap();
    store.change();
    store.set_mood(Mood::Fails);
    facts.catch_up().await.unwrap_err();
    facts.load(&user, &[]).await.unwrap_err();
    store.set_mood(Mood::Answers);
    assert_eq!(revisions_in(&facts.load(&user, &[]).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_hundred_loads_do_not_wait_one_after_the_other_for_a_database_that_hangs() {
    let store = FakeFacts::new();
    let (facts, clock) = faked(&store);
    let user = Identity::User(UserId::new(7));
    facts.load(&user, &[]).await.unwrap();
    store.set_mood(Mood::Hangs);
    clock.advance(Duration::from_secs(1));
    let names = [app()];
    let loads = join_all((0..100).map(|_| facts.load(&user, &names)));
    let outcomes = tokio::time::timeout(10 * SHORT, loads).await.expect("they wait for each other");
    assert!(outcomes.iter().all(Result::is_err));
    store.set_mood(Mood::Answers);
    facts.load(&user, &names).await.unwrap();
}

#[tokio::test]
async fn a_database_that_hangs_in_the_middle_is_an_error_in_time() {
    let store = FakeFacts::new();
    let (facts, _) = faked(&store);
    facts.load(&Identity::Nobody, &[]).await.unwrap();
    store.set_mood(Mood::Hangs);
    // The revision is confirmed; the user is not known yet.
    let user = Identity::User(UserId::new(7));
    let load = facts.load(&user, &[]);
    tokio::time::timeout(10 * SHORT, load).await.expect("it waits for ever").unwrap_err();
    tokio::time::timeout(10 * SHORT, facts.catch_up()).await.expect("it waits for ever").unwrap_err();
}

#[tokio::test]
async fn facts_of_two_revisions_are_never_mixed() {
    let store = FakeFacts::new();
    let (facts, clock) = faked(&store);
    let user = Identity::User(UserId::new(7));
    let names = [app(), repository(ProjectId::new(5), "other")];
    store.is_restless.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        let revisions = revisions_in(&facts.load(&user, &names).await.unwrap());
        assert!(revisions.iter().all(|revision| *revision == revisions[0]), "{revisions:?}");
        clock.advance(Duration::from_millis(100));
    }
    // And with changes at any moment, for every load at the same time.
    store.is_restless.store(false, Ordering::SeqCst);
    for _ in 0..50 {
        let loads = join_all((0..4).map(|_| facts.load(&user, &names)));
        let changes = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                store.change();
            }
        };
        let (loaded, ()) = tokio::join!(loads, changes);
        for facts in loaded {
            let revisions = revisions_in(&facts.unwrap());
            assert!(revisions.iter().all(|revision| *revision == revisions[0]), "{revisions:?}");
        }
        clock.advance(Duration::from_secs(1));
    }
}
