//! Passwords that were set under other settings: of token issuers, and of how they are hashed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auth_service::app::give_tokens::Requester;
use auth_service::app::issue_token::{IssueToken, TokenAnswer, TokenRequest};
use auth_service::app::sessions::{NoSession, Sessions};
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::foreign::shape::ShapesDigest;
use auth_service::domain::reason::ReasonCode;
use serde_json::json;

use super::fakes::{ALICE, Outside, request};
use super::foreign::{shapes, token};
use super::issue_token::{PULL, code, message};

fn credential(secret: &str) -> Credential {
    Credential::of("alice".to_owned(), Password::new(secret.to_owned()), &shapes())
}

async fn ask(issue_token: &IssueToken, secret: &str) -> TokenAnswer {
    issue_token.run(&TokenRequest { credential: credential(secret), ..request("", PULL) }).await
}

/// An account whose password was set before there were issuers.
fn older(password: &str) -> Arc<Outside> {
    let outside = Outside::new();
    outside.change(|world| {
        password.clone_into(&mut world.password);
        world.shapes = ShapesDigest::NONE;
    });
    outside
}

fn sent(outside: &Outside) -> usize {
    outside.sent_to_issuers.lock().unwrap().len()
}

#[tokio::test]
async fn a_password_that_looks_like_the_tokens_of_a_later_issuer_logs_in_and_is_sent_nowhere() {
    let outside = older("hub_s3cret");
    let issue_token = outside.issue_token();
    for _ in 0..2 {
        assert_eq!(ask(&issue_token, "hub_s3cret").await.user, Some(ALICE));
    }
    assert_eq!((sent(&outside), outside.hashes.load(Ordering::SeqCst)), (0, 1), "and is remembered");
    outside.change(|world| {
        world.password = "hub_changed".to_owned();
        world.generation += 1;
    });
    assert_eq!(ask(&issue_token, "hub_changed").await.user, Some(ALICE));
    assert_eq!(sent(&outside), 0);
    let sessions = Sessions {
        log_in: Arc::clone(&issue_token.log_in),
        give_tokens: Arc::clone(&issue_token.give_tokens),
        tokens: Arc::<Outside>::clone(&outside),
        facts: Arc::<Outside>::clone(&outside),
    };
    let open = async |secret| {
        let request = request("", PULL);
        sessions.open(&credential(secret), request.origin, Requester::default()).await
    };
    assert!(open("hub_changed").await.is_ok());
    assert!(matches!(open("hub_forged").await, Err(NoSession::NotAPassword)));
    assert_eq!(sent(&outside), 0, "nor is a token that somebody takes for a password");
}

#[tokio::test]
async fn tokens_under_the_name_of_such_an_account_go_on_and_are_never_counted() {
    let outside = older("sesame");
    outside.link_alice();
    let issue_token = outside.issue_token();
    for _ in 0..10 {
        assert_eq!(code(&ask(&issue_token, "hub_forged").await), Some(ReasonCode::WrongCredentials));
    }
    assert!(outside.world.lock().unwrap().failures.is_empty());
    assert_eq!(ask(&issue_token, &token("hub", &json!({}))).await.user, Some(ALICE));
    assert_eq!(sent(&outside), 11);
    assert_eq!(ask(&issue_token, "sesame").await.user, Some(ALICE), "nothing is locked");
    let hashes = outside.hashes.load(Ordering::SeqCst);
    assert_eq!(ask(&issue_token, &token("hub", &json!({}))).await.user, Some(ALICE));
    assert_eq!(
        outside.hashes.load(Ordering::SeqCst),
        hashes,
        "her password is no token's: none is tried as one"
    );
}

#[tokio::test]
async fn a_token_does_not_reveal_who_has_such_a_password() {
    let answers = [(true, true), (true, false), (false, true)].map(async |(exists, is_older)| {
        let outside = older("sesame");
        outside.change(|world| {
            world.exists = exists;
            world.others_unchecked = true;
            if !is_older {
                world.shapes = shapes().digest();
            }
        });
        let answer = ask(&outside.issue_token(), "hub_forged").await;
        (message(&answer), outside.hashes.load(Ordering::SeqCst), sent(&outside))
    });
    let answers = futures_util::future::join_all(answers).await;
    assert_eq!((answers[0].1, answers[0].2), (1, 1));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_weak_hash_is_renewed_at_the_next_right_login_which_ends_no_other() {
    let outside = Outside::new();
    outside.change(|world| world.password = "~sesame".to_owned());
    let issue_token = outside.issue_token();
    assert_eq!(code(&ask(&issue_token, "guess").await), Some(ReasonCode::WrongCredentials));
    assert_eq!(outside.world.lock().unwrap().password, "~sesame");
    outside.read_only.store(true, Ordering::SeqCst);
    assert_eq!(
        ask(&outside.issue_token(), "sesame").await.user,
        Some(ALICE),
        "also when it cannot be written"
    );
    outside.read_only.store(false, Ordering::SeqCst);
    assert_eq!(ask(&issue_token, "sesame").await.user, Some(ALICE));
    let world = outside.world.lock().unwrap();
    assert_eq!((world.password.as_str(), world.generation), ("sesame", 1));
}

#[tokio::test]
async fn a_password_that_is_changed_while_the_old_one_is_renewed_stays() {
    let outside = Outside::new();
    outside.change(|world| world.password = "~sesame".to_owned());
    *outside.meanwhile.lock().unwrap() = Some(Box::new(|world| {
        world.password = "changed".to_owned();
        world.generation += 1;
    }));
    assert_eq!(code(&ask(&outside.issue_token(), "sesame").await), Some(ReasonCode::WrongCredentials));
    assert_eq!(outside.world.lock().unwrap().password, "changed");
}
