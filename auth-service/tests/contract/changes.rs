//! The revision, and the list of changes since an earlier one.

use std::time::Duration;

use auth_service::domain::account::AccountState;
use auth_service::domain::facts::LifeState;
use auth_service::domain::login::Identity;
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::project::ProjectName;
use auth_service::domain::repository::{Item, RepositoryName};
use auth_service::ports::accounts::{Teams, UserChange, Users};
use auth_service::ports::events::EventInbox;
use auth_service::ports::facts::{Changes, FactsStore, Revision, Subject};
use auth_service::ports::items::{AccessChange, Items, NameReservations, Numbers, SharingSettings};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    ROOM, add_project, add_repository, add_team, add_user, at, item, kinds, name, new_user, password, push,
    receive, repository,
};

on_both_engines!(
    every_change_to_an_account_names_the_user,
    every_change_to_an_item_names_the_project,
    a_removed_user_or_team_names_the_projects_that_shared_with_it,
    what_changes_nothing_raises_no_revision,
    a_push_names_the_project_only_when_it_opens_a_name,
    a_reader_that_is_too_far_behind_must_drop_everything,
    a_failed_change_raises_no_revision,
    changes_at_once_are_numbered_without_a_gap,
);

/// What has changed since the last time this was asked.
struct Watch<'a> {
    database: &'a Database,
    seen: Revision,
}

impl<'a> Watch<'a> {
    async fn start(database: &'a Database) -> Self {
        Self { database, seen: database.store.revision().await.unwrap() }
    }

    async fn new_changes(&mut self) -> Vec<Subject> {
        let now = self.database.store.revision().await.unwrap();
        let changes = self.database.store.changes(self.seen, now).await.unwrap();
        self.seen = now;
        let Changes::Of(subjects) = changes else { panic!("{changes:?}") };
        subjects
    }
}

async fn every_change_to_an_account_names_the_user(database: Database) {
    let store = &database.store;
    add_user(store, "bystander").await;
    add_team(store, "crew", &[]).await;
    let mut watch = Watch::start(&database).await;
    let alice = add_user(store, "alice").await;
    assert_eq!(watch.new_changes().await, [Subject::User(alice)]);
    for change in [
        UserChange::Certified(true),
        UserChange::Administrator(true),
        UserChange::Password(password("$new")),
        UserChange::State(AccountState::Active),
    ] {
        if matches!(change, UserChange::State(_)) {
            store.change_user(&name("bystander"), &UserChange::Administrator(true)).await.unwrap();
            watch.new_changes().await;
        }
        store.change_user(&name("alice"), &change).await.unwrap();
        assert_eq!(watch.new_changes().await, [Subject::User(alice)], "{change:?}");
    }
    for member in [true, false] {
        store.set_member(&name("crew"), &name("alice"), member).await.unwrap();
        assert_eq!(watch.new_changes().await, [Subject::User(alice)]);
    }
    store.set_member(&name("crew"), &name("alice"), true).await.unwrap();
    watch.new_changes().await;
    store.remove_team(&name("crew")).await.unwrap();
    assert_eq!(watch.new_changes().await, [Subject::User(alice)]);
    store.remove_user(&name("alice")).await.unwrap();
    assert_eq!(watch.new_changes().await, [Subject::User(alice)]);
}

async fn every_change_to_an_item_names_the_project(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let mut watch = Watch::start(&database).await;
    let project = store.add_project(&ProjectName::parse("p").unwrap(), alice).await.unwrap();
    let expected = [Subject::Project(project)];
    assert_eq!(watch.new_changes().await, expected);
    let name = add_repository(store, project, "app").await;
    assert_eq!(watch.new_changes().await, expected);
    store.set_local_sharing(&name, true).await.unwrap();
    assert_eq!(watch.new_changes().await, expected);
    for thing in [Item::Project(project), item(&name)] {
        for change in [AccessChange::Add(kinds("READ")), AccessChange::Remove(kinds("READ"))] {
            store.set_access(&thing, PrincipalId::PUBLIC, change, 10).await.unwrap();
            assert_eq!(watch.new_changes().await, expected, "{thing} {change:?}");
        }
        store.set_open_data(&thing, true).await.unwrap();
        assert_eq!(watch.new_changes().await, expected, "{thing}");
        for state in [LifeState::Trashed, LifeState::Live] {
            store.set_life_state(&thing, state).await.unwrap();
            assert_eq!(watch.new_changes().await, expected, "{thing} {state:?}");
        }
    }
    store.set_local_sharing(&name, false).await.unwrap();
    assert_eq!(watch.new_changes().await, expected);
    store.quarantine(&repository(project, "quarantined")).await.unwrap();
    assert_eq!(watch.new_changes().await, expected);
    let until = database.clock.now().plus(Duration::from_mins(1));
    store.reserve(&repository(project, "new"), alice, until, ROOM).await.unwrap();
    assert_eq!(watch.new_changes().await, expected);
}

async fn a_removed_user_or_team_names_the_projects_that_shared_with_it(database: Database) {
    let store = &database.store;
    let bob = add_user(store, "bob").await;
    let crew = add_team(store, "crew", &["bob"]).await;
    let (first, second) = (add_project(store, "first").await, add_project(store, "second").await);
    add_project(store, "third").await;
    let own = add_repository(store, second, "own").await;
    store.set_local_sharing(&own, true).await.unwrap();
    let read = AccessChange::Add(kinds("READ"));
    for principal in [PrincipalId::from(bob), PrincipalId::from(crew)] {
        store.set_access(&Item::Project(first), principal, read, 10).await.unwrap();
        store.set_access(&item(&own), principal, read, 10).await.unwrap();
    }
    let mut watch = Watch::start(&database).await;
    let projects = [Subject::Project(first), Subject::Project(second)];
    store.remove_team(&name("crew")).await.unwrap();
    assert_eq!(watch.new_changes().await, [&projects[..], &[Subject::User(bob)]].concat());
    store.remove_user(&name("bob")).await.unwrap();
    assert_eq!(watch.new_changes().await, [&projects[..], &[Subject::User(bob)]].concat());
}

async fn what_changes_nothing_raises_no_revision(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let name = add_repository(store, project, "app").await;
    let before = store.revision().await.unwrap();
    store.quarantine(&name).await.unwrap();
    store.reserve(&name, UserId::new(3_400_001), at(i64::MAX), ROOM).await.unwrap();
    store.raise_numbers(9_000_000, "http://registry.test/").await.unwrap();
    store.keep_dead_letter(b"junk", "junk", at(1)).await.unwrap();
    store.forget_before(at(5)).await.unwrap();
    store.snapshot(&Identity::Nobody, &[name]).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), before);
}

async fn a_push_names_the_project_only_when_it_opens_a_name(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let name = add_repository(store, project, "app").await;
    let alice = add_user(store, "alice").await;
    let mut watch = Watch::start(&database).await;
    receive(store, &push("e1", &name, Some("v2"), 'b', 5_000), 5_000).await;
    assert_eq!(watch.new_changes().await, []);
    let nowhere = RepositoryName::parse("syn5/app").unwrap();
    receive(store, &push("e2", &nowhere, Some("v2"), 'b', 5_000), 5_000).await;
    assert_eq!(watch.new_changes().await, []);
    let reserved = repository(project, "reserved");
    store.reserve(&reserved, alice, database.clock.now().plus(Duration::from_mins(1)), ROOM).await.unwrap();
    watch.new_changes().await;
    receive(store, &push("e3", &reserved, Some("v2"), 'b', 5_000), 5_000).await;
    assert_eq!(watch.new_changes().await, [Subject::Project(project)]);
}

async fn a_reader_that_is_too_far_behind_must_drop_everything(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let now = store.revision().await.unwrap();
    let nothing = store.changes(now, now).await.unwrap();
    assert_eq!(nothing, Changes::Of(vec![]));
    // Restored from a copy: the number is smaller than before.
    assert_eq!(store.changes(Revision(now.0 + 1), now).await.unwrap(), Changes::Everything);
    let behind = Revision(now.0 - 1);
    assert_eq!(store.changes(behind, now).await.unwrap(), Changes::Of(vec![Subject::User(alice)]));
    database.run("UPDATE facts_revision SET revision = revision + 10001").await;
    let later = store.revision().await.unwrap();
    assert_eq!(store.changes(now, later).await.unwrap(), Changes::Everything);
    // The rows of a change are missing, whatever the reason.
    assert_eq!(store.changes(Revision(later.0 - 1), later).await.unwrap(), Changes::Everything);
    store.change_user(&name("alice"), &UserChange::Certified(true)).await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM facts_changes").await, 1, "old rows stay for ever");
}

async fn a_failed_change_raises_no_revision(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    let before = store.revision().await.unwrap();
    store.add_user(&new_user("alice")).await.unwrap_err();
    store.change_user(&name("nobody"), &UserChange::Certified(true)).await.unwrap_err();
    store.set_open_data(&Item::parse("syn5").unwrap(), true).await.unwrap_err();
    assert_eq!(store.revision().await.unwrap(), before);
}

async fn changes_at_once_are_numbered_without_a_gap(database: Database) {
    let store = &database.store;
    let other = database.opened_again().await;
    let project = add_project(store, "p").await;
    let before = store.revision().await.unwrap();
    // Pushes and reservations take numbers and revisions in different orders: none may wait for ever.
    let pushes = (0..10).map(|number| async move {
        let delivery: Vec<_> = (0..3)
            .map(|part| {
                let path = format!("pushed-{number}-{part}");
                push(&path, &repository(project, &path), Some("v1"), 'b', 1)
            })
            .collect();
        store.receive(&delivery, &[], at(5)).await.unwrap();
    });
    let reservations = (0..30).map(|number| {
        let (other, name) = (&other, repository(project, &format!("reserved-{number}")));
        async move {
            other.reserve(&name, UserId::new(3_400_001), at(i64::MAX), ROOM).await.unwrap();
        }
    });
    tokio::join!(futures_util::future::join_all(pushes), futures_util::future::join_all(reservations));
    let after = store.revision().await.unwrap();
    assert_eq!(after.0 - before.0, 60);
    let Changes::Of(subjects) = store.changes(before, after).await.unwrap() else {
        panic!("rows are missing")
    };
    assert_eq!(subjects, [Subject::Project(project); 60]);
    assert_eq!(database.number("SELECT COUNT(*) FROM repositories").await, 60);
}
