//! What is kept in memory, within a bound on its bytes. Knows no database: who puts something in has made
//! sure that it holds, and who is told of a change has it forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;

use super::contents::KeptProject;
use crate::domain::facts::{RepositoryFacts, UserFacts};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::ports::facts::Subject;

/// What is known of something: all that decides, or that it does not exist.
pub(super) struct Known<T>(pub(super) Option<Arc<T>>);

/// Something kept, with the epoch that it belongs to.
struct Kept<T> {
    epoch: u64,
    value: Option<Arc<T>>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { epoch: self.epoch, value: self.value.clone() }
    }
}

/// A repository of a project that is too large to be kept whole.
#[derive(Clone)]
struct KeptRepository {
    /// The project as it was kept when the repository was read: a change in the project makes a new one.
    project: Arc<KeptProject>,
    facts: RepositoryFacts,
}

/// Users, projects and single repositories.
pub(super) struct Memory {
    users: Cache<UserId, Kept<UserFacts>>,
    projects: Cache<ProjectId, Kept<KeptProject>>,
    repositories: Cache<RepositoryName, KeptRepository>,
    /// Raised to forget everything at once: the caches themselves do that only after a while.
    epoch: AtomicU64,
}

impl Memory {
    /// At most about `bytes` of memory.
    pub(super) fn new(bytes: u64) -> Self {
        let weight = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            users: Cache::builder()
                .max_capacity(bytes / 8)
                .weigher(move |_, kept: &Kept<UserFacts>| {
                    weight(200 + kept.value.as_ref().map_or(0, |user| user.teams.len() * 8))
                })
                .build(),
            projects: Cache::builder()
                .max_capacity(bytes / 8 * 6)
                .weigher(move |_, kept: &Kept<KeptProject>| {
                    weight(200 + kept.value.as_ref().map_or(0, |project| project.bytes()))
                })
                .build(),
            repositories: Cache::builder()
                .max_capacity(bytes / 8)
                .weigher(move |name: &RepositoryName, _| weight(250 + name.as_str().len()))
                .build(),
            epoch: AtomicU64::new(0),
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn user(&self, id: UserId) -> Option<Known<UserFacts>> {
        self.users.get(&id).filter(|kept| kept.epoch == self.epoch()).map(|kept| Known(kept.value))
    }

    pub(super) fn keep_user(&self, id: UserId, value: Option<Arc<UserFacts>>) {
        self.users.insert(id, Kept { epoch: self.epoch(), value });
    }

    pub(super) fn project(&self, id: ProjectId) -> Option<Known<KeptProject>> {
        self.projects.get(&id).filter(|kept| kept.epoch == self.epoch()).map(|kept| Known(kept.value))
    }

    pub(super) fn keep_project(&self, id: ProjectId, value: Option<Arc<KeptProject>>) {
        self.projects.insert(id, Kept { epoch: self.epoch(), value });
    }

    pub(super) fn repository(
        &self,
        name: &RepositoryName,
        project: &Arc<KeptProject>,
    ) -> Option<RepositoryFacts> {
        let kept = self.repositories.get(name)?;
        Arc::ptr_eq(&kept.project, project).then_some(kept.facts)
    }

    pub(super) fn keep_repository(
        &self,
        name: &RepositoryName,
        project: &Arc<KeptProject>,
        facts: &RepositoryFacts,
    ) {
        let kept = KeptRepository { project: Arc::clone(project), facts: facts.clone() };
        self.repositories.insert(name.clone(), kept);
    }

    pub(super) fn forget(&self, subject: Subject) {
        match subject {
            Subject::User(user) => self.users.invalidate(&user),
            Subject::Project(project) => self.projects.invalidate(&project),
        }
    }

    pub(super) fn forget_everything(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.users.invalidate_all();
        self.projects.invalidate_all();
        self.repositories.invalidate_all();
    }
}
