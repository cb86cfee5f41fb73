//! Facts kept in memory. The database has a number that each change raises; it is read several times a
//! second, and what the changes were about is forgotten. What is answered from here is used only while that
//! number was read less than a second ago.
//!
//! Everything that a decision is given belongs to one revision. A change that comes in while facts are
//! gathered makes the gathering begin again: rights as they never were at any one moment must not be mixed
//! from a user of after a change and a project of before it.

use std::future::Future;
use std::hash::RandomState;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::contents::{KeptProject, Recollection};
use super::memory::{KeptLogin, Known, Memory};
use crate::domain::facts::{Facts, RepositoryFacts, RepositorySituation, UserFacts};
use crate::domain::login::Identity;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{Changes, FactsReader, FactsStore, Revision};
use crate::ports::system::Clock;

/// How old the last confirmation may be when facts are used. A change holds everywhere within one second;
/// the rest of that second is for the decision itself.
const CONFIRMED_WITHIN: Duration = Duration::from_millis(900);

/// Projects with more repositories than this (of the usual or the unusual kind) are not kept whole.
const MOST_REPOSITORIES_KEPT: usize = 4_096;

/// How often gathering is begun again before the database is asked for everything at once.
const TRIES: usize = 4;

/// How long the database may take to answer when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The facts kept in memory.
pub struct CachedFacts {
    store: Arc<dyn FactsStore>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    memory: Memory,
    fingerprints: RandomState,
    /// The revision that everything kept belongs to.
    revision: AtomicI64,
    /// When the reading of the revision began that last confirmed it, in nanoseconds of `Clock::elapsed`.
    confirmed: AtomicU64,
    /// Held while something is put in and while changes are taken over, so that nothing read before a change
    /// is put in after it.
    filling: Mutex<()>,
    /// Held by whoever reads the revision; says when that last failed and why.
    confirming: tokio::sync::Mutex<Option<(Duration, String)>>,
}

impl CachedFacts {
    /// Facts that take at most about `bytes` of memory.
    #[must_use]
    pub fn new(store: Arc<dyn FactsStore>, clock: Arc<dyn Clock>, bytes: u64) -> Self {
        Self {
            store,
            clock,
            timeout: TIMEOUT,
            memory: Memory::new(bytes),
            fingerprints: RandomState::new(),
            revision: AtomicI64::new(-1),
            confirmed: AtomicU64::new(0),
            filling: Mutex::new(()),
            confirming: tokio::sync::Mutex::new(None),
        }
    }

    /// How long the database may take to answer. Reading waits for no lock, so that only an outage takes long.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Reads the revision as often as is needed for answering without waiting, until the future is dropped.
    pub async fn keep_fresh(&self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let outcome = self.catch_up().await;
            match &outcome {
                Ok(()) if failing => tracing::info!("the database answers again"),
                Err(error) if !failing => tracing::error!(%error, "the database does not answer"),
                _ => {}
            }
            failing = outcome.is_err();
        }
    }

    fn is_stale(&self) -> bool {
        let confirmed = Duration::from_nanos(self.confirmed.load(Ordering::Acquire));
        confirmed.is_zero() || self.clock.elapsed().saturating_sub(confirmed) > CONFIRMED_WITHIN
    }

    /// Reads the revision if nobody else has since `asked`, and forgets what has changed.
    async fn confirm(&self, asked: Duration, only_if_stale: bool) -> Result<(), StorageError> {
        let mut last_failure = self.confirming.lock().await;
        let confirmed = Duration::from_nanos(self.confirmed.load(Ordering::Acquire));
        if confirmed > asked || (only_if_stale && !self.is_stale()) {
            return Ok(());
        }
        // Whoever waited while the database did not answer need not wait for it once more.
        if let Some((_, text)) = last_failure.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(StorageError::Unavailable(text.clone()));
        }
        let began = self.clock.elapsed();
        match self.in_time(self.take_over_changes()).await {
            Ok(()) => {
                self.confirmed.store(u64::try_from(began.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
                Ok(())
            }
            Err(error) => {
                // Whoever asked may just have changed something: the next load must not go by what was known.
                self.confirmed.store(0, Ordering::Release);
                *last_failure = Some((self.clock.elapsed(), error.to_string()));
                Err(error)
            }
        }
    }

    async fn take_over_changes(&self) -> Result<(), StorageError> {
        let known = Revision(self.revision.load(Ordering::Acquire));
        let newest = self.store.revision().await?;
        if newest == known {
            return Ok(());
        }
        let changes =
            if known.0 < 0 { Changes::Everything } else { self.store.changes(known, newest).await? };
        let _filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        match changes {
            Changes::Of(subjects) => subjects.into_iter().for_each(|subject| self.memory.forget(subject)),
            Changes::Everything => self.memory.forget_everything(),
        }
        self.revision.store(newest.0, Ordering::Release);
        Ok(())
    }

    /// Everything asked for, of `revision`; `None` when the database is at another one by now.
    async fn gather(
        &self,
        revision: Revision,
        identity: &Identity,
        names: &[RepositoryName],
    ) -> Result<Option<Facts>, StorageError> {
        let Some(KeptLogin { user, token }) = self.login(revision, identity).await? else { return Ok(None) };
        if !self.fill_project(revision, names).await? {
            return Ok(None);
        }
        let known: Vec<_> = names.iter().map(|name| self.recall(name, user.as_deref())).collect();
        let unremembered: Vec<RepositoryName> = names
            .iter()
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let Some(mut read) = self.read(revision, &unremembered).await? else { return Ok(None) };
        let situation = |known: Option<RepositorySituation>| known.or_else(|| read.next());
        let repositories = known.into_iter().filter_map(situation).collect();
        Ok(Some(Facts { user, token, repositories, item: None }))
    }

    async fn login(
        &self,
        revision: Revision,
        identity: &Identity,
    ) -> Result<Option<KeptLogin>, StorageError> {
        if let Some(kept) = self.memory.login(identity) {
            return Ok(Some(kept));
        }
        let read = self.store.snapshot(identity, &[]).await?;
        let mut login = KeptLogin { user: read.value.user, token: read.value.token };
        let keep = || self.memory.keep_login(identity, &mut login);
        Ok(self.put_in(revision, read.revision, keep).then_some(login))
    }

    /// Keeps the one project that is not known of those that are asked about; whether it is of `revision`. When
    /// there are several, nobody's requests are worth that many statements, and their repositories are read.
    async fn fill_project(&self, revision: Revision, names: &[RepositoryName]) -> Result<bool, StorageError> {
        let mut unknown: Vec<ProjectId> = names
            .iter()
            .map(RepositoryName::project)
            .filter(|id| self.memory.project(*id).is_none())
            .collect();
        unknown.dedup();
        let [id] = unknown[..] else { return Ok(true) };
        let read = self.store.project(id, MOST_REPOSITORIES_KEPT).await?;
        let value = read.value.map(|contents| Arc::new(KeptProject::new(contents, &self.fingerprints)));
        Ok(self.put_in(revision, read.revision, || self.memory.keep_project(id, value)))
    }

    /// What memory says of a repository. Nothing, if `user` may not see its project: how long an answer takes
    /// must not tell whether there is such a project or repository, so that it is read then, each time.
    fn recall(&self, name: &RepositoryName, user: Option<&UserFacts>) -> Option<RepositorySituation> {
        let Known(project) = self.memory.project(name.project())?;
        let project = project.filter(|project| project.facts.is_seen_by(user))?;
        let repository = match project.recall(name, self.clock.now(), &self.fingerprints) {
            Recollection::Is(facts) => facts,
            Recollection::Ask => self.memory.repository(name, &project)?,
        };
        let project = Some(Arc::clone(&project.facts));
        Some(RepositorySituation { name: name.clone(), project, repository })
    }

    /// Reads repositories in one statement; `None` when the database is not at `revision`.
    async fn read(
        &self,
        revision: Revision,
        names: &[RepositoryName],
    ) -> Result<Option<std::vec::IntoIter<RepositorySituation>>, StorageError> {
        if names.is_empty() {
            return Ok(Some(Vec::new().into_iter()));
        }
        let read = self.store.snapshot(&Identity::Nobody, names).await?;
        let situations = read.value.repositories;
        let kept = self.put_in(revision, read.revision, || situations.iter().for_each(|one| self.keep(one)));
        Ok(kept.then(|| situations.into_iter()))
    }

    /// Keeps a repository of a project that is too large to be kept whole.
    fn keep(&self, situation: &RepositorySituation) {
        let RepositorySituation { name, repository, .. } = situation;
        let Some(Known(Some(project))) = self.memory.project(name.project()) else { return };
        // A reservation ends by itself, so that it must be looked at each time.
        let ends_by_itself = matches!(repository, RepositoryFacts::Reserved { .. });
        if !project.is_whole() && !ends_by_itself {
            self.memory.keep_repository(name, &project, repository);
        }
    }

    /// Keeps what was read, if it is of the revision that everything else is of; whether it is.
    fn put_in(&self, revision: Revision, read_at: Revision, insert: impl FnOnce()) -> bool {
        if read_at != revision {
            return false;
        }
        let _filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.revision.load(Ordering::Acquire) == revision.0;
        if current {
            insert();
        }
        current
    }

    async fn load_whole(&self, identity: &Identity, names: &[RepositoryName]) -> Result<Facts, StorageError> {
        for _ in 0..TRIES {
            if self.is_stale() {
                self.confirm(self.clock.elapsed(), true).await?;
            }
            let revision = Revision(self.revision.load(Ordering::Acquire));
            if let Some(facts) = self.gather(revision, identity, names).await? {
                if self.revision.load(Ordering::Acquire) == revision.0 {
                    return Ok(facts);
                }
            } else {
                self.confirm(self.clock.elapsed(), false).await?;
            }
        }
        Ok(self.store.snapshot(identity, names).await?.value)
    }

    /// Everything that is asked for, if all of it is in memory and may be used without waiting for the database.
    fn remembered(&self, identity: &Identity, names: &[RepositoryName]) -> Option<Facts> {
        if self.is_stale() {
            return None;
        }
        let revision = self.revision.load(Ordering::Acquire);
        let KeptLogin { user, token } = self.memory.login(identity)?;
        let situations = names.iter().map(|name| self.recall(name, user.as_deref()));
        let repositories = situations.collect::<Option<Vec<_>>>()?;
        (self.revision.load(Ordering::Acquire) == revision).then_some(Facts {
            user,
            token,
            repositories,
            item: None,
        })
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        tokio::time::timeout(self.timeout, answer)
            .await
            .unwrap_or_else(|_| Err(StorageError::Unavailable("it does not answer in time".to_owned())))
    }
}

#[async_trait]
impl FactsReader for CachedFacts {
    async fn load(&self, identity: &Identity, names: &[RepositoryName]) -> Result<Facts, StorageError> {
        match self.remembered(identity, names) {
            Some(facts) => Ok(facts),
            // In a box, or the future would be as large when nothing is waited for.
            None => Box::pin(self.in_time(self.load_whole(identity, names))).await,
        }
    }

    /// Reads the database each time. Programs ask about items much more rarely than registries, and how long an answer
    /// takes must not tell whether there is such an item.
    async fn load_item(&self, identity: &Identity, entity: EntityId) -> Result<Facts, StorageError> {
        Ok(self.in_time(self.store.item_snapshot(identity, entity)).await?.value)
    }

    async fn catch_up(&self) -> Result<(), StorageError> {
        self.confirm(self.clock.elapsed(), false).await
    }
}
