//! Projects, repositories and their tags.

use std::time::Duration;

use auth_service::domain::facts::LifeState;
use auth_service::domain::project::ProjectName;
use auth_service::domain::repository::Item;
use auth_service::ports::items::{ItemError, Items, NameReservations, Project};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    ROOM, add_project, add_project_of, add_repository, add_user, at, digest, item, push, receive, repository,
};

on_both_engines!(
    projects_are_listed_by_number_with_what_is_in_them,
    a_live_project_has_its_name_alone,
    a_restored_project_needs_its_name_to_be_free,
    project_names_are_compared_byte_for_byte,
    the_trash_is_entered_once_and_left_once,
    only_what_people_know_of_can_be_changed,
    open_data_is_set_on_the_one_item,
    repositories_are_listed_in_the_order_of_bytes,
    reserved_and_quarantined_names_are_not_listed,
    tags_are_kept_and_listed_byte_for_byte,
    numbers_are_never_given_twice,
);

async fn projects_are_listed_by_number_with_what_is_in_them(database: Database) {
    let store = &database.store;
    let owner = add_user(store, "alice").await;
    let zoo = add_project_of(store, "zoo", owner).await;
    let ant = add_project_of(store, "ant", owner).await;
    add_repository(store, ant, "one").await;
    let two = add_repository(store, ant, "two").await;
    store.set_life_state(&item(&two), LifeState::Trashed).await.unwrap();
    store.quarantine(&repository(ant, "quarantined")).await.unwrap();
    let project = |id, name: &str, repositories| Project {
        id,
        name: name.to_owned(),
        state: LifeState::Live,
        open_data: false,
        repositories,
    };
    assert_eq!(store.projects().await.unwrap(), [project(zoo, "zoo", 0), project(ant, "ant", 2)]);
    assert!(zoo.number() > 2_000_000, "{zoo} could be a number that Synapse reserves");
}

async fn a_live_project_has_its_name_alone(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let owner = add_user(store, "alice").await;
    let again = ProjectName::parse("p").unwrap();
    assert!(matches!(store.add_project(&again, owner).await, Err(ItemError::NameTaken)));
    store.set_life_state(&Item::Project(project), LifeState::Trashed).await.unwrap();
    assert!(add_project_of(store, "p", owner).await.number() > project.number());
}

async fn a_restored_project_needs_its_name_to_be_free(database: Database) {
    let store = &database.store;
    let owner = add_user(store, "alice").await;
    let first = Item::Project(add_project_of(store, "p", owner).await);
    store.set_life_state(&first, LifeState::Trashed).await.unwrap();
    let second = Item::Project(add_project_of(store, "p", owner).await);
    let restored = store.set_life_state(&first, LifeState::Live).await;
    assert!(matches!(restored, Err(ItemError::NameTaken)), "{restored:?}");
    store.set_life_state(&second, LifeState::Trashed).await.unwrap();
    store.set_life_state(&first, LifeState::Live).await.unwrap();
    let states: Vec<_> = store.projects().await.unwrap().into_iter().map(|project| project.state).collect();
    assert_eq!(states, [LifeState::Live, LifeState::Trashed]);
}

async fn project_names_are_compared_byte_for_byte(database: Database) {
    let store = &database.store;
    let owner = add_user(store, "alice").await;
    for name in ["Straße", "STRASSE", "strasse", "Strasse", "Ångström", "Angstrom"] {
        add_project_of(store, name, owner).await;
    }
}

async fn the_trash_is_entered_once_and_left_once(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let name = add_repository(store, project, "app").await;
    for thing in [Item::Project(project), item(&name)] {
        let restored = store.set_life_state(&thing, LifeState::Live).await;
        assert!(matches!(restored, Err(ItemError::NotTrashed(what)) if what == thing));
        store.set_life_state(&thing, LifeState::Trashed).await.unwrap();
        let trashed = store.set_life_state(&thing, LifeState::Trashed).await;
        assert!(matches!(trashed, Err(ItemError::AlreadyTrashed(what)) if what == thing));
    }
    assert_eq!(store.projects().await.unwrap()[0].state, LifeState::Trashed);
    assert_eq!(store.repositories(None).await.unwrap()[0].state, LifeState::Trashed);
    for thing in [Item::Project(project), item(&name)] {
        store.set_life_state(&thing, LifeState::Live).await.unwrap();
    }
    assert_eq!(store.repositories(None).await.unwrap()[0].state, LifeState::Live);
}

async fn only_what_people_know_of_can_be_changed(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let owner = add_user(store, "alice").await;
    let reserved = repository(project, "reserved");
    store.reserve(&reserved, owner, database.clock.now().plus(Duration::from_mins(1)), ROOM).await.unwrap();
    let quarantined = repository(project, "quarantined");
    store.quarantine(&quarantined).await.unwrap();
    let nothing = Item::parse("syn5").unwrap();
    for thing in [nothing, item(&repository(project, "missing")), item(&reserved), item(&quarantined)] {
        let outcome = store.set_life_state(&thing, LifeState::Trashed).await;
        assert!(matches!(outcome, Err(ItemError::NoSuchItem(ref what)) if *what == thing), "{outcome:?}");
        let outcome = store.set_open_data(&thing, true).await;
        assert!(matches!(outcome, Err(ItemError::NoSuchItem(ref what)) if *what == thing), "{outcome:?}");
        if let Item::Repository(name) = &thing {
            assert_eq!(store.tags(name).await.unwrap(), None);
        }
    }
}

async fn open_data_is_set_on_the_one_item(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let one = add_repository(store, project, "one").await;
    add_repository(store, project, "two").await;
    store.set_open_data(&item(&one), true).await.unwrap();
    let open = || async {
        let mut flags: Vec<_> =
            store.repositories(None).await.unwrap().into_iter().map(|found| found.open_data).collect();
        flags.insert(0, store.projects().await.unwrap()[0].open_data);
        flags
    };
    assert_eq!(open().await, [false, true, false]);
    store.set_open_data(&Item::Project(project), true).await.unwrap();
    store.set_open_data(&item(&one), false).await.unwrap();
    assert_eq!(open().await, [true, false, false]);
}

async fn repositories_are_listed_in_the_order_of_bytes(database: Database) {
    let store = &database.store;
    let first = add_project(store, "first").await;
    let second = add_project(store, "second").await;
    for path in ["b", "a/b", "a-b", "ab", "a.b", "a_b", "a"] {
        add_repository(store, first, path).await;
    }
    let other = add_repository(store, second, "a").await;
    let expected = ["a", "a-b", "a.b", "a/b", "a_b", "ab", "b"].map(|path| repository(first, path));
    let names = |project| async move {
        let found = store.repositories(project).await.unwrap();
        found.into_iter().map(|found| found.name).collect::<Vec<_>>()
    };
    assert_eq!(names(Some(first)).await, expected);
    assert_eq!(names(Some(second)).await, std::slice::from_ref(&other));
    assert_eq!(names(None).await, [expected.to_vec(), vec![other]].concat());
}

async fn reserved_and_quarantined_names_are_not_listed(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let owner = add_user(store, "alice").await;
    let until = database.clock.now().plus(Duration::from_mins(1));
    store.reserve(&repository(project, "reserved"), owner, until, ROOM).await.unwrap();
    store.quarantine(&repository(project, "quarantined")).await.unwrap();
    let app = add_repository(store, project, "app").await;
    let found = store.repositories(Some(project)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].name, found[0].state, found[0].created_at), (&app, LifeState::Live, at(1_000)));
    assert!(!found[0].local_sharing && !found[0].open_data);
}

async fn tags_are_kept_and_listed_byte_for_byte(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let name = repository(project, "app");
    for (index, tag) in ["v1", "V1", "v_1", "v.1", "v-1", "B", "a", "_a", "1"].into_iter().enumerate() {
        let letter = char::from(b"0123456789"[index]);
        let moment = 1_000 + i64::try_from(index).unwrap();
        receive(store, &push(tag, &name, Some(tag), letter, moment), 5_000).await;
    }
    let tags = store.tags(&name).await.unwrap().unwrap();
    let listed: Vec<_> = tags.iter().map(|tag| tag.tag.as_str()).collect();
    assert_eq!(listed, ["1", "B", "V1", "_a", "a", "v-1", "v.1", "v1", "v_1"]);
    assert_eq!((&tags[2].digest, tags[2].moved_at), (&digest('1'), at(1_001)));
    assert_eq!((&tags[7].digest, tags[7].moved_at), (&digest('0'), at(1_000)));
}

async fn numbers_are_never_given_twice(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    add_repository(store, project, "app").await;
    let repository = store.repositories(None).await.unwrap()[0].id;
    assert!(repository.number() > project.number());
    database.run("DELETE FROM repositories; DELETE FROM projects").await;
    let next = add_project(store, "q").await;
    assert!(next.number() > repository.number());
}
