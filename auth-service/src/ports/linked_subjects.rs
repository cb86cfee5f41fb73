//! Which account somebody has here whom another issuer knows.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::foreign::ForeignSubject;
use crate::domain::principal::UserId;
use crate::domain::service_token::ServiceTokenId;
use crate::domain::time::Timestamp;

/// A link, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRecord {
    /// The subject.
    pub subject: ForeignSubject,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// Why a link was not made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The subject belongs, or once belonged, to another account: it never comes to mean somebody else.
    #[error("this login belongs, or once belonged, to another account, and can never be linked to this one")]
    OfAnotherAccount,
    /// The link was taken away; only an administrator can bring it back.
    #[error("this login was unlinked; ask an administrator to link it again")]
    Barred,
    /// The account has too many.
    #[error("at most {0} logins can be linked to one account")]
    TooMany(usize),
    /// There is no such account.
    #[error("there is no such account")]
    NoSuchUser,
    /// The session that it was to be done in has ended meanwhile.
    #[error("the session was ended")]
    SessionEnded,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Who links: an owner cannot bring back what was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedBy {
    /// The account's owner, who has shown both.
    Owner {
        /// The session that it is done in, which must not have ended by then.
        session: ServiceTokenId,
    },
    /// An administrator.
    Administrator,
}

/// What became of somebody who has no account yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// There is an account now.
    Created(UserId),
    /// There is one already: somebody else was quicker.
    Known,
    /// The subject once had an account, and never gets one again by itself.
    Barred,
}

/// Links as they are stored. A subject belongs to one account for ever, whatever becomes of either.
#[async_trait]
pub trait LinkedSubjects: Send + Sync {
    /// Links a subject to an account; doing it twice is not an error.
    async fn link(&self, user: UserId, subject: &ForeignSubject, by: LinkedBy) -> Result<(), LinkError>;

    /// Takes a link away; the subject stays barred. Whether there was one.
    async fn unlink(&self, user: UserId, subject: &ForeignSubject) -> Result<bool, StorageError>;

    /// The subjects that are linked to an account, the latest first.
    async fn links(&self, user: UserId) -> Result<Vec<LinkRecord>, StorageError>;

    /// Makes an account for a subject that never had one, with the first of `names` that is free and the address if
    /// nobody has it; an ordinary one, that nobody has certified.
    async fn provision(
        &self,
        subject: &ForeignSubject,
        names: &[AccountName],
        email: Option<&EmailAddress>,
    ) -> Result<Provisioned, StorageError>;
}
