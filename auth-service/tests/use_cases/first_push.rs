//! Names that are used for the first time, to push to them or to look whether there is anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auth_service::app::first_push::{FirstPush, FirstPushError, Settled};
use auth_service::app::issue_token::{IssueToken, TokenRequest};
use auth_service::domain::access::{AccessKind, AccessSet};
use auth_service::domain::account::AccountState;
use auth_service::domain::credential::Credential;
use auth_service::domain::decision::FirstUse;
use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::principal::UserId;
use auth_service::domain::reason::ReasonCode;
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::registry::Holding;

use super::fakes::{ALICE, Outside, World, request};
use super::issue_token::{code, is_unavailable, message};

const PUSH: &str = "repository:syn5/new:pull,push";
const LOOK: &str = "repository:syn5/new:pull";
const BESIDE: &str = "repository:syn5/app:pull";

fn name() -> RepositoryName {
    RepositoryName::parse("syn5/new").unwrap()
}

async fn first_push(outside: &Arc<Outside>) -> FirstPush {
    let first_push = outside.first_push(&Arc::new(outside.raise_numbers()));
    first_push.numbers.run().await.unwrap();
    first_push
}

async fn issue_token(outside: &Arc<Outside>) -> IssueToken {
    let issue_token = outside.issue_token();
    issue_token.first_push.numbers.run().await.unwrap();
    issue_token
}

fn hold(outside: &Outside, holding: Holding) {
    outside.change(|world| world.held_by_registry.extend([("syn5/new".to_owned(), holding)]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_before_the_numbers_in_use_are_known() {
    let outside = Outside::new();
    let first_push = outside.first_push(&Arc::new(outside.raise_numbers()));
    let settled = first_push.settle(&name(), FirstUse::Push, ALICE).await;
    assert!(matches!(settled, Err(FirstPushError::CatalogueUnread)));
    let name = name();
    let (settled, raised) =
        tokio::join!(first_push.settle(&name, FirstUse::Push, ALICE), first_push.numbers.run());
    raised.unwrap();
    assert_eq!(settled.unwrap(), Settled::Free);
}

#[tokio::test]
async fn of_two_who_push_a_new_name_one_gets_it() {
    let outside = Outside::new();
    let first_push = first_push(&outside).await;
    let other = UserId::new(3_400_002);
    let (name, same_name) = (name(), name());
    let (one, two) = tokio::join!(
        first_push.settle(&name, FirstUse::Push, ALICE),
        first_push.settle(&same_name, FirstUse::Push, other)
    );
    assert_eq!([one.unwrap(), two.unwrap()], [Settled::Free, Settled::NameKnown]);
}

#[tokio::test]
async fn what_is_withdrawn_while_the_registry_answers_is_not_granted_any_more() {
    type Change = fn(&mut World);
    let disable: Change = |world| {
        world.state = AccountState::Disabled;
        world.generation += 1;
    };
    let changes: [(Change, ReasonCode); 5] = [
        (disable, ReasonCode::AccountDisabled),
        (|world| world.project_state = LifeState::Trashed, ReasonCode::InTrash),
        (
            |world| world.access = AccessSet::ALL.without([AccessKind::Create].into_iter().collect()),
            ReasonCode::NoCreate,
        ),
        (|world| world.access = AccessSet::NONE, ReasonCode::NotVisible),
        (|world| world.certified = false, ReasonCode::NotCertified),
    ];
    for (change, reason) in changes {
        let outside = Outside::new();
        let issue_token = issue_token(&outside).await;
        *outside.while_registry_answers.lock().unwrap() = Some(Box::new(change));
        let answer = issue_token.run(&request("sesame", PUSH)).await;
        assert_eq!(code(&answer), Some(reason), "{}", message(&answer));
    }
}

#[tokio::test]
async fn what_is_withdrawn_from_other_repositories_while_the_registry_answers_is_not_granted_either() {
    for scope in [PUSH, LOOK] {
        let outside = Outside::new();
        let issue_token = issue_token(&outside).await;
        *outside.while_registry_answers.lock().unwrap() = Some(Box::new(|world| {
            let trashed =
                RepositoryFacts::Known { state: LifeState::Trashed, open_data: false, local_sharing: None };
            world.repositories.insert("syn5/app".to_owned(), trashed);
        }));
        let scopes = vec![scope.to_owned(), BESIDE.to_owned()];
        let answer = issue_token.run(&TokenRequest { scopes, ..request("sesame", "") }).await;
        assert_eq!(answer.outcome.unwrap().scope, scope);
    }
}

#[tokio::test]
async fn a_lookup_by_a_user_who_may_push_is_granted_and_reserves_nothing() {
    let outside = Outside::new();
    let issue_token = issue_token(&outside).await;
    for _ in 0..2 {
        assert_eq!(issue_token.run(&request("sesame", LOOK)).await.outcome.unwrap().scope, LOOK);
        assert!(!outside.world.lock().unwrap().repositories.contains_key("syn5/new"));
    }
}

#[tokio::test]
async fn each_lookup_asks_the_registry_and_existing_content_is_closed_to_readers() {
    for holding in [Holding::Tagged, Holding::Untagged] {
        let outside = Outside::new();
        let issue_token = issue_token(&outside).await;
        assert!(issue_token.run(&request("sesame", LOOK)).await.outcome.is_ok());
        hold(&outside, holding);
        for scope in [LOOK, PUSH] {
            let answer = issue_token.run(&request("sesame", scope)).await;
            assert_eq!(code(&answer), Some(ReasonCode::Unavailable), "{holding:?}");
        }
        assert_eq!(outside.world.lock().unwrap().repositories["syn5/new"], RepositoryFacts::Quarantined);
    }
}

#[tokio::test]
async fn the_registry_is_not_asked_for_callers_who_may_not_push_first() {
    type Change = fn(&mut World);
    let changes: [Change; 4] = [
        |world| world.access = AccessSet::ALL.without([AccessKind::Create].into_iter().collect()),
        |world| world.certified = false,
        |world| world.access = AccessSet::NONE,
        |world| world.project_state = LifeState::Trashed,
    ];
    for change in changes {
        let outside = Outside::new();
        let issue_token = issue_token(&outside).await;
        outside.change(change);
        let before = outside.questions.load(Ordering::SeqCst);
        let answer = issue_token.run(&request("sesame", LOOK)).await;
        assert!(matches!(code(&answer), Some(ReasonCode::NotVisible | ReasonCode::InTrash)));
        let anonymous = TokenRequest { credential: Credential::Anonymous, ..request("", LOOK) };
        assert_eq!(code(&issue_token.run(&anonymous).await), Some(ReasonCode::Anonymous));
        assert_eq!(outside.questions.load(Ordering::SeqCst), before);
    }
}

#[tokio::test]
async fn a_look_waits_for_the_registry() {
    let outside = Outside::new();
    let issue_token = issue_token(&outside).await;
    outside.registry_down.store(true, Ordering::SeqCst);
    let answer = issue_token.run(&request("sesame", LOOK)).await;
    assert!(is_unavailable(&answer));
}

#[tokio::test]
async fn layers_of_a_push_that_broke_off_are_no_obstacle_to_going_on_with_it_and_tags_are() {
    for (holding, closed) in [(Holding::Untagged, false), (Holding::Tagged, true)] {
        let outside = Outside::new();
        let issue_token = issue_token(&outside).await;
        hold(&outside, holding);
        outside.change(|world| world.ended_reservations.push("syn5/new".to_owned()));
        assert_eq!(issue_token.run(&request("sesame", PUSH)).await.outcome.is_err(), closed);
    }
}

#[tokio::test]
async fn a_first_push_beyond_the_limit_is_refused_and_one_that_is_under_way_goes_on() {
    let outside = Outside::new();
    let issue_token = issue_token(&outside).await;
    assert!(issue_token.run(&request("sesame", PUSH)).await.outcome.is_ok());
    outside.change(|world| world.room = 1);
    let answer = issue_token.run(&request("sesame", "repository:syn5/other:pull,push")).await;
    assert_eq!(code(&answer), Some(ReasonCode::Unavailable));
    assert!(message(&answer).contains("you began to push 1000 new images"), "{}", message(&answer));
    assert!(issue_token.run(&request("sesame", PUSH)).await.outcome.is_ok());
}
