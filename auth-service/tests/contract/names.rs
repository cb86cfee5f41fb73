//! Names that pushes use for the first time: reserved, taken over, closed.

use std::time::Duration;

use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::domain::repository::RepositoryName;
use auth_service::domain::time::Timestamp;
use auth_service::ports::StorageError;
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::{Items, NameReservations, Reservation, ReservationLimits};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{ROOM, add_project, add_repository, add_user, item, repository};

on_both_engines!(
    an_unknown_name_is_reserved_for_one_user,
    a_reservation_that_has_ended_is_taken_over,
    a_name_on_record_is_not_reserved,
    of_many_reservations_at_once_exactly_one_is_made,
    quarantine_affects_only_names_without_a_repository,
    a_name_in_no_project_is_not_reserved,
    a_user_who_has_reserved_too_many_names_reserves_no_other_until_one_is_used_or_ends,
    a_project_with_too_many_reserved_names_takes_no_other,
    renewing_an_expired_reservation_is_not_limited,
    reservations_that_ended_long_ago_are_forgotten_and_cost_no_number_again,
    only_unrecorded_names_are_quarantined,
);

async fn facts(database: &Database, name: &RepositoryName) -> RepositoryFacts {
    let read = database.store.snapshot(&Identity::Nobody, std::slice::from_ref(name)).await.unwrap();
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
    assert_eq!(store.reserve(&name, alice, until, ROOM).await.unwrap(), Reservation::Made);
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
    for user in [bob, alice] {
        assert_eq!(store.reserve(&name, user, until, ROOM).await.unwrap(), Reservation::NameKnown);
    }
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
}

async fn a_reservation_that_has_ended_is_taken_over(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let alice = add_user(store, "alice").await;
    let bob = add_user(store, "bob").await;
    store.reserve(&name, alice, in_an_hour(&database), ROOM).await.unwrap();
    database.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: alice });
    assert_eq!(store.reserve(&name, bob, in_an_hour(&database), ROOM).await.unwrap(), Reservation::NameKnown);
    database.clock.advance(Duration::from_millis(1));
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Unknown);
    assert_eq!(store.reserve(&name, bob, in_an_hour(&database), ROOM).await.unwrap(), Reservation::Made);
    assert_eq!(facts(&database, &name).await, RepositoryFacts::Reserved { by: bob });
}

async fn a_name_on_record_is_not_reserved(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let live = add_repository(store, project, "live").await;
    let trashed = add_repository(store, project, "trashed").await;
    store.set_life_state(&item(&trashed), LifeState::Trashed).await.unwrap();
    let quarantined = repository(project, "quarantined");
    store.quarantine(&quarantined).await.unwrap();
    for name in [live, trashed, quarantined] {
        let before = facts(&database, &name).await;
        let made = store.reserve(&name, alice, in_an_hour(&database), ROOM).await.unwrap();
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
            store.reserve(&name, UserId::new(3_400_000 + number), in_an_hour(&database), ROOM)
        });
        let outcomes = futures_util::future::join_all(attempts).await;
        let made = outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap() == Reservation::Made);
        assert_eq!(made.count(), 1);
    }
}

async fn quarantine_affects_only_names_without_a_repository(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let unknown = repository(project, "unknown");
    store.quarantine(&unknown).await.unwrap();
    store.quarantine(&unknown).await.unwrap();
    assert_eq!(facts(&database, &unknown).await, RepositoryFacts::Quarantined);
    let live = add_repository(store, project, "live").await;
    store.quarantine(&live).await.unwrap();
    assert_eq!(facts(&database, &live).await, RepositoryFacts::PLAIN);
    // The first push is under way: what the registry holds is its own.
    let reserved = repository(project, "reserved");
    store.reserve(&reserved, alice, in_an_hour(&database), ROOM).await.unwrap();
    store.quarantine(&reserved).await.unwrap();
    assert_eq!(facts(&database, &reserved).await, RepositoryFacts::Reserved { by: alice });
    database.clock.advance(Duration::from_hours(1));
    store.quarantine(&reserved).await.unwrap();
    assert_eq!(facts(&database, &reserved).await, RepositoryFacts::Quarantined);
}

async fn a_name_in_no_project_is_not_reserved(database: Database) {
    let name = RepositoryName::parse("syn5/app").unwrap();
    let outcome = database.store.reserve(&name, UserId::new(3_400_001), in_an_hour(&database), ROOM).await;
    assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
}

async fn reserve(
    database: &Database,
    name: &RepositoryName,
    user: UserId,
    limits: (usize, usize),
) -> Reservation {
    let limits = ReservationLimits { per_user: limits.0, per_project: limits.1 };
    database.store.reserve(name, user, in_an_hour(database), limits).await.unwrap()
}

async fn a_user_who_has_reserved_too_many_names_reserves_no_other_until_one_is_used_or_ends(
    database: Database,
) {
    let store = &database.store;
    let (one, other) = (add_project(store, "one").await, add_project(store, "other").await);
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let limits = (2, 100);
    let first = repository(one, "first");
    assert_eq!(reserve(&database, &first, alice, limits).await, Reservation::Made);
    assert_eq!(reserve(&database, &repository(other, "second"), alice, limits).await, Reservation::Made);
    let third = repository(one, "third");
    assert_eq!(reserve(&database, &third, alice, limits).await, Reservation::TooManyOfUser);
    assert_eq!(facts(&database, &third).await, RepositoryFacts::Unknown);
    assert_eq!(reserve(&database, &first, alice, limits).await, Reservation::NameKnown);
    assert_eq!(reserve(&database, &repository(one, "of-bob"), bob, limits).await, Reservation::Made);
    // The first image arrives.
    add_repository(store, one, "first").await;
    assert_eq!(reserve(&database, &third, alice, limits).await, Reservation::Made);
    let fourth = repository(one, "fourth");
    assert_eq!(reserve(&database, &fourth, alice, limits).await, Reservation::TooManyOfUser);
    database.clock.advance(Duration::from_hours(1));
    assert_eq!(reserve(&database, &fourth, alice, limits).await, Reservation::Made);
}

async fn a_project_with_too_many_reserved_names_takes_no_other(database: Database) {
    let store = &database.store;
    let (one, other) = (add_project(store, "one").await, add_project(store, "other").await);
    let limits = (100, 3);
    for number in 0..3 {
        let user = add_user(store, &format!("user-{number}")).await;
        let name = repository(one, &format!("r-{number}"));
        assert_eq!(reserve(&database, &name, user, limits).await, Reservation::Made);
    }
    let alice = add_user(store, "alice").await;
    assert_eq!(
        reserve(&database, &repository(one, "app"), alice, limits).await,
        Reservation::TooManyInProject
    );
    assert_eq!(reserve(&database, &repository(other, "app"), alice, limits).await, Reservation::Made);
    database.clock.advance(Duration::from_hours(1));
    assert_eq!(reserve(&database, &repository(one, "app"), alice, limits).await, Reservation::Made);
}

async fn renewing_an_expired_reservation_is_not_limited(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let slow = repository(project, "slow");
    reserve(&database, &slow, alice, (1, 1)).await;
    database.clock.advance(Duration::from_hours(1));
    assert_eq!(reserve(&database, &repository(project, "new"), alice, (1, 1)).await, Reservation::Made);
    assert_eq!(reserve(&database, &slow, bob, (1, 1)).await, Reservation::TooManyInProject);
    assert_eq!(reserve(&database, &slow, alice, (1, 1)).await, Reservation::Made);
    assert_eq!(facts(&database, &slow).await, RepositoryFacts::Reserved { by: alice });
}

async fn reservations_that_ended_long_ago_are_forgotten_and_cost_no_number_again(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    for number in 0..600 {
        reserve(&database, &repository(project, &format!("ended-{number}")), alice, (1_000, 1_000)).await;
    }
    database.clock.advance(Duration::from_hours(2));
    let live = repository(project, "live");
    reserve(&database, &live, alice, (1_000, 1_000)).await;
    let ended = repository(project, "ended-1");
    assert!(store.was_reserved(&ended).await.unwrap());
    reserve(&database, &ended, alice, (1_000, 1_000)).await;
    let used = add_repository(store, project, "ended-2").await;
    assert!(!store.was_reserved(&used).await.unwrap());
    store.forget_reservations(database.clock.now().minus(Duration::from_mins(30))).await.unwrap();
    assert!(!store.was_reserved(&repository(project, "ended-3")).await.unwrap());
    assert!(store.was_reserved(&live).await.unwrap() && store.was_reserved(&ended).await.unwrap());
    assert_eq!(facts(&database, &used).await, RepositoryFacts::PLAIN);
    // 600 names and one more, and no number for taking one over or for the one that was used.
    assert_eq!(add_project(store, "next").await.number(), project.number() + 602);
}

async fn only_unrecorded_names_are_quarantined(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let live = add_repository(store, project, "live").await;
    let ended = repository(project, "ended");
    reserve(&database, &ended, alice, (9, 9)).await;
    database.clock.advance(Duration::from_hours(1));
    let reserved = repository(project, "reserved");
    reserve(&database, &reserved, alice, (9, 9)).await;
    let lost = repository(project, "lost");
    let elsewhere = RepositoryName::parse("syn5/lost").unwrap();
    let names = [live.clone(), ended.clone(), reserved.clone(), lost.clone(), elsewhere.clone()];
    assert_eq!(store.quarantine_unrecorded(&names).await.unwrap(), 1);
    assert_eq!(store.quarantine_unrecorded(&names).await.unwrap(), 0);
    assert_eq!(store.quarantine_unrecorded(&[]).await.unwrap(), 0);
    assert_eq!(facts(&database, &lost).await, RepositoryFacts::Quarantined);
    assert_eq!(facts(&database, &live).await, RepositoryFacts::PLAIN);
    assert_eq!(facts(&database, &reserved).await, RepositoryFacts::Reserved { by: alice });
    for name in [ended, elsewhere] {
        assert_eq!(facts(&database, &name).await, RepositoryFacts::Unknown, "{name}");
    }
}
