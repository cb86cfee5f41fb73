//! Token requests, and what can happen while they are answered.

use std::sync::atomic::Ordering;

use auth_service::app::issue_token::{TokenAnswer, TokenRequest};
use auth_service::app::token_refusal::TokenRefusal;
use auth_service::domain::account::AccountState;
use auth_service::domain::credential::Credential;
use auth_service::domain::facts::RepositoryFacts;
use auth_service::domain::principal::UserId;
use auth_service::domain::reason::ReasonCode;
use auth_service::domain::reason::Refusal;
use auth_service::ports::login_error::LoginError;
use auth_service::ports::registry::Holding;

use super::fakes::{ALICE, Outside, request};

pub(crate) const PULL: &str = "repository:syn5/app:pull";

pub(crate) fn refusal(answer: &TokenAnswer) -> Option<Refusal> {
    match &answer.outcome {
        Err(TokenRefusal::Login(LoginError::Rejected(rejection))) => Some(rejection.refusal()),
        Err(TokenRefusal::NotLoggedIn(refusal) | TokenRefusal::Denied(refusal)) => Some(refusal.clone()),
        _ => None,
    }
}

pub(crate) fn code(answer: &TokenAnswer) -> Option<ReasonCode> {
    refusal(answer).map(|refusal| refusal.code)
}

/// The sentence that the client gets; empty when it gets a token.
pub(crate) fn message(answer: &TokenAnswer) -> String {
    refusal(answer).map(|refusal| refusal.message).unwrap_or_default()
}

pub(crate) fn is_unavailable(answer: &TokenAnswer) -> bool {
    matches!(
        answer.outcome,
        Err(TokenRefusal::Login(LoginError::Unavailable(_)) | TokenRefusal::Unavailable(_))
    )
}

#[tokio::test]
async fn a_right_login_gets_what_it_asks_and_is_hashed_once() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    for _ in 0..3 {
        let answer = issue_token.run(&request("sesame", PULL)).await;
        assert_eq!(answer.user, Some(ALICE));
        let issued = answer.outcome.unwrap();
        assert_eq!(issued.scope, PULL);
        assert!(
            issued.token.contains(r#""access":[{"type":"repository","name":"syn5/app","actions":["pull"]}]"#)
        );
        assert!(issued.token.contains(r#""sub":"3400001","aud":"s","exp":1800000300,"nbf":1799999940"#));
    }
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_wrong_password_is_hashed_each_time_and_reveals_nothing() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    for _ in 0..2 {
        let answer = issue_token.run(&request("guess", PULL)).await;
        assert_eq!((answer.user, code(&answer)), (None, Some(ReasonCode::WrongCredentials)));
    }
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_new_password_ends_remembered_logins_at_once() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    assert!(issue_token.run(&request("sesame", PULL)).await.outcome.is_ok());
    outside.change(|world| {
        world.password = "changed".to_owned();
        world.generation += 1;
    });
    assert_eq!(code(&issue_token.run(&request("sesame", PULL)).await), Some(ReasonCode::WrongCredentials));
    assert!(issue_token.run(&request("changed", PULL)).await.outcome.is_ok());
}

#[tokio::test]
async fn an_account_that_is_removed_and_made_again_logs_in_at_once() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    assert_eq!(issue_token.run(&request("sesame", PULL)).await.user, Some(ALICE));
    outside.change(|world| world.user = UserId::new(3_400_009));
    assert_eq!(issue_token.run(&request("sesame", PULL)).await.user, Some(UserId::new(3_400_009)));
    outside.change(|world| world.exists = false);
    assert_eq!(code(&issue_token.run(&request("sesame", PULL)).await), Some(ReasonCode::WrongCredentials));
}

#[tokio::test]
async fn a_password_that_changes_while_the_old_one_is_checked_is_not_overtaken() {
    let outside = Outside::new();
    *outside.meanwhile.lock().unwrap() = Some(Box::new(|world| {
        world.password = "changed".to_owned();
        world.generation += 1;
    }));
    let answer = outside.issue_token().run(&request("sesame", PULL)).await;
    assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
}

#[tokio::test]
async fn disabling_and_removing_hold_for_the_next_request() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    assert!(issue_token.run(&request("sesame", PULL)).await.outcome.is_ok());
    outside.change(|world| {
        world.state = AccountState::Disabled;
        world.generation += 1;
    });
    assert_eq!(code(&issue_token.run(&request("sesame", PULL)).await), Some(ReasonCode::AccountDisabled));
    assert_eq!(code(&issue_token.run(&request("guess", PULL)).await), Some(ReasonCode::WrongCredentials));
    outside.change(|world| world.exists = false);
    assert_eq!(code(&issue_token.run(&request("sesame", PULL)).await), Some(ReasonCode::WrongCredentials));
}

#[tokio::test]
async fn an_outage_is_not_reported_as_a_wrong_login() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    assert!(issue_token.run(&request("sesame", PULL)).await.outcome.is_ok());
    outside.database_down.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&issue_token.run(&request("sesame", PULL)).await));
    assert!(is_unavailable(&issue_token.run(&request("guess", PULL)).await));
    outside.database_down.store(false, Ordering::SeqCst);
    outside.key_expired.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&issue_token.run(&request("sesame", PULL)).await));
}

#[tokio::test]
async fn anonymous_callers_are_asked_to_log_in_and_a_login_alone_needs_a_login() {
    let issue_token = Outside::new().issue_token();
    for scopes in [vec![PULL.to_owned()], Vec::new()] {
        let anonymous = TokenRequest { credential: Credential::Anonymous, scopes, ..request("", "") };
        assert_eq!(code(&issue_token.run(&anonymous).await), Some(ReasonCode::Anonymous));
    }
    let login = TokenRequest { scopes: Vec::new(), ..request("sesame", "") };
    assert_eq!(issue_token.run(&login).await.outcome.unwrap().scope, "");
}

#[tokio::test]
async fn no_facts_are_loaded_without_a_login_unless_anonymous_pull_is_on() {
    let outside = Outside::new();
    let mut issue_token = outside.issue_token();
    let scopes: Vec<_> = (1..=64).map(|number| format!("repository:syn{number}/app:pull")).collect();
    for (anonymous_pull, names) in [(false, 0), (true, 64)] {
        issue_token.rules.policy.anonymous_pull = anonymous_pull;
        let scopes = scopes.clone();
        let anonymous = TokenRequest { credential: Credential::Anonymous, scopes, ..request("", "") };
        assert_eq!(code(&issue_token.run(&anonymous).await), Some(ReasonCode::Anonymous));
        assert_eq!(outside.names_loaded.swap(0, Ordering::SeqCst), names);
    }
}

#[tokio::test]
async fn another_service_is_refused_before_the_password_is_looked_at() {
    let outside = Outside::new();
    let foreign = TokenRequest { service: Some("other".to_owned()), ..request("sesame", PULL) };
    assert_eq!(code(&outside.issue_token().run(&foreign).await), Some(ReasonCode::ForeignService));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_first_push_reserves_the_name_before_the_token_goes_out() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    issue_token.first_push.numbers.run().await.unwrap();
    let answer = issue_token.run(&request("sesame", "repository:syn5/new:pull,push")).await;
    assert_eq!(answer.outcome.unwrap().scope, "repository:syn5/new:pull,push");
    let world = outside.world.lock().unwrap();
    assert_eq!(world.repositories["syn5/new"], RepositoryFacts::Reserved { by: ALICE });
}

#[tokio::test]
async fn a_name_under_which_the_registry_holds_images_is_closed() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    issue_token.first_push.numbers.run().await.unwrap();
    outside.change(|world| world.held_by_registry.extend([("syn5/old".to_owned(), Holding::Tagged)]));
    let answer = issue_token.run(&request("sesame", "repository:syn5/old:pull,push")).await;
    assert_eq!(code(&answer), Some(ReasonCode::Unavailable));
    assert_eq!(outside.world.lock().unwrap().repositories["syn5/old"], RepositoryFacts::Quarantined);
}

#[tokio::test]
async fn a_first_push_waits_for_the_registry_and_pulls_do_not() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    issue_token.first_push.numbers.run().await.unwrap();
    outside.registry_down.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&issue_token.run(&request("sesame", "repository:syn5/new:pull,push")).await));
    assert!(issue_token.run(&request("sesame", "repository:syn5/app:pull,push")).await.outcome.is_ok());
}
