//! Reading what decisions need, fresh to within a second.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::StorageError;
use crate::domain::facts::{Facts, ProjectFacts, RepositoryFacts};
use crate::domain::login::Identity;
use crate::domain::principal::UserId;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::RepositoryName;
use crate::domain::time::Timestamp;

/// What facts are needed about, beside the caller.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// These repositories; none when the request is about the caller alone.
    Repositories(&'a [RepositoryName]),
    /// The project or repository with this number.
    Item(EntityId),
}

/// Where use cases get facts from.
#[async_trait]
pub trait FactsReader: Send + Sync {
    /// Everything about `identity` and `names`, true at one moment that is less than a second ago.
    async fn load(&self, identity: &Identity, names: &[RepositoryName]) -> Result<Facts, StorageError>;

    /// Everything about `identity` and about the project or repository with a number, true at one moment that is less
    /// than a second ago.
    async fn load_item(&self, identity: &Identity, entity: EntityId) -> Result<Facts, StorageError>;

    /// Makes every change that is committed by now visible to the next `load`.
    async fn catch_up(&self) -> Result<(), StorageError>;
}

/// How many changes of facts had been committed when something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub i64);

/// Something that was read, with the revision that it belongs to.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The revision, read in the same statement.
    pub revision: Revision,
    /// What was read.
    pub value: T,
}

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user's account, teams or tokens.
    User(UserId),
    /// A project, or anything in it.
    Project(ProjectId),
}

/// What has changed since some revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These subjects, one for each revision in between.
    Of(Vec<Subject>),
    /// More than is remembered: nothing known before can be relied on.
    Everything,
}

/// A repository as it is stored, before the clock is asked whether a reservation has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRepository {
    /// What is known of it.
    pub facts: RepositoryFacts,
    /// When a reservation ends.
    pub reserved_until: Option<Timestamp>,
}

impl StoredRepository {
    /// What holds at `now`: a reservation that has ended is as if the name had never been used.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> RepositoryFacts {
        match self.reserved_until {
            Some(until) if until <= now => RepositoryFacts::Unknown,
            _ => self.facts.clone(),
        }
    }
}

/// A project with what is in it.
#[derive(Clone, Debug)]
pub struct ProjectContents {
    /// The project.
    pub project: Arc<ProjectFacts>,
    /// Its repositories that differ from [`RepositoryFacts::PLAIN`], by path.
    pub unusual: HashMap<Box<str>, StoredRepository>,
    /// The paths of all its other repositories; `None` when there are more than asked for.
    pub plain: Option<Vec<Box<str>>>,
}

/// The database's side of facts: each method is one statement, and so one moment.
#[async_trait]
pub trait FactsStore: Send + Sync {
    /// Everything about `identity` and `names` at once; reservations that have ended count as none.
    async fn snapshot(
        &self,
        identity: &Identity,
        names: &[RepositoryName],
    ) -> Result<At<Facts>, StorageError>;

    /// Everything about `identity` and about the project or repository with this number. Reserved and quarantined names
    /// have no number that people know.
    async fn item_snapshot(&self, identity: &Identity, entity: EntityId) -> Result<At<Facts>, StorageError>;

    /// A project with all its repositories, as long as each of the two lists stays within `limit`; beyond it
    /// the unusual ones are not listed either (`plain` is `None` and `unusual` empty).
    async fn project(&self, id: ProjectId, limit: usize)
    -> Result<At<Option<ProjectContents>>, StorageError>;

    /// How many changes have been committed.
    async fn revision(&self) -> Result<Revision, StorageError>;

    /// What the changes after `since` up to `until` were about.
    async fn changes(&self, since: Revision, until: Revision) -> Result<Changes, StorageError>;
}
