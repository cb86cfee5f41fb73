//! What must be known for a decision: the user, the projects and the repositories, of one moment.

use std::sync::Arc;

use super::access::{AccessKind, AccessSet};
use super::account::AccountState;
use super::login_scope::LoginScopes;
use super::principal::{PrincipalId, TeamId, UserId};
use super::project::ProjectId;
use super::repository::{Item, RepositoryName};
use super::service_token::{ServiceTokenId, ServiceTokenKind, TokenDigest};
use super::time::Timestamp;

/// What a decision needs to know of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// The user's number.
    pub id: UserId,
    /// Whether the user may push at all.
    pub certified: bool,
    /// Whether the user is an administrator.
    pub administrator: bool,
    /// Whether the account may log in.
    pub state: AccountState,
    /// The project that it acts in, if it is a robot account; it has no rights anywhere else.
    pub robot_of: Option<ProjectId>,
    /// Raised with each change that ends existing logins: password, disabling, revocation.
    pub generation: i64,
    /// The teams that the user is in.
    pub teams: Box<[TeamId]>,
}

/// What must be known of a token of this service to tell whether it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// The number of its record.
    pub id: ServiceTokenId,
    /// What it is for.
    pub kind: ServiceTokenKind,
    /// Whose it is.
    pub user: UserId,
    /// What the token that is presented must hash to.
    pub digest: TokenDigest,
    /// What it may be used for.
    pub scopes: LoginScopes,
    /// The only project that it is good for.
    pub project: Option<ProjectId>,
    /// The account's generation that it ends with; `None` when it outlives a change of password.
    pub ends_with_generation: Option<i64>,
    /// The service that it is good for; `None` when it is good for any.
    pub service: Option<Box<str>>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Who may do what: for each principal a set of access kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing(Box<[(PrincipalId, AccessSet)]>);

impl Sharing {
    /// Settings of the given rows.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = (PrincipalId, AccessSet)>) -> Self {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(principal, _)| *principal);
        Self(rows.into())
    }

    /// The rows, by principal.
    #[must_use]
    pub fn rows(&self) -> &[(PrincipalId, AccessSet)] {
        &self.0
    }

    /// Everything that `user` (`None`: anonymous) is given: by name, through a team, or through one of the two groups.
    /// There are no denials, so the union of all rows that apply is the answer.
    #[must_use]
    pub fn access_of(&self, user: Option<&UserFacts>) -> AccessSet {
        let of = |principal: PrincipalId| {
            self.0
                .binary_search_by_key(&principal, |(row, _)| *row)
                .map_or(AccessSet::NONE, |at| self.0[at].1)
        };
        // Sharing with everybody gives READ and nothing else, whatever the row says (`docs/PERMISSIONS.md`).
        let public: AccessSet =
            of(PrincipalId::PUBLIC).iter().filter(|kind| *kind == AccessKind::Read).collect();
        match user {
            None => public,
            Some(user) => user
                .teams
                .iter()
                .map(|team| of((*team).into()))
                .chain([of(user.id.into()), of(PrincipalId::AUTHENTICATED_USERS), public])
                .fold(AccessSet::NONE, AccessSet::union),
        }
    }
}

/// Whether a project or repository is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeState {
    /// In use.
    Live,
    /// In the trash can: closed to docker for everybody.
    Trashed,
}

/// What a decision needs to know of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFacts {
    /// Its number.
    pub id: ProjectId,
    /// In use, or in the trash.
    pub state: LifeState,
    /// Whether READ is enough to pull from its repositories without local sharing.
    pub open_data: bool,
    /// Who may do what.
    pub sharing: Sharing,
}

impl ProjectFacts {
    /// Whether `user` may know that the project is there and what is in it.
    #[must_use]
    pub fn is_seen_by(&self, user: Option<&UserFacts>) -> bool {
        let user = user.filter(|user| user.administrator || user.robot_of.is_none_or(|own| own == self.id));
        user.is_some_and(|user| user.administrator) || self.sharing.access_of(user).has(AccessKind::Read)
    }
}

/// What a decision needs to know of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryFacts {
    /// Nothing is known under this name.
    Unknown,
    /// A push was allowed and its first manifest has not arrived.
    Reserved {
        /// Who was allowed to push.
        by: UserId,
    },
    /// The registry holds content under this name that no event has told of: closed.
    Quarantined,
    /// It exists.
    Known {
        /// In use, or in the trash.
        state: LifeState,
        /// Whether READ is enough to pull from it.
        open_data: bool,
        /// Its own sharing; without it, the project's holds.
        local_sharing: Option<Arc<Sharing>>,
    },
}

impl RepositoryFacts {
    /// A repository like most: in use, following its project in everything.
    pub const PLAIN: Self = Self::Known { state: LifeState::Live, open_data: false, local_sharing: None };
}

/// A repository with all that decides about it.
#[derive(Clone, Debug)]
pub struct RepositorySituation {
    /// Its name.
    pub name: RepositoryName,
    /// Its project; `None` when there is no such project.
    pub project: Option<Arc<ProjectFacts>>,
    /// The repository itself.
    pub repository: RepositoryFacts,
}

/// A project or repository that people can see, with everything that decides on it. Reserved and quarantined names are
/// none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemFacts {
    /// Which one it is.
    pub item: Item,
    /// The project itself, or the one that the repository is in.
    pub project: Arc<ProjectFacts>,
    /// The item's own state. See [`Self::is_in_trash`].
    pub state: LifeState,
    /// The item's own flag. See [`Self::is_open_data`].
    pub open_data: bool,
    /// The sharing settings of a repository that does not follow its project.
    pub local_sharing: Option<Arc<Sharing>>,
}

impl ItemFacts {
    /// The facts of a project.
    #[must_use]
    pub fn of_project(project: Arc<ProjectFacts>) -> Self {
        let (item, state, open_data) = (Item::Project(project.id), project.state, project.open_data);
        Self { item, project, state, open_data, local_sharing: None }
    }

    /// The facts of a repository; `None` when people cannot see that there is one.
    #[must_use]
    pub fn of_repository(
        name: RepositoryName,
        project: Arc<ProjectFacts>,
        repository: RepositoryFacts,
    ) -> Option<Self> {
        let RepositoryFacts::Known { state, open_data, local_sharing } = repository else { return None };
        Some(Self { item: Item::Repository(name), project, state, open_data, local_sharing })
    }

    /// The sharing settings that hold for the item.
    #[must_use]
    pub fn sharing(&self) -> &Sharing {
        self.local_sharing.as_deref().unwrap_or(&self.project.sharing)
    }

    /// Whether READ is enough to pull. The project's flag does not hold where sharing is local.
    #[must_use]
    pub fn is_open_data(&self) -> bool {
        self.open_data || (self.local_sharing.is_none() && self.project.open_data)
    }

    /// Whether the item or its project is in the trash.
    #[must_use]
    pub fn is_in_trash(&self) -> bool {
        self.state == LifeState::Trashed || self.project.state == LifeState::Trashed
    }
}

/// Everything that one decision needs, true at one moment.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The user who asks; `None` for nobody, or when the account is gone.
    pub user: Option<Arc<UserFacts>>,
    /// The token that was asked with; `None` when it is not on record.
    pub token: Option<Arc<TokenFacts>>,
    /// One entry for each repository asked about.
    pub repositories: Vec<RepositorySituation>,
    /// The item that was asked about by its number; `None` when there is none.
    pub item: Option<ItemFacts>,
}

impl Facts {
    /// The situation of `name`, if it was asked about.
    #[must_use]
    pub fn of(&self, name: &RepositoryName) -> Option<&RepositorySituation> {
        self.repositories.iter().find(|situation| situation.name == *name)
    }
}
