//! A document of an issuer that is kept and read again from time to time. While one caller reads it, the others use the
//! old one, and so they do while the issuer does not answer.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::request_context::Unreachable;
use crate::ports::system::Clock;

/// When a document is read again.
pub(super) struct RefreshPolicy {
    /// How long after the beginning of a successful read the next may begin.
    pub(super) after_success: Duration,
    /// The same after the end of a failed one, if an old document serves.
    pub(super) after_failure_with_stale: Duration,
    /// The same if none does.
    pub(super) after_failure: Duration,
    /// How long a caller waits that can use an old document.
    pub(super) longest_with_stale: Duration,
}

/// What a kept document is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usability {
    Fresh,
    /// It serves, and is read again.
    Stale,
    Useless,
}

pub(super) struct Refreshed<T> {
    kept: RwLock<Option<Kept<T>>>,
    /// Held by the caller that reads. The next read does not begin before this time.
    not_before: Mutex<Duration>,
}

struct Kept<T> {
    read_at: Duration,
    document: Arc<T>,
}

impl<T> Default for Refreshed<T> {
    fn default() -> Self {
        Self { kept: RwLock::default(), not_before: Mutex::default() }
    }
}

impl<T> Refreshed<T> {
    /// The document. `usability` judges one of a certain age; `read` is called only when it must be read, and its future is boxed then, so that
    /// a fresh document costs little. `None` if
    /// there is no useful one and it is too early to read it.
    pub(super) async fn get<F: Future<Output = Result<T, Unreachable>> + Send>(
        &self,
        clock: &dyn Clock,
        policy: &RefreshPolicy,
        usability: impl Fn(&T, Duration) -> Usability + Send + Sync,
        read: impl FnOnce() -> F + Send,
    ) -> Result<Option<Arc<T>>, Unreachable> {
        let begun = clock.elapsed();
        let judge = |kept: &Kept<T>| usability(&kept.document, begun.saturating_sub(kept.read_at));
        let kept = self.kept();
        let (mut not_before, stale) = match kept.as_ref().map(judge) {
            Some(Usability::Fresh) => return Ok(kept.map(|kept| kept.document)),
            Some(Usability::Stale) => match self.not_before.try_lock() {
                Ok(not_before) => (not_before, kept.map(|kept| kept.document)),
                Err(_) => return Ok(kept.map(|kept| kept.document)),
            },
            Some(Usability::Useless) | None => (self.not_before.lock().await, None),
        };
        // Another caller may have read it while this one waited.
        let is_new = |kept: &Kept<T>| kept.read_at > begun || judge(kept) == Usability::Fresh;
        if let Some(kept) = self.kept().filter(is_new) {
            return Ok(Some(kept.document));
        }
        if clock.elapsed() < *not_before {
            return Ok(stale);
        }
        let (pause, longest) = match stale {
            Some(_) => (policy.after_failure_with_stale, policy.longest_with_stale),
            None => (policy.after_failure, Duration::MAX),
        };
        // Noted before, because the caller may go away while it reads.
        *not_before = clock.elapsed() + pause;
        match timeout(longest, Box::pin(read()))
            .await
            .unwrap_or_else(|_| Err("it took too long to answer".to_owned()))
        {
            Ok(document) => {
                *not_before = begun + policy.after_success;
                Ok(Some(self.keep(document, clock.elapsed())))
            }
            Err(error) => {
                *not_before = clock.elapsed() + pause;
                stale.map(Some).ok_or(error)
            }
        }
    }

    fn kept(&self) -> Option<Kept<T>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, document: T, read_at: Duration) -> Arc<T> {
        let document = Arc::new(document);
        let kept = Kept { read_at, document: Arc::clone(&document) };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        document
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { read_at: self.read_at, document: Arc::clone(&self.document) }
    }
}
