//! What is kept in memory, within a bound on its bytes. Knows no database: who puts something in has made
//! sure that it holds, and who is told of a change has it forgotten.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::contents::KeptProject;
use crate::domain::facts::{RepositoryFacts, UserFacts};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::ports::facts::Subject;

/// How many entries each table has room for at first; it grows.
const EXPECTED: usize = 1_000;

/// What is known of something: all that decides, or that it does not exist.
pub(super) struct Known<T>(pub(super) Option<Arc<T>>);

/// A repository of a project that is too large to be kept whole.
#[derive(Clone)]
struct KeptRepository {
    /// The project as it was kept when the repository was read: a change in the project makes a new one.
    project: Arc<KeptProject>,
    facts: RepositoryFacts,
}

/// About how many bytes an entry takes, with its place in the table.
#[derive(Clone)]
struct Bytes;

impl Weighter<UserId, Option<Arc<UserFacts>>> for Bytes {
    fn weight(&self, _: &UserId, kept: &Option<Arc<UserFacts>>) -> u64 {
        bytes(200 + kept.as_ref().map_or(0, |user| user.teams.len() * 8))
    }
}

impl Weighter<ProjectId, Option<Arc<KeptProject>>> for Bytes {
    fn weight(&self, _: &ProjectId, kept: &Option<Arc<KeptProject>>) -> u64 {
        bytes(200 + kept.as_ref().map_or(0, |project| project.bytes()))
    }
}

impl Weighter<RepositoryName, KeptRepository> for Bytes {
    fn weight(&self, name: &RepositoryName, _: &KeptRepository) -> u64 {
        bytes(250 + name.as_str().len())
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Users, projects and single repositories.
pub(super) struct Memory {
    users: Cache<UserId, Option<Arc<UserFacts>>, Bytes>,
    projects: Cache<ProjectId, Option<Arc<KeptProject>>, Bytes>,
    repositories: Cache<RepositoryName, KeptRepository, Bytes>,
}

impl Memory {
    /// At most about `bytes` of memory.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            users: Cache::with_weighter(EXPECTED, bytes / 8, Bytes),
            projects: Cache::with_weighter(EXPECTED, bytes / 8 * 6, Bytes),
            repositories: Cache::with_weighter(EXPECTED, bytes / 8, Bytes),
        }
    }

    pub(super) fn user(&self, id: UserId) -> Option<Known<UserFacts>> {
        self.users.get(&id).map(Known)
    }

    pub(super) fn keep_user(&self, id: UserId, value: Option<Arc<UserFacts>>) {
        self.users.insert(id, value);
    }

    pub(super) fn project(&self, id: ProjectId) -> Option<Known<KeptProject>> {
        self.projects.get(&id).map(Known)
    }

    pub(super) fn keep_project(&self, id: ProjectId, value: Option<Arc<KeptProject>>) {
        self.projects.insert(id, value);
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
            Subject::User(user) => drop(self.users.remove(&user)),
            Subject::Project(project) => drop(self.projects.remove(&project)),
        }
    }

    pub(super) fn forget_everything(&self) {
        self.users.clear();
        self.projects.clear();
        self.repositories.clear();
    }
}
