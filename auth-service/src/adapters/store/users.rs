//! Users, in the one space of names that they share with teams.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, FromRow};

use super::owners::require_another_owner;
use super::sql::Columns;
use super::transaction::Transaction;
use super::{Store, corrupt};
use crate::domain::account::{AccountName, AccountState, EmailAddress};
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::accounts::{AccountError, NewUser, User, UserChange, Users};

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

impl<'r, R: Columns> FromRow<'r, R> for UserRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            name: row.value("name")?,
            email: row.value("email")?,
            certified: row.value("certified")?,
            administrator: row.value("administrator")?,
            disabled: row.value("disabled")?,
            robot_of: row.value("robot_of")?,
            created_at: row.value("created_at")?,
        })
    }
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

/// The number of the user called `name`.
pub(super) async fn user_number(
    transaction: &mut Transaction<'_>,
    name: &AccountName,
) -> Result<i64, AccountError> {
    let found: Option<(i64,)> = transaction
        .sql("SELECT users.id FROM users JOIN principals ON principals.id = users.id WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional()
        .await?;
    found.map(|(number,)| number).ok_or_else(|| AccountError::NoSuchUser(name.clone()))
}

async fn is_robot(transaction: &mut Transaction<'_>, user: i64) -> Result<bool, StorageError> {
    let (robot_of,): (Option<i64>,) =
        transaction.sql("SELECT robot_of FROM users WHERE id = $1").bind(user).fetch_one().await?;
    Ok(robot_of.is_some())
}

/// Takes a name for a new `user` or `team` and gives its number.
pub(super) async fn take_name(
    transaction: &mut Transaction<'_>,
    name: &AccountName,
    kind: &'static str,
) -> Result<i64, AccountError> {
    let number = transaction.next_number("principal").await?;
    let is_free = transaction
        .sql("INSERT INTO principals (id, name, kind) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(name.as_str())
        .bind(kind)
        .insert()
        .await?;
    if is_free { Ok(number) } else { Err(AccountError::NameTaken(name.clone())) }
}

/// Takes a user or team out of every table; its number is never drawn again. Each project whose sharing settings named
/// it is another change of facts: as many revisions, in one step, because a team can be named in thousands.
pub(super) async fn forget_principal(
    transaction: &mut Transaction<'_>,
    number: i64,
) -> Result<(), StorageError> {
    let projects = transaction.sql(NOTE_PROJECTS_NAMING).bind(number).execute().await?;
    transaction
        .sql("UPDATE facts_revision SET revision = revision + $1")
        .bind(i64::try_from(projects).unwrap_or(i64::MAX))
        .execute()
        .await?;
    for statement in ["DELETE FROM access WHERE principal_id = $1", "DELETE FROM principals WHERE id = $1"] {
        transaction.sql(statement).bind(number).execute().await?;
    }
    Ok(())
}

/// One row of `facts_changes` for each project with `$1` in its sharing settings or in those of one of its
/// repositories, numbered on from the present revision.
const NOTE_PROJECTS_NAMING: &str = "INSERT INTO facts_changes (revision, subject, number) \
     SELECT revision + ROW_NUMBER() OVER (ORDER BY project), 'project', project \
     FROM (SELECT projects.id AS project FROM access JOIN projects ON projects.id = item_id \
           WHERE principal_id = $1 \
           UNION SELECT project_id FROM access JOIN repositories ON repositories.id = item_id \
           WHERE principal_id = $1) AS named CROSS JOIN facts_revision";

/// Refuses to go on when nobody would be left who can administer the service.
async fn require_another_administrator(
    transaction: &mut Transaction<'_>,
    user: i64,
    name: &AccountName,
) -> Result<(), AccountError> {
    let (is_one, others): (i64, i64) = transaction
        .sql(
            "SELECT COUNT(CASE WHEN id = $1 THEN 1 END), COUNT(CASE WHEN id <> $1 THEN 1 END) \
             FROM users WHERE administrator AND NOT disabled",
        )
        .bind(user)
        .fetch_one()
        .await?;
    if is_one > 0 && others == 0 { Err(AccountError::LastAdministrator(name.clone())) } else { Ok(()) }
}

/// Takes the scope `admin` from every token of a user; it does not come back when the user is promoted again.
async fn take_admin_scope(transaction: &mut Transaction<'_>, user: i64) -> Result<(), StorageError> {
    transaction
        .sql("UPDATE tokens SET scopes = scopes - $2 WHERE user_id = $1 AND (scopes & $2) <> 0")
        .bind(user)
        .bind(i64::from(LoginScopes::NONE.with(LoginScope::Admin).to_bits()))
        .execute()
        .await?;
    Ok(())
}

#[async_trait]
impl Users for Store {
    async fn add_user(&self, user: &NewUser) -> Result<UserId, AccountError> {
        let created_at = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        if let Some(project) = user.robot_of {
            let found: Option<(i64,)> = transaction
                .sql("SELECT id FROM projects WHERE id = $1")
                .bind(project.number())
                .fetch_optional()
                .await?;
            found.ok_or(AccountError::NoSuchProject(project))?;
        }
        let number = take_name(&mut transaction, &user.name, "user").await?;
        let is_free = transaction.sql(
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
            .insert().await?;
        if !is_free {
            return Err(AccountError::EmailTaken);
        }
        transaction.note_change("user", number).await?;
        transaction.commit().await?;
        Ok(UserId::new(number))
    }

    async fn change_user(&self, name: &AccountName, change: &UserChange) -> Result<(), AccountError> {
        let mut transaction = self.begin().await?;
        let number = user_number(&mut transaction, name).await?;
        let for_people = matches!(change, UserChange::Administrator(true) | UserChange::Password(_));
        if for_people && is_robot(&mut transaction, number).await? {
            return Err(AccountError::IsRobot(name.clone()));
        }
        let takes_administrator_away =
            matches!(change, UserChange::Administrator(false) | UserChange::State(AccountState::Disabled));
        if takes_administrator_away {
            require_another_administrator(&mut transaction, number, name).await?;
        }
        let statement = match change {
            UserChange::Certified(_) => "UPDATE users SET certified = $2 WHERE id = $1",
            UserChange::Administrator(_) => "UPDATE users SET administrator = $2 WHERE id = $1",
            UserChange::State(_) => {
                "UPDATE users SET disabled = $2, generation = generation + 1 WHERE id = $1"
            }
            UserChange::Password(_) => {
                "UPDATE users SET password_hash = $2, password_shapes = $3, generation = generation + 1 WHERE id = $1"
            }
        };
        let query = transaction.sql(statement).bind(number);
        let query = match change {
            UserChange::Certified(value) | UserChange::Administrator(value) => query.bind(*value),
            UserChange::State(state) => query.bind(*state == AccountState::Disabled),
            UserChange::Password(password) => {
                query.bind(password.hash.as_str()).bind(password.shapes.number())
            }
        };
        query.execute().await?;
        if matches!(change, UserChange::Administrator(false)) {
            take_admin_scope(&mut transaction, number).await?;
        }
        transaction.note_change("user", number).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn remove_user(&self, name: &AccountName) -> Result<(), AccountError> {
        let mut transaction = self.begin().await?;
        let number = user_number(&mut transaction, name).await?;
        require_another_administrator(&mut transaction, number, name).await?;
        require_another_owner(&mut transaction, number, name).await?;
        forget_principal(&mut transaction, number).await?;
        transaction.note_change("user", number).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn users(&self) -> Result<Vec<User>, StorageError> {
        let rows: Vec<UserRow> =
            self.list(AssertSqlSafe(format!("{USER_COLUMNS} ORDER BY principals.name")))?.fetch_all().await?;
        rows.into_iter().map(UserRow::into_user).collect()
    }

    async fn user(&self, name: &AccountName) -> Result<Option<User>, StorageError> {
        let row: Option<UserRow> = self
            .read(AssertSqlSafe(format!("{USER_COLUMNS} WHERE principals.name = $1")))?
            .bind(name.as_str())
            .fetch_optional()
            .await?;
        row.map(UserRow::into_user).transpose()
    }

    async fn user_numbered(&self, id: UserId) -> Result<Option<User>, StorageError> {
        let row: Option<UserRow> = self
            .read(AssertSqlSafe(format!("{USER_COLUMNS} WHERE users.id = $1")))?
            .bind(id.number())
            .fetch_optional()
            .await?;
        row.map(UserRow::into_user).transpose()
    }
}
