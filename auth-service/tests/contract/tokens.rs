//! The tokens that this service gives: stored, found by number with their owner, limited, and ended.

use std::time::Duration;

use auth_service::adapters::store::Store;
use auth_service::domain::client_id::ClientId;
use auth_service::domain::login;
use auth_service::domain::login_scope::LoginScopes;
use auth_service::domain::principal::UserId;
use auth_service::domain::project::ProjectId;
use auth_service::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenRoom};
use auth_service::domain::time::Timestamp;
use auth_service::domain::token_name::TokenName;
use auth_service::ports::accounts::{UserChange, Users};
use auth_service::ports::facts::{FactsStore, Revision};
use auth_service::ports::system::Clock;
use auth_service::ports::tokens::{AddTokenError, NewToken, Tokens};

use crate::database::{Database, on_both_engines};
use crate::makers::{
    Ending, add_administrator, add_project, add_robot, add_user, name, new_token, open_session, password,
};

on_both_engines!(
    a_token_is_read_with_its_owner_and_gone_once_it_is_revoked,
    a_token_is_revoked_only_as_what_it_is_and_by_its_owner,
    names_are_unique_for_each_user_until_the_token_ends,
    a_user_has_at_most_so_many_and_the_next_is_refused,
    of_logins_the_least_recently_used_goes,
    a_program_takes_the_place_of_its_own_logins_and_first_of_those_never_used,
    where_all_programs_have_too_many_logins_the_one_with_most_gives_way,
    scope_admin_is_for_the_tokens_of_administrators,
    a_demoted_administrators_tokens_lose_scope_admin_for_good,
    what_a_token_is_for_must_exist,
    the_last_use_moves_forward_and_moves_the_end_of_what_lies_idle,
    a_token_that_is_used_twice_a_day_never_lies_idle_for_a_day,
    a_session_that_has_ended_makes_no_token,
    a_login_that_ended_with_the_password_is_not_listed_and_does_not_count,
    ending_all_logins_leaves_personal_tokens_and_ends_passwords_under_way,
    tokens_go_with_their_owner_and_long_after_their_end,
);

use ServiceTokenKind::{Identity, Personal, Session};

const DAY: Duration = Duration::from_hours(24);
const HUNDRED: TokenRoom = TokenRoom::Refuses { most: 100 };

const fn id(number: i64) -> ServiceTokenId {
    ServiceTokenId::new(number)
}

fn named(number: i64, user: UserId, text: &str) -> NewToken {
    NewToken { name: TokenName::parse(text).ok(), ..new_token(id(number), Personal, user) }
}

async fn add(store: &Store, token: &NewToken) {
    store.add_token(token, HUNDRED).await.unwrap();
}

async fn ids(store: &Store, kind: ServiceTokenKind, user: Option<UserId>) -> Vec<i64> {
    store.tokens(kind, user).await.unwrap().iter().map(|token| token.id.number()).collect()
}

/// Whether the facts of a decision would have this token.
async fn is_known(store: &Store, number: i64) -> bool {
    store.snapshot(&login::Identity::Token(id(number)), &[]).await.unwrap().value.token.is_some()
}

async fn revision(store: &Store) -> Revision {
    FactsStore::revision(store).await.unwrap()
}

async fn a_token_is_read_with_its_owner_and_gone_once_it_is_revoked(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let alice = add_user(store, "alice").await;
    let now = database.clock.now();
    let token = NewToken {
        scopes: LoginScopes::parse("download,delete").unwrap(),
        project: Some(project),
        generation: Some(1),
        client: ClientId::read("docker"),
        address: Some("192.0.2.1".to_owned()),
        expires_at: Some(now.plus(2 * DAY)),
        idle_until: Some(now.plus(DAY)),
        ..new_token(id(9), Identity, alice)
    };
    add(store, &token).await;
    let facts = store.snapshot(&login::Identity::Token(id(9)), &[]).await.unwrap().value;
    assert_eq!(facts.user.unwrap().id, alice);
    let read = facts.token.unwrap();
    assert_eq!((read.id, read.kind, read.user, read.scopes), (id(9), Identity, alice, token.scopes));
    assert!(read.digest == token.digest);
    assert_eq!((read.project, read.ends_with_generation), (Some(project), Some(1)));
    assert_eq!(read.expires_at, token.idle_until, "the earlier of the two ends");
    let [record] = <[_; 1]>::try_from(store.tokens(Identity, Some(alice)).await.unwrap()).unwrap();
    assert_eq!(
        (record.user_name, record.client.as_ref().map(ClientId::as_str)),
        (name("alice"), Some("docker"))
    );
    assert_eq!((record.address.as_deref(), record.created_at), (Some("192.0.2.1"), now));
    assert_eq!((record.expires_at, record.last_used_at), (token.idle_until, None));

    let before = revision(store).await;
    assert!(store.revoke_token(Identity, id(9), None).await.unwrap());
    assert!(revision(store).await > before, "running processes hear of it");
    assert!(!is_known(store, 9).await);
    assert!(!store.revoke_token(Identity, id(9), None).await.unwrap());
}

async fn a_token_is_revoked_only_as_what_it_is_and_by_its_owner(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    add(store, &named(1, alice, "a")).await;
    assert!(!store.revoke_token(Identity, id(1), Some(alice)).await.unwrap());
    assert!(!store.revoke_token(Personal, id(1), Some(bob)).await.unwrap());
    assert!(is_known(store, 1).await);
    assert!(store.revoke_token(Personal, id(1), Some(alice)).await.unwrap());
}

async fn names_are_unique_for_each_user_until_the_token_ends(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let end = database.clock.now().plus(DAY);
    add(store, &NewToken { expires_at: Some(end), ..named(1, alice, "build") }).await;
    let again = store.add_token(&named(2, alice, "build"), HUNDRED).await;
    assert!(matches!(again, Err(AddTokenError::NameTaken)), "{again:?}");
    add(store, &named(3, alice, "Build")).await;
    add(store, &named(4, bob, "build")).await;
    database.clock.advance(DAY);
    assert_eq!(ids(store, Personal, Some(alice)).await, [1, 3], "it is still listed");
    add(store, &named(5, alice, "build")).await;
    assert_eq!(ids(store, Personal, Some(alice)).await, [5, 3]);
    assert_eq!(ids(store, Personal, None).await, [5, 3, 4]);
}

async fn a_user_has_at_most_so_many_and_the_next_is_refused(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    add(store, &named(1, alice, "a")).await;
    add(store, &named(2, alice, "b")).await;
    add(store, &new_token(id(3), Session, alice)).await;
    let third = store.add_token(&named(4, alice, "c"), TokenRoom::Refuses { most: 2 }).await;
    assert!(matches!(third, Err(AddTokenError::TooMany(2))), "{third:?}");
    assert!(!is_known(store, 4).await);
}

async fn of_logins_the_least_recently_used_goes(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let login = |number, user| new_token(id(number), Identity, user);
    add(store, &login(8, bob)).await;
    for number in [1, 2, 3] {
        add(store, &login(number, alice)).await;
        database.clock.advance(DAY);
    }
    store.write_uses(&[(id(1), database.clock.now())], DAY).await.unwrap();
    let before = revision(store).await;
    store.add_token(&login(4, alice), TokenRoom::Replaces { most_of_client: 3, most: 3 }).await.unwrap();
    assert!(revision(store).await > before, "caches that keep the dropped one are invalidated");
    assert_eq!(ids(store, Identity, Some(alice)).await, [4, 3, 1]);
    assert!(is_known(store, 8).await);
}

/// A docker login of `user` that `client` has asked for.
async fn log_in(store: &Store, number: i64, user: UserId, client: &str, room: TokenRoom) {
    let client = ClientId::read(client);
    store.add_token(&NewToken { client, ..new_token(id(number), Identity, user) }, room).await.unwrap();
}

async fn a_program_takes_the_place_of_its_own_logins_and_first_of_those_never_used(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let room = TokenRoom::Replaces { most_of_client: 3, most: 100 };
    for number in [1, 2] {
        log_in(store, number, alice, "docker", room).await;
        store.write_uses(&[(id(number), database.clock.now())], DAY).await.unwrap();
        database.clock.advance(DAY);
    }
    log_in(store, 3, alice, "", room).await;
    for number in 10..20 {
        database.clock.advance(Duration::from_secs(1));
        log_in(store, number, alice, "regclient", room).await;
    }
    assert_eq!(ids(store, Identity, Some(alice)).await, [19, 18, 17, 3, 2, 1]);
    for number in [20, 21, 22] {
        database.clock.advance(Duration::from_secs(1));
        log_in(store, number, alice, "docker", room).await;
    }
    let of_docker = [22, 2, 1].map(|number| is_known(store, number));
    assert_eq!(futures_util::future::join_all(of_docker).await, [true; 3], "those in use stay");
    store.write_uses(&[(id(22), database.clock.now())], DAY).await.unwrap();
    log_in(store, 23, alice, "docker", room).await;
    assert!(!is_known(store, 1).await, "of three in use the one goes that was used the longest ago");
    assert!(is_known(store, 2).await && is_known(store, 22).await && is_known(store, 3).await);
}

async fn where_all_programs_have_too_many_logins_the_one_with_most_gives_way(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let room = TokenRoom::Replaces { most_of_client: 3, most: 6 };
    log_in(store, 1, bob, "docker", room).await;
    for (number, client) in (2..).zip(["docker", "docker", "docker", "crane", "crane"]) {
        log_in(store, number, alice, client, room).await;
        database.clock.advance(DAY);
    }
    store.write_uses(&[(id(2), database.clock.now())], DAY).await.unwrap();
    log_in(store, 7, alice, "skopeo", room).await;
    let before = revision(store).await;
    log_in(store, 8, alice, "oras", room).await;
    assert!(revision(store).await > before, "caches that keep the dropped one are invalidated");
    assert!(!is_known(store, 3).await, "docker had most, and this was the first that it never used");
    log_in(store, 9, alice, "crane", room).await;
    assert!(!is_known(store, 5).await, "docker and crane have as many, and crane asks");
    let mut left = ids(store, Identity, None).await;
    left.sort_unstable();
    assert_eq!(left, [1, 2, 4, 6, 7, 8, 9]);
}

async fn scope_admin_is_for_the_tokens_of_administrators(database: Database) {
    let store = &database.store;
    let (alice, root) = (add_user(store, "alice").await, add_administrator(store, "carol").await);
    let with_admin = |number, user| NewToken {
        scopes: LoginScopes::parse("view,admin").unwrap(),
        ..named(number, user, "a")
    };
    let refused = store.add_token(&with_admin(1, alice), HUNDRED).await;
    assert!(matches!(refused, Err(AddTokenError::NotAdministrator)), "{refused:?}");
    assert!(!is_known(store, 1).await);
    add(store, &with_admin(2, root)).await;
}

async fn a_demoted_administrators_tokens_lose_scope_admin_for_good(database: Database) {
    let store = &database.store;
    add_administrator(store, "carol").await;
    let (alice, dave) = (add_administrator(store, "alice").await, add_administrator(store, "dave").await);
    let all = LoginScopes::parse("view,download,admin").unwrap();
    for (number, kind, user) in [(1, Personal, alice), (2, Identity, alice), (3, Personal, dave)] {
        add(store, &NewToken { scopes: all, ..new_token(id(number), kind, user) }).await;
    }
    let administrator = |value| UserChange::Administrator(value);
    store.change_user(&name("alice"), &administrator(false)).await.unwrap();
    store.change_user(&name("alice"), &administrator(true)).await.unwrap();
    let scopes = async |number| {
        let facts = store.snapshot(&login::Identity::Token(id(number)), &[]).await.unwrap().value;
        facts.token.unwrap().scopes.to_string()
    };
    assert_eq!([scopes(1).await, scopes(2).await], ["view download", "view download"]);
    assert_eq!(scopes(3).await, "view download admin");
}

async fn what_a_token_is_for_must_exist(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let nowhere = ProjectId::new(5);
    let token = NewToken { project: Some(nowhere), ..named(1, alice, "a") };
    let refused = store.add_token(&token, HUNDRED).await;
    assert!(
        matches!(refused, Err(AddTokenError::NoSuchProject(project)) if project == nowhere),
        "{refused:?}"
    );
    let (its_own, other) = (add_project(store, "p").await, add_project(store, "q").await);
    let robot = add_robot(store, "ci", its_own).await;
    let bound = |number, project| NewToken { project: Some(project), ..named(number, robot, "a") };
    let refused = store.add_token(&bound(1, other), HUNDRED).await;
    assert!(matches!(refused, Err(AddTokenError::RobotOf(project)) if project == its_own), "{refused:?}");
    add(store, &bound(2, its_own)).await;
    let refused = store.add_token(&named(1, UserId::new(5), "a"), HUNDRED).await;
    assert!(matches!(refused, Err(AddTokenError::NoSuchUser)), "{refused:?}");
}

async fn the_last_use_moves_forward_and_moves_the_end_of_what_lies_idle(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let start = database.clock.now();
    let token = NewToken {
        expires_at: Some(start.plus(30 * DAY)),
        idle_until: Some(start.plus(10 * DAY)),
        ..new_token(id(1), Identity, alice)
    };
    add(store, &token).await;
    add(store, &named(2, alice, "a")).await;
    let ends = || async { store.tokens(Identity, Some(alice)).await.unwrap().remove(0).expires_at };
    let used = |at: Timestamp| async move {
        store.write_uses(&[(id(1), at), (id(2), at), (id(77), at)], 10 * DAY).await.unwrap();
    };
    let before = revision(store).await;
    used(start.plus(DAY / 2)).await;
    assert_eq!((ends().await, revision(store).await), (token.idle_until, before), "half a day moves nothing");
    used(start.plus(5 * DAY)).await;
    assert_eq!(ends().await, Some(start.plus(15 * DAY)));
    assert!(revision(store).await > before);
    used(start.plus(2 * DAY)).await;
    let record = store.tokens(Personal, Some(alice)).await.unwrap().remove(0);
    assert_eq!((record.last_used_at, record.expires_at), (Some(start.plus(5 * DAY)), None));
    used(start.plus(29 * DAY)).await;
    assert_eq!(ends().await, token.expires_at, "the last day stays the last");
}

async fn a_token_that_is_used_twice_a_day_never_lies_idle_for_a_day(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let start = database.clock.now();
    add(store, &NewToken { idle_until: Some(start.plus(DAY)), ..new_token(id(1), Identity, alice) }).await;
    for half_days in 1..8 {
        let at = start.plus(half_days * DAY / 2);
        store.write_uses(&[(id(1), at)], DAY).await.unwrap();
        let record = store.tokens(Identity, Some(alice)).await.unwrap().remove(0);
        assert_eq!(record.expires_at, Some(at.plus(DAY)));
    }
}

async fn a_session_that_has_ended_makes_no_token(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    for (number, ending) in (1..).zip(Ending::ALL) {
        let session = open_session(store, alice).await;
        add(store, &NewToken { made_in: Some(session), ..named(number, alice, &format!("{ending:?}")) })
            .await;
        ending.end_sessions(store, "alice", alice).await;
        let late = NewToken { made_in: Some(session), ..named(number + 10, alice, "late") };
        let refused = store.add_token(&late, HUNDRED).await;
        assert!(matches!(refused, Err(AddTokenError::SessionEnded)), "{ending:?}: {refused:?}");
    }
    assert_eq!(ids(store, Personal, Some(alice)).await.len(), 3);
}

async fn a_login_that_ended_with_the_password_is_not_listed_and_does_not_count(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let login = |number, generation| NewToken {
        generation: Some(generation),
        ..new_token(id(number), Identity, alice)
    };
    add(store, &login(1, 1)).await;
    assert_eq!(ids(store, Identity, None).await, [1]);
    Ending::NewPassword.end_sessions(store, "alice", alice).await;
    assert!(ids(store, Identity, None).await.is_empty());
    store.add_token(&login(2, 2), TokenRoom::Refuses { most: 1 }).await.unwrap();
    assert_eq!(ids(store, Identity, Some(alice)).await, [2]);
}

async fn ending_all_logins_leaves_personal_tokens_and_ends_passwords_under_way(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    add(store, &named(1, alice, "a")).await;
    for (number, kind, user) in [(2, Identity, alice), (3, Session, alice), (4, Session, bob)] {
        add(store, &new_token(id(number), kind, user)).await;
    }
    store.end_logins(alice).await.unwrap();
    let known = [1, 2, 3, 4].map(|number| is_known(store, number));
    let known = futures_util::future::join_all(known).await;
    assert_eq!(known, [true, false, false, true]);
    let user = store.snapshot(&login::Identity::User(alice), &[]).await.unwrap().value.user.unwrap();
    assert_eq!(user.generation, 2);
}

async fn tokens_go_with_their_owner_and_long_after_their_end(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let start = database.clock.now();
    add(store, &named(1, alice, "a")).await;
    add(store, &NewToken { expires_at: Some(start.plus(DAY)), ..named(2, bob, "a") }).await;
    add(store, &named(3, bob, "b")).await;
    store.change_user(&name("alice"), &UserChange::Password(password("$new"))).await.unwrap();
    assert!(is_known(store, 1).await);
    store.remove_user(&name("alice")).await.unwrap();
    assert!(!is_known(store, 1).await);
    let (idle, end) = (Some(start.plus(DAY)), Some(start.plus(9 * DAY)));
    add(store, &NewToken { idle_until: idle, expires_at: end, ..new_token(id(4), Identity, bob) }).await;
    store.forget_ended(start).await.unwrap();
    assert_eq!(ids(store, Personal, None).await, [2, 3]);
    assert_eq!(ids(store, Identity, None).await, [4]);
    store.forget_ended(start.plus(DAY)).await.unwrap();
    assert_eq!(ids(store, Personal, None).await, [3]);
    assert_eq!(
        ids(store, Identity, None).await,
        [0; 0],
        "that it could live longer does not keep what lay idle"
    );
}
