//! Users, teams, and the names that they share.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::account::{AccountName, AccountState, EmailAddress, LoginName};
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::principal::{PrincipalId, TeamId, UserId};
use crate::domain::project::ProjectId;
use crate::domain::time::Timestamp;

/// A user as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The stable number.
    pub id: UserId,
    /// The name.
    pub name: AccountName,
    /// The e-mail address, if it has one.
    pub email: Option<EmailAddress>,
    /// Whether the user may push.
    pub certified: bool,
    /// Whether the user is an administrator.
    pub administrator: bool,
    /// Whether the account may log in.
    pub state: AccountState,
    /// The project that it acts for, if it is a robot account.
    pub robot_of: Option<ProjectId>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// A team as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The stable number.
    pub id: TeamId,
    /// The name.
    pub name: AccountName,
    /// The names of its members.
    pub members: Vec<AccountName>,
}

/// A password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassword {
    /// Its hash, in PHC string format.
    pub hash: String,
    /// The shapes of opaque tokens that it is known not to have.
    pub shapes: ShapesDigest,
}

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct StoredLogin {
    /// Whose it is.
    pub user: UserId,
    /// The password; `None` when the account has none.
    pub password: Option<StoredPassword>,
    /// The account's generation when this was read.
    pub generation: i64,
    /// Whether the account may log in.
    pub state: AccountState,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name.
    pub name: AccountName,
    /// The e-mail address, if it has one.
    pub email: Option<EmailAddress>,
    /// The password; without one, nobody can log in with a password.
    pub password: Option<StoredPassword>,
    /// Whether the user may push.
    pub certified: bool,
    /// Whether the user is an administrator.
    pub administrator: bool,
    /// The project that it acts for, if it is a robot account.
    pub robot_of: Option<ProjectId>,
}

/// A change to an account.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// May push, or not.
    Certified(bool),
    /// Is an administrator, or not.
    Administrator(bool),
    /// May log in, or not; ends every login when it may not.
    State(AccountState),
    /// Has a new password; ends every login.
    Password(StoredPassword),
}

/// Why an account or team was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another user or team has the name.
    #[error("the name {0} is taken by a user or team")]
    NameTaken(AccountName),
    /// Another user has the address.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(AccountName),
    /// There is no such team.
    #[error("there is no team {0}")]
    NoSuchTeam(AccountName),
    /// Nobody could administer the service any more.
    #[error("{0} is the last administrator who can log in; promote somebody else first")]
    LastAdministrator(AccountName),
    /// A user who owns things, or a team that does, cannot vanish.
    #[error(
        "{0} is the only one who can change the permissions of {1}; give CHANGE_PERMISSIONS to somebody else first (not to an empty team, a robot account or a disabled user)"
    )]
    OwnsProjects(AccountName, String),
    /// A robot account is nobody's to log in with or to rule with.
    #[error("{0} is a robot account, which has no password and cannot be an administrator")]
    IsRobot(AccountName),
    /// There is no such project.
    #[error("there is no {0}")]
    NoSuchProject(ProjectId),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Passwords as they are stored.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// What a login under `name` is checked against; `None` when nobody has that name or address.
    async fn stored_login(&self, name: &LoginName) -> Result<Option<StoredLogin>, StorageError>;

    /// Keeps the same password in another way, unless it is kept otherwise than as `before` by now. No login ends.
    async fn renew_password(
        &self,
        user: UserId,
        before: &StoredPassword,
        renewed: &StoredPassword,
    ) -> Result<(), StorageError>;

    /// Whether somebody has a password of which it is not known that it has none of these `shapes`.
    async fn has_unchecked_passwords(&self, shapes: ShapesDigest) -> Result<bool, StorageError>;
}

/// Users as they are stored.
#[async_trait]
pub trait Users: Send + Sync {
    /// Makes an account and gives its number.
    async fn add_user(&self, user: &NewUser) -> Result<UserId, AccountError>;

    /// Changes an account.
    async fn change_user(&self, name: &AccountName, change: &UserChange) -> Result<(), AccountError>;

    /// Removes an account with everything that it was given, unless nobody could share one of its projects any more; its
    /// number is never used again.
    async fn remove_user(&self, name: &AccountName) -> Result<(), AccountError>;

    /// Every user, by name.
    async fn users(&self) -> Result<Vec<User>, StorageError>;

    /// The user with this name.
    async fn user(&self, name: &AccountName) -> Result<Option<User>, StorageError>;

    /// The user with this number.
    async fn user_numbered(&self, id: UserId) -> Result<Option<User>, StorageError>;
}

/// Teams as they are stored.
#[async_trait]
pub trait Teams: Send + Sync {
    /// Makes a team and gives its number.
    async fn add_team(&self, name: &AccountName) -> Result<TeamId, AccountError>;

    /// Removes a team with everything that it was given, unless nobody could share one of its projects any more.
    async fn remove_team(&self, name: &AccountName) -> Result<(), AccountError>;

    /// Puts a user into a team, or takes one out; doing it twice is not an error.
    async fn set_member(
        &self,
        team: &AccountName,
        user: &AccountName,
        member: bool,
    ) -> Result<(), AccountError>;

    /// Every team, by name.
    async fn teams(&self) -> Result<Vec<Team>, StorageError>;
}

/// The one space of names that users and teams share.
#[async_trait]
pub trait Principals: Send + Sync {
    /// The number of the user or team with this name.
    async fn principal(&self, name: &AccountName) -> Result<Option<PrincipalId>, StorageError>;

    /// The names of users and teams by number; those that are gone are left out.
    async fn principal_names(
        &self,
        ids: &[PrincipalId],
    ) -> Result<Vec<(PrincipalId, AccountName)>, StorageError>;
}
