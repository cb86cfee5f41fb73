//! `explain` says what the token endpoint does: both are asked the same in the same world, and compared.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auth_service::app::explain::{AssumedLogin, Explain, ExplainError, ExplainedScope};
use auth_service::app::give_tokens::{PersonalTokenRequest, Requester};
use auth_service::app::issue_token::{IssueToken, TokenAnswer, TokenRequest};
use auth_service::app::token_refusal::TokenRefusal;
use auth_service::domain::access::AccessSet;
use auth_service::domain::account::{AccountName, AccountState};
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::decision::{AccessPolicy, Certification};
use auth_service::domain::facts::{LifeState, RepositoryFacts};
use auth_service::domain::foreign::shape::TokenShapes;
use auth_service::domain::login::CredentialUse;
use auth_service::domain::login_scope::LoginScopes;
use auth_service::domain::principal::UserId;
use auth_service::domain::project::ProjectId;
use auth_service::domain::scope::RequestedScopes;
use auth_service::ports::login_error::LoginError;
use auth_service::ports::registry::Holding;
use auth_service::ports::signer::Signer as _;
use auth_service::ports::system::Clock as _;

use super::fakes::{ALICE, Outside, World, request};
use super::issue_token::refusal;

/// What the world is like.
type Situation = (&'static str, fn(&mut World));

const SITUATIONS: [Situation; 17] = [
    ("all is well", |_| {}),
    ("an administrator without rights", |world| {
        world.administrator = true;
        world.access = AccessSet::NONE;
    }),
    ("no rights", |world| world.access = AccessSet::NONE),
    ("to read only", |world| world.access = "READ".parse().unwrap()),
    ("to download only", |world| world.access = "DOWNLOAD".parse().unwrap()),
    ("to make new ones only", |world| world.access = "READ,CREATE".parse().unwrap()),
    ("to change those that are there only", |world| world.access = "READ,DOWNLOAD,UPDATE".parse().unwrap()),
    ("not certified", |world| world.certified = false),
    ("disabled", |world| world.state = AccountState::Disabled),
    ("a disabled administrator", |world| {
        world.administrator = true;
        world.state = AccountState::Disabled;
    }),
    ("the project is in the trash", |world| world.project_state = LifeState::Trashed),
    ("the repository is in the trash", |world| {
        world.repositories.insert(
            "syn5/app".to_owned(),
            RepositoryFacts::Known { state: LifeState::Trashed, open_data: false, local_sharing: None },
        );
    }),
    ("quarantined", |world| {
        world.repositories.insert("syn5/app".to_owned(), RepositoryFacts::Quarantined);
    }),
    ("reserved for somebody else", |world| {
        let by = UserId::new(3_400_777);
        world.repositories.insert("syn5/app".to_owned(), RepositoryFacts::Reserved { by });
    }),
    ("reserved for herself", |world| {
        world.repositories.insert("syn5/app".to_owned(), RepositoryFacts::Reserved { by: ALICE });
    }),
    ("the registry has images that are not on record", |world| {
        world.held_by_registry.insert("syn5/new".to_owned(), Holding::Tagged);
    }),
    ("a robot account", |world| world.robot = true),
];

const ASKED: [&str; 9] = [
    "repository:syn5/app:pull",
    "repository:syn5/app:pull,push",
    "repository:syn5/app:delete",
    "repository:syn5/app:*",
    "repository:syn5/new:pull",
    "repository:syn5/new:pull,push",
    "repository:syn6/new:pull,push",
    "repository:library/app:pull",
    "registry:catalog:*",
];

fn token(scopes: &str, project: Option<i64>) -> AssumedLogin {
    let scopes = LoginScopes::parse(scopes).unwrap();
    AssumedLogin::Token { scopes, project: project.map(ProjectId::new) }
}

fn logins() -> [AssumedLogin; 7] {
    [
        AssumedLogin::Docker,
        AssumedLogin::Password,
        AssumedLogin::USUAL_TOKEN,
        token("download", None),
        token("delete", None),
        token("view,download,modify,delete,admin", None),
        token("view,download,modify,admin", Some(6)),
    ]
}

fn explain(outside: &Arc<Outside>) -> Explain {
    let numbers = Arc::new(outside.raise_numbers());
    let condition = outside.condition(outside.now());
    Explain {
        users: Arc::<Outside>::clone(outside),
        facts: Arc::<Outside>::clone(outside),
        first_push: outside.first_push(&numbers),
        unsigned: (!condition.is_usable()).then(|| condition.to_string()),
        clock: Arc::<Outside>::clone(outside),
        policy: AccessPolicy { certification: Certification::Push, anonymous_pull: false },
        host: "hub.example".to_owned(),
        contact: None,
    }
}

/// How the client of somebody who has logged in so asks.
async fn request_by(
    outside: &Arc<Outside>,
    issue_token: &IssueToken,
    login: AssumedLogin,
    scope: &str,
) -> TokenRequest {
    let secret = match login {
        AssumedLogin::Password => return request("sesame", scope),
        AssumedLogin::Docker => {
            let stores_token = Some(Requester::default());
            let login = TokenRequest { scopes: Vec::new(), stores_token, ..request("sesame", "") };
            let issued = issue_token.run(&login).await.outcome;
            let Some(token) = issued.ok().and_then(|issued| issued.refresh_token) else { return login };
            token
        }
        AssumedLogin::Token { scopes, project } => {
            let request = PersonalTokenRequest {
                user: ALICE,
                name: None,
                scopes,
                project,
                expires_at: None,
                made_in: None,
            };
            outside.give_tokens().personal(request).await.unwrap().text
        }
    };
    let credential_use =
        if login == AssumedLogin::Docker { CredentialUse::Refresh } else { CredentialUse::Registry };
    let credential =
        Credential::of(String::new(), Password::new(secret.to_string()), &TokenShapes::default());
    TokenRequest { credential, credential_use, ..request("", scope) }
}

/// What the two have to do with each other.
fn assert_agrees(explained: &ExplainedScope, answer: &TokenAnswer, about: &str) {
    let messages: Vec<&str> = explained.missing.iter().map(|missing| missing.message.as_str()).collect();
    match &answer.outcome {
        Ok(issued) => {
            let granted = match explained.granted.join(",") {
                none if none.is_empty() => String::new(),
                some if explained.kind == "registry" => format!("registry:catalog:{some}"),
                some => format!("repository:{}:{some}", explained.name),
            };
            assert_eq!(issued.scope, granted, "{about}: {messages:?}");
        }
        Err(TokenRefusal::Login(LoginError::Rejected(_)) | TokenRefusal::NotLoggedIn(_)) => {
            let refusal = refusal(answer).unwrap();
            assert!(explained.granted.is_empty(), "{about}");
            assert!(messages.iter().all(|message| *message == refusal.message), "{about}: {messages:?}");
        }
        Err(TokenRefusal::Denied(refusal)) => {
            assert!(
                messages.contains(&refusal.message.as_str()),
                "{about}: {messages:?} {}",
                refusal.message
            );
            assert!(!explained.granted.iter().any(|action| ["push", "delete"].contains(action)), "{about}");
        }
        Err(TokenRefusal::Unavailable(_) | TokenRefusal::Login(LoginError::Unavailable(_))) => {
            assert!(explained.granted.is_empty(), "{about}");
            let reasons: Vec<&str> = explained.missing.iter().map(|missing| missing.reason).collect();
            // A request for nothing but the catalogue gets an empty token, which has to be signed as well.
            let nothing_to_sign = explained.kind == "registry" && reasons == ["not_visible"];
            assert!(nothing_to_sign || reasons.contains(&"unavailable"), "{about}: {reasons:?}");
        }
        Err(other) => panic!("{about}: {other:?}"),
    }
}

async fn compare(name: &str, wrong: fn(&mut World), prepare: fn(&Outside)) {
    for login in logins() {
        for scope in ASKED {
            let about = format!("{name}, {login:?}, {scope}");
            let outside = Outside::new();
            // Whatever is wrong becomes so after the login.
            let issue_token = outside.issue_token();
            issue_token.first_push.numbers.run().await.unwrap();
            let request = request_by(&outside, &issue_token, login, scope).await;
            outside.change(wrong);
            let has_password = !outside.world.lock().unwrap().robot;
            if !has_password && !matches!(login, AssumedLogin::Token { .. }) {
                continue;
            }
            prepare(&outside);
            let alice = AccountName::parse("alice").unwrap();
            let requested = RequestedScopes::parse([scope], 64).unwrap();
            let explained = explain(&outside).run(Some(&alice), Some(login), &requested).await.unwrap();
            let answer = issue_token.run(&request).await;
            let [explained] = &explained.scopes[..] else { panic!("{about}: one thing was asked about") };
            assert_agrees(explained, &answer, &about);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn explain_says_what_the_endpoint_does_in_every_situation() {
    for (name, wrong) in SITUATIONS {
        compare(name, wrong, |_| {}).await;
    }
}

#[tokio::test(start_paused = true)]
async fn explain_says_so_when_the_registry_or_the_keys_are_of_no_use() {
    compare("the registry is down", |_| {}, |outside| outside.registry_down.store(true, Ordering::SeqCst))
        .await;
    compare("the key is over", |_| {}, |outside| outside.key_expired.store(true, Ordering::SeqCst)).await;
}

#[tokio::test]
async fn explain_leaves_everything_as_it_is() {
    let outside = Outside::new();
    outside.change(|world| {
        world.held_by_registry.insert("syn5/held".to_owned(), Holding::Tagged);
    });
    let before = outside.world.lock().unwrap().repositories.clone();
    let alice = AccountName::parse("alice").unwrap();
    for scope in
        ["repository:syn5/held:pull,push", "repository:syn5/new:pull,push", "repository:syn5/new:pull"]
    {
        let requested = RequestedScopes::parse([scope], 64).unwrap();
        explain(&outside).run(Some(&alice), None, &requested).await.unwrap();
    }
    assert_eq!(outside.world.lock().unwrap().repositories, before);
}

#[tokio::test]
async fn a_robot_account_is_explained_with_a_token_as_it_has_no_password() {
    let outside = Outside::new();
    outside.change(|world| world.robot = true);
    let alice = AccountName::parse("alice").unwrap();
    let requested = RequestedScopes::parse(["repository:syn5/app:*"], 64).unwrap();
    let explained = explain(&outside).run(Some(&alice), None, &requested).await.unwrap();
    assert_eq!(explained.scopes[0].granted, ["pull", "push"]);
    let refused = explain(&outside).run(Some(&alice), Some(AssumedLogin::Docker), &requested).await;
    assert!(matches!(refused, Err(ExplainError::IsRobot(_))), "{refused:?}");
}
