//! Things that tests need before they begin, in one line each.

use auth_service::adapters::store::Store;
use auth_service::adapters::system::random_bytes;
use auth_service::domain::access::AccessSet;
use auth_service::domain::account::{AccountName, AccountState, EmailAddress, LoginName};
use auth_service::domain::event::{EventMeaning, ManifestPush};
use auth_service::domain::foreign::shape::TokenShapes;
use auth_service::domain::image::{Digest, Tag};
use auth_service::domain::login::Identity;
use auth_service::domain::login_scope::LoginScopes;
use auth_service::domain::principal::{TeamId, UserId};
use auth_service::domain::project::{ProjectId, ProjectName};
use auth_service::domain::repository::{Item, RepositoryName};
use auth_service::domain::service_token::{ServiceToken, ServiceTokenId, ServiceTokenKind, TokenRoom};
use auth_service::domain::time::Timestamp;
use auth_service::ports::accounts::{NewUser, StoredPassword, Teams, UserChange, Users};
use auth_service::ports::events::{EventInbox, IncomingEvent, Receipt};
use auth_service::ports::facts::FactsStore as _;
use auth_service::ports::items::{Items, ReservationLimits};
use auth_service::ports::tokens::{NewToken, Tokens as _};

/// Limits on reservations that nobody reaches.
pub(crate) const ROOM: ReservationLimits = ReservationLimits { per_user: 1_000_000, per_project: 1_000_000 };

pub(crate) fn name(text: &str) -> AccountName {
    AccountName::parse(text).unwrap()
}

pub(crate) fn login(text: &str) -> LoginName {
    LoginName::parse(text).unwrap()
}

/// A password that is kept as this hash.
pub(crate) fn password(hash: &str) -> StoredPassword {
    StoredPassword { hash: hash.to_owned(), shapes: TokenShapes::default().digest() }
}

/// An account as it would be made; its address is `NAME@example.org`.
pub(crate) fn new_user(text: &str) -> NewUser {
    NewUser {
        name: name(text),
        email: EmailAddress::parse(&format!("{text}@example.org")).ok(),
        password: Some(password(&format!("$argon2id$of-{text}"))),
        certified: false,
        administrator: false,
        robot_of: None,
    }
}

/// A token as it would be made, with everything that can be absent absent.
pub(crate) fn new_token(id: ServiceTokenId, kind: ServiceTokenKind, user: UserId) -> NewToken {
    let (_, digest) = ServiceToken::compose(kind, id, &[7; 24]);
    NewToken {
        id,
        kind,
        user,
        name: None,
        digest,
        scopes: LoginScopes::USUAL,
        project: None,
        generation: None,
        service: None,
        client: None,
        address: None,
        expires_at: None,
        idle_until: None,
        made_in: None,
    }
}

pub(crate) async fn add_user(store: &Store, text: &str) -> UserId {
    store.add_user(&new_user(text)).await.unwrap()
}

pub(crate) async fn add_administrator(store: &Store, text: &str) -> UserId {
    store.add_user(&NewUser { administrator: true, ..new_user(text) }).await.unwrap()
}

pub(crate) async fn add_robot(store: &Store, text: &str, project: ProjectId) -> UserId {
    let robot = NewUser { email: None, password: None, robot_of: Some(project), ..new_user(text) };
    store.add_user(&robot).await.unwrap()
}

pub(crate) async fn add_team(store: &Store, text: &str, members: &[&str]) -> TeamId {
    let team = store.add_team(&name(text)).await.unwrap();
    for member in members {
        store.set_member(&name(text), &name(member), true).await.unwrap();
    }
    team
}

/// A project called `text` of a user called `text-owner`.
pub(crate) async fn add_project(store: &Store, text: &str) -> ProjectId {
    let owner = add_user(store, &format!("{text}-owner")).await;
    add_project_of(store, text, owner).await
}

pub(crate) async fn add_project_of(store: &Store, text: &str, owner: UserId) -> ProjectId {
    store.add_project(&ProjectName::parse(text).unwrap(), owner).await.unwrap()
}

pub(crate) fn repository(project: ProjectId, path: &str) -> RepositoryName {
    RepositoryName::parse(&format!("{project}/{path}")).unwrap()
}

pub(crate) fn item(name: &RepositoryName) -> Item {
    Item::Repository(name.clone())
}

pub(crate) fn kinds(text: &str) -> AccessSet {
    text.parse().unwrap()
}

pub(crate) const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A digest that differs for each number.
pub(crate) fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap()
}

/// An event that says nothing but that `digest` was pushed to `name`, under a tag or under none.
pub(crate) fn push(
    id: &str,
    name: &RepositoryName,
    tag: Option<&str>,
    letter: char,
    when: i64,
) -> IncomingEvent {
    let push = ManifestPush {
        repository: name.clone(),
        digest: digest(letter),
        tag: tag.map(|tag| Tag::parse(tag).unwrap()),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 423,
        pushed_by: Some(UserId::new(3_400_001)),
    };
    IncomingEvent {
        id: id.to_owned(),
        body: format!(r#"{{"id":"{id}","when":{when}}}"#),
        meaning: EventMeaning::Push(push),
        happened_at: at(when),
    }
}

pub(crate) async fn receive(store: &Store, event: &IncomingEvent, arrived_at: i64) -> Receipt {
    let receipts = store.receive(std::slice::from_ref(event), &[], at(arrived_at)).await.unwrap();
    assert_eq!(receipts.len(), 1);
    receipts[0]
}

/// A repository in use, made as they all are: by a push.
pub(crate) async fn add_repository(store: &Store, project: ProjectId, path: &str) -> RepositoryName {
    let name = repository(project, path);
    let event = push(&format!("first-of-{name}"), &name, Some("latest"), 'a', 1_000);
    assert_eq!(receive(store, &event, 1_000).await, Receipt::Applied);
    name
}

/// The number of a session of the user that is open.
pub(crate) async fn open_session(store: &Store, user: UserId) -> ServiceTokenId {
    let snapshot = store.snapshot(&Identity::User(user), &[]).await.unwrap();
    let generation = snapshot.value.user.map(|user| user.generation);
    let id = ServiceTokenId::from_random(random_bytes().unwrap());
    let session = NewToken { generation, ..new_token(id, ServiceTokenKind::Session, user) };
    store.add_token(&session, TokenRoom::of(session.kind)).await.unwrap();
    id
}

/// Everything that ends the sessions of somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Logout,
    NewPassword,
    Disabling,
}

impl Ending {
    pub(crate) const ALL: [Self; 3] = [Self::Logout, Self::NewPassword, Self::Disabling];

    pub(crate) async fn end_sessions(self, store: &Store, text: &str, user: UserId) {
        let change = |change| async move { store.change_user(&name(text), &change).await.unwrap() };
        match self {
            Self::Logout => store.end_logins(user).await.unwrap(),
            Self::NewPassword => change(UserChange::Password(password("$new"))).await,
            Self::Disabling => {
                change(UserChange::State(AccountState::Disabled)).await;
                change(UserChange::State(AccountState::Active)).await;
            }
        }
    }
}
