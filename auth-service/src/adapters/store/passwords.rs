//! Passwords: what logins are checked against.

use async_trait::async_trait;

use super::users::state;
use super::{Store, change, read};
use crate::domain::account::LoginName;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::principal::UserId;
use crate::ports::StorageError;
use crate::ports::accounts::{Passwords, StoredLogin, StoredPassword};

#[derive(sqlx::FromRow)]
struct LoginRow {
    id: i64,
    password_hash: Option<String>,
    password_shapes: Option<i64>,
    generation: i64,
    disabled: bool,
}

#[async_trait]
impl Passwords for Store {
    async fn stored_login(&self, name: &LoginName) -> Result<Option<StoredLogin>, StorageError> {
        let (by_name, by_email) = match name {
            LoginName::Name(name) => (name.as_str(), ""),
            LoginName::Email(email) => ("", email.as_str()),
        };
        let row: Option<LoginRow> = read!(self, connection => {
            sqlx::query_as(
                "SELECT id, password_hash, password_shapes, generation, disabled FROM users \
                 WHERE id = (SELECT id FROM principals WHERE name = $1 AND kind = 'user') OR email = $2",
            )
            .bind(by_name)
            .bind(by_email)
            .fetch_optional(connection)
            .await?
        });
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
        change!(self, transaction => {
            sqlx::query("UPDATE users SET password_hash = $3, password_shapes = $4 WHERE id = $1 AND password_hash = $2")
                .bind(user.number())
                .bind(before.hash.as_str())
                .bind(renewed.hash.as_str())
                .bind(renewed.shapes.number())
                .execute(&mut *transaction)
                .await?;
            Ok(())
        })
    }

    async fn has_unchecked_passwords(&self, shapes: ShapesDigest) -> Result<bool, StorageError> {
        let (least, greatest): (Option<i64>, Option<i64>) = read!(self, connection => {
            sqlx::query_as(
                "SELECT (SELECT MIN(password_shapes) FROM users), (SELECT MAX(password_shapes) FROM users)",
            )
            .fetch_one(connection)
            .await?
        });
        Ok([least, greatest].into_iter().flatten().any(|number| number != shapes.number()))
    }
}
