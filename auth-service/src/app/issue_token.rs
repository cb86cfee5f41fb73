//! The token request: who asks, what is known, what is decided, and the signed token or the reason.

use std::sync::Arc;

use super::authenticate::{Authenticate, Login};
use super::first_push::FirstPush;
use crate::domain::account::AccountState;
use crate::domain::claims::{TokenTerms, granted_access};
use crate::domain::credential::Credential;
use crate::domain::facts::Facts;
use crate::domain::grant::{AccessPolicy, Decision, decide};
use crate::domain::login::Caller;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::domain::reason::{ReasonCode, with_code};
use crate::domain::refusal::{Manners, Refusal, refusal};
use crate::domain::repository::RepositoryName;
use crate::domain::scope::{TooManyScopes, Wanted, WantedName};
use crate::domain::time::Timestamp;
use crate::ports::facts::FactsReader;
use crate::ports::items::Reservation;
use crate::ports::passwords::LoginFailure;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;

/// How often a request is decided on when names become known or logins end under its hands.
const TRIES: usize = 3;

/// A token request, understood.
pub struct TokenRequest {
    /// Who says to be asking.
    pub credential: Credential,
    /// For which service; the configured one when it is not said.
    pub service: Option<String>,
    /// The `scope` values as sent.
    pub scopes: Vec<String>,
    /// Where it comes from.
    pub network: ClientNetwork,
    /// Whether the client is one that asks for push before it deletes.
    pub asks_push_to_delete: bool,
    /// The identifier of the request, never given twice; the token has it as `jti`.
    pub identifier: String,
}

/// A token, and what its answer says beside it.
#[derive(Debug)]
pub struct IssuedToken {
    /// The compact JWS.
    pub token: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How many seconds it lives.
    pub expires_in: i64,
    /// What it grants, as scopes joined by spaces.
    pub scope: String,
}

/// Why there is no token.
#[derive(Debug)]
pub enum TokenRefusal {
    /// The credential is not good.
    Login(Refusal),
    /// What is asked is not granted.
    Denied(Refusal),
    /// The request asks for too much at once.
    TooManyScopes(TooManyScopes),
    /// Too many passwords wait to be checked.
    Busy,
    /// It cannot be decided just now; `cause` is for the log.
    Unavailable {
        /// What failed.
        cause: String,
    },
}

/// The outcome of a token request, with what the log tells of it.
pub struct TokenAnswer {
    /// Whose login it was, if any was right.
    pub user: Option<UserId>,
    /// The token, or why not.
    pub outcome: Result<IssuedToken, TokenRefusal>,
}

impl TokenAnswer {
    /// The answer when none was found in time.
    #[must_use]
    pub fn late() -> Self {
        Self { user: None, outcome: Err(unavailable("no answer was found in time")) }
    }
}

/// What the operator has set that bears on tokens.
pub struct TokenRules {
    /// What is the same in every token.
    pub terms: TokenTerms,
    /// Choices that decisions depend on.
    pub policy: AccessPolicy,
    /// The registry's host in image names.
    pub host: String,
    /// Most scopes in one request.
    pub most_scopes: usize,
}

/// Issues tokens.
pub struct IssueToken {
    /// Checks credentials.
    pub authenticate: Authenticate,
    /// Loads facts.
    pub facts: Arc<dyn FactsReader>,
    /// Reserves names.
    pub first_push: Arc<FirstPush>,
    /// Signs.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator has set.
    pub rules: TokenRules,
}

/// Whether a try has come to an end.
enum Step<T> {
    Done(T),
    Again,
}

impl IssueToken {
    /// Answers one request.
    pub async fn run(&self, request: &TokenRequest) -> TokenAnswer {
        let mut user = None;
        let outcome = self.decide_and_sign(request, &mut user).await;
        TokenAnswer { user, outcome }
    }

    async fn decide_and_sign(
        &self,
        request: &TokenRequest,
        user: &mut Option<UserId>,
    ) -> Result<IssuedToken, TokenRefusal> {
        self.require_own_service(request.service.as_deref())?;
        let wanted = Wanted::parse(request.scopes.iter().map(String::as_str), self.rules.most_scopes)
            .map_err(TokenRefusal::TooManyScopes)?;
        for _ in 0..TRIES {
            let login =
                self.authenticate.run(&request.credential, request.network).await.map_err(login_refusal)?;
            if let Step::Done(outcome) = self.try_once(request, &wanted, login.as_ref(), user).await? {
                return Ok(outcome);
            }
        }
        Err(TokenRefusal::Unavailable { cause: "the facts changed again with each try".to_owned() })
    }

    async fn try_once(
        &self,
        request: &TokenRequest,
        wanted: &Wanted,
        login: Option<&Login>,
        user: &mut Option<UserId>,
    ) -> Result<Step<IssuedToken>, TokenRefusal> {
        let names: Vec<RepositoryName> = wanted.proper_names().cloned().collect();
        let facts =
            self.facts.load(login.map(|login| login.verified.user), &names).await.map_err(unavailable)?;
        let caller = match login {
            None => Caller::Anonymous,
            Some(login) => match self.caller(login, &facts).await? {
                Step::Done(caller) => caller,
                Step::Again => return Ok(Step::Again),
            },
        };
        *user = login.map(|login| login.verified.user);
        let decision = decide(&caller, wanted, &facts, self.rules.policy);
        self.refuse(request, wanted, &caller, &decision)?;
        match self.reserve_names(&decision, *user).await? {
            Step::Done(()) => self.sign(&decision, *user, &request.identifier).map(Step::Done),
            Step::Again => Ok(Step::Again),
        }
    }

    fn require_own_service(&self, service: Option<&str>) -> Result<(), TokenRefusal> {
        let own = &self.rules.terms.service;
        match service {
            Some(service) if service != own => {
                let text = format!(
                    "this token server answers for service '{own}' only; set auth.token.service in the registry's configuration to it"
                );
                let code = ReasonCode::ForeignService;
                Err(TokenRefusal::Denied(Refusal { code, message: with_code(code, &text) }))
            }
            _ => Ok(()),
        }
    }

    /// The caller that a login is, as the facts have it: a generation that is over ends a remembered login.
    async fn caller<'f>(&self, login: &Login, facts: &'f Facts) -> Result<Step<Caller<'f>>, TokenRefusal> {
        match facts.user.as_deref() {
            Some(user) if user.generation == login.verified.generation => match user.state {
                AccountState::Active => Ok(Step::Done(Caller::User(user, login.scopes))),
                AccountState::Disabled => Err(login_refusal(LoginFailure::AccountDisabled)),
            },
            Some(_) => {
                self.authenticate.forget(login).await;
                self.facts.catch_up().await.map_err(unavailable)?;
                Ok(Step::Again)
            }
            None => {
                self.authenticate.forget(login).await;
                Err(login_refusal(LoginFailure::WrongCredentials))
            }
        }
    }

    fn refuse(
        &self,
        request: &TokenRequest,
        wanted: &Wanted,
        caller: &Caller<'_>,
        decision: &Decision,
    ) -> Result<(), TokenRefusal> {
        if wanted.is_empty() {
            return match caller {
                Caller::User(..) => Ok(()),
                Caller::Anonymous => Err(TokenRefusal::Login(Refusal {
                    code: ReasonCode::Anonymous,
                    message: with_code(
                        ReasonCode::Anonymous,
                        &format!(
                            "nobody is logged in; run 'docker login {}' with your user name",
                            self.rules.host
                        ),
                    ),
                })),
            };
        }
        let manners = Manners { host: &self.rules.host, asks_push_to_delete: request.asks_push_to_delete };
        refusal(decision, manners).map_or(Ok(()), |refusal| Err(TokenRefusal::Denied(refusal)))
    }

    /// Reserves each name that the decision lets be pushed for the first time.
    async fn reserve_names(
        &self,
        decision: &Decision,
        user: Option<UserId>,
    ) -> Result<Step<()>, TokenRefusal> {
        let first_pushes = decision.repositories.iter().filter(|one| one.first_push);
        for (one, user) in first_pushes.zip(user.into_iter().cycle()) {
            let WantedName::Proper(name) = &one.name else { continue };
            let reservation = self.first_push.reserve(name, user).await;
            self.facts.catch_up().await.map_err(unavailable)?;
            match reservation {
                Ok(Reservation::Made) => {}
                Ok(Reservation::NameKnown) => return Ok(Step::Again),
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(Step::Done(()))
    }

    fn sign(
        &self,
        decision: &Decision,
        user: Option<UserId>,
        identifier: &str,
    ) -> Result<IssuedToken, TokenRefusal> {
        let now = self.clock.now();
        let condition = self.signer.condition(now);
        if !condition.is_usable() {
            return Err(unavailable(condition));
        }
        let access = granted_access(decision);
        let scope: Vec<String> =
            access.iter().map(|one| format!("{}:{}:{}", one.kind, one.name, one.actions.join(","))).collect();
        let claims = self.rules.terms.claims(user, access, now, identifier);
        let claims = serde_json::to_vec(&claims).map_err(unavailable)?;
        let token = self.signer.sign(&claims).map_err(unavailable)?;
        let expires_in = self.rules.terms.lifetime_seconds;
        Ok(IssuedToken { token, issued_at: now, expires_in, scope: scope.join(" ") })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err, which passes the error itself")]
fn unavailable(cause: impl ToString) -> TokenRefusal {
    TokenRefusal::Unavailable { cause: cause.to_string() }
}

fn login_refusal(failure: LoginFailure) -> TokenRefusal {
    let (code, text) = match failure {
        LoginFailure::WrongCredentials => {
            (ReasonCode::WrongCredentials, "wrong user name or password; check both and log in once more")
        }
        LoginFailure::AccountDisabled => {
            (ReasonCode::AccountDisabled, "this account is disabled; ask an administrator to enable it")
        }
        LoginFailure::Busy => return TokenRefusal::Busy,
        LoginFailure::Unavailable(cause) => return TokenRefusal::Unavailable { cause },
    };
    TokenRefusal::Login(Refusal { code, message: with_code(code, text) })
}
