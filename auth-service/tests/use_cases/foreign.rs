//! Tokens of other issuers in place of a password.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use auth_service::app::foreign_logins::ForeignLogins;
use auth_service::app::issue_token::{IssueToken, TokenAnswer, TokenRequest};
use auth_service::app::token_refusal::TokenRefusal;
use auth_service::domain::account::{AccountName, AccountState, EmailAddress};
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::foreign::claims::ClaimsSource;
use auth_service::domain::foreign::claims::ForeignClaims;
use auth_service::domain::foreign::robot::{ClaimPattern, RobotRule};
use auth_service::domain::foreign::rules::{ForeignRefusal, IssuerRules};
use auth_service::domain::foreign::shape::{IssuerShape, TokenShapes};
use auth_service::domain::foreign::{ForeignSubject, ForeignToken, IssuerName};
use auth_service::domain::login_scope::{LoginScope, LoginScopes};
use auth_service::domain::network::ClientNetwork;
use auth_service::domain::principal::UserId;
use auth_service::domain::reason::ReasonCode;
use auth_service::ports::StorageError;
use auth_service::ports::foreign_tokens::{ForeignFailure, ForeignTokens, GenuineClaims};
use auth_service::ports::linked_subjects::{LinkError, LinkRecord, LinkedBy, LinkedSubjects, Provisioned};
use auth_service::ports::login_error::LoginError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::fakes::{ALICE, Outside, request};
use super::issue_token::{PULL, code, message};

const PUSH: &str = "repository:syn5/app:pull,push";
const HUB: &str = "https://hub.example.org";
const CI: &str = "https://ci.example.org";

fn rules(name: &str, issuer: &str) -> IssuerRules {
    IssuerRules {
        name: IssuerName::new(name),
        issuer: issuer.into(),
        audiences: vec!["registry".to_owned()],
        clients: Vec::new(),
        without_expiry: false,
        scopes: Vec::new(),
        subject_claim: "sub".to_owned(),
        name_claim: "preferred_username".to_owned(),
        email_claim: "email".to_owned(),
        create_accounts: false,
        robots: Vec::new(),
        robot_scopes: LoginScopes::NONE,
    }
}

fn ci_rules() -> IssuerRules {
    let robot = RobotRule {
        robot: AccountName::parse("ci-app").unwrap(),
        claims: vec![("repository_id".to_owned(), ClaimPattern::Exact("42".to_owned()))],
    };
    let robot_scopes = LoginScopes::NONE.with(LoginScope::Download).with(LoginScope::Modify);
    IssuerRules { robots: vec![robot], robot_scopes, ..rules("ci", CI) }
}

impl Outside {
    pub(crate) fn foreign_logins(self: &Arc<Self>) -> ForeignLogins {
        let hub = IssuerRules { create_accounts: self.welcomes.load(Ordering::SeqCst), ..rules("hub", HUB) };
        let this = || Arc::<Self>::clone(self);
        ForeignLogins::new(vec![hub, ci_rules()], this(), this(), this())
    }

    pub(crate) fn link_alice(&self) {
        self.set_link("u-1", Some(ALICE));
    }

    fn set_link(&self, name: &str, user: Option<UserId>) {
        self.change(|world| {
            world.links.insert(subject(name), user);
        });
    }
}

fn subject(name: &str) -> ForeignSubject {
    ForeignSubject::new(&HUB.into(), name).unwrap()
}

/// The secret of a token is its claims in base64url, after a prefix that names its issuer.
#[async_trait]
impl ForeignTokens for Outside {
    async fn claims(&self, token: &ForeignToken, _: ClientNetwork) -> Result<GenuineClaims, ForeignFailure> {
        self.sent_to_issuers.lock().unwrap().push(token.expose().to_owned());
        match token.expose().split_once('_').unwrap().1 {
            "down" => Err(ForeignFailure::Unreachable("nobody listens".to_owned())),
            "forged" => Err(ForeignFailure::Refused(ForeignRefusal::NotGenuine)),
            text => {
                let json = URL_SAFE_NO_PAD.decode(text).unwrap();
                let claims = Arc::new(ForeignClaims::read(&json).unwrap());
                Ok(GenuineClaims { claims, source: ClaimsSource::WebToken })
            }
        }
    }
}

#[async_trait]
impl LinkedSubjects for Outside {
    async fn link(&self, _: UserId, _: &ForeignSubject, _: LinkedBy) -> Result<(), LinkError> {
        panic!("no test links")
    }

    async fn unlink(&self, _: UserId, _: &ForeignSubject) -> Result<bool, StorageError> {
        panic!("no test unlinks")
    }

    async fn links(&self, _: UserId) -> Result<Vec<LinkRecord>, StorageError> {
        panic!("no test lists links")
    }

    async fn provision(
        &self,
        subject: &ForeignSubject,
        _: &[AccountName],
        _: Option<&EmailAddress>,
    ) -> Result<Provisioned, StorageError> {
        let mut world = self.world.lock().unwrap();
        match world.links.get(subject) {
            Some(Some(_)) => return Ok(Provisioned::Known),
            Some(None) => return Ok(Provisioned::Barred),
            None => {}
        }
        world.links.insert(subject.clone(), Some(ALICE));
        Ok(Provisioned::Created(ALICE))
    }
}

pub(crate) fn token(issuer: &str, changes: &serde_json::Value) -> String {
    let mut claims = json!({
        "iss": if issuer == "hub" { HUB } else { CI },
        "sub": "u-1", "aud": "registry", "exp": 1_800_000_300, "scope": "download modify", "client_id": "web",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    format!("{issuer}_{}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Each issuer's tokens begin with its name.
pub(crate) fn shapes() -> TokenShapes {
    let shape = |name: &str, issuer: &str| IssuerShape {
        name: IssuerName::new(name),
        issuer: issuer.into(),
        prefixes: vec![format!("{name}_")],
        pattern: None,
    };
    TokenShapes::new(vec![shape("hub", HUB), shape("ci", CI)])
}

async fn ask(issuer_token: &IssueToken, secret: &str, scope: &str) -> TokenAnswer {
    let credential = Credential::of("anything".to_owned(), Password::new(secret.to_owned()), &shapes());
    issuer_token.run(&TokenRequest { credential, ..request("", scope) }).await
}

#[tokio::test]
async fn a_web_token_of_an_issuer_that_is_not_configured_is_neither_hashed_nor_counted() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let encoded = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}.c2ln",
        encoded(json!({"alg": "RS256"})),
        encoded(json!({"iss": "https://elsewhere.example.org"}))
    );
    let encrypted = format!("{}..aXY.dGV4dA.dGFn", encoded(json!({"alg": "dir", "enc": "A256GCM"})));
    // The registry's own tokens are such ones: they are not for logging in.
    let registry_token = {
        let issued = issue_token.run(&request("sesame", PULL)).await.outcome.unwrap();
        format!("{}.{}.c2ln", encoded(json!({"alg": "ES256"})), URL_SAFE_NO_PAD.encode(issued.token))
    };
    let hashed = outside.hashes.load(Ordering::SeqCst);
    for (secret, issuer) in [
        (signed, "no issuer 'https://elsewhere.example.org' is configured here"),
        (encrypted, "no issuer of this token is configured here"),
        (registry_token, "no issuer 'i' is configured here"),
    ] {
        for _ in 0..6 {
            let answer = ask(&issue_token, &secret, PULL).await;
            assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
            assert!(message(&answer).starts_with(issuer), "{}", message(&answer));
        }
    }
    assert_eq!(outside.hashes.load(Ordering::SeqCst), hashed);
    assert!(outside.world.lock().unwrap().failures.is_empty());
}

#[tokio::test]
async fn an_empty_password_is_neither_hashed_nor_counted() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    for _ in 0..6 {
        let answer = ask(&issue_token, "", PULL).await;
        assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
        assert!(message(&answer).starts_with("the password is empty"), "{}", message(&answer));
    }
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 0);
    assert!(outside.world.lock().unwrap().failures.is_empty());
}

#[tokio::test]
async fn a_foreign_token_acts_for_the_linked_account_within_its_scopes() {
    let outside = Outside::new();
    outside.link_alice();
    let issue_token = outside.issue_token();
    let answer = ask(&issue_token, &token("hub", &json!({})), PUSH).await;
    assert_eq!((answer.user, answer.outcome.unwrap().scope.as_str()), (Some(ALICE), PUSH));
    let to_pull = token("hub", &json!({"scope": "download"}));
    assert!(ask(&issue_token, &to_pull, PULL).await.outcome.is_ok());
    let answer = ask(&issue_token, &to_pull, PUSH).await;
    assert_eq!(code(&answer), Some(ReasonCode::TokenScope));
    assert!(message(&answer).contains("a token that allows only download, and pushing also needs modify"));
    let of_no_use = ask(&issue_token, &token("hub", &json!({"scope": "openid"})), PULL).await;
    assert_eq!(code(&of_no_use), Some(ReasonCode::TokenScope), "no scope of ours, no rights");
    let scopeless = ask(&issue_token, &token("hub", &json!({"scope": null})), PULL).await;
    assert!(message(&scopeless).contains("it may not be an access token"), "{}", message(&scopeless));
    assert_eq!(outside.hashes.load(Ordering::SeqCst), 0);
    assert!(outside.world.lock().unwrap().failures.is_empty());
}

#[tokio::test]
async fn a_token_without_an_account_is_refused_with_the_next_step_and_makes_no_account() {
    let outside = Outside::new();
    let answer = ask(&outside.issue_token(), &token("hub", &json!({})), PULL).await;
    assert_eq!(code(&answer), Some(ReasonCode::WrongCredentials));
    assert!(message(&answer).contains("no account here is linked"), "{}", message(&answer));
    assert!(outside.world.lock().unwrap().links.is_empty());
}

#[tokio::test]
async fn a_new_user_gets_an_account_if_the_operator_allows_it_and_a_removed_user_does_not() {
    let outside = Outside::new();
    outside.welcomes.store(true, Ordering::SeqCst);
    let issue_token = outside.issue_token();
    assert!(ask(&issue_token, &token("hub", &json!({})), PULL).await.outcome.is_ok());
    outside.set_link("u-1", None);
    let answer = ask(&issue_token, &token("hub", &json!({})), PULL).await;
    assert!(message(&answer).contains("no account here is linked"), "{}", message(&answer));
    let program = ask(&issue_token, &token("hub", &json!({"sub": "web"})), PULL).await;
    assert!(message(&program).contains("no account here is linked"), "a program gets none");
}

#[tokio::test]
async fn a_program_acts_for_a_robot_account_only() {
    let outside = Outside::new();
    outside.set_link("web", Some(ALICE));
    let issue_token = outside.issue_token();
    let own = token("hub", &json!({"sub": "web"}));
    assert!(message(&ask(&issue_token, &own, PULL).await).contains("needs a robot account"));
    outside.change(|world| world.robot = true);
    assert!(ask(&issue_token, &own, PULL).await.outcome.is_ok());
}

#[tokio::test]
async fn a_job_acts_for_the_robot_account_of_its_rule() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let job = token("ci", &json!({"repository_id": "42", "scope": null}));
    assert!(message(&ask(&issue_token, &job, PUSH).await).contains("does not exist"));
    outside.change(|world| world.robot = true);
    assert!(ask(&issue_token, &job, PUSH).await.outcome.is_ok());
    let other = token("ci", &json!({"repository_id": "43"}));
    assert!(message(&ask(&issue_token, &other, PUSH).await).contains("no rule allows to act"));
    let linked = token("ci", &json!({"sub": "u-1"}));
    outside.link_alice();
    assert!(ask(&issue_token, &linked, PULL).await.outcome.is_err(), "links mean nothing beside rules");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_no_wrong_login() {
    let outside = Outside::new();
    let issue_token = outside.issue_token();
    let answer = ask(&issue_token, "hub_down", PULL).await;
    assert!(matches!(answer.outcome, Err(TokenRefusal::Login(LoginError::IssuerDown { .. }))));
    let forged = ask(&issue_token, "hub_forged", PULL).await;
    assert!(message(&forged).contains("the token from 'hub' is not genuine"), "{}", message(&forged));
}

#[tokio::test]
async fn a_token_that_is_remembered_still_ends_in_time_and_with_its_account() {
    let outside = Outside::new();
    outside.link_alice();
    let issue_token = outside.issue_token();
    let token = token("hub", &json!({}));
    assert!(ask(&issue_token, &token, PULL).await.outcome.is_ok());
    outside.change(|world| world.seconds = 361);
    assert!(message(&ask(&issue_token, &token, PULL).await).contains("has expired"));
    outside.change(|world| {
        world.seconds = 0;
        world.state = AccountState::Disabled;
    });
    assert_eq!(code(&ask(&issue_token, &token, PULL).await), Some(ReasonCode::AccountDisabled));
}
