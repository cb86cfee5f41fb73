//! Passwords: what logins are checked against.

use async_trait::async_trait;
use sqlx::FromRow;

use super::Store;
use super::sql::Columns;
use super::users::state;
use crate::domain::account::LoginName;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::principal::UserId;
use crate::ports::StorageError;
use crate::ports::accounts::{Passwords, StoredLogin, StoredPassword};

struct LoginRow {
    id: i64,
    password_hash: Option<String>,
    password_shapes: Option<i64>,
    generation: i64,
    disabled: bool,
}

impl<'r, R: Columns> FromRow<'r, R> for LoginRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.value("id")?,
            password_hash: row.value("password_hash")?,
            password_shapes: row.value("password_shapes")?,
            generation: row.value("generation")?,
            disabled: row.value("disabled")?,
        })
    }
}

#[async_trait]
impl Passwords for Store {
    async fn stored_login(&self, name: &LoginName) -> Result<Option<StoredLogin>, StorageError> {
        let (by_name, by_email) = match name {
            LoginName::Name(name) => (name.as_str(), ""),
            LoginName::Email(email) => ("", email.as_str()),
        };
        let row: Option<LoginRow> = self
            .read(
                "SELECT id, password_hash, password_shapes, generation, disabled FROM users \
                 WHERE id = (SELECT id FROM principals WHERE name = $1 AND kind = 'user') OR email = $2",
            )?
            .bind(by_name)
            .bind(by_email)
            .fetch_optional()
            .await?;
        Ok(row.map(|row| StoredLogin {
            user: UserId::new(row.id),
            password: row.password_hash.map(|hash| StoredPassword {
                hash,
                shapes: ShapesDigest::from_number(row.password_shapes.unwrap_or(0)),
            }),
            generation: row.generation,
            state: state(row.disabled),
        }))
    }

    async fn renew_password(
        &self,
        user: UserId,
        before: &StoredPassword,
        renewed: &StoredPassword,
    ) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        transaction.sql("UPDATE users SET password_hash = $3, password_shapes = $4 WHERE id = $1 AND password_hash = $2")
                .bind(user.number())
                .bind(before.hash.as_str())
                .bind(renewed.hash.as_str())
                .bind(renewed.shapes.number())
                .execute()
                .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn has_unchecked_passwords(&self, shapes: ShapesDigest) -> Result<bool, StorageError> {
        let (least, greatest): (Option<i64>, Option<i64>) = self
            .read(
                "SELECT (SELECT MIN(password_shapes) FROM users), (SELECT MAX(password_shapes) FROM users)",
            )?
            .fetch_one()
            .await?;
        Ok([least, greatest].into_iter().flatten().any(|number| number != shapes.number()))
    }
}
