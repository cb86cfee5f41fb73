//! Tokens of this service in place of a password.

use std::sync::atomic::Ordering;

use auth_service::app::give_tokens::{PersonalTokenRequest, Requester};
use auth_service::app::issue_token::{IssueToken, TokenAnswer, TokenRequest};
use auth_service::domain::account::AccountState;
use auth_service::domain::client_id::ClientId;
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::foreign::shape::TokenShapes;
use auth_service::domain::login::CredentialUse;
use auth_service::domain::login_scope::LoginScopes;
use auth_service::domain::project::ProjectId;
use auth_service::domain::reason::ReasonCode;
use auth_service::domain::time::Timestamp;

use super::fakes::{ALICE, Outside, request};
use super::issue_token::{PULL, code, message};

const PUSH: &str = "repository:syn5/app:pull,push";

fn personal(scopes: &str) -> PersonalTokenRequest {
    PersonalTokenRequest {
        user: ALICE,
        name: None,
        scopes: LoginScopes::parse(scopes).unwrap(),
        project: None,
        expires_at: None,
        made_in: None,
    }
}

/// A request with a secret as the password, whatever the name.
fn with(secret: &str, scope: &str) -> TokenRequest {
    let credential =
        Credential::of("anything".to_owned(), Password::new(secret.to_owned()), &TokenShapes::default());
    TokenRequest { credential, ..request("", scope) }
}

async fn ask(issue_token: &IssueToken, secret: &str, scope: &str) -> TokenAnswer {
    issue_token.run(&with(secret, scope)).await
}

#[tokio::test]
async fn a_personal_access_token_gives_at_most_its_scopes() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let token = outside.give_tokens().personal(personal("download")).await.unwrap().text;
    let pulled = ask(&issue_token, &token, PULL).await;
    assert_eq!(pulled.user, Some(ALICE));
    assert_eq!(pulled.outcome.unwrap().scope, PULL);
    let pushed = ask(&issue_token, &token, PUSH).await;
    assert_eq!(code(&pushed), Some(ReasonCode::TokenScope));
    assert!(message(&pushed).contains("a token that allows only download, and pushing also needs modify"));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 0, "no password hash is computed");
}

#[tokio::test]
async fn a_mistyped_token_is_refused_without_looking_anything_up() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let token = outside.give_tokens().personal(personal("download")).await.unwrap().text;
    outside.database_down.store(true, Ordering::SeqCst);
    let answer = ask(&issue_token, &token[..token.len() - 1], PULL).await;
    assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
    assert!(message(&answer).contains("mistyped"), "{}", message(&answer));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 0);
    assert!(outside.world.lock().unwrap().failures.is_empty(), "it counts as no wrong password");
}

#[tokio::test]
async fn each_end_of_a_token_has_its_own_sentence() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let give = outside.give_tokens();
    let until = PersonalTokenRequest {
        expires_at: Some(Timestamp::from_seconds(1_800_000_010)),
        ..personal("download")
    };
    let token = give.personal(until).await.unwrap().text;
    assert!(ask(&issue_token, &token, PULL).await.outcome.is_ok());
    outside.change(|world| world.seconds = 10);
    let expired = ask(&issue_token, &token, PULL).await;
    assert!(message(&expired).contains("expired on 2027-01-15"), "{}", message(&expired));
    outside.change(|world| world.tokens.clear());
    assert!(message(&ask(&issue_token, &token, PULL).await).contains("was revoked"));
    let token = give.personal(personal("download")).await.unwrap().text;
    outside.change(|world| world.state = AccountState::Disabled);
    assert_eq!(code(&ask(&issue_token, &token, PULL).await), Some(ReasonCode::AccountDisabled));
}

#[tokio::test]
async fn a_personal_access_token_outlives_a_password_and_can_be_bound_to_a_project() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let bound = PersonalTokenRequest { project: Some(ProjectId::new(6)), ..personal("view,download") };
    let token = outside.give_tokens().personal(bound).await.unwrap().text;
    outside.change(|world| world.generation += 1);
    let refused = ask(&issue_token, &token, PULL).await;
    assert!(message(&refused).contains("is for project syn6 only"), "{}", message(&refused));
    assert!(
        ask(&issue_token, &token, "repository:syn6/app:pull").await.outcome.is_err(),
        "there is no such thing"
    );
}

/// A login that stores an identity token, as `docker login` is.
fn docker_login(password: &str) -> TokenRequest {
    let requester = Requester { client: ClientId::read("docker"), address: Some("192.0.2.1".to_owned()) };
    TokenRequest { scopes: Vec::new(), stores_token: Some(requester), ..request(password, "") }
}

fn refresh(token: &str, scope: &str) -> TokenRequest {
    TokenRequest { credential_use: CredentialUse::Refresh, ..with(token, scope) }
}

#[tokio::test]
async fn an_identity_token_is_given_for_a_password_and_works_as_refresh_token_only() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let token = issue_token.run(&docker_login("sesame")).await.outcome.unwrap().refresh_token.unwrap();
    for _ in 0..3 {
        let answer = issue_token.run(&refresh(&token, PUSH)).await.outcome.unwrap();
        assert_eq!((answer.scope.as_str(), answer.refresh_token.is_none()), (PUSH, true));
    }
    let as_password = ask(&issue_token, &token, PULL).await;
    assert!(message(&as_password).contains("this is an identity token"), "{}", message(&as_password));
    let personal = outside.give_tokens().personal(personal("download")).await.unwrap().text;
    let as_refresh = issue_token.run(&refresh(&personal, PULL)).await;
    assert!(message(&as_refresh).contains("give it as the password"), "{}", message(&as_refresh));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_repeats_its_refused_identity_token_as_a_password_reads_the_same_reason() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let token = issue_token.run(&docker_login("sesame")).await.outcome.unwrap().refresh_token.unwrap();
    for scope in ["repository:syn6/app:delete", "repository:syn5/App:pull"] {
        let refused = issue_token.run(&refresh(&token, scope)).await;
        let repeated = ask(&issue_token, &token, scope).await;
        assert!(code(&refused).is_some_and(|code| code != ReasonCode::WrongCredentials), "{scope}");
        assert_eq!(message(&repeated), message(&refused));
        assert_eq!(repeated.user, Some(ALICE));
    }
}

#[tokio::test]
async fn an_identity_token_ends_with_the_password() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let token = issue_token.run(&docker_login("sesame")).await.outcome.unwrap().refresh_token.unwrap();
    outside.change(|world| world.generation += 1);
    let answer = issue_token.run(&refresh(&token, PULL)).await;
    assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
    assert!(message(&answer).contains("run 'docker login' again"), "{}", message(&answer));
}

#[tokio::test]
async fn a_token_or_a_wrong_login_gets_no_identity_token() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let personal = outside.give_tokens().personal(personal("download")).await.unwrap().text;
    let by_token = TokenRequest { credential: with(&personal, "").credential, ..docker_login("") };
    assert!(issue_token.run(&by_token).await.outcome.unwrap().refresh_token.is_none());
    assert!(issue_token.run(&docker_login("guess")).await.outcome.is_err());
    assert_eq!(outside.world.lock().unwrap().tokens.len(), 1);
}

#[tokio::test]
async fn a_session_is_no_password() {
    let outside = Outside::new();
    let login = auth_service::domain::login::VerifiedLogin { user: ALICE, generation: 1 };
    let session = outside.give_tokens().session(login, Requester::default()).await.unwrap().text;
    let answer = ask(&outside.issue_token(), &session, PULL).await;
    assert!(message(&answer).contains("use a personal access token"), "{}", message(&answer));
}
