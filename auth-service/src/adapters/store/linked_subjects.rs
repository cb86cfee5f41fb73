//! Which account a subject of another issuer has.

use async_trait::async_trait;

use super::tokens::{OPEN_SESSION, exists};
use super::users::take_name;
use super::{Store, change, corrupt, is_taken, list, next_number, note_change};
use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::foreign::ForeignSubject;
use crate::domain::principal::UserId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::accounts::AccountError;
use crate::ports::linked_subjects::{LinkError, LinkRecord, LinkedBy, LinkedSubjects, Provisioned};

/// Most subjects that are linked to one account.
const MOST_LINKS: i64 = 100;

const LINK: &str = "INSERT INTO linked_subjects (issuer, subject, user_id, linked_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (issuer, subject) DO UPDATE SET removed_at = NULL, linked_at = excluded.linked_at";

/// The row of a subject: whose it is, and whether it was taken away.
macro_rules! row_of {
    ($transaction:ident, $subject:expr) => {{
        let row: Option<(Option<i64>, bool)> = sqlx::query_as(
            "SELECT user_id, removed_at IS NOT NULL FROM linked_subjects WHERE issuer = $1 AND subject = $2",
        )
        .bind(&*$subject.issuer)
        .bind(&*$subject.subject)
        .fetch_optional(&mut *$transaction)
        .await
        .map_err(StorageError::from)?;
        row
    }};
}

/// How many rows a statement with one number finds.
macro_rules! count {
    ($transaction:ident, $statement:literal, $number:expr) => {{
        let (count,): (i64,) = sqlx::query_as($statement)
            .bind($number)
            .fetch_one(&mut *$transaction)
            .await
            .map_err(StorageError::from)?;
        count
    }};
}

macro_rules! link {
    ($transaction:ident, $subject:expr, $user:expr, $now:expr) => {{
        sqlx::query(LINK)
            .bind(&*$subject.issuer)
            .bind(&*$subject.subject)
            .bind($user)
            .bind($now)
            .execute(&mut *$transaction)
            .await
            .map_err(StorageError::from)?;
        note_change!($transaction, "user", $user);
    }};
}

#[async_trait]
impl LinkedSubjects for Store {
    async fn link(&self, user: UserId, subject: &ForeignSubject, by: LinkedBy) -> Result<(), LinkError> {
        let now = self.clock.now().as_millis();
        change!(self, transaction => {
            if !exists!(transaction, "SELECT id FROM users WHERE id = $1", user.number()) {
                return Err(LinkError::NoSuchUser);
            }
            if let LinkedBy::Owner { session } = by
                && !exists!(transaction, OPEN_SESSION, session.number())
            {
                return Err(LinkError::SessionEnded);
            }
            match row_of!(transaction, subject) {
                Some((Some(owner), _)) if owner != user.number() => return Err(LinkError::OfAnotherAccount),
                Some((None, _)) => return Err(LinkError::OfAnotherAccount),
                Some((_, true)) if by != LinkedBy::Administrator => return Err(LinkError::Barred),
                Some((_, false)) => return Ok(()),
                _ => {}
            }
            let links = count!(
                transaction,
                "SELECT COUNT(*) FROM linked_subjects WHERE user_id = $1 AND removed_at IS NULL",
                user.number()
            );
            if links >= MOST_LINKS {
                return Err(LinkError::TooMany(usize::try_from(MOST_LINKS).unwrap_or(usize::MAX)));
            }
            link!(transaction, subject, user.number(), now);
            Ok(())
        })
    }

    async fn unlink(&self, user: UserId, subject: &ForeignSubject) -> Result<bool, StorageError> {
        let now = self.clock.now().as_millis();
        change!(self, transaction => {
            let unlinked = sqlx::query(
                "UPDATE linked_subjects SET removed_at = $4 WHERE issuer = $1 AND subject = $2 AND user_id = $3 \
                 AND removed_at IS NULL",
            )
            .bind(&*subject.issuer)
            .bind(&*subject.subject)
            .bind(user.number())
            .bind(now)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            if unlinked > 0 {
                note_change!(transaction, "user", user.number());
            }
            Ok(unlinked > 0)
        })
    }

    async fn links(&self, user: UserId) -> Result<Vec<LinkRecord>, StorageError> {
        let rows: Vec<(String, String, i64)> = list!(self, connection => {
            sqlx::query_as(
                "SELECT issuer, subject, linked_at FROM linked_subjects WHERE user_id = $1 AND removed_at IS NULL \
                 ORDER BY linked_at DESC, issuer, subject",
            )
            .bind(user.number())
            .fetch_all(connection)
            .await?
        });
        let record = |(issuer, subject, linked_at): (String, String, i64)| {
            let found = ForeignSubject::new(&issuer.as_str().into(), &subject);
            let subject = found.ok_or_else(|| corrupt("linked_subjects.subject", subject))?;
            Ok(LinkRecord { subject, linked_at: Timestamp::from_millis(linked_at) })
        };
        rows.into_iter().map(record).collect()
    }

    async fn provision(
        &self,
        subject: &ForeignSubject,
        names: &[AccountName],
        email: Option<&EmailAddress>,
    ) -> Result<Provisioned, StorageError> {
        for name in names {
            if let Some(provisioned) = self.provision_as(subject, name, email).await? {
                return Ok(provisioned);
            }
        }
        Err(StorageError::Unavailable("every name for a new account is taken".to_owned()))
    }
}

impl Store {
    /// Makes the account under this name; `None` when the name is taken. An address that somebody has is left out:
    /// it says nothing about whose account this is.
    async fn provision_as(
        &self,
        subject: &ForeignSubject,
        name: &AccountName,
        email: Option<&EmailAddress>,
    ) -> Result<Option<Provisioned>, StorageError> {
        match self.try_to_provision(subject, name, email).await {
            Ok(arrival) => Ok(Some(arrival)),
            Err(AccountError::NameTaken(_)) => Ok(None),
            Err(AccountError::EmailTaken) => match self.try_to_provision(subject, name, None).await {
                Ok(arrival) => Ok(Some(arrival)),
                Err(AccountError::Storage(error)) => Err(error),
                Err(_) => Ok(None),
            },
            Err(AccountError::Storage(error)) => Err(error),
            Err(other) => Err(StorageError::Unavailable(other.to_string())),
        }
    }

    async fn try_to_provision(
        &self,
        subject: &ForeignSubject,
        name: &AccountName,
        email: Option<&EmailAddress>,
    ) -> Result<Provisioned, AccountError> {
        let now = self.clock.now().as_millis();
        change!(self, transaction => {
            match row_of!(transaction, subject) {
                Some((Some(_), false)) => return Ok(Provisioned::Known),
                Some(_) => return Ok(Provisioned::Barred),
                None => {}
            }
            let number = take_name!(transaction, name, "user");
            sqlx::query(
                "INSERT INTO users (id, email, certified, administrator, disabled, generation, created_at) \
                 VALUES ($1, $2, $3, $3, $3, 1, $4)",
            )
            .bind(number)
            .bind(email.map(EmailAddress::as_str))
            .bind(false)
            .bind(now)
            .execute(&mut *transaction)
            .await
            .map_err(|error| if is_taken(&error) { AccountError::EmailTaken } else { StorageError::from(error).into() })?;
            link!(transaction, subject, number, now);
            Ok(Provisioned::Created(UserId::new(number)))
        })
    }
}
