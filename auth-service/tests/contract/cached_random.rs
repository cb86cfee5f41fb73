//! With the memory or without: the same facts, after any sequence of changes.

use std::sync::Arc;
use std::time::Duration;

use auth_service::adapters::facts::{CachedFacts, DirectFacts};
use auth_service::adapters::store::Store;
use auth_service::domain::account::AccountState;
use auth_service::domain::facts::LifeState;
use auth_service::domain::foreign::ForeignSubject;
use auth_service::domain::login::Identity;
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::project::ProjectId;
use auth_service::domain::repository::{Item, RepositoryName};
use auth_service::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenRoom};
use auth_service::ports::accounts::{NewUser, Principals, Teams, UserChange, Users};
use auth_service::ports::facts::FactsReader;
use auth_service::ports::items::{AccessChange, Items, NameReservations, SharingSettings};
use auth_service::ports::linked_subjects::{LinkedBy, LinkedSubjects};
use auth_service::ports::system::Clock;
use auth_service::ports::tokens::Tokens;
use proptest::prelude::*;

use crate::database::Database;
use crate::makers::{
    ROOM, add_project_of, add_user, item, kinds, name, new_token, new_user, password, push, receive,
    repository,
};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const TEAMS: [&str; 2] = ["crew", "band"];
const PATHS: [&str; 3] = ["one", "two", "three/four"];

/// Something that somebody does. The numbers choose a user, a team, a project and a repository.
#[derive(Clone, Debug)]
enum Step {
    AddUser(usize),
    RemoveUser(usize),
    ChangeUser(usize, usize),
    AddTeam(usize),
    RemoveTeam(usize),
    SetMember(usize, usize, bool),
    Push(usize, usize),
    Reserve(usize, usize, usize),
    Quarantine(usize, usize),
    OpenData(usize, Option<usize>, bool),
    Trash(usize, Option<usize>, bool),
    Local(usize, usize, bool),
    Access(usize, Option<usize>, usize, bool),
    GiveToken(usize, usize),
    RevokeToken(usize, usize),
    Link(usize, usize),
    Unlink(usize, usize),
    Welcome(usize, usize),
    AddRobot(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (user, team, project, path) = (0..3_usize, 0..2_usize, 0..2_usize, 0..3_usize);
    let maybe = || prop::option::of(0..3_usize);
    prop_oneof![
        user.clone().prop_map(Step::AddUser),
        user.clone().prop_map(Step::RemoveUser),
        (user.clone(), 0..5_usize).prop_map(|(user, how)| Step::ChangeUser(user, how)),
        team.clone().prop_map(Step::AddTeam),
        team.clone().prop_map(Step::RemoveTeam),
        (team, user.clone(), any::<bool>()).prop_map(|(team, user, yes)| Step::SetMember(team, user, yes)),
        (project.clone(), path.clone()).prop_map(|(project, path)| Step::Push(project, path)),
        (project.clone(), path.clone(), user)
            .prop_map(|(project, path, user)| Step::Reserve(project, path, user)),
        (project.clone(), path.clone()).prop_map(|(project, path)| Step::Quarantine(project, path)),
        (project.clone(), maybe(), any::<bool>()).prop_map(|(p, path, yes)| Step::OpenData(p, path, yes)),
        (project.clone(), maybe(), any::<bool>()).prop_map(|(p, path, yes)| Step::Trash(p, path, yes)),
        (project.clone(), path, any::<bool>()).prop_map(|(p, path, yes)| Step::Local(p, path, yes)),
        (project, maybe(), 0..7_usize, any::<bool>())
            .prop_map(|(project, path, who, add)| Step::Access(project, path, who, add)),
        (0..3_usize, 0..2_usize).prop_map(|(user, which)| Step::GiveToken(user, which)),
        (0..3_usize, 0..2_usize).prop_map(|(user, which)| Step::RevokeToken(user, which)),
        (0..3_usize, 0..2_usize).prop_map(|(user, which)| Step::Link(user, which)),
        (0..3_usize, 0..2_usize).prop_map(|(user, which)| Step::Unlink(user, which)),
        (0..3_usize, 0..2_usize).prop_map(|(user, which)| Step::Welcome(user, which)),
        (0..3_usize).prop_map(Step::AddRobot),
        (0..1_500_u64).prop_map(Step::Pass),
    ]
}

/// A database with the users' and projects' numbers as they are at the moment.
struct World {
    database: Database,
    projects: [ProjectId; 2],
    pushes: usize,
}

impl World {
    async fn new() -> Self {
        let database = Database::sqlite().await;
        let owner = add_user(&database.store, "owner").await;
        let first = add_project_of(&database.store, "first", owner).await;
        let second = add_project_of(&database.store, "second", owner).await;
        Self { database, projects: [first, second], pushes: 0 }
    }

    fn name(&self, project: usize, path: usize) -> RepositoryName {
        repository(self.projects[project], PATHS[path])
    }

    fn item(&self, project: usize, path: Option<usize>) -> Item {
        path.map_or(Item::Project(self.projects[project]), |path| item(&self.name(project, path)))
    }

    async fn user(&self, index: usize) -> UserId {
        let found = self.database.store.principal(&name(USERS[index])).await.unwrap();
        UserId::new(found.map_or(1, PrincipalId::number))
    }

    async fn principal(&self, index: usize) -> PrincipalId {
        match index {
            0 => PrincipalId::PUBLIC,
            1 => PrincipalId::AUTHENTICATED_USERS,
            _ => {
                let text = USERS.into_iter().chain(TEAMS).nth(index - 2).unwrap();
                self.database.store.principal(&name(text)).await.unwrap().unwrap_or(PrincipalId::PUBLIC)
            }
        }
    }

    /// Does it; what is refused is as good.
    async fn take(&mut self, step: &Step) {
        let store: Arc<Store> = self.database.store.clone();
        match *step {
            Step::AddUser(user) => drop(store.add_user(&new_user(USERS[user])).await),
            Step::RemoveUser(user) => drop(store.remove_user(&name(USERS[user])).await),
            Step::ChangeUser(user, how) => {
                let change = match how {
                    0 => UserChange::Certified(true),
                    1 => UserChange::Administrator(user > 0),
                    2 => UserChange::State(AccountState::Disabled),
                    3 => UserChange::State(AccountState::Active),
                    _ => UserChange::Password(password("$new")),
                };
                drop(store.change_user(&name(USERS[user]), &change).await);
            }
            Step::AddTeam(team) => drop(store.add_team(&name(TEAMS[team])).await),
            Step::RemoveTeam(team) => drop(store.remove_team(&name(TEAMS[team])).await),
            Step::SetMember(team, user, member) => {
                drop(store.set_member(&name(TEAMS[team]), &name(USERS[user]), member).await);
            }
            Step::GiveToken(user, which) => {
                let token =
                    new_token(token_id(user, which), ServiceTokenKind::Identity, self.user(user).await);
                drop(store.add_token(&token, TokenRoom::Replaces { most_of_client: 1, most: 1 }).await);
            }
            Step::RevokeToken(user, which) => {
                drop(store.revoke_token(ServiceTokenKind::Identity, token_id(user, which), None).await);
            }
            Step::Link(user, which) => {
                drop(store.link(self.user(user).await, &subject(which), LinkedBy::Administrator).await);
            }
            Step::Unlink(user, which) => drop(store.unlink(self.user(user).await, &subject(which)).await),
            Step::Welcome(user, which) => {
                drop(store.provision(&subject(which), &[name(USERS[user])], None).await);
            }
            Step::AddRobot(user) => {
                let project = Some(self.projects[0]);
                let robot = NewUser { password: None, robot_of: project, ..new_user(USERS[user]) };
                drop(store.add_user(&robot).await);
            }
            Step::Pass(millis) => self.database.clock.advance(Duration::from_millis(millis)),
            _ => self.change_item(&store, step).await,
        }
    }

    async fn change_item(&mut self, store: &Store, step: &Step) {
        let state = |trashed| if trashed { LifeState::Trashed } else { LifeState::Live };
        match *step {
            Step::Push(project, path) => {
                self.pushes += 1;
                let event = push(&self.pushes.to_string(), &self.name(project, path), Some("v1"), 'b', 1);
                receive(store, &event, 5).await;
            }
            Step::Reserve(project, path, user) => {
                let until = self.database.clock.now().plus(Duration::from_secs(2));
                store.reserve(&self.name(project, path), self.user(user).await, until, ROOM).await.unwrap();
            }
            Step::Quarantine(project, path) => store.quarantine(&self.name(project, path)).await.unwrap(),
            Step::OpenData(project, path, open) => {
                drop(store.set_open_data(&self.item(project, path), open).await);
            }
            Step::Trash(project, path, trashed) => {
                drop(store.set_life_state(&self.item(project, path), state(trashed)).await);
            }
            Step::Local(project, path, local) => {
                drop(store.set_local_sharing(&self.name(project, path), local).await);
            }
            Step::Access(project, path, who, add) => {
                let change: fn(_) -> _ = if add { AccessChange::Add } else { AccessChange::Remove };
                let principal = self.principal(who).await;
                let item = self.item(project, path);
                drop(store.set_access(&item, principal, change(kinds("READ,UPDATE")), 4).await);
            }
            _ => unreachable!("{step:?} is no change of an item"),
        }
    }
}

/// Two tokens of each user.
fn token_id(user: usize, which: usize) -> ServiceTokenId {
    ServiceTokenId::new(i64::try_from(user * 2 + which + 1).unwrap())
}

/// Two subjects of another issuer.
fn subject(which: usize) -> ForeignSubject {
    ForeignSubject::new(&"https://hub.example.org".into(), &which.to_string()).unwrap()
}

/// Both readers' facts of everybody and everything, as text.
async fn both(world: &World, cached: &CachedFacts) -> Vec<(String, String)> {
    let direct = DirectFacts(world.database.store.clone());
    let mut names: Vec<_> =
        (0..2).flat_map(|project| (0..3).map(move |path| world.name(project, path))).collect();
    names.push(RepositoryName::parse("syn5/nowhere").unwrap());
    let mut pairs = Vec::new();
    let mut identities = vec![Identity::Nobody, Identity::Subject(subject(0)), Identity::Subject(subject(1))];
    for (index, user) in USERS.into_iter().enumerate() {
        identities.push(Identity::User(world.user(index).await));
        identities.push(Identity::Robot(name(user)));
        identities.extend((0..2).map(|which| Identity::Token(token_id(index, which))));
    }
    for identity in identities {
        let expected = direct.load(&identity, &names).await.unwrap();
        let found = cached.load(&identity, &names).await.unwrap();
        pairs.push((format!("{found:#?}"), format!("{expected:#?}")));
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn cache_and_database_agree(steps in prop::collection::vec((step(), any::<bool>()), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pairs = runtime.block_on(async {
            let mut world = World::new().await;
            let cached =
                CachedFacts::new(world.database.store.clone(), world.database.clock.clone(), 1 << 20);
            let mut pairs = both(&world, &cached).await;
            for (step, look) in &steps {
                world.take(step).await;
                if *look {
                    cached.catch_up().await.unwrap();
                    pairs.extend(both(&world, &cached).await);
                }
            }
            pairs
        });
        for (found, expected) in pairs {
            prop_assert_eq!(found, expected);
        }
    }
}
