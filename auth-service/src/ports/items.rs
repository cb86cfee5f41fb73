//! Projects and repositories, and who may do what to them.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::access::AccessSet;
use crate::domain::facts::{LifeState, Sharing};
use crate::domain::image::{Digest, Tag};
use crate::domain::principal::{PrincipalId, UserId};
use crate::domain::project::{EntityId, ProjectId, ProjectName};
use crate::domain::repository::{Item, RepositoryName};
use crate::domain::time::Timestamp;

/// A project as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its number.
    pub id: ProjectId,
    /// What it is called.
    pub name: String,
    /// In use, or in the trash.
    pub state: LifeState,
    /// Whether READ is enough to pull.
    pub open_data: bool,
    /// How many repositories are in it.
    pub repositories: i64,
}

/// A repository as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its number.
    pub id: EntityId,
    /// Its name.
    pub name: RepositoryName,
    /// In use, or in the trash, by itself.
    pub state: LifeState,
    /// Whether it has sharing settings of its own.
    pub local_sharing: bool,
    /// Whether READ is enough to pull.
    pub open_data: bool,
    /// When its first manifest came.
    pub created_at: Timestamp,
}

/// A tag with what it points to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRecord {
    /// The tag.
    pub tag: Tag,
    /// The manifest.
    pub digest: Digest,
    /// When the tag was moved there.
    pub moved_at: Timestamp,
}

/// The sharing settings of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSharing {
    /// Whether they are the item's own; a project's always are.
    pub own: bool,
    /// Who may do what.
    pub sharing: Sharing,
}

/// Why an item was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// There is no such project or repository.
    #[error("there is no {0}")]
    NoSuchItem(Item),
    /// A live project has the name.
    #[error("a project with this name exists already")]
    NameTaken,
    /// A repository that follows its project has no rows of its own.
    #[error("{0} follows the sharing of its project; give it its own with 'sharing {0} --local' first")]
    SharingInherited(RepositoryName),
    /// More rows than the limit.
    #[error("the sharing settings of one item can name at most {0} users and teams")]
    TooManyRows(usize),
    /// A robot account has rights in its own project only.
    #[error(
        "this is a robot account of {0}, and can be given rights there only; add another one with 'robot add'"
    )]
    RobotOf(ProjectId),
    /// It is in the trash already, or not.
    #[error("{0} is in the trash already")]
    AlreadyTrashed(Item),
    /// It is not in the trash.
    #[error("{0} is not in the trash")]
    NotTrashed(Item),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// The name is the caller's until the first manifest comes or the time is over.
    Made,
    /// Something else is known under the name by now: decide again.
    NameKnown,
    /// The user has reserved as many names as one may at one time.
    TooManyOfUser,
    /// As many names of the project are reserved as may be at one time.
    TooManyInProject,
}

/// How many names may be reserved at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationLimits {
    /// By one user.
    pub per_user: usize,
    /// In one project.
    pub per_project: usize,
}

/// Projects and repositories as they are stored.
#[async_trait]
pub trait Items: Send + Sync {
    /// Makes a project; its owner gets all eight kinds of access.
    async fn add_project(&self, name: &ProjectName, owner: UserId) -> Result<ProjectId, ItemError>;

    /// Every project, by number.
    async fn projects(&self) -> Result<Vec<Project>, StorageError>;

    /// The repositories of one project, or of all, by name; reserved and quarantined names are not among them.
    async fn repositories(&self, project: Option<ProjectId>) -> Result<Vec<Repository>, StorageError>;

    /// The tags of a repository, by name; `None` when there is no such repository.
    async fn tags(&self, name: &RepositoryName) -> Result<Option<Vec<TagRecord>>, StorageError>;

    /// Sets whether READ is enough to pull.
    async fn set_open_data(&self, item: &Item, open_data: bool) -> Result<(), ItemError>;

    /// Puts an item into the trash, or takes it out; its sharing stays as it was.
    async fn set_life_state(&self, item: &Item, state: LifeState) -> Result<(), ItemError>;
}

/// Sharing settings as they are stored.
#[async_trait]
pub trait SharingSettings: Send + Sync {
    /// The sharing settings that hold for an item; `None` when it does not exist.
    async fn sharing(&self, item: &Item) -> Result<Option<ItemSharing>, StorageError>;

    /// Changes what one principal may do, taking the row away when that is nothing; at most `limit` rows.
    async fn set_access(
        &self,
        item: &Item,
        principal: PrincipalId,
        change: AccessChange,
        limit: usize,
    ) -> Result<(), ItemError>;

    /// Gives a repository sharing of its own, beginning with a copy of its project's, or takes it away.
    async fn set_local_sharing(&self, name: &RepositoryName, local: bool) -> Result<(), ItemError>;
}

/// The names that pushes use for the first time.
#[async_trait]
pub trait NameReservations: Send + Sync {
    /// Keeps an unknown name for the first push of `user` until `until`, if that is within `limits` or goes on
    /// with a reservation of the same user that has ended.
    async fn reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        until: Timestamp,
        limits: ReservationLimits,
    ) -> Result<Reservation, StorageError>;

    /// Whether the name is reserved, or was until some time ago and nothing else has become of it.
    async fn was_reserved(&self, name: &RepositoryName) -> Result<bool, StorageError>;

    /// Forgets reservations that ended before `moment`.
    async fn forget_reservations(&self, moment: Timestamp) -> Result<(), StorageError>;

    /// Closes a name under which the registry holds what no event has told of.
    async fn quarantine(&self, name: &RepositoryName) -> Result<(), StorageError>;

    /// Closes those of `names` that are in a project on record and are on record themselves in no way; how
    /// many.
    async fn quarantine_unrecorded(&self, names: &[RepositoryName]) -> Result<usize, StorageError>;
}

/// The numbers of projects and repositories.
#[async_trait]
pub trait Numbers: Send + Sync {
    /// Makes sure that no project or repository is ever given a number up to `highest`, which is the highest
    /// one that the registry at `address` uses.
    async fn raise_numbers(&self, highest: i64, address: &str) -> Result<(), StorageError>;

    /// When the numbers of this very database, and not of another one that it is a copy of, were last raised
    /// above those of the registry at `address`.
    async fn numbers_raised_at(&self, address: &str) -> Result<Option<Timestamp>, StorageError>;
}

/// A change to what one principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// It may do this too.
    Add(AccessSet),
    /// It may not do this any more.
    Remove(AccessSet),
}

impl AccessChange {
    /// What it may do after the change.
    #[must_use]
    pub const fn apply(self, before: AccessSet) -> AccessSet {
        match self {
            Self::Add(kinds) => before.union(kinds),
            Self::Remove(kinds) => before.without(kinds),
        }
    }
}
