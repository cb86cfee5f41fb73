//! The inbox of the webhook.

use std::time::Duration;

use auth_service::domain::event::{EventMeaning, ReportedEvent};
use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::login::Identity;
use auth_service::domain::repository::{Item, RepositoryName};
use auth_service::ports::events::{EventInbox, IncomingEvent, Receipt};
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::{Items, NameReservations};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    ROOM, add_project, add_repository, add_user, at, digest, item, push, receive, repository,
};

on_both_engines!(
    a_push_makes_the_repository_its_manifest_and_its_tag,
    an_event_that_comes_again_changes_nothing,
    another_event_under_a_taken_id_is_a_dead_letter,
    a_tag_ends_at_the_later_push_in_any_order,
    pushes_of_one_moment_are_ordered_by_arrival,
    an_event_from_the_future_counts_from_its_arrival,
    a_push_without_a_tag_moves_no_tag,
    an_image_index_is_a_manifest_like_any_other,
    a_push_to_no_project_is_unusable_and_kept_with_the_reason,
    a_push_opens_a_reserved_name,
    a_push_to_a_closed_name_is_recorded_and_opens_nothing,
    events_without_a_meaning_are_kept,
    one_delivery_is_received_in_its_order,
    dead_letters_of_any_bytes_are_kept,
    a_delivery_of_many_events_is_received_whole,
    an_event_without_an_id_is_kept_with_the_rest_of_its_delivery_or_not_at_all,
);

pub(crate) async fn tag_of(database: &Database, name: &RepositoryName, tag: &str) -> (char, i64) {
    let tags = database.store.tags(name).await.unwrap().unwrap();
    let found = tags.into_iter().find(|record| record.tag.as_str() == tag).unwrap();
    (found.digest.as_str().chars().last().unwrap(), found.moved_at.as_millis())
}

pub(crate) async fn state_of(database: &Database, name: &RepositoryName) -> RepositoryFacts {
    let read = database.store.snapshot(&Identity::Nobody, std::slice::from_ref(name)).await.unwrap();
    read.value.of(name).unwrap().repository.clone()
}

async fn a_push_makes_the_repository_its_manifest_and_its_tag(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "deep/er/app");
    let event = push("e1", &name, Some("v1"), 'b', 4_000);
    assert_eq!(receive(store, &event, 5_000).await, Receipt::Applied);
    let tags = store.tags(&name).await.unwrap().unwrap();
    assert_eq!(tags.len(), 1);
    assert_eq!((&tags[0].digest, tags[0].moved_at), (&digest('b'), at(4_000)));
    let found = store.repositories(None).await.unwrap();
    assert_eq!((&found[0].name, found[0].created_at, found[0].state), (&name, at(4_000), LifeState::Live));
    assert_eq!(database.number("SELECT COUNT(*) FROM manifests WHERE size = 423").await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE state = 'done'").await, 1);
    assert_eq!(store.pending(10).await.unwrap(), []);
}

async fn an_event_that_comes_again_changes_nothing(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let event = push("e1", &name, Some("v1"), 'b', 4_000);
    receive(store, &event, 5_000).await;
    receive(store, &push("e2", &name, Some("v1"), 'c', 4_000), 5_001).await;
    let revision = store.revision().await.unwrap();
    assert_eq!(receive(store, &event, 9_000).await, Receipt::Repeated);
    assert_eq!(tag_of(&database, &name, "v1").await, ('c', 4_000));
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(database.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    let twice = [event.clone(), event];
    assert_eq!(store.receive(&twice, &[], at(9_001)).await.unwrap(), [Receipt::Repeated; 2]);
}

async fn another_event_under_a_taken_id_is_a_dead_letter(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let event = push("e1", &name, Some("v1"), 'b', 4_000);
    receive(store, &event, 5_000).await;
    let forged = IncomingEvent { body: "{}".to_owned(), ..push("e1", &name, Some("v1"), 'c', 4_500) };
    assert_eq!(receive(store, &forged, 5_500).await, Receipt::Repeated);
    assert_eq!(tag_of(&database, &name, "v1").await, ('b', 4_000));
    let kept = "SELECT COUNT(*) FROM dead_letters WHERE arrived_at = 5500 AND reason LIKE '%has this id'";
    assert_eq!(database.number(kept).await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM events").await, 1);
}

async fn a_tag_ends_at_the_later_push_in_any_order(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        let name = repository(project, &format!("app-{number}"));
        let pushes = ['b', 'c', 'd'].map(|letter| {
            let when = 4_000 + i64::from(u32::from(letter));
            push(&format!("{number}-{letter}"), &name, Some("v1"), letter, when)
        });
        for (step, index) in order.into_iter().enumerate() {
            let arrived_at = 9_000 + i64::try_from(step).unwrap();
            assert_eq!(receive(store, &pushes[index], arrived_at).await, Receipt::Applied);
        }
        assert_eq!(tag_of(&database, &name, "v1").await, ('d', 4_100), "{order:?}");
        assert_eq!(
            database.number("SELECT COUNT(*) FROM manifests").await,
            3 * i64::try_from(number + 1).unwrap()
        );
    }
}

async fn pushes_of_one_moment_are_ordered_by_arrival(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    receive(store, &push("e1", &name, Some("v1"), 'b', 4_000), 5_000).await;
    receive(store, &push("e2", &name, Some("v1"), 'c', 4_000), 5_001).await;
    assert_eq!(tag_of(&database, &name, "v1").await.0, 'c');
    // In one delivery, the order within it is that of arrival.
    let delivery = [push("e3", &name, Some("v1"), 'd', 4_500), push("e4", &name, Some("v1"), 'e', 4_500)];
    store.receive(&delivery, &[], at(5_002)).await.unwrap();
    assert_eq!(tag_of(&database, &name, "v1").await.0, 'e');
}

async fn an_event_from_the_future_counts_from_its_arrival(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let reported = ReportedEvent { happened_at: Some(at(99_000)), ..ReportedEvent::default() };
    let ahead = reported.effective_time(at(5_000)).as_millis();
    receive(store, &push("e1", &name, Some("v1"), 'b', ahead), 5_000).await;
    receive(store, &push("e2", &name, Some("v1"), 'c', 5_500), 6_000).await;
    assert_eq!(tag_of(&database, &name, "v1").await, ('c', 5_500));
}

async fn a_push_without_a_tag_moves_no_tag(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    assert_eq!(receive(store, &push("e1", &name, None, 'b', 4_000), 5_000).await, Receipt::Applied);
    assert_eq!(store.tags(&name).await.unwrap(), Some(vec![]));
    receive(store, &push("e2", &name, Some("v1"), 'b', 4_100), 5_000).await;
    receive(store, &push("e3", &name, None, 'c', 4_200), 5_000).await;
    assert_eq!(tag_of(&database, &name, "v1").await, ('b', 4_100));
    assert_eq!(database.number("SELECT COUNT(*) FROM manifests").await, 2);
}

async fn an_image_index_is_a_manifest_like_any_other(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    for (number, media_type) in
        ["application/vnd.oci.image.index.v1+json", "application/vnd.new+json", ""].into_iter().enumerate()
    {
        let mut event = push(&format!("e{number}"), &name, Some("v1"), 'b', 4_000);
        let EventMeaning::Push(push) = &mut event.meaning else { panic!("it is a push") };
        media_type.clone_into(&mut push.media_type);
        push.digest = digest(char::from(b"cde"[number]));
        push.pushed_by = None;
        assert_eq!(receive(store, &event, 5_000).await, Receipt::Applied);
    }
    assert_eq!(tag_of(&database, &name, "v1").await.0, 'e');
    let known = "SELECT COUNT(*) FROM manifests WHERE media_type = 'application/vnd.oci.image.index.v1+json'";
    assert_eq!(database.number(known).await, 1);
}

async fn a_push_to_no_project_is_unusable_and_kept_with_the_reason(database: Database) {
    let store = &database.store;
    let name = RepositoryName::parse("syn5/app").unwrap();
    let revision = store.revision().await.unwrap();
    let event = push("e1", &name, Some("v1"), 'b', 4_000);
    assert_eq!(receive(store, &event, 5_000).await, Receipt::Unusable);
    let kept =
        "SELECT COUNT(*) FROM events WHERE state = 'unusable' AND reason = 'its project does not exist'";
    assert_eq!(database.number(kept).await, 1);
    assert_eq!(store.pending(10).await.unwrap(), []);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(receive(store, &event, 5_001).await, Receipt::Repeated);
}

async fn a_push_opens_a_reserved_name(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let until = database.clock.now().plus(Duration::from_mins(1));
    // Whether the reservation has ended makes no difference: the manifest is there.
    for (path, passes) in [("soon", 0), ("late", 120)] {
        let name = repository(project, path);
        store.reserve(&name, alice, until.plus(Duration::from_secs(passes)), ROOM).await.unwrap();
        database.clock.advance(Duration::from_secs(passes));
        receive(store, &push(path, &name, Some("v1"), 'b', 4_000), 5_000).await;
        assert_eq!(state_of(&database, &name).await, RepositoryFacts::PLAIN);
        let found = store.repositories(None).await.unwrap().into_iter().find(|found| found.name == name);
        assert_eq!(found.unwrap().created_at, at(4_000));
    }
    let left =
        "SELECT COUNT(*) FROM repositories WHERE reserved_by IS NOT NULL OR reserved_until IS NOT NULL";
    assert_eq!(database.number(left).await, 0);
}

async fn a_push_to_a_closed_name_is_recorded_and_opens_nothing(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let trashed = add_repository(store, project, "trashed").await;
    store.set_life_state(&item(&trashed), LifeState::Trashed).await.unwrap();
    let quarantined = repository(project, "quarantined");
    store.quarantine(&quarantined).await.unwrap();
    for (id, name) in [("e1", &trashed), ("e2", &quarantined)] {
        let before = state_of(&database, name).await;
        assert_eq!(receive(store, &push(id, name, Some("v9"), 'b', 4_000), 5_000).await, Receipt::Applied);
        assert_eq!(state_of(&database, name).await, before);
    }
    assert_eq!(tag_of(&database, &trashed, "v9").await.0, 'b');
    assert_eq!(database.number("SELECT COUNT(*) FROM tags WHERE tag = 'v9'").await, 2);
    // The project in the trash takes nothing away from what its repositories are.
    store.set_life_state(&Item::Project(project), LifeState::Trashed).await.unwrap();
    let late = repository(project, "late");
    assert_eq!(receive(store, &push("e3", &late, Some("v1"), 'b', 4_000), 5_000).await, Receipt::Applied);
    assert_eq!(state_of(&database, &late).await, RepositoryFacts::PLAIN);
}

async fn events_without_a_meaning_are_kept(database: Database) {
    let store = &database.store;
    let name = RepositoryName::parse("syn5/app").unwrap();
    let meanings = [
        (EventMeaning::Noted, Receipt::Noted),
        (EventMeaning::Unusable("it names no action"), Receipt::Unusable),
    ];
    for (meaning, expected) in meanings {
        let event = IncomingEvent { meaning, ..push(expected.name(), &name, None, 'b', 4_000) };
        assert_eq!(receive(store, &event, 5_000).await, expected);
        assert_eq!(receive(store, &event, 5_001).await, Receipt::Repeated);
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE state = 'noted'").await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE reason = 'it names no action'").await, 1);
    assert_eq!(store.pending(10).await.unwrap(), []);
}

async fn one_delivery_is_received_in_its_order(database: Database) {
    let store = &database.store;
    let name = repository(add_project(store, "p").await, "app");
    let nowhere = RepositoryName::parse("syn5/app").unwrap();
    let noted = IncomingEvent { meaning: EventMeaning::Noted, ..push("e2", &name, None, 'b', 1) };
    let first = push("e1", &name, Some("v1"), 'b', 4_000);
    let delivery = [first.clone(), noted, push("e3", &nowhere, None, 'b', 1), first];
    let receipts = store.receive(&delivery, &[], at(5_000)).await.unwrap();
    assert_eq!(receipts, [Receipt::Applied, Receipt::Noted, Receipt::Unusable, Receipt::Repeated]);
    assert_eq!(store.receive(&[], &[], at(5_000)).await.unwrap(), []);
}

async fn dead_letters_of_any_bytes_are_kept(database: Database) {
    let store = &database.store;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for body in [&b""[..], b"\0\xff\xfe", &every_byte] {
        store.keep_dead_letter(body, "no envelope", at(5_000)).await.unwrap();
    }
    let kept = "SELECT CAST(SUM(LENGTH(body)) AS BIGINT) FROM dead_letters";
    assert_eq!(database.number(kept).await, 3 + 256);
}

async fn a_delivery_of_many_events_is_received_whole(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let delivery: Vec<_> = (0..200)
        .map(|number| {
            push(&format!("e{number}"), &repository(project, &format!("r{number}")), Some("v1"), 'b', 1)
        })
        .collect();
    assert_eq!(store.receive(&delivery, &[], at(5_000)).await.unwrap(), [Receipt::Applied; 200]);
    assert_eq!(store.repositories(Some(project)).await.unwrap().len(), 200);
}

async fn an_event_without_an_id_is_kept_with_the_rest_of_its_delivery_or_not_at_all(database: Database) {
    let name = repository(add_project(&database.store, "p").await, "app");
    let events = [push("e1", &name, Some("v1"), 'b', 4_000)];
    let nameless = ["{\"action\":\"push\"}".to_owned()];
    database.run("ALTER TABLE events RENAME TO away").await;
    database.store.receive(&events, &nameless, at(5_000)).await.unwrap_err();
    assert_eq!(database.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    database.run("ALTER TABLE away RENAME TO events").await;
    assert_eq!(database.store.receive(&events, &nameless, at(5_000)).await.unwrap(), [Receipt::Applied]);
    assert_eq!(database.number("SELECT COUNT(*) FROM dead_letters").await, 1);
}
