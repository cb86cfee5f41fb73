//! Users, in the one space of names that they share with teams.

use async_trait::async_trait;

use super::owners::require_another_owner;
use super::{Store, change, corrupt, is_taken, list, next_number, note_change, read};
use crate::domain::account::{AccountName, AccountState, EmailAddress};
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::accounts::{AccountError, NewUser, User, UserChange, Users};

#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    name: String,
    email: Option<String>,
    certified: bool,
    administrator: bool,
    disabled: bool,
    robot_of: Option<i64>,
    created_at: i64,
}

const USER_COLUMNS: &str = "SELECT users.id, principals.name, email, certified, administrator, disabled, robot_of, \
     created_at FROM users JOIN principals ON principals.id = users.id";

pub(super) fn state(disabled: bool) -> AccountState {
    if disabled { AccountState::Disabled } else { AccountState::Active }
}

pub(super) fn account_name(text: &str) -> Result<AccountName, StorageError> {
    AccountName::parse(text).map_err(|_| corrupt("principals.name", text))
}

fn email_address(text: &str) -> Result<EmailAddress, StorageError> {
    EmailAddress::parse(text).map_err(|_| corrupt("users.email", text))
}

impl UserRow {
    fn into_user(self) -> Result<User, StorageError> {
        Ok(User {
            id: UserId::new(self.id),
            name: account_name(&self.name)?,
            email: self.email.map(|email| email_address(&email)).transpose()?,
            certified: self.certified,
            administrator: self.administrator,
            state: state(self.disabled),
            robot_of: self.robot_of.map(ProjectId::new),
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// The number of the user called `$name`, inside a transaction.
macro_rules! user_number {
    ($transaction:ident, $name:expr) => {{
        let found: Option<(i64,)> = sqlx::query_as(
            "SELECT users.id FROM users JOIN principals ON principals.id = users.id WHERE name = $1",
        )
        .bind($name.as_str())
        .fetch_optional(&mut *$transaction)
        .await
        .map_err(StorageError::from)?;
        found.ok_or_else(|| AccountError::NoSuchUser($name.clone()))?.0
    }};
}

/// Whether a user is a robot account.
macro_rules! is_robot {
    ($transaction:ident, $user:expr) => {{
        let (robot_of,): (Option<i64>,) = sqlx::query_as("SELECT robot_of FROM users WHERE id = $1")
            .bind($user)
            .fetch_one(&mut *$transaction)
            .await
            .map_err(StorageError::from)?;
        robot_of.is_some()
    }};
}

/// Takes a name for a new user or team and gives its number.
macro_rules! take_name {
    ($transaction:ident, $name:expr, $kind:literal) => {{
        let number = next_number!($transaction, "principal");
        sqlx::query("INSERT INTO principals (id, name, kind) VALUES ($1, $2, $3)")
            .bind(number)
            .bind($name.as_str())
            .bind($kind)
            .execute(&mut *$transaction)
            .await
            .map_err(|error| {
                if is_taken(&error) {
                    AccountError::NameTaken($name.clone())
                } else {
                    StorageError::from(error).into()
                }
            })?;
        number
    }};
}

/// Takes a user or team out of every table; its number is never drawn again. Each project whose sharing named
/// it is another change of facts: as many revisions, in one step, because a team can be named in thousands.
macro_rules! forget_principal {
    ($transaction:ident, $number:expr) => {{
        let projects = sqlx::query(NOTE_PROJECTS_NAMING)
            .bind($number)
            .execute(&mut *$transaction)
            .await
            .map_err(StorageError::from)?
            .rows_affected();
        sqlx::query("UPDATE facts_revision SET revision = revision + $1")
            .bind(i64::try_from(projects).unwrap_or(i64::MAX))
            .execute(&mut *$transaction)
            .await
            .map_err(StorageError::from)?;
        for statement in
            ["DELETE FROM access WHERE principal_id = $1", "DELETE FROM principals WHERE id = $1"]
        {
            sqlx::query(statement)
                .bind($number)
                .execute(&mut *$transaction)
                .await
                .map_err(StorageError::from)?;
        }
    }};
}

/// One row of `facts_changes` for each project with `$1` in its sharing settings or in those of one of its
/// repositories, numbered on from the present revision.
pub(super) const NOTE_PROJECTS_NAMING: &str = "INSERT INTO facts_changes (revision, subject, number) \
     SELECT revision + ROW_NUMBER() OVER (ORDER BY project), 'project', project \
     FROM (SELECT projects.id AS project FROM access JOIN projects ON projects.id = item_id \
           WHERE principal_id = $1 \
           UNION SELECT project_id FROM access JOIN repositories ON repositories.id = item_id \
           WHERE principal_id = $1) AS named CROSS JOIN facts_revision";

/// Refuses to go on when nobody would be left who can administer the service.
macro_rules! require_another_administrator {
    ($transaction:ident, $user:expr, $name:expr) => {{
        let (is_one, others): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(CASE WHEN id = $1 THEN 1 END), COUNT(CASE WHEN id <> $1 THEN 1 END) \
             FROM users WHERE administrator AND NOT disabled",
        )
        .bind($user)
        .fetch_one(&mut *$transaction)
        .await
        .map_err(StorageError::from)?;
        if is_one > 0 && others == 0 {
            return Err(AccountError::LastAdministrator($name.clone()));
        }
    }};
}

/// Takes the scope `admin` from every token of a user; it does not come back when the user is promoted again.
macro_rules! take_admin_scope {
    ($transaction:ident, $user:expr) => {{
        sqlx::query("UPDATE tokens SET scopes = scopes - $2 WHERE user_id = $1 AND (scopes & $2) <> 0")
            .bind($user)
            .bind(i64::from(LoginScopes::NONE.with(LoginScope::Admin).to_bits()))
            .execute(&mut *$transaction)
            .await
            .map_err(StorageError::from)?;
    }};
}

pub(super) use {forget_principal, take_name, user_number};

#[async_trait]
impl Users for Store {
    async fn add_user(&self, user: &NewUser) -> Result<UserId, AccountError> {
        let created_at = self.clock.now().as_millis();
        change!(self, transaction => {
            if let Some(project) = user.robot_of {
                let found: Option<(i64,)> = sqlx::query_as("SELECT id FROM projects WHERE id = $1")
                    .bind(project.number())
                    .fetch_optional(&mut *transaction)
                    .await
                    .map_err(StorageError::from)?;
                found.ok_or(AccountError::NoSuchProject(project))?;
            }
            let number = take_name!(transaction, user.name, "user");
            sqlx::query(
                "INSERT INTO users (id, email, password_hash, certified, administrator, disabled, generation, created_at, \
                 robot_of, password_shapes) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9)",
            )
            .bind(number)
            .bind(user.email.as_ref().map(EmailAddress::as_str))
            .bind(user.password.as_ref().map(|password| password.hash.as_str()))
            .bind(user.certified)
            .bind(user.administrator)
            .bind(false)
            .bind(created_at)
            .bind(user.robot_of.map(ProjectId::number))
            .bind(user.password.as_ref().map(|password| password.shapes.number()))
            .execute(&mut *transaction)
            .await
            .map_err(|error| if is_taken(&error) { AccountError::EmailTaken } else { StorageError::from(error).into() })?;
            note_change!(transaction, "user", number);
            Ok(UserId::new(number))
        })
    }

    async fn change_user(&self, name: &AccountName, change: &UserChange) -> Result<(), AccountError> {
        change!(self, transaction => {
            let number = user_number!(transaction, name);
            let for_people =
                matches!(change, UserChange::Administrator(true) | UserChange::Password(_));
            if for_people && is_robot!(transaction, number) {
                return Err(AccountError::IsRobot(name.clone()));
            }
            let takes_administrator_away =
                matches!(change, UserChange::Administrator(false) | UserChange::State(AccountState::Disabled));
            if takes_administrator_away {
                require_another_administrator!(transaction, number, name);
            }
            let statement = match change {
                UserChange::Certified(_) => "UPDATE users SET certified = $2 WHERE id = $1",
                UserChange::Administrator(_) => "UPDATE users SET administrator = $2 WHERE id = $1",
                UserChange::State(_) => "UPDATE users SET disabled = $2, generation = generation + 1 WHERE id = $1",
                UserChange::Password(_) => {
                    "UPDATE users SET password_hash = $2, password_shapes = $3, generation = generation + 1 WHERE id = $1"
                }
            };
            let query = sqlx::query(statement).bind(number);
            let query = match change {
                UserChange::Certified(value) | UserChange::Administrator(value) => query.bind(*value),
                UserChange::State(state) => query.bind(*state == AccountState::Disabled),
                UserChange::Password(password) => {
                    query.bind(password.hash.as_str()).bind(password.shapes.number())
                }
            };
            query.execute(&mut *transaction).await.map_err(StorageError::from)?;
            if matches!(change, UserChange::Administrator(false)) {
                take_admin_scope!(transaction, number);
            }
            note_change!(transaction, "user", number);
            Ok(())
        })
    }

    async fn remove_user(&self, name: &AccountName) -> Result<(), AccountError> {
        change!(self, transaction => {
            let number = user_number!(transaction, name);
            require_another_administrator!(transaction, number, name);
            require_another_owner!(transaction, number, name);
            forget_principal!(transaction, number);
            note_change!(transaction, "user", number);
            Ok(())
        })
    }

    async fn users(&self) -> Result<Vec<User>, StorageError> {
        let rows: Vec<UserRow> = list!(self, connection => {
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{USER_COLUMNS} ORDER BY principals.name")))
                .fetch_all(connection)
                .await?
        });
        rows.into_iter().map(UserRow::into_user).collect()
    }

    async fn user(&self, name: &AccountName) -> Result<Option<User>, StorageError> {
        let row: Option<UserRow> = read!(self, connection => {
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{USER_COLUMNS} WHERE principals.name = $1")))
                .bind(name.as_str())
                .fetch_optional(connection)
                .await?
        });
        row.map(UserRow::into_user).transpose()
    }

    async fn user_numbered(&self, id: UserId) -> Result<Option<User>, StorageError> {
        let row: Option<UserRow> = read!(self, connection => {
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{USER_COLUMNS} WHERE users.id = $1")))
                .bind(id.number())
                .fetch_optional(connection)
                .await?
        });
        row.map(UserRow::into_user).transpose()
    }
}
