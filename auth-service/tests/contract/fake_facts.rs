//! A facts store that does what a test says: fail, hang, or change between two readings.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_service::domain::account::AccountState;
use auth_service::domain::facts::{
    Facts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, Sharing, UserFacts,
};
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::domain::project::{EntityId, ProjectId};
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::StorageError;
use auth_service::ports::facts::{At, Changes, FactsStore, ProjectContents, Revision, Subject};

/// How the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Answers,
    Fails,
    Hangs,
}

/// A user and projects whose every part shows the revision that it was read at: the user's generation and
/// the reserving user's number are the revision.
pub(crate) struct FakeFacts {
    mood: Mutex<Mood>,
    revision: AtomicI64,
    /// Changes user and projects after each reading of one of them.
    pub(crate) is_restless: AtomicBool,
    pub(crate) readings: AtomicUsize,
}

impl FakeFacts {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(Mood::Answers),
            revision: AtomicI64::new(1),
            is_restless: AtomicBool::new(false),
            readings: AtomicUsize::new(0),
        })
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Changes everything.
    pub(crate) fn change(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    async fn read(&self) -> Result<i64, StorageError> {
        self.readings.fetch_add(1, Ordering::SeqCst);
        // Every reading lets other tasks run first, as a database does.
        tokio::task::yield_now().await;
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => Ok(self.revision.load(Ordering::SeqCst)),
            Mood::Fails => Err(StorageError::Unavailable("it is gone".to_owned())),
            Mood::Hangs => pending().await,
        }
    }

    async fn read_facts(&self) -> Result<i64, StorageError> {
        let revision = self.read().await?;
        if self.is_restless.load(Ordering::SeqCst) {
            self.change();
        }
        Ok(revision)
    }
}

/// The revisions that the parts of some facts were read at.
pub(crate) fn revisions_in(facts: &Facts) -> Vec<i64> {
    let of_repository = |situation: &RepositorySituation| match &situation.repository {
        RepositoryFacts::Reserved { by } => by.number(),
        other => panic!("{other:?}"),
    };
    let user = facts.user.iter().map(|user| user.generation);
    user.chain(facts.repositories.iter().map(of_repository)).collect()
}

fn project(id: ProjectId) -> Arc<ProjectFacts> {
    Arc::new(ProjectFacts { id, state: LifeState::Live, open_data: false, sharing: Sharing::default() })
}

#[async_trait]
impl FactsStore for FakeFacts {
    async fn snapshot(
        &self,
        identity: &Identity,
        names: &[RepositoryName],
    ) -> Result<At<Facts>, StorageError> {
        let revision = self.read_facts().await?;
        let user = match identity {
            Identity::User(user) => Some(*user),
            _ => None,
        };
        let user = user.map(|id| {
            Arc::new(UserFacts {
                id,
                certified: true,
                administrator: false,
                state: AccountState::Active,
                generation: revision,
                robot_of: None,
                teams: Box::default(),
            })
        });
        let situation = |name: &RepositoryName| RepositorySituation {
            name: name.clone(),
            project: Some(project(name.project())),
            repository: RepositoryFacts::Reserved { by: UserId::new(revision) },
        };
        let value = Facts { user, repositories: names.iter().map(situation).collect(), ..Facts::default() };
        Ok(At { revision: Revision(revision), value })
    }

    async fn item_snapshot(&self, identity: &Identity, _: EntityId) -> Result<At<Facts>, StorageError> {
        self.snapshot(identity, &[]).await
    }

    /// Too large to be kept whole, so that each repository is asked for.
    async fn project(
        &self,
        id: ProjectId,
        _limit: usize,
    ) -> Result<At<Option<ProjectContents>>, StorageError> {
        let revision = self.read_facts().await?;
        let contents = ProjectContents { project: project(id), unusual: [].into(), plain: None };
        Ok(At { revision: Revision(revision), value: Some(contents) })
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.read().await.map(Revision)
    }

    async fn changes(&self, since: Revision, until: Revision) -> Result<Changes, StorageError> {
        self.read().await?;
        let user = Subject::User(UserId::new(7));
        Ok(Changes::Of(
            (since.0..until.0).flat_map(|_| [user, Subject::Project(ProjectId::new(5))]).collect(),
        ))
    }
}

/// A store whose statements are counted.
pub(crate) struct Counting {
    store: Arc<dyn FactsStore>,
    count: AtomicUsize,
}

impl Counting {
    pub(crate) fn new(store: Arc<dyn FactsStore>) -> Arc<Self> {
        Arc::new(Self { store, count: AtomicUsize::new(0) })
    }

    pub(crate) fn statements(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn counted(&self) -> &dyn FactsStore {
        self.count.fetch_add(1, Ordering::SeqCst);
        &*self.store
    }
}

#[async_trait]
impl FactsStore for Counting {
    async fn snapshot(
        &self,
        identity: &Identity,
        names: &[RepositoryName],
    ) -> Result<At<Facts>, StorageError> {
        self.counted().snapshot(identity, names).await
    }

    async fn item_snapshot(&self, identity: &Identity, entity: EntityId) -> Result<At<Facts>, StorageError> {
        self.counted().item_snapshot(identity, entity).await
    }

    async fn project(
        &self,
        id: ProjectId,
        limit: usize,
    ) -> Result<At<Option<ProjectContents>>, StorageError> {
        self.counted().project(id, limit).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.counted().revision().await
    }

    async fn changes(&self, since: Revision, until: Revision) -> Result<Changes, StorageError> {
        self.counted().changes(since, until).await
    }
}
