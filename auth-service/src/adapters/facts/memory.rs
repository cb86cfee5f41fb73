//! What is kept in memory, within a bound on its bytes. Knows no database: who puts something in has made
//! sure that it holds, and who is told of a change has it forgotten.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::contents::KeptProject;
use crate::domain::facts::{RepositoryFacts, TokenFacts, UserFacts};
use crate::domain::login::Identity;
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

/// Who asks: the user, if there is one, and the token that was asked with, if it is on record.
#[derive(Clone, Default)]
pub(super) struct KeptLogin {
    pub(super) user: Option<Arc<UserFacts>>,
    pub(super) token: Option<Arc<TokenFacts>>,
}

/// About how many bytes an entry takes, with its place in the table.
#[derive(Clone)]
struct Bytes;

impl Weighter<UserId, Option<Arc<UserFacts>>> for Bytes {
    fn weight(&self, _: &UserId, kept: &Option<Arc<UserFacts>>) -> u64 {
        bytes(200 + kept.as_ref().map_or(0, |user| user.teams.len() * 8))
    }
}

impl Weighter<Identity, KeptLogin> for Bytes {
    fn weight(&self, identity: &Identity, kept: &KeptLogin) -> u64 {
        let identity = match identity {
            Identity::Subject(subject) => subject.subject.len() + 40,
            Identity::Robot(robot) => robot.as_str().len(),
            Identity::Nobody | Identity::User(_) | Identity::Token(_) => 0,
        };
        bytes(150 + identity + if kept.token.is_some() { 150 } else { 0 })
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
    /// Ways to log in that are not the user's own number. One is good as long as its user is kept, the very same:
    /// a change of anything about a user makes a new one.
    logins: Cache<Identity, KeptLogin, Bytes>,
    projects: Cache<ProjectId, Option<Arc<KeptProject>>, Bytes>,
    repositories: Cache<RepositoryName, KeptRepository, Bytes>,
}

impl Memory {
    /// At most about `bytes` of memory.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            users: Cache::with_weighter(EXPECTED, bytes / 8, Bytes),
            logins: Cache::with_weighter(EXPECTED, bytes / 8, Bytes),
            projects: Cache::with_weighter(EXPECTED, bytes / 8 * 5, Bytes),
            repositories: Cache::with_weighter(EXPECTED, bytes / 8, Bytes),
        }
    }

    /// Who `identity` is, if that is known.
    pub(super) fn login(&self, identity: &Identity) -> Option<KeptLogin> {
        match identity {
            Identity::Nobody => Some(KeptLogin::default()),
            Identity::User(id) => self.users.get(id).map(|user| KeptLogin { user, token: None }),
            Identity::Token(_) | Identity::Subject(_) | Identity::Robot(_) => {
                let kept = self.logins.get(identity)?;
                let user = self.users.get(&kept.user.as_ref()?.id)??;
                kept.user.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &user)).then_some(kept)
            }
        }
    }

    /// Keeps who `identity` is. A user who is kept already stays the same, and the login is given that one: two
    /// tokens of one user must not turn each other out.
    pub(super) fn keep_login(&self, identity: &Identity, login: &mut KeptLogin) {
        let known = login.user.as_ref().and_then(|user| self.users.get(&user.id)).flatten();
        match (known, &login.user) {
            (Some(known), Some(_)) => login.user = Some(known),
            (_, Some(user)) => self.users.insert(user.id, Some(Arc::clone(user))),
            (_, None) => {}
        }
        match identity {
            Identity::Nobody => {}
            Identity::User(id) => {
                if login.user.is_none() {
                    self.users.insert(*id, None);
                }
            }
            // That there is none is not kept: nobody would say so when there comes to be one.
            Identity::Token(_) | Identity::Subject(_) | Identity::Robot(_) => {
                let is_whole = login.token.is_some() || !matches!(identity, Identity::Token(_));
                if login.user.is_some() && is_whole {
                    self.logins.insert(identity.clone(), login.clone());
                }
            }
        }
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
        self.logins.clear();
        self.projects.clear();
        self.repositories.clear();
    }
}
