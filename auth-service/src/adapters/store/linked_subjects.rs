//! Which account a subject of another issuer has.

use async_trait::async_trait;

use super::tokens::{OPEN_SESSION, exists};
use super::transaction::Transaction;
use super::users::take_name;
use super::{Store, corrupt};
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
async fn row_of(
    transaction: &mut Transaction<'_>,
    subject: &ForeignSubject,
) -> Result<Option<(Option<i64>, bool)>, StorageError> {
    transaction
        .sql("SELECT user_id, removed_at IS NOT NULL FROM linked_subjects WHERE issuer = $1 AND subject = $2")
        .bind(&*subject.issuer)
        .bind(&*subject.subject)
        .fetch_optional()
        .await
}

async fn link(
    transaction: &mut Transaction<'_>,
    subject: &ForeignSubject,
    user: i64,
    now: i64,
) -> Result<(), StorageError> {
    transaction
        .sql(LINK)
        .bind(&*subject.issuer)
        .bind(&*subject.subject)
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    transaction.note_change("user", user).await
}

#[async_trait]
impl LinkedSubjects for Store {
    async fn link(&self, user: UserId, subject: &ForeignSubject, by: LinkedBy) -> Result<(), LinkError> {
        let now = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        if !exists(&mut transaction, "SELECT id FROM users WHERE id = $1", user.number()).await? {
            return Err(LinkError::NoSuchUser);
        }
        if let LinkedBy::Owner { session } = by
            && !exists(&mut transaction, OPEN_SESSION, session.number()).await?
        {
            return Err(LinkError::SessionEnded);
        }
        match row_of(&mut transaction, subject).await? {
            Some((Some(owner), _)) if owner != user.number() => return Err(LinkError::OfAnotherAccount),
            Some((None, _)) => return Err(LinkError::OfAnotherAccount),
            Some((_, true)) if by != LinkedBy::Administrator => return Err(LinkError::Barred),
            Some((_, false)) => return Ok(()),
            _ => {}
        }
        let (links,): (i64,) = transaction
            .sql("SELECT COUNT(*) FROM linked_subjects WHERE user_id = $1 AND removed_at IS NULL")
            .bind(user.number())
            .fetch_one()
            .await?;
        if links >= MOST_LINKS {
            return Err(LinkError::TooMany(usize::try_from(MOST_LINKS).unwrap_or(usize::MAX)));
        }
        link(&mut transaction, subject, user.number(), now).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn unlink(&self, user: UserId, subject: &ForeignSubject) -> Result<bool, StorageError> {
        let now = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        let unlinked = transaction.sql(
                "UPDATE linked_subjects SET removed_at = $4 WHERE issuer = $1 AND subject = $2 AND user_id = $3 \
                 AND removed_at IS NULL",
            )
            .bind(&*subject.issuer)
            .bind(&*subject.subject)
            .bind(user.number())
            .bind(now)
            .execute()
            .await?;
        if unlinked > 0 {
            transaction.note_change("user", user.number()).await?;
        }
        transaction.commit().await?;
        Ok(unlinked > 0)
    }

    async fn links(&self, user: UserId) -> Result<Vec<LinkRecord>, StorageError> {
        let rows: Vec<(String, String, i64)> = self.list("SELECT issuer, subject, linked_at FROM linked_subjects WHERE user_id = $1 AND removed_at IS NULL \
                 ORDER BY linked_at DESC, issuer, subject")?
            .bind(user.number())
            .fetch_all()
            .await?;
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
        let mut transaction = self.begin().await?;
        match row_of(&mut transaction, subject).await? {
            Some((Some(_), false)) => return Ok(Provisioned::Known),
            Some(_) => return Ok(Provisioned::Barred),
            None => {}
        }
        let number = take_name(&mut transaction, name, "user").await?;
        let is_free = transaction
            .sql(
                "INSERT INTO users (id, email, certified, administrator, disabled, generation, created_at) \
                 VALUES ($1, $2, $3, $3, $3, 1, $4)",
            )
            .bind(number)
            .bind(email.map(EmailAddress::as_str))
            .bind(false)
            .bind(now)
            .insert()
            .await?;
        if !is_free {
            return Err(AccountError::EmailTaken);
        }
        link(&mut transaction, subject, number, now).await?;
        transaction.commit().await?;
        Ok(Provisioned::Created(UserId::new(number)))
    }
}
