//! Events that could not be applied when they came, and what is forgotten of those that could.

use auth_service::domain::event::EventMeaning;
use auth_service::domain::facts::RepositoryFacts;
use auth_service::ports::events::{EventInbox, IncomingEvent, Receipt};
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::Items;

use crate::database::{Database, on_both_engines};
use crate::events::{state_of, tag_of};
use crate::makers::{add_project, at, push, receive, repository};

on_both_engines!(
    events_that_could_not_be_applied_stay_pending_and_are_applied_later,
    a_pending_event_counts_from_its_arrival,
    pending_events_that_mean_nothing_now_are_put_aside,
    old_events_are_forgotten_unless_they_wait,
);

/// Makes the insertion of a manifest fail, as a fault that only one event has.
async fn break_manifests(database: &Database) {
    database.run("ALTER TABLE manifests RENAME TO manifests_away").await;
}

async fn mend_manifests(database: &Database) {
    database.run("ALTER TABLE manifests_away RENAME TO manifests").await;
}

async fn events_that_could_not_be_applied_stay_pending_and_are_applied_later(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let name = repository(project, "app");
    break_manifests(&database).await;
    let revision = store.revision().await.unwrap();
    let events = [push("b", &name, Some("v1"), 'b', 4_000), push("a", &name, Some("v1"), 'c', 4_100)];
    assert_eq!(receive(store, &events[0], 5_000).await, Receipt::Pending);
    assert_eq!(receive(store, &events[1], 5_000).await, Receipt::Pending);
    assert_eq!(state_of(&database, &name).await, RepositoryFacts::Unknown, "half of it was done");
    assert_eq!(store.revision().await.unwrap(), revision);
    let waiting: Vec<_> = events.iter().rev().map(|event| (event.id.clone(), event.body.clone())).collect();
    assert_eq!(store.pending(10).await.unwrap(), waiting);
    assert_eq!(store.pending(1).await.unwrap(), waiting[..1]);
    assert_eq!(store.apply_pending(&events[0]).await.unwrap(), Receipt::Pending);

    mend_manifests(&database).await;
    for event in &events {
        assert_eq!(store.apply_pending(event).await.unwrap(), Receipt::Applied);
        assert_eq!(store.apply_pending(event).await.unwrap(), Receipt::Repeated);
    }
    assert_eq!(tag_of(&database, &name, "v1").await, ('c', 4_100));
    assert_eq!(store.pending(10).await.unwrap(), []);
    assert_eq!(receive(store, &events[0], 7_000).await, Receipt::Repeated);
}

async fn a_pending_event_counts_from_its_arrival(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    break_manifests(&database).await;
    receive(store, &push("e1", &name, Some("v1"), 'b', 5_000), 5_000).await;
    mend_manifests(&database).await;
    receive(store, &push("e2", &name, Some("v1"), 'c', 6_000), 6_000).await;
    // The registry's clock was ahead: read again later, the event seems to have happened later.
    let read_again = IncomingEvent { happened_at: at(9_000), ..push("e1", &name, Some("v1"), 'b', 5_000) };
    assert_eq!(store.apply_pending(&read_again).await.unwrap(), Receipt::Applied);
    assert_eq!(tag_of(&database, &name, "v1").await, ('c', 6_000));
}

async fn pending_events_that_mean_nothing_now_are_put_aside(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    break_manifests(&database).await;
    let meanings = [
        (EventMeaning::Noted, Receipt::Noted),
        (EventMeaning::Unusable("it is too late"), Receipt::Unusable),
    ];
    for (meaning, expected) in meanings {
        let event = push(expected.name(), &name, None, 'b', 5_000);
        receive(store, &event, 5_000).await;
        let event = IncomingEvent { meaning, ..event };
        assert_eq!(store.apply_pending(&event).await.unwrap(), expected);
    }
    assert_eq!(store.pending(10).await.unwrap(), []);
    assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE reason = 'it is too late'").await, 1);
}

async fn old_events_are_forgotten_unless_they_wait(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    receive(store, &push("old", &name, Some("v1"), 'b', 1_000), 1_000).await;
    receive(store, &push("new", &name, Some("v2"), 'b', 1_000), 2_000).await;
    store.keep_dead_letter(b"old", "junk", at(1_000)).await.unwrap();
    store.keep_dead_letter(b"new", "junk", at(2_000)).await.unwrap();
    break_manifests(&database).await;
    receive(store, &push("waits", &name, Some("v3"), 'b', 1_000), 1_000).await;
    mend_manifests(&database).await;
    // More than are forgotten in one go.
    let many: Vec<_> = (0..1_100)
        .map(|number| IncomingEvent {
            meaning: EventMeaning::Noted,
            ..push(&format!("many-{number}"), &name, None, 'b', 1_000)
        })
        .collect();
    store.receive(&many, &[], at(1_500)).await.unwrap();
    store.forget_before(at(2_000)).await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM events").await, 2);
    assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE id IN ('new', 'waits')").await, 2);
    assert_eq!(database.number("SELECT COUNT(*) FROM dead_letters WHERE arrived_at = 2000").await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM dead_letters").await, 1);
    assert_eq!(store.tags(&name).await.unwrap().unwrap().len(), 2);
}
