//! Names that pushes use for the first time: reserved, taken over, closed.

use std::time::Duration;

use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::login::Asker;
use auth_service::domain::principal::UserId;
use auth_service::domain::repository::RepositoryName;
use auth_service::domain::time::Timestamp;
use auth_service::ports::StorageError;
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::{Items, Names, Reservation};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{add_project, add_repository, add_user, item, repository};

on_both_engines!(
    an_unknown_name_is_reserved_for_one_user,
    a_reservation_that_has_ended_is_taken_over,
    a_name_on_record_is_not_reserved,
    of_many_reservations_at_once_exactly_one_is_made,
    a_fence_closes_only_what_nobody_has,
    a_name_in_no_project_is_not_reserved,
);

async fn facts(database: &Database, name: &RepositoryName) -> RepositoryFacts {
    let read = database.store.snapshot(&Asker::Nobody, std::slice::from_ref(name)).await.unwrap();
    read.value.of(name).unwrap().repository.clone()
}

fn in_an_hour(database: &Database) -> Timestamp {
    database.clock.now().plus(Duration::from_hours(1))
}

async fn an_unknown_name_is_reserved_for_one_user(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let alice = add_user(store, "alice").await;
    let bob = add_user(store, "bob").await;
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Unknown);
    let until = in_an_hour(&database);
    assert_eq!(store.reserve(&name, alice, until).await.unwrap(), Reservation::Made);
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
    for user in [bob, alice] {
        assert_eq!(store.reserve(&name, user, until).await.unwrap(), Reservation::NameKnown);
    }
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
}

async fn a_reservation_that_has_ended_is_taken_over(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let alice = add_user(store, "alice").await;
    let bob = add_user(store, "bob").await;
    store.reserve(&name, alice, in_an_hour(&database)).await.unwrap();
    database.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
    assert_eq!(store.reserve(&name, bob, in_an_hour(&database)).await.unwrap(), Reservation::NameKnown);
    database.clock.advance(Duration::from_millis(1));
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Unknown);
    assert_eq!(store.reserve(&name, bob, in_an_hour(&database)).await.unwrap(), Reservation::Made);
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: bob });
}

async fn a_name_on_record_is_not_reserved(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let live = add_repository(store, project, "live").await;
    let trashed = add_repository(store, project, "trashed").await;
    store.set_life_state(&item(&trashed), LifeState::Trashed).await.unwrap();
    let fenced = repository(project, "fenced");
    store.fence(&fenced).await.unwrap();
    for name in [live, trashed, fenced] {
        let before = facts(&database, &name).await;
        let made = store.reserve(&name, alice, in_an_hour(&database)).await.unwrap();
        assert_eq!(made, Reservation::NameKnown, "{name}");
        assert_eq!(facts(&database, &name).await, before);
    }
}

async fn of_many_reservations_at_once_exactly_one_is_made(database: Database) {
    let project = add_project(&database.store, "p").await;
    let other = database.opened_again().await;
    for round in 0..5 {
        let name = repository(project, &format!("app-{round}"));
        let attempts = (0..8).map(|number| {
            let store = if number % 2 == 0 { &*database.store } else { &other };
            store.reserve(&name, UserId::new(3_400_000 + number), in_an_hour(&database))
        });
        let outcomes = futures_util::future::join_all(attempts).await;
        let made = outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap() == Reservation::Made);
        assert_eq!(made.count(), 1);
    }
}

async fn a_fence_closes_only_what_nobody_has(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let unknown = repository(project, "unknown");
    store.fence(&unknown).await.unwrap();
    store.fence(&unknown).await.unwrap();
    assert_eq!(facts(&database, &unknown).await, RepositoryFacts::Fenced);
    let live = add_repository(store, project, "live").await;
    store.fence(&live).await.unwrap();
    assert_eq!(facts(&database, &live).await, RepositoryFacts::PLAIN);
    // The first push is under way: what the registry holds is its own.
    let reserved = repository(project, "reserved");
    store.reserve(&reserved, alice, in_an_hour(&database)).await.unwrap();
    store.fence(&reserved).await.unwrap();
    assert_eq!(facts(&database, &reserved).await, RepositoryFacts::Reserved { by: alice });
    database.clock.advance(Duration::from_hours(1));
    store.fence(&reserved).await.unwrap();
    assert_eq!(facts(&database, &reserved).await, RepositoryFacts::Fenced);
}

async fn a_name_in_no_project_is_not_reserved(database: Database) {
    let name = RepositoryName::parse("syn5/app").unwrap();
    let outcome = database.store.reserve(&name, UserId::new(3_400_001), in_an_hour(&database)).await;
    assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
}
