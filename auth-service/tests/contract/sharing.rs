//! Sharing settings of projects and repositories.

use auth_service::domain::access::AccessSet;
use auth_service::domain::facts::LifeState;
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::repository::Item;
use auth_service::ports::items::{AccessChange, ItemError, Items, NameReservations, SharingSettings};

use crate::database::{Database, on_both_engines};
use crate::makers::{add_project_of, add_repository, add_robot, add_user, item, kinds, name, repository};

on_both_engines!(
    the_owner_of_a_project_gets_everything,
    access_is_added_and_taken_away_kind_by_kind,
    a_row_beyond_the_limit_is_refused_and_a_present_one_changed,
    a_repository_follows_its_project_until_it_has_its_own,
    local_sharing_begins_as_a_copy_and_goes_without_a_trace,
    sharing_stays_in_the_trash,
    a_missing_item_has_no_access_list,
    a_robot_account_is_given_rights_in_its_own_project_only,
    changes_at_once_are_all_kept,
);

async fn a_project(database: &Database) -> (Item, UserId) {
    let owner = add_user(&database.store, "owner").await;
    (Item::Project(add_project_of(&database.store, "p", owner).await), owner)
}

async fn rows(database: &Database, item: &Item) -> Vec<(PrincipalId, AccessSet)> {
    database.store.sharing(item).await.unwrap().unwrap().sharing.rows().to_vec()
}

async fn the_owner_of_a_project_gets_everything(database: Database) {
    let (project, owner) = a_project(&database).await;
    assert_eq!(rows(&database, &project).await, [(owner.into(), AccessSet::ALL)]);
    assert!(database.store.sharing(&project).await.unwrap().unwrap().own);
}

async fn access_is_added_and_taken_away_kind_by_kind(database: Database) {
    let store = &database.store;
    let (project, owner) = a_project(&database).await;
    let public = PrincipalId::PUBLIC;
    let steps = [
        (AccessChange::Add(kinds("READ")), Some(kinds("READ"))),
        (AccessChange::Add(kinds("MODERATE,DOWNLOAD")), Some(kinds("READ,DOWNLOAD,MODERATE"))),
        (AccessChange::Remove(kinds("READ,UPDATE")), Some(kinds("DOWNLOAD,MODERATE"))),
        (AccessChange::Remove(kinds("DOWNLOAD,MODERATE")), None),
        (AccessChange::Remove(kinds("READ")), None),
        (AccessChange::Add(AccessSet::ALL), Some(AccessSet::ALL)),
    ];
    for (change, expected) in steps {
        store.set_access(&project, public, change, 10).await.unwrap();
        let mut all: Vec<_> = expected.map(|kinds| (public, kinds)).into_iter().collect();
        all.push((owner.into(), AccessSet::ALL));
        assert_eq!(rows(&database, &project).await, all, "after {change:?}");
    }
}

async fn a_row_beyond_the_limit_is_refused_and_a_present_one_changed(database: Database) {
    let store = &database.store;
    let (project, _) = a_project(&database).await;
    let read = AccessChange::Add(kinds("READ"));
    let principals: Vec<_> = (1..=3).map(|number| PrincipalId::new(3_500_000 + number)).collect();
    store.set_access(&project, principals[0], read, 3).await.unwrap();
    store.set_access(&project, principals[1], read, 3).await.unwrap();
    let refused = store.set_access(&project, principals[2], read, 3).await;
    assert!(matches!(refused, Err(ItemError::TooManyRows(3))), "{refused:?}");
    store.set_access(&project, principals[2], AccessChange::Remove(kinds("READ")), 3).await.unwrap();
    store.set_access(&project, principals[1], AccessChange::Add(kinds("UPDATE")), 3).await.unwrap();
    // A limit that was lowered takes nothing away and lets what is there be changed.
    store.set_access(&project, principals[1], AccessChange::Remove(kinds("READ")), 1).await.unwrap();
    assert_eq!(rows(&database, &project).await.len(), 3);
}

async fn a_robot_account_is_given_rights_in_its_own_project_only(database: Database) {
    let store = &database.store;
    let (other, owner) = a_project(&database).await;
    let its_own = add_project_of(store, "its own", owner).await;
    let robot = add_robot(store, "ci", its_own).await.into();
    let read = AccessChange::Add(kinds("READ"));
    let app = add_repository(store, other.project(), "app").await;
    store.set_local_sharing(&app, true).await.unwrap();
    for elsewhere in [&other, &item(&app)] {
        let refused = store.set_access(elsewhere, robot, read, 10).await;
        assert!(matches!(refused, Err(ItemError::RobotOf(project)) if project == its_own), "{refused:?}");
        assert_eq!(rows(&database, elsewhere).await, [(owner.into(), AccessSet::ALL)]);
        store.set_access(elsewhere, robot, AccessChange::Remove(kinds("READ")), 10).await.unwrap();
    }
    store.set_access(&Item::Project(its_own), robot, read, 10).await.unwrap();
}

async fn a_repository_follows_its_project_until_it_has_its_own(database: Database) {
    let store = &database.store;
    let (project, owner) = a_project(&database).await;
    let app = add_repository(store, project.project(), "app").await;
    let inherited = store.sharing(&item(&app)).await.unwrap().unwrap();
    assert!(!inherited.own);
    assert_eq!(inherited.sharing.rows(), [(owner.into(), AccessSet::ALL)]);
    let outcome =
        store.set_access(&item(&app), PrincipalId::PUBLIC, AccessChange::Add(kinds("READ")), 10).await;
    assert!(matches!(outcome, Err(ItemError::SharingInherited(name)) if name == app));
    assert_eq!(rows(&database, &project).await.len(), 1);
}

async fn local_sharing_begins_as_a_copy_and_goes_without_a_trace(database: Database) {
    let store = &database.store;
    let (project, owner) = a_project(&database).await;
    let app = add_repository(store, project.project(), "app").await;
    let add = |text: &str| AccessChange::Add(kinds(text));
    store.set_access(&project, PrincipalId::PUBLIC, add("READ"), 10).await.unwrap();
    for _ in 0..2 {
        store.set_local_sharing(&app, true).await.unwrap();
        let own = store.sharing(&item(&app)).await.unwrap().unwrap();
        assert!(own.own);
        let copied = [(PrincipalId::PUBLIC, kinds("READ")), (owner.into(), AccessSet::ALL)];
        assert_eq!(own.sharing.rows(), copied);
    }
    assert!(store.repositories(None).await.unwrap()[0].local_sharing);
    store.set_access(&item(&app), PrincipalId::AUTHENTICATED_USERS, add("DOWNLOAD"), 10).await.unwrap();
    store.set_access(&project, PrincipalId::PUBLIC, add("DOWNLOAD"), 10).await.unwrap();
    assert_eq!(rows(&database, &item(&app)).await.len(), 3);
    assert_eq!(rows(&database, &project).await[0].1, kinds("READ,DOWNLOAD"));
    for _ in 0..2 {
        store.set_local_sharing(&app, false).await.unwrap();
        let followed = store.sharing(&item(&app)).await.unwrap().unwrap();
        assert!(!followed.own);
        assert_eq!(followed.sharing.rows(), rows(&database, &project).await);
    }
    let number = project.project();
    assert_eq!(database.number("SELECT COUNT(*) FROM access").await, 2, "{number} has left rows behind");
    // Taking every row away is no way back to the project's.
    store.set_local_sharing(&app, true).await.unwrap();
    for (principal, _) in rows(&database, &item(&app)).await {
        store.set_access(&item(&app), principal, AccessChange::Remove(AccessSet::ALL), 10).await.unwrap();
    }
    let closed = store.sharing(&item(&app)).await.unwrap().unwrap();
    assert!(closed.own && closed.sharing.rows().is_empty());
}

async fn sharing_stays_in_the_trash(database: Database) {
    let store = &database.store;
    let (project, _) = a_project(&database).await;
    let app = add_repository(store, project.project(), "app").await;
    store.set_local_sharing(&app, true).await.unwrap();
    let before = (rows(&database, &project).await, rows(&database, &item(&app)).await);
    for thing in [item(&app), project.clone()] {
        store.set_life_state(&thing, LifeState::Trashed).await.unwrap();
    }
    assert_eq!((rows(&database, &project).await, rows(&database, &item(&app)).await), before);
    for thing in [item(&app), project.clone()] {
        store.set_life_state(&thing, LifeState::Live).await.unwrap();
    }
    assert_eq!((rows(&database, &project).await, rows(&database, &item(&app)).await), before);
}

async fn a_missing_item_has_no_access_list(database: Database) {
    let store = &database.store;
    let (project, _) = a_project(&database).await;
    let quarantined = repository(project.project(), "quarantined");
    store.quarantine(&quarantined).await.unwrap();
    let missing = repository(project.project(), "missing");
    for thing in [Item::parse("syn5").unwrap(), item(&quarantined), item(&missing)] {
        assert_eq!(store.sharing(&thing).await.unwrap(), None);
        let change = AccessChange::Add(kinds("READ"));
        let outcome = store.set_access(&thing, PrincipalId::PUBLIC, change, 10).await;
        assert!(matches!(outcome, Err(ItemError::NoSuchItem(ref what)) if *what == thing), "{outcome:?}");
        if let Item::Repository(name) = &thing {
            let outcome = store.set_local_sharing(name, true).await;
            assert!(matches!(outcome, Err(ItemError::NoSuchItem(_))), "{outcome:?}");
        }
    }
}

async fn changes_at_once_are_all_kept(database: Database) {
    let (project, _) = a_project(&database).await;
    let crowd = add_user(&database.store, name("crowd").as_str()).await;
    let other = database.opened_again().await;
    let requested = ["READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE", "MODERATE"];
    let changes = requested.iter().enumerate().map(|(index, kind)| {
        let store = if index % 2 == 0 { &*database.store } else { &other };
        store.set_access(&project, crowd.into(), AccessChange::Add(kinds(kind)), 10)
    });
    for outcome in futures_util::future::join_all(changes).await {
        outcome.unwrap();
    }
    assert_eq!(rows(&database, &project).await[1].1, kinds(&requested.join(",")));
}
