//! A token request: log in, load the facts, decide, and sign the token or give the reason.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::first_push::{FirstPush, Settled};
use super::give_tokens::{GiveTokens, Requester};
use super::log_in::{Admitted, LogIn};
use super::token_refusal::TokenRefusal;
use crate::domain::claims::{TokenTerms, granted_access, granted_scopes};
use crate::domain::credential::Credential;
use crate::domain::decision::{AccessPolicy, Decision, FirstUse, decide};
use crate::domain::login::{Caller, CredentialUse, LoginOrigin, Proof};
use crate::domain::login_rejection::LoginRejection;
use crate::domain::principal::UserId;
use crate::domain::reason::Refusal;
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::refusal::{PushMeaning, RefusalContext, refusal};
use crate::domain::repository::RepositoryName;
use crate::domain::scope::{Action, RequestedName, RequestedScopes};
use crate::domain::service_token::ServiceTokenKind;
use crate::domain::time::Timestamp;
use crate::ports::facts::Target;
use crate::ports::login_error::LoginError;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;

/// How often a request is decided when the account or the names change meanwhile.
const TRIES: usize = 6;

/// A token request.
pub struct TokenRequest {
    /// The login that came with it.
    pub credential: Credential,
    /// The service that the token is for; without one, the configured service.
    pub service: Option<String>,
    /// The `scope` values as sent.
    pub scopes: Vec<String>,
    /// Whether the credential came as a password or as a refresh token.
    pub credential_use: CredentialUse,
    /// Where the login comes from.
    pub origin: LoginOrigin,
    /// What the client means by asking for push.
    pub push: PushMeaning,
    /// The client, if it wants an identity token to store in place of the password.
    pub stores_token: Option<Requester>,
    /// The unique identifier of the request; the token has it as `jti`.
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

/// A token with the rest of its answer.
pub struct IssuedToken {
    /// The compact JWS.
    pub token: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// The granted scopes, joined by spaces.
    pub scope: String,
    /// An identity token to be stored in place of the password.
    pub refresh_token: Option<Zeroizing<String>>,
}

/// The outcome of a token request, and whose it was.
pub struct TokenAnswer {
    /// The user, if the login was right.
    pub user: Option<UserId>,
    /// The token, or why there is none.
    pub outcome: Result<IssuedToken, TokenRefusal>,
}

impl TokenAnswer {
    /// The answer when none was found in time.
    #[must_use]
    pub fn late() -> Self {
        Self { user: None, outcome: Err(unavailable("no answer was found in time")) }
    }
}

/// The settings for tokens.
pub struct TokenRules {
    /// The claims that are the same in every token.
    pub terms: TokenTerms,
    /// The settings that decisions depend on.
    pub policy: AccessPolicy,
    /// The registry's host in image names.
    pub host: String,
    /// Maximum number of scopes in one request.
    pub most_scopes: usize,
}

/// Issues tokens.
pub struct IssueToken {
    /// Accepts logins, with the facts for a decision.
    pub log_in: Arc<LogIn>,
    /// Gives identity tokens.
    pub give_tokens: Arc<GiveTokens>,
    /// Reserves names.
    pub first_push: Arc<FirstPush>,
    /// Signs.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub rules: TokenRules,
}

impl IssueToken {
    /// Answers one request.
    pub async fn run(&self, request: &TokenRequest) -> TokenAnswer {
        let requested = match self.requested_scopes(request) {
            Ok(requested) => requested,
            Err(refusal) => return TokenAnswer { user: None, outcome: Err(refusal) },
        };
        let names = self.names_that_matter(&request.credential, &requested);
        let credential_use =
            if request.repeats_refresh() { CredentialUse::Refresh } else { request.credential_use };
        let (mut user, mut looked_at) = (None, Vec::new());
        for _ in 0..TRIES {
            let (credential, target) = (&request.credential, Target::Repositories(&names));
            match self.log_in.try_once(credential, credential_use, request.origin, target).await {
                Ok(Some(admitted)) => {
                    user = admitted.user();
                    let decided = self.decide_and_sign(request, &requested, &admitted, &mut looked_at).await;
                    if let Some(outcome) = decided.transpose() {
                        return TokenAnswer { user, outcome };
                    }
                }
                Ok(None) => {}
                Err(error) => return TokenAnswer { user, outcome: Err(error.into()) },
            }
        }
        TokenAnswer { user, outcome: Err(unavailable("the account or the names changed with each try")) }
    }

    fn requested_scopes(&self, request: &TokenRequest) -> Result<RequestedScopes, TokenRefusal> {
        self.require_own_service(request.service.as_deref())?;
        let scopes = request.scopes.iter().map(String::as_str);
        RequestedScopes::parse(scopes, self.rules.most_scopes).map_err(TokenRefusal::TooManyScopes)
    }

    /// Returns `None` when the registry was asked meanwhile, and the request must be decided again.
    async fn decide_and_sign(
        &self,
        request: &TokenRequest,
        requested: &RequestedScopes,
        admitted: &Admitted,
        looked_at: &mut Vec<RepositoryName>,
    ) -> Result<Option<IssuedToken>, TokenRefusal> {
        let decision = decide(&admitted.caller(), requested, &admitted.facts, self.rules.policy);
        self.refuse(request, requested, &admitted.caller(), &decision)?;
        if request.repeats_refresh() {
            // The first request has shown the reason of a refusal; an identity token is never accepted as a password.
            let kind = ServiceTokenKind::Identity;
            return Err(LoginError::Rejected(LoginRejection::WrongTokenKind(kind)).into());
        }
        let user = admitted.user();
        // The answer of the registry can take a while: the decision before it is out of date.
        if self.ask_registry(&decision, user, looked_at).await? {
            return Ok(None);
        }
        let issued = self.sign(&decision, user, &request.identifier)?;
        let refresh_token = self.identity_token(request, &admitted.proof).await?;
        Ok(Some(IssuedToken { refresh_token, ..issued }))
    }

    /// The names to load facts about: none for an anonymous caller who cannot be granted anything.
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
                    Err(TokenRefusal::NotLoggedIn(Refusal::of(ReasonCode::Anonymous, &text)))
                }
            };
        }
        let context = RefusalContext { host: &self.rules.host, push: request.push };
        refusal(decision, context).map_or(Ok(()), |refusal| Err(TokenRefusal::Denied(refusal)))
    }

    /// Asks the registry about names without a record, and reserves those that are pushed to. Returns whether the
    /// request must be decided again. `looked_at` are the names that this request has asked about before.
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
            match self.first_push.settle(name, first_use, user).await? {
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

    /// Only a login with a password gets an identity token, which could outlive a token that was used for the login.
    async fn identity_token(
        &self,
        request: &TokenRequest,
        proof: &Proof,
    ) -> Result<Option<Zeroizing<String>>, TokenRefusal> {
        match (&request.stores_token, proof) {
            (Some(requester), Proof::Password(login)) => {
                Ok(Some(self.give_tokens.identity(*login, requester.clone()).await?.text))
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
        let scope = granted_scopes(&access);
        let claims = self.rules.terms.claims(user, access, now, identifier).to_json().map_err(unavailable)?;
        let token = self.signer.sign(&claims).map_err(unavailable)?;
        let expires_in = self.rules.terms.lifetime_seconds;
        Ok(IssuedToken { token, issued_at: now, expires_in, scope, refresh_token: None })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes the error itself")]
fn unavailable(cause: impl ToString) -> TokenRefusal {
    TokenRefusal::Unavailable(cause.to_string())
}
