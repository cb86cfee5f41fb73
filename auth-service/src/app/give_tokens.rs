//! Giving people tokens of this service. The text of a token is put together here, handed out once, and never
//! stored.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::client_id::ClientId;
use crate::domain::login::VerifiedLogin;
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::service_token::{ServiceToken, ServiceTokenId, ServiceTokenKind, TokenDigest, TokenRoom};
use crate::domain::time::Timestamp;
use crate::domain::token_name::TokenName;
use crate::ports::system::{Clock, NoRandomness, Randomness};
use crate::ports::tokens::{AddTokenError, NewToken, Tokens};

/// How long an identity token can live, however often it is used.
const IDENTITY_LIFE: Duration = Duration::from_hours(365 * 24);

/// Why no token was given.
#[derive(Debug, thiserror::Error)]
pub enum GiveTokenError {
    /// It cannot be as asked.
    #[error(transparent)]
    Add(#[from] AddTokenError),
    /// The machine gives no random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A token that was given.
pub struct GivenToken {
    /// The number of its record.
    pub id: ServiceTokenId,
    /// The token itself; it cannot be shown again.
    pub text: Zeroizing<String>,
    /// What it may be used for.
    pub scopes: LoginScopes,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A personal access token to be made.
#[derive(Clone, Debug)]
pub struct PersonalTokenRequest {
    /// Whose it will be.
    pub user: UserId,
    /// What its owner calls it; when not given, its own number.
    pub name: Option<TokenName>,
    /// What it may be used for; `authorize` is left out.
    pub scopes: LoginScopes,
    /// The only project that it will be good for.
    pub project: Option<ProjectId>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The session that it is made in, if it is: one that ends meanwhile makes none.
    pub made_in: Option<ServiceTokenId>,
}

/// Who asked for a login that lasts.
#[derive(Clone, Debug, Default)]
pub struct Requester {
    /// What the program calls itself.
    pub client: Option<ClientId>,
    /// Its address.
    pub address: Option<String>,
}

/// Gives tokens.
pub struct GiveTokens {
    /// Where they are kept.
    pub tokens: Arc<dyn Tokens>,
    /// Makes secrets.
    pub randomness: Arc<dyn Randomness>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long an identity token lives without being used.
    pub identity_idle: Duration,
    /// How long a session lives.
    pub session_life: Duration,
    /// The registry's name for this service.
    pub service: String,
}

impl GiveTokens {
    /// A personal access token. It outlives a change of password, and never has `authorize`.
    pub async fn personal(&self, request: PersonalTokenRequest) -> Result<GivenToken, GiveTokenError> {
        let fresh = self.fresh(ServiceTokenKind::Personal)?;
        let name = request.name.or_else(|| TokenName::parse(&format!("token {}", fresh.id)).ok());
        let scopes = request.scopes.without(LoginScope::Authorize);
        let token = NewToken {
            name,
            project: request.project,
            expires_at: request.expires_at,
            made_in: request.made_in,
            ..fresh.record(request.user, scopes)
        };
        self.keep(token, fresh).await
    }

    /// An identity token, for a login whose password was right, which it stands for in all but making tokens. It is good
    /// for this service only, and ends with the account's generation.
    pub async fn identity(
        &self,
        login: VerifiedLogin,
        requester: Requester,
    ) -> Result<GivenToken, GiveTokenError> {
        let now = self.clock.now();
        let fresh = self.fresh(ServiceTokenKind::Identity)?;
        let token = NewToken {
            expires_at: Some(now.plus(IDENTITY_LIFE)),
            idle_until: Some(now.plus(self.identity_idle)),
            service: Some(self.service.clone()),
            ..fresh.login_record(login, LoginScopes::DOCKER, requester)
        };
        self.keep(token, fresh).await
    }

    /// A session, for a login whose password was right. It ends with the account's generation.
    pub async fn session(
        &self,
        login: VerifiedLogin,
        requester: Requester,
    ) -> Result<GivenToken, GiveTokenError> {
        let fresh = self.fresh(ServiceTokenKind::Session)?;
        let token = NewToken {
            expires_at: Some(self.clock.now().plus(self.session_life)),
            ..fresh.login_record(login, LoginScopes::ALL, requester)
        };
        self.keep(token, fresh).await
    }

    fn fresh(&self, kind: ServiceTokenKind) -> Result<Fresh, NoRandomness> {
        let id = ServiceTokenId::from_random(self.randomness.bytes()?);
        let secret = Zeroizing::new(self.randomness.secret()?);
        let (text, digest) = ServiceToken::compose(kind, id, &secret);
        Ok(Fresh { kind, id, text, digest })
    }

    async fn keep(&self, token: NewToken, fresh: Fresh) -> Result<GivenToken, GiveTokenError> {
        self.tokens.add_token(&token, TokenRoom::of(token.kind)).await?;
        let NewToken { id, scopes, expires_at, .. } = token;
        Ok(GivenToken { id, text: fresh.text, scopes, expires_at })
    }
}

/// A token that nobody has yet.
struct Fresh {
    kind: ServiceTokenKind,
    id: ServiceTokenId,
    text: Zeroizing<String>,
    digest: TokenDigest,
}

impl Fresh {
    fn record(&self, user: UserId, scopes: LoginScopes) -> NewToken {
        NewToken {
            id: self.id,
            kind: self.kind,
            user,
            name: None,
            digest: self.digest,
            scopes,
            project: None,
            generation: None,
            service: None,
            client: None,
            address: None,
            expires_at: None,
            idle_until: None,
            made_in: None,
        }
    }

    fn login_record(&self, login: VerifiedLogin, scopes: LoginScopes, requester: Requester) -> NewToken {
        NewToken {
            generation: Some(login.generation),
            client: requester.client,
            address: requester.address,
            ..self.record(login.user, scopes)
        }
    }
}
