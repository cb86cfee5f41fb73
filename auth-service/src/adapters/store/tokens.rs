//! The tokens that this service gives to people.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::FromRow;

use super::facts::login_scopes;
use super::sql::Columns;
use super::token_room::make_room;
use super::transaction::Transaction;
use super::users::account_name;
use super::{Store, corrupt};
use crate::domain::client_id::ClientId;
use crate::domain::login_scope::LoginScope;
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenRoom};
use crate::domain::time::Timestamp;
use crate::domain::token_name::TokenName;
use crate::ports::StorageError;
use crate::ports::tokens::{AddTokenError, NewToken, TokenRecord, Tokens};

struct TokenRow {
    id: i64,
    user_id: i64,
    user_name: String,
    name: Option<String>,
    scopes: i64,
    project_id: Option<i64>,
    client: Option<String>,
    address: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl<'r, R: Columns> FromRow<'r, R> for TokenRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            user_id: row.value("user_id")?,
            user_name: row.value("user_name")?,
            name: row.value("name")?,
            scopes: row.value("scopes")?,
            project_id: row.value("project_id")?,
            client: row.value("client")?,
            address: row.value("address")?,
            created_at: row.value("created_at")?,
            expires_at: row.value("expires_at")?,
            last_used_at: row.value("last_used_at")?,
        })
    }
}

impl TokenRow {
    fn into_record(self) -> Result<TokenRecord, StorageError> {
        let name = |name: String| TokenName::parse(&name).map_err(|_| corrupt("tokens.name", name));
        Ok(TokenRecord {
            id: ServiceTokenId::new(self.id),
            user: UserId::new(self.user_id),
            user_name: account_name(&self.user_name)?,
            name: self.name.map(name).transpose()?,
            scopes: login_scopes(self.scopes)?,
            project: self.project_id.map(ProjectId::new),
            client: self.client.as_deref().and_then(ClientId::read),
            address: self.address,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
            last_used_at: self.last_used_at.map(Timestamp::from_millis),
        })
    }
}

/// `$2` 0 is everybody.
const TOKENS: &str = "SELECT tokens.id, user_id, principals.name AS user_name, tokens.name, scopes, project_id, client, \
     address, tokens.created_at, CASE WHEN idle_until < COALESCE(expires_at, idle_until + 1) THEN idle_until \
     ELSE expires_at END AS expires_at, last_used_at FROM tokens JOIN principals ON principals.id = user_id \
     JOIN users ON users.id = user_id WHERE tokens.kind = $1 AND (user_id = $2 OR $2 = 0) \
     AND (tokens.generation IS NULL OR tokens.generation = users.generation) ORDER BY tokens.created_at DESC, tokens.id";

/// A session that has not ended: neither by itself, nor with its owner's password, nor with the account.
pub(super) const OPEN_SESSION: &str = "SELECT tokens.id FROM tokens JOIN users ON users.id = user_id WHERE tokens.id = $1 \
     AND tokens.kind = 'session' AND tokens.generation = users.generation AND NOT users.disabled";

const INSERT: &str = "INSERT INTO tokens (id, kind, user_id, name, digest, scopes, project_id, generation, client, \
     address, created_at, expires_at, idle_until, service) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// Whether there is a row with this number; `statement` selects it.
pub(super) async fn exists(
    transaction: &mut Transaction<'_>,
    statement: &'static str,
    number: i64,
) -> Result<bool, StorageError> {
    let found: Option<(i64,)> = transaction.sql(statement).bind(number).fetch_optional().await?;
    Ok(found.is_some())
}

#[async_trait]
impl Tokens for Store {
    async fn add_token(&self, token: &NewToken, room: TokenRoom) -> Result<(), AddTokenError> {
        let now = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        let owner: Option<(bool, Option<i64>)> = transaction
            .sql("SELECT administrator, robot_of FROM users WHERE id = $1")
            .bind(token.user.number())
            .fetch_optional()
            .await?;
        let (is_administrator, robot_of) = owner.ok_or(AddTokenError::NoSuchUser)?;
        // Docker logins and sessions act as the password that they stand for, whoever its owner becomes.
        if token.kind == ServiceTokenKind::Personal
            && token.scopes.has(LoginScope::Admin)
            && !is_administrator
        {
            return Err(AddTokenError::NotAdministrator);
        }
        if let Some(session) = token.made_in
            && !exists(&mut transaction, OPEN_SESSION, session.number()).await?
        {
            return Err(AddTokenError::SessionEnded);
        }
        if let Some(project) = token.project
            && !exists(&mut transaction, "SELECT id FROM projects WHERE id = $1", project.number()).await?
        {
            return Err(AddTokenError::NoSuchProject(project));
        }
        let its_project = robot_of.map(ProjectId::new);
        if let (Some(its_project), Some(project)) = (its_project, token.project)
            && its_project != project
        {
            return Err(AddTokenError::RobotOf(its_project));
        }
        make_room(&mut transaction, token, now, room).await?;
        let is_free = transaction
            .sql(INSERT)
            .bind(token.id.number())
            .bind(token.kind.name())
            .bind(token.user.number())
            .bind(token.name.as_ref().map(TokenName::as_str))
            .bind(token.digest.as_bytes().as_slice())
            .bind(i64::from(token.scopes.to_bits()))
            .bind(token.project.map(ProjectId::number))
            .bind(token.generation)
            .bind(token.client.as_ref().map(ClientId::as_str))
            .bind(token.address.as_deref())
            .bind(now)
            .bind(token.expires_at.map(Timestamp::as_millis))
            .bind(token.idle_until.map(Timestamp::as_millis))
            .bind(token.service.as_deref())
            .insert()
            .await?;
        if !is_free {
            return Err(AddTokenError::NameTaken);
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn tokens(
        &self,
        kind: ServiceTokenKind,
        user: Option<UserId>,
    ) -> Result<Vec<TokenRecord>, StorageError> {
        let rows: Vec<TokenRow> =
            self.list(TOKENS)?.bind(kind.name()).bind(user.map_or(0, UserId::number)).fetch_all().await?;
        rows.into_iter().map(TokenRow::into_record).collect()
    }

    async fn revoke_token(
        &self,
        kind: ServiceTokenKind,
        id: ServiceTokenId,
        owner: Option<UserId>,
    ) -> Result<bool, StorageError> {
        let mut transaction = self.begin().await?;
        let revoked: Option<(i64,)> = transaction.sql(
                "DELETE FROM tokens WHERE id = $1 AND kind = $2 AND (user_id = $3 OR $3 = 0) RETURNING user_id",
            )
            .bind(id.number())
            .bind(kind.name())
            .bind(owner.map_or(0, UserId::number))
            .fetch_optional()
            .await?;
        if let Some((user,)) = revoked {
            transaction.note_change("user", user).await?;
        }
        transaction.commit().await?;
        Ok(revoked.is_some())
    }

    async fn end_logins(&self, user: UserId) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        transaction
            .sql("DELETE FROM tokens WHERE user_id = $1 AND kind IN ('identity', 'session')")
            .bind(user.number())
            .execute()
            .await?;
        // Logins under way, whose password was right before this, must not be given new ones.
        transaction
            .sql("UPDATE users SET generation = generation + 1 WHERE id = $1")
            .bind(user.number())
            .execute()
            .await?;
        transaction.note_change("user", user.number()).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn write_uses(
        &self,
        uses: &[(ServiceTokenId, Timestamp)],
        idle: Duration,
    ) -> Result<(), StorageError> {
        for uses in uses.chunks(USES_AT_ONCE) {
            self.write_some_uses(uses, idle).await?;
        }
        Ok(())
    }

    async fn forget_ended(&self, moment: Timestamp) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        // Nobody need be told: a token at its end is refused by its own date.
        transaction
            .sql("DELETE FROM tokens WHERE expires_at <= $1 OR idle_until <= $1")
            .bind(moment.as_millis())
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// How many uses are written in one transaction: nobody else can change anything while it runs.
const USES_AT_ONCE: usize = 200;

/// The end of a token that is not used is moved when that is by at least a tenth of its time, and by no less than
/// what this allows for a long one, because it is told to all who keep it in memory.
const MOVE_OF_IDLE: Duration = Duration::from_hours(24);

impl Store {
    async fn write_some_uses(
        &self,
        uses: &[(ServiceTokenId, Timestamp)],
        idle: Duration,
    ) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        for (token, at) in uses {
            transaction
                .sql("UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND COALESCE(last_used_at, 0) < $2")
                .bind(token.number())
                .bind(at.as_millis())
                .execute()
                .await?;
            let end = at.plus(idle);
            let moved: Option<(i64,)> = transaction
                .sql("UPDATE tokens SET idle_until = $2 WHERE id = $1 AND idle_until < $3 RETURNING user_id")
                .bind(token.number())
                .bind(end.as_millis())
                .bind(end.minus(MOVE_OF_IDLE.min(idle / 10)).as_millis())
                .fetch_optional()
                .await?;
            if let Some((user,)) = moved {
                transaction.note_change("user", user).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}
