//! What decisions are given: the user, the projects and the repositories of one moment.

use std::collections::HashMap;
use std::time::Duration;

use auth_service::domain::access::AccessSet;
use auth_service::domain::account::AccountState;
use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::login::Identity;
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::project::ProjectId;
use auth_service::domain::repository::{Item, RepositoryName};
use auth_service::ports::accounts::{NewUser, UserChange, Users};
use auth_service::ports::facts::{FactsStore, StoredRepository};
use auth_service::ports::items::{AccessChange, Items, NameReservations, SharingSettings};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    ROOM, add_administrator, add_project, add_repository, add_team, add_user, item, kinds, name, new_user,
    repository,
};

on_both_engines!(
    a_user_is_read_with_flags_generation_and_teams,
    nobody_and_a_removed_user_are_read_as_none,
    each_repository_is_read_with_its_project,
    missing_repositories_and_projects_are_unknown,
    the_contents_of_a_project_are_its_unusual_and_its_plain_repositories,
    a_project_with_too_many_repositories_of_a_kind_is_not_listed,
    many_names_are_answered_at_once,
    names_are_compared_byte_for_byte,
);

async fn a_user_is_read_with_flags_generation_and_teams(database: Database) {
    let store = &database.store;
    add_administrator(store, "ada").await;
    let flags = [(false, false), (true, false), (false, true), (true, true)];
    for (certified, administrator) in flags {
        let text = format!("user-{certified}-{administrator}");
        let id = store.add_user(&NewUser { certified, administrator, ..new_user(&text) }).await.unwrap();
        let user = store.snapshot(&Identity::User(id), &[]).await.unwrap().value.user.unwrap();
        assert_eq!((user.id, user.certified, user.administrator), (id, certified, administrator));
        assert_eq!((user.state, user.generation, user.teams.len()), (AccountState::Active, 1, 0));
    }
    let alice = add_user(store, "alice").await;
    let teams = [add_team(store, "b", &["alice"]).await, add_team(store, "a", &["alice"]).await];
    add_team(store, "c", &["ada"]).await;
    store.change_user(&name("alice"), &UserChange::State(AccountState::Disabled)).await.unwrap();
    let user = store.snapshot(&Identity::User(alice), &[]).await.unwrap().value.user.unwrap();
    assert_eq!((user.state, user.generation), (AccountState::Disabled, 2));
    assert_eq!(*user.teams, teams);
}

async fn nobody_and_a_removed_user_are_read_as_none(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    store.remove_user(&name("alice")).await.unwrap();
    for identity in [Identity::Nobody, Identity::User(alice), Identity::User(UserId::new(0))] {
        let read = store.snapshot(&identity, &[]).await.unwrap();
        assert_eq!((read.value.user, read.value.repositories.len()), (None, 0));
    }
}

async fn each_repository_is_read_with_its_project(database: Database) {
    let store = &database.store;
    let (first, second) = (add_project(store, "first").await, add_project(store, "second").await);
    let plain = add_repository(store, first, "plain").await;
    let own = add_repository(store, first, "own").await;
    store.set_local_sharing(&own, true).await.unwrap();
    let read = AccessChange::Add(kinds("READ"));
    store.set_access(&item(&own), PrincipalId::PUBLIC, read, 10).await.unwrap();
    let open = add_repository(store, second, "plain").await;
    store.set_open_data(&item(&open), true).await.unwrap();
    store.set_open_data(&Item::Project(second), true).await.unwrap();
    store.set_life_state(&Item::Project(second), LifeState::Trashed).await.unwrap();

    let names = [own.clone(), open.clone(), plain.clone(), own.clone()];
    let facts = store.snapshot(&Identity::Nobody, &names).await.unwrap().value;
    let read: Vec<_> = facts.repositories.iter().map(|situation| &situation.name).collect();
    assert_eq!(read, names.iter().collect::<Vec<_>>());
    assert_eq!(facts.of(&plain).unwrap().repository, RepositoryFacts::PLAIN);
    let RepositoryFacts::Known { local_sharing: Some(sharing), open_data: false, .. } =
        &facts.of(&own).unwrap().repository
    else {
        panic!("{facts:?}")
    };
    assert_eq!(sharing.rows().len(), 2);
    assert_eq!(sharing.rows()[0], (PrincipalId::PUBLIC, kinds("READ")));
    let project = facts.of(&own).unwrap().project.as_ref().unwrap();
    assert_eq!((project.id, project.state, project.open_data), (first, LifeState::Live, false));
    assert_eq!(project.sharing.rows().len(), 1, "local sharing was mixed into the project's");
    assert_eq!(project.sharing.rows()[0].1, AccessSet::ALL);
    let project = facts.of(&open).unwrap().project.as_ref().unwrap();
    assert_eq!((project.id, project.state, project.open_data), (second, LifeState::Trashed, true));
    let state = LifeState::Live;
    let expected = RepositoryFacts::Known { state, open_data: true, local_sharing: None };
    assert_eq!(facts.of(&open).unwrap().repository, expected);
}

async fn missing_repositories_and_projects_are_unknown(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let names = [repository(project, "missing"), RepositoryName::parse("syn5/app").unwrap()];
    let facts = store.snapshot(&Identity::Nobody, &names).await.unwrap().value;
    for (name, has_project) in names.iter().zip([true, false]) {
        let situation = facts.of(name).unwrap();
        assert_eq!(situation.repository, RepositoryFacts::Unknown);
        assert_eq!(situation.project.is_some(), has_project);
    }
    assert!(store.project(ProjectId::new(5), 10).await.unwrap().value.is_none());
}

async fn the_contents_of_a_project_are_its_unusual_and_its_plain_repositories(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let other = add_project(store, "other").await;
    add_repository(store, other, "elsewhere").await;
    let alice = add_user(store, "alice").await;
    for path in ["one", "two/three", "own", "open", "trashed"] {
        add_repository(store, project, path).await;
    }
    store.set_local_sharing(&repository(project, "own"), true).await.unwrap();
    store.set_open_data(&item(&repository(project, "open")), true).await.unwrap();
    store.set_life_state(&item(&repository(project, "trashed")), LifeState::Trashed).await.unwrap();
    store.quarantine(&repository(project, "quarantined")).await.unwrap();
    let until = database.clock.now().plus(Duration::from_mins(1));
    store.reserve(&repository(project, "reserved"), alice, until, ROOM).await.unwrap();

    let read = store.project(project, 100).await.unwrap();
    assert_eq!(read.revision, store.revision().await.unwrap());
    let contents = read.value.unwrap();
    assert_eq!(contents.project.id, project);
    let mut plain: Vec<String> = contents.plain.unwrap().into_iter().map(String::from).collect();
    plain.sort();
    assert_eq!(plain, ["one", "two/three"]);
    let known = |state, open_data, local_sharing| StoredRepository {
        facts: RepositoryFacts::Known { state, open_data, local_sharing },
        reserved_until: None,
    };
    let own = contents.project.sharing.clone().into();
    let expected: HashMap<Box<str>, _> = HashMap::from([
        ("own".into(), known(LifeState::Live, false, Some(own))),
        ("open".into(), known(LifeState::Live, true, None)),
        ("trashed".into(), known(LifeState::Trashed, false, None)),
        (
            "quarantined".into(),
            StoredRepository { facts: RepositoryFacts::Quarantined, reserved_until: None },
        ),
        (
            "reserved".into(),
            StoredRepository { facts: RepositoryFacts::Reserved { by: alice }, reserved_until: Some(until) },
        ),
    ]);
    assert_eq!(contents.unusual, expected);
}

async fn a_project_with_too_many_repositories_of_a_kind_is_not_listed(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    for number in 0..3 {
        add_repository(store, project, &format!("plain-{number}")).await;
        store.quarantine(&repository(project, &format!("quarantined-{number}"))).await.unwrap();
    }
    let lengths = |limit| async move {
        let contents = store.project(project, limit).await.unwrap().value.unwrap();
        (contents.plain.map(|plain| plain.len()), contents.unusual.len())
    };
    assert_eq!(lengths(3).await, (Some(3), 3));
    assert_eq!(lengths(2).await, (None, 0));
    add_repository(store, project, "plain-3").await;
    assert_eq!(lengths(3).await, (None, 0));
    let crowded = add_project(store, "crowded").await;
    let name = add_repository(store, crowded, "own").await;
    store.set_local_sharing(&name, true).await.unwrap();
    for number in 0..40 {
        let principal = PrincipalId::new(3_500_000 + number);
        store.set_access(&item(&name), principal, AccessChange::Add(kinds("READ")), 100).await.unwrap();
    }
    let contents = store.project(crowded, 1).await.unwrap().value.unwrap();
    assert!(contents.plain.is_none() && contents.unusual.is_empty(), "rows of its sharing are missing");
    assert_eq!(contents.project.sharing.rows().len(), 1);
    assert_eq!(store.project(crowded, 100).await.unwrap().value.unwrap().unusual.len(), 1);
}

async fn many_names_are_answered_at_once(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let known = add_repository(store, project, "r-999").await;
    // As many as the largest `limits.scopes` lets one request name.
    let names: Vec<_> = (0..1_000).map(|number| repository(project, &format!("r-{number}"))).collect();
    let facts = store.snapshot(&Identity::Nobody, &names).await.unwrap().value;
    assert_eq!(facts.repositories.len(), 1_000);
    assert_eq!(facts.of(&known).unwrap().repository, RepositoryFacts::PLAIN);
    assert_eq!(facts.of(&names[0]).unwrap().repository, RepositoryFacts::Unknown);
}

async fn names_are_compared_byte_for_byte(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let known = add_repository(store, project, "a-b").await;
    for near in ["a_b", "a.b", "ab", "a--b"] {
        let near = repository(project, near);
        let facts = store.snapshot(&Identity::Nobody, &[near.clone(), known.clone()]).await.unwrap().value;
        assert_eq!(facts.of(&near).unwrap().repository, RepositoryFacts::Unknown, "{near}");
        assert_eq!(facts.of(&known).unwrap().repository, RepositoryFacts::PLAIN);
    }
}
