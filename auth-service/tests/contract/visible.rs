//! Items by their numbers, and lists of those that a caller may see: they hold exactly what the decision shows.

use auth_service::domain::access::{AccessKind, AccessSet};
use auth_service::domain::decision::{AccessPolicy, Certification, ItemRights, Viewer};
use auth_service::domain::facts::{ItemFacts, LifeState};
use auth_service::domain::login::{Caller, Identity};
use auth_service::domain::login_scope::{LoginScopes, Powers};
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::project::{EntityId, ProjectId};
use auth_service::domain::repository::Item;
use auth_service::ports::accounts::{NewUser, Users};
use auth_service::ports::entities::{Entities, Page};
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::{AccessChange, Items, NameReservations, SharingSettings};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    ROOM, add_administrator, add_project, add_project_of, add_repository, add_robot, add_team, add_user, at,
    item, kinds, new_user, repository,
};

on_both_engines!(
    an_item_is_found_by_its_number_with_the_caller,
    reserved_and_quarantined_names_have_no_number,
    a_list_is_read_in_parts,
    lists_contain_what_the_decision_shows,
);

const POLICY: AccessPolicy = AccessPolicy { certification: Certification::Push, anonymous_pull: false };
const ALL: Page = Page { after: None, limit: 1_000 };

async fn item_with(database: &Database, identity: &Identity, id: EntityId) -> Option<ItemFacts> {
    database.store.item_snapshot(identity, id).await.unwrap().value.item
}

async fn an_item_is_found_by_its_number_with_the_caller(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    add_team(store, "crew", &["alice"]).await;
    let name = add_repository(store, project, "a/b").await;
    store.set_local_sharing(&name, true).await.unwrap();
    store.set_open_data(&item(&name), true).await.unwrap();
    store.set_life_state(&item(&name), LifeState::Trashed).await.unwrap();
    let number = store.repositories(Some(project)).await.unwrap()[0].id;
    let names = store.snapshot(&Identity::User(alice), std::slice::from_ref(&name)).await.unwrap();

    let read = store.item_snapshot(&Identity::User(alice), number).await.unwrap();
    assert_eq!(read.revision, names.revision);
    assert_eq!(read.value.user, names.value.user);
    let situation = names.value.repositories[0].clone();
    let expected = ItemFacts::of_repository(name.clone(), situation.project.unwrap(), situation.repository);
    assert_eq!(read.value.item, expected);
    let found = read.value.item.unwrap();
    assert_eq!((found.state, found.open_data), (LifeState::Trashed, true));
    assert!(found.local_sharing.is_some());

    let found = item_with(&database, &Identity::Nobody, project.into()).await.unwrap();
    assert_eq!(found.item, Item::Project(project));
    assert_eq!(found.project.sharing.rows().len(), 1);

    let entity = store.entity(number).await.unwrap().unwrap();
    assert_eq!((entity.item, entity.name), (Item::Repository(name), number.to_string()));
    let entity = store.entity(project.into()).await.unwrap().unwrap();
    assert_eq!((entity.item, entity.name.as_str()), (Item::Project(project), "p"));
    assert_eq!(
        entity.created_by,
        store.users().await.unwrap().into_iter().find(|u| u.name.as_str() == "p-owner").map(|u| u.id)
    );
}

async fn reserved_and_quarantined_names_have_no_number(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    store.quarantine(&repository(project, "closed")).await.unwrap();
    store.reserve(&repository(project, "kept"), alice, at(10_000_000), ROOM).await.unwrap();
    for number in 0..10 {
        let id = EntityId::new(project.number() + number);
        let expected = (number == 0).then_some(Item::Project(project));
        assert_eq!(item_with(&database, &Identity::User(alice), id).await.map(|found| found.item), expected);
        assert_eq!(store.entity(id).await.unwrap().map(|found| found.item), expected);
    }
}

async fn a_list_is_read_in_parts(database: Database) {
    let store = &database.store;
    let owner = add_user(store, "owner").await;
    let mut ids = Vec::new();
    for index in 0..7 {
        ids.push(EntityId::from(add_project_of(store, &format!("p{index}"), owner).await));
    }
    let everything = Viewer { sees_everything: true, bound_to: None, robot_of: None, principals: Vec::new() };
    let (mut found, mut page) = (Vec::new(), Page { after: None, limit: 3 });
    loop {
        let part = store.visible_projects(&everything, page).await.unwrap();
        assert!(part.len() <= 3);
        let Some(last) = part.last() else { break };
        page.after = Some(last.id);
        found.extend(part.into_iter().map(|entity| entity.id));
    }
    assert_eq!(found, ids);
}

/// Sharing settings, flags and states by chance; each test draws its own.
struct Chance(TestRunner);

impl Chance {
    fn pick<T: Clone + std::fmt::Debug + 'static>(&mut self, from: &[T]) -> T {
        prop::sample::select(from.to_vec()).new_tree(&mut self.0).unwrap().current()
    }

    fn one_in(&mut self, count: u32) -> bool {
        (0..count).new_tree(&mut self.0).unwrap().current() == 0
    }
}

async fn share(database: &Database, chance: &mut Chance, item: &Item, principals: &[PrincipalId]) {
    let sets = [kinds("READ"), kinds("READ,UPDATE"), kinds("DOWNLOAD,UPDATE"), AccessSet::ALL];
    for principal in principals {
        if chance.one_in(4) {
            let addition = AccessChange::Add(chance.pick(&sets));
            // A robot account of another project can be given nothing, which is as good.
            drop(database.store.set_access(item, *principal, addition, 100).await);
        }
    }
    drop(database.store.set_open_data(item, chance.one_in(4)).await);
    if chance.one_in(5) {
        database.store.set_life_state(item, LifeState::Trashed).await.unwrap();
    }
}

/// Whether the decision shows the item.
async fn shows(database: &Database, caller: &Caller<'_>, id: EntityId) -> bool {
    let found = item_with(database, &Identity::Nobody, id).await;
    ItemRights::of(*caller, found.as_ref(), POLICY).is_ok_and(|rights| rights.may(AccessKind::Read))
}

async fn lists_contain_what_the_decision_shows(database: Database) {
    let store = &database.store;
    let mut chance = Chance(TestRunner::default());
    let owner = add_user(store, "owner").await;
    let users =
        [add_user(store, "alice").await, add_user(store, "bob").await, add_administrator(store, "ada").await];
    let crew = add_team(store, "crew", &["alice", "ada"]).await;
    add_team(store, "band", &["bob"]).await;
    let mut projects: Vec<ProjectId> = Vec::new();
    for index in 0..12 {
        projects.push(add_project_of(store, &format!("p{index}"), owner).await);
    }
    let robot = add_robot(store, "robot", projects[0]).await;
    let robot = NewRobot { id: robot, project: projects[0] };
    store.add_user(&NewUser { certified: true, ..new_user("certified") }).await.unwrap();
    let groups = [PrincipalId::PUBLIC, PrincipalId::AUTHENTICATED_USERS, crew.into(), robot.id.into()];
    let principals: Vec<PrincipalId> = groups.into_iter().chain(users.map(PrincipalId::from)).collect();
    for project in &projects {
        for path in ["one", "two", "three"] {
            let name = add_repository(store, *project, path).await;
            if chance.one_in(2) {
                store.set_local_sharing(&name, true).await.unwrap();
                // What was copied from the project is taken away again, so that the two differ.
                let owner_row = AccessChange::Remove(kinds("DOWNLOAD"));
                store.set_access(&item(&name), owner.into(), owner_row, 100).await.unwrap();
            }
            share(&database, &mut chance, &item(&name), &principals).await;
        }
        share(&database, &mut chance, &Item::Project(*project), &principals).await;
    }
    let mut sizes = Vec::new();
    for user in [None].into_iter().chain(users.into_iter().chain([owner, robot.id]).map(Some)) {
        for powers in powers(robot.project, projects[1]) {
            let facts =
                store.snapshot(&user.map_or(Identity::Nobody, Identity::User), &[]).await.unwrap().value;
            let caller = facts.user.as_deref().map_or(Caller::Anonymous, |user| Caller::User(user, powers));
            sizes.push(compare(&database, &caller, &projects).await);
        }
    }
    assert!(sizes.contains(&0) && sizes.iter().any(|size| *size > 3), "{sizes:?}");
}

struct NewRobot {
    id: UserId,
    project: ProjectId,
}

/// What logins allow: a password, a token without `admin`, one without `view`, two that are bound to a project.
fn powers(first: ProjectId, second: ProjectId) -> [Powers; 5] {
    let bound = |project| Powers { only_in: Some(project), ..Powers::WHOLE };
    [
        Powers::WHOLE,
        Powers::of(LoginScopes::USUAL),
        Powers::of(LoginScopes::parse("download,modify").unwrap()),
        bound(first),
        bound(second),
    ]
}

/// Compares the lists with the filter of everything by the decision; how many projects are seen.
async fn compare(database: &Database, caller: &Caller<'_>, projects: &[ProjectId]) -> usize {
    let viewer = Viewer::of(caller).ok();
    let mut shown = Vec::new();
    for project in projects {
        if shows(database, caller, (*project).into()).await {
            shown.push(EntityId::from(*project));
        }
        let (mut expected, mut listed) = (Vec::new(), Vec::new());
        for repository in database.store.repositories(Some(*project)).await.unwrap() {
            if shows(database, caller, repository.id).await {
                expected.push(repository.id);
            }
        }
        if let Some(viewer) = &viewer {
            let entities = database.store.visible_repositories(viewer, *project, ALL).await.unwrap();
            listed.extend(entities.into_iter().map(|entity| entity.id));
        }
        expected.sort_unstable();
        assert_eq!(listed, expected, "repositories of {project} for {caller:?}");
    }
    let mut listed = Vec::new();
    if let Some(viewer) = &viewer {
        let entities = database.store.visible_projects(viewer, ALL).await.unwrap();
        listed.extend(entities.into_iter().map(|entity| entity.id));
    }
    assert_eq!(listed, shown, "projects for {caller:?}");
    shown.len()
}
