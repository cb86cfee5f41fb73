//! The token request: who asks, what is known, what is decided, and the signed token or the reason.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::first_push::{FirstPush, Settled};
use super::give_tokens::{GiveTokens, Requester};
use super::log_in::{LogIn, NoLogin, Origin};
use crate::domain::claims::{TokenTerms, granted_access};
use crate::domain::credential::Credential;
use crate::domain::decision::{AccessPolicy, Decision, FirstUse, decide};
use crate::domain::foreign::IssuerName;
use crate::domain::login::{Caller, CredentialUse, NotAdmitted, Proof};
use crate::domain::principal::UserId;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::refusal::{PushMeaning, Refusal, RefusalContext, refusal};
use crate::domain::refused_login::RefusedLogin;
use crate::domain::repository::RepositoryName;
use crate::domain::scope::{Action, RequestedName, RequestedScopes, TooManyScopes};
use crate::domain::service_token::ServiceTokenKind;
use crate::domain::time::Timestamp;
use crate::ports::facts::Target;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;

/// How often a request is decided on when names become known under its hands.
const TRIES: usize = 4;

/// A token request, understood.
pub struct TokenRequest {
    /// Who says to be asking.
    pub credential: Credential,
    /// For which service; the configured one when it is not said.
    pub service: Option<String>,
    /// The `scope` values as sent.
    pub scopes: Vec<String>,
    /// Whether the credential came as a password or as a refresh token.
    pub credential_use: CredentialUse,
    /// Where it comes from.
    pub origin: Origin,
    /// What the client means when it asks for push.
    pub push: PushMeaning,
    /// Who would store an identity token in place of the password, if the client asks for one.
    pub stores_token: Option<Requester>,
    /// The identifier of the request, never given twice; the token has it as `jti`.
    pub identifier: String,
}

impl TokenRequest {
    /// Whether it is the second try of a client that was refused with its identity token: containerd, with
    /// which docker stores images, then gives the same token as a password (`docs/PROTOCOL.md`).
    fn repeats_refresh(&self) -> bool {
        matches!(&self.credential, Credential::Token(token) if token.kind == ServiceTokenKind::Identity)
            && self.credential_use == CredentialUse::Registry
    }
}

/// A token, and what its answer says beside it.
pub struct IssuedToken {
    /// The compact JWS.
    pub token: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How many seconds it lives.
    pub expires_in: i64,
    /// What it grants, as scopes joined by spaces.
    pub scope: String,
    /// An identity token to be stored in place of the password.
    pub refresh_token: Option<Zeroizing<String>>,
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
    /// The issuer of the token does not answer; `cause` is for the log.
    IssuerDown {
        /// The operator's name for it.
        issuer: IssuerName,
        /// What failed.
        cause: String,
    },
    /// It cannot be decided just now; `cause` is for the log.
    Unavailable {
        /// What failed.
        cause: String,
    },
}

impl TokenRefusal {
    /// What failed, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::IssuerDown { cause, .. } | Self::Unavailable { cause } => Some(cause),
            _ => None,
        }
    }
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
    /// Admits people, with facts about what they ask for.
    pub log_in: Arc<LogIn>,
    /// Gives identity tokens.
    pub give_tokens: Arc<GiveTokens>,
    /// Reserves names.
    pub first_push: Arc<FirstPush>,
    /// Signs.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator has set.
    pub rules: TokenRules,
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
        let requested =
            RequestedScopes::parse(request.scopes.iter().map(String::as_str), self.rules.most_scopes)
                .map_err(TokenRefusal::TooManyScopes)?;
        let names = self.names_that_matter(&request.credential, &requested);
        let credential_use =
            if request.repeats_refresh() { CredentialUse::Refresh } else { request.credential_use };
        let mut looked_at = Vec::new();
        for _ in 0..TRIES {
            let (credential, target) = (&request.credential, Target::Repositories(&names));
            let admitted = self.log_in.run(credential, credential_use, request.origin, target).await?;
            *user = admitted.user();
            let decision = decide(&admitted.caller(), &requested, &admitted.facts, self.rules.policy);
            self.refuse(request, &requested, &admitted.caller(), &decision)?;
            if request.repeats_refresh() {
                // It was to read the reason again; an identity token is never good as a password.
                let misplaced = NotAdmitted::WrongUse(ServiceTokenKind::Identity);
                return Err(NoLogin::Refused(RefusedLogin::NotAdmitted(misplaced)).into());
            }
            // The registry may take its time to answer. What was decided before is no decision any more.
            if self.ask_registry(&decision, *user, &mut looked_at).await? {
                continue;
            }
            let issued = self.sign(&decision, *user, &request.identifier)?;
            let refresh_token = self.identity_token(request, &admitted.proof).await?;
            return Ok(IssuedToken { refresh_token, ..issued });
        }
        Err(unavailable("names became known with each try"))
    }

    /// The names that facts are loaded of. Nobody is given anything where that is not allowed, whatever the facts.
    fn names_that_matter(&self, credential: &Credential, requested: &RequestedScopes) -> Vec<RepositoryName> {
        match credential {
            Credential::Anonymous if !self.rules.policy.anonymous_pull => Vec::new(),
            _ => requested.proper_names().cloned().collect(),
        }
    }

    fn require_own_service(&self, service: Option<&str>) -> Result<(), TokenRefusal> {
        let own = &self.rules.terms.service;
        match service {
            Some(service) if service != own => {
                let text = format!(
                    "the registry asked for a token of another service than '{own}'; ask an administrator to set its auth.token.service to '{own}'"
                );
                Err(TokenRefusal::Denied(Refusal::of(ReasonCode::ForeignService, &text)))
            }
            _ => Ok(()),
        }
    }

    fn refuse(
        &self,
        request: &TokenRequest,
        requested: &RequestedScopes,
        caller: &Caller<'_>,
        decision: &Decision,
    ) -> Result<(), TokenRefusal> {
        if requested.is_empty() {
            return match caller {
                Caller::User(..) => Ok(()),
                Caller::Anonymous => {
                    let host = &self.rules.host;
                    let text = format!("you are not logged in; run 'docker login {host}' first");
                    Err(TokenRefusal::Login(Refusal::of(ReasonCode::Anonymous, &text)))
                }
            };
        }
        let context = RefusalContext { host: &self.rules.host, push: request.push };
        refusal(decision, context).map_or(Ok(()), |refusal| Err(TokenRefusal::Denied(refusal)))
    }

    /// Asks the registry about names without a record, and reserves those that are pushed to. Returns whether the request has
    /// to be decided again. `looked_at`: names that this request has asked about before.
    async fn ask_registry(
        &self,
        decision: &Decision,
        user: Option<UserId>,
        looked_at: &mut Vec<RepositoryName>,
    ) -> Result<bool, TokenRefusal> {
        let mut has_asked = false;
        for (name, first_use) in decision.first_uses() {
            let Some(user) = user else { continue };
            if first_use == FirstUse::Look && looked_at.contains(name) {
                continue;
            }
            has_asked = true;
            let settled = self.first_push.settle(name, first_use, user).await;
            self.log_in.facts.catch_up().await.map_err(unavailable)?;
            match settled.map_err(unavailable)? {
                Settled::Free => looked_at.push(name.clone()),
                Settled::NameKnown => break,
                Settled::Refused(reason) => return Err(self.denied(name, reason)),
            }
        }
        Ok(has_asked)
    }

    fn denied(&self, name: &RepositoryName, reason: Reason) -> TokenRefusal {
        let name = RequestedName::Proper(name.clone());
        let message = reason.sentence(Action::Push, &name, &self.rules.host);
        TokenRefusal::Denied(Refusal::new(reason.code(), message))
    }

    /// Only a password login gets an identity token: it may live longer than the token that somebody logs in with.
    async fn identity_token(
        &self,
        request: &TokenRequest,
        proof: &Proof,
    ) -> Result<Option<Zeroizing<String>>, TokenRefusal> {
        match (&request.stores_token, proof) {
            (Some(requester), Proof::Password(login)) => {
                let given = self.give_tokens.identity(*login, requester.clone()).await;
                given.map(|given| Some(given.text)).map_err(unavailable)
            }
            _ => Ok(None),
        }
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
        Ok(IssuedToken { token, issued_at: now, expires_in, scope: scope.join(" "), refresh_token: None })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err, which passes the error itself")]
fn unavailable(cause: impl ToString) -> TokenRefusal {
    TokenRefusal::Unavailable { cause: cause.to_string() }
}

impl From<NoLogin> for TokenRefusal {
    fn from(error: NoLogin) -> Self {
        match error {
            NoLogin::Refused(refused) => Self::Login(refused.refusal()),
            NoLogin::Busy => Self::Busy,
            NoLogin::IssuerDown { issuer, cause } => Self::IssuerDown { issuer, cause },
            NoLogin::Unavailable(cause) => Self::Unavailable { cause },
        }
    }
}
