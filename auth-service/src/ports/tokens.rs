//! The tokens that this service gives to people, as they are stored.

use std::time::Duration;

use async_trait::async_trait;

use super::StorageError;
use crate::domain::account::AccountName;
use crate::domain::client_id::ClientId;
use crate::domain::login_scope::LoginScopes;
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenDigest, TokenRoom};
use crate::domain::time::Timestamp;
use crate::domain::token_name::TokenName;

/// A token to be stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The number of its record.
    pub id: ServiceTokenId,
    /// What it is for.
    pub kind: ServiceTokenKind,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it; only personal ones have a name.
    pub name: Option<TokenName>,
    /// What is kept of the token itself.
    pub digest: TokenDigest,
    /// What it may be used for.
    pub scopes: LoginScopes,
    /// The only project that it is good for.
    pub project: Option<ProjectId>,
    /// The account's generation that it ends with.
    pub generation: Option<i64>,
    /// The only service that it is good for.
    pub service: Option<String>,
    /// The program that asked for it, as it called itself.
    pub client: Option<ClientId>,
    /// The address that it was asked for from.
    pub address: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it ends unless it is used before.
    pub idle_until: Option<Timestamp>,
    /// The session that it is made in, which must not have ended by then.
    pub made_in: Option<ServiceTokenId>,
}

/// A token as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The number of its record.
    pub id: ServiceTokenId,
    /// Whose it is.
    pub user: UserId,
    /// The owner's name.
    pub user_name: AccountName,
    /// What its owner calls it.
    pub name: Option<TokenName>,
    /// What it may be used for.
    pub scopes: LoginScopes,
    /// The only project that it is good for.
    pub project: Option<ProjectId>,
    /// The program that asked for it.
    pub client: Option<ClientId>,
    /// The address that it was asked for from.
    pub address: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute or two.
    pub last_used_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Why a token was not stored.
#[derive(Debug, thiserror::Error)]
pub enum AddTokenError {
    /// Another token of the user has the name.
    #[error("a token with this name exists already; choose another name, or revoke that one")]
    NameTaken,
    /// The user has too many.
    #[error("at most {0} tokens can be in use; revoke one that is not needed")]
    TooMany(usize),
    /// The user is gone.
    #[error("there is no such user")]
    NoSuchUser,
    /// It would have an administrator's rights, and its owner has none.
    #[error(
        "scope admin is for the tokens of administrators, and the owner of this one is none; leave admin out"
    )]
    NotAdministrator,
    /// The session that it was to be made in has ended meanwhile.
    #[error("the session was ended")]
    SessionEnded,
    /// There is no such project.
    #[error("there is no {0}")]
    NoSuchProject(ProjectId),
    /// A robot account has rights in its own project only.
    #[error(
        "this is a robot account of {0}, and its tokens are good there only; bind the token to that or to none"
    )]
    RobotOf(ProjectId),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Tokens as they are stored.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a token, for which there is so much room.
    async fn add_token(&self, token: &NewToken, room: TokenRoom) -> Result<(), AddTokenError>;

    /// The tokens of a kind on record, of one user or of all, newest first; some may be at their end.
    async fn tokens(
        &self,
        kind: ServiceTokenKind,
        user: Option<UserId>,
    ) -> Result<Vec<TokenRecord>, StorageError>;

    /// Ends a token; with an owner only if it is that user's. Whether there was one.
    async fn revoke_token(
        &self,
        kind: ServiceTokenKind,
        id: ServiceTokenId,
        owner: Option<UserId>,
    ) -> Result<bool, StorageError>;

    /// Ends every session and identity token of a user.
    async fn end_logins(&self, user: UserId) -> Result<(), StorageError>;

    /// Writes down when tokens were last used; those that end when they are not used now end `idle` later.
    async fn write_uses(
        &self,
        uses: &[(ServiceTokenId, Timestamp)],
        idle: Duration,
    ) -> Result<(), StorageError>;

    /// Forgets tokens that ended before `moment`.
    async fn forget_ended(&self, moment: Timestamp) -> Result<(), StorageError>;
}

/// Uses of tokens that are not written down yet. Noting one costs next to nothing.
pub trait TokenUses: Send + Sync {
    /// A token was used.
    fn note(&self, token: ServiceTokenId, at: Timestamp);

    /// Gives what is to be written down, each token once, and forgets it.
    fn take(&self) -> Vec<(ServiceTokenId, Timestamp)>;
}
