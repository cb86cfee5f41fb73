//! Wrong passwords: who has to wait, and who has not.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_service::app::issue_token::{IssueToken, TokenRequest};
use auth_service::app::token_refusal::TokenRefusal;
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::login::LoginOrigin;
use auth_service::domain::network::ClientNetwork;
use auth_service::domain::reason::ReasonCode;
use auth_service::ports::login_error::LoginError;

use super::fakes::{Outside, request};
use super::issue_token::{PULL, code, is_unavailable, message};

fn from(last: u8, password: &str) -> TokenRequest {
    let network = ClientNetwork::of(IpAddr::from([192, 0, 2, last]));
    TokenRequest { origin: LoginOrigin { network, by_form: false }, ..request(password, PULL) }
}

fn named(name: &str, password: &str) -> TokenRequest {
    let password = Password::new(password.to_owned());
    TokenRequest { credential: Credential::Password { name: name.to_owned(), password }, ..from(1, "") }
}

async fn codes(
    issue_token: &IssueToken,
    requests: impl IntoIterator<Item = TokenRequest>,
) -> Vec<ReasonCode> {
    let mut codes = Vec::new();
    for request in requests {
        codes.push(code(&issue_token.run(&request).await).unwrap());
    }
    codes
}

use ReasonCode::{LockedOut, WrongCredentials};

#[tokio::test]
async fn after_the_free_tries_even_the_right_password_must_wait_and_the_answer_says_how_long() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let guesses = (0..5).map(|number| from(1, &format!("guess {number}")));
    let expected = [WrongCredentials, WrongCredentials, WrongCredentials, LockedOut, LockedOut];
    assert_eq!(codes(&issue_token, guesses).await, expected);
    let answer = issue_token.run(&from(1, "sesame")).await;
    assert!(message(&answer).contains("wait 2 seconds"), "{}", message(&answer));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 3, "while it is locked nothing is hashed");
    outside.change(|world| world.seconds += 2);
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
    assert!(outside.world.lock().unwrap().failures.is_empty(), "the right password makes it forgotten");
}

#[tokio::test]
async fn the_lock_of_one_network_does_not_lock_the_owner_out_elsewhere() {
    let issue_token = Outside::new().issue_token();
    codes(&issue_token, (0..4).map(|number| from(1, &format!("guess {number}")))).await;
    assert_eq!(code(&issue_token.run(&from(1, "sesame")).await), Some(LockedOut));
    assert!(issue_token.run(&from(2, "sesame")).await.outcome.is_ok());
}

#[tokio::test]
async fn a_login_that_is_remembered_goes_on_while_its_account_is_locked() {
    let issue_token = Outside::new().issue_token();
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
    let guesses = (0..4).map(|number| from(1, &format!("guess {number}")));
    assert_eq!(codes(&issue_token, guesses).await.last(), Some(&LockedOut));
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
}

#[tokio::test]
async fn a_login_that_is_remembered_cannot_be_guessed_at_without_end() {
    let issue_token = Outside::new().issue_token();
    for network in 1..=2 {
        assert!(issue_token.run(&from(network, "sesame")).await.outcome.is_ok());
    }
    let guesses = (0..40).map(|number| from(1, &format!("guess {number}")));
    assert_eq!(codes(&issue_token, guesses).await.last(), Some(&LockedOut));
    assert_eq!(
        code(&issue_token.run(&from(1, "sesame")).await),
        Some(LockedOut),
        "nothing is remembered here"
    );
    assert!(issue_token.run(&from(2, "sesame")).await.outcome.is_ok(), "and elsewhere it is");
}

#[tokio::test]
async fn what_is_remembered_in_one_network_is_not_known_in_another() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
    codes(&issue_token, (0..4).map(|number| from(2, &format!("guess {number}")))).await;
    assert_eq!(code(&issue_token.run(&from(2, "sesame")).await), Some(LockedOut));
}

#[tokio::test]
async fn a_guess_is_counted_though_nobody_waits_for_the_answer() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let guess = from(1, "guess");
    outside.slow_counting.store(true, Ordering::SeqCst);
    let left = tokio::time::timeout(Duration::from_millis(20), issue_token.run(&guess)).await;
    assert!(left.is_err(), "the client goes before it is counted");
    outside.slow_counting.store(false, Ordering::SeqCst);
    let counted = async {
        while outside.world.lock().unwrap().failures.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_counted_is_held_against_the_account_all_the_same() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    outside.read_only.store(true, Ordering::SeqCst);
    let unavailable = async |request| is_unavailable(&issue_token.run(&request).await);
    for number in 0..3 {
        assert!(unavailable(from(1, &format!("guess {number}"))).await, "{number}");
    }
    assert!(unavailable(from(1, "sesame")).await, "it cannot be counted, and nobody is busy");
    assert!(unavailable(from(1, "sesame")).await, "as often as one asks");
    assert!(issue_token.run(&from(2, "sesame")).await.outcome.is_ok());
    assert!(issue_token.run(&named("bob", "sesame")).await.outcome.is_ok());
    outside.read_only.store(false, Ordering::SeqCst);
    assert_eq!(code(&issue_token.run(&from(1, "sesame")).await), Some(LockedOut), "now they are counted");
    outside.change(|world| world.seconds += 2);
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
    assert!(outside.world.lock().unwrap().failures.is_empty());
}

#[tokio::test]
async fn the_right_password_settles_what_could_not_be_counted_before_it() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    outside.read_only.store(true, Ordering::SeqCst);
    for number in 0..2 {
        assert!(issue_token.run(&from(1, &format!("guess {number}"))).await.outcome.is_err());
    }
    assert!(issue_token.run(&from(1, "sesame")).await.outcome.is_ok());
    outside.read_only.store(false, Ordering::SeqCst);
    let guesses = (2..5).map(|number| from(1, &format!("guess {number}")));
    assert_eq!(codes(&issue_token, guesses).await, [WrongCredentials; 3]);
}

#[tokio::test]
async fn unknown_names_are_locked_like_known_ones_in_any_spelling() {
    for exists in [true, false] {
        let outside = Outside::new();
        outside.change(|world| world.exists = exists);
        let issue_token = outside.issue_token();
        let guesses = (0..4).map(|number| named("mallory", &number.to_string()));
        assert_eq!(codes(&issue_token, guesses).await.last(), Some(&LockedOut));
        let others = [" mallory", "MALLORY\t", "mallory@corp.org", " Mallory@CORP.org", "trent", "mal lory"];
        let expected = [LockedOut, LockedOut, WrongCredentials, WrongCredentials, WrongCredentials];
        let answered = codes(&issue_token, others.map(|other| named(other, "x"))).await;
        assert_eq!(answered[..5], expected, "{exists}");
        let address = (0..2).map(|number| named("mallory@corp.org", &number.to_string()));
        assert_eq!(codes(&issue_token, address).await, [WrongCredentials, LockedOut], "{exists}");
        assert_eq!(outside.hashes.load(Ordering::SeqCst), 8, "{exists}");
    }
}

#[tokio::test]
async fn the_second_try_of_a_client_whose_form_was_refused_is_not_counted() {
    let issue_token = Outside::new().issue_token();
    let sent = |password, by_form| {
        let request = from(1, password);
        TokenRequest { origin: LoginOrigin { by_form, ..request.origin }, ..request }
    };
    let form_and_query = [sent("old", true), sent("old", false)];
    assert_eq!(
        codes(&issue_token, form_and_query).await,
        [WrongCredentials; 2],
        "that is one wrong password"
    );
    let once_more = [sent("old", false), sent("old", true), sent("old", false)];
    assert_eq!(codes(&issue_token, once_more).await, [WrongCredentials, WrongCredentials, LockedOut]);
}

#[tokio::test]
async fn another_password_after_a_form_that_was_refused_counts() {
    let issue_token = Outside::new().issue_token();
    let guesses = (0..4).map(|number| {
        let request = from(1, &format!("guess {number}"));
        TokenRequest { origin: LoginOrigin { by_form: number % 2 == 0, ..request.origin }, ..request }
    });
    let expected = [WrongCredentials, WrongCredentials, WrongCredentials, LockedOut];
    assert_eq!(codes(&issue_token, guesses).await, expected);
}

#[tokio::test]
async fn many_guesses_at_once_get_no_additional_free_tries() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let guesses: Vec<_> = (0..50).map(|number| from(1, &format!("guess {number}"))).collect();
    let answers = futures_util::future::join_all(guesses.iter().map(|guess| issue_token.run(guess))).await;
    let wrong = answers.iter().filter(|answer| code(answer) == Some(WrongCredentials)).count();
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer.outcome, Err(TokenRefusal::Login(LoginError::Busy))))
        .count();
    assert_eq!((wrong, busy), (3, 47));
}

#[tokio::test]
async fn what_cannot_be_counted_is_not_called_wrong() {
    let outside = Outside::new();
    *outside.meanwhile.lock().unwrap() = Some({
        let outside = outside.clone();
        Box::new(move |_| outside.database_down.store(true, Ordering::SeqCst))
    });
    let answer = outside.issue_token().run(&from(1, "guess")).await;
    assert_eq!(code(&answer), None, "neither wrong nor right: it is unavailable");
    assert!(answer.outcome.is_err());
}
