//! The signer of a running service: it follows the directory, renews what it can, and warns in time.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::domain::time::Timestamp;
use crate::ports::signer::{KeyCondition, SignError, Signer};
use crate::ports::system::Clock;

use super::directory::KeyDirectory;
use super::error::KeyError;
use super::rotation;
use super::signing_key::SigningKey;

/// A rotation by another process must be in use within a second.
const LOOK_EVERY: Duration = Duration::from_millis(300);
const RENEWAL_PAUSE_AFTER_FAILURE: Duration = Duration::from_mins(1);
const WARN_BEFORE_AUTHORITY_ENDS: Duration = Duration::from_hours(24 * 180);
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The active key of a directory, for as long as the service runs.
pub struct KeyWatch {
    directory: KeyDirectory,
    held: RwLock<Arc<Held>>,
    state: Mutex<State>,
}

/// What requests see; replaced as a whole.
struct Held {
    key: SigningKey,
    key_set: Arc<str>,
    key_set_changes_at: Option<Timestamp>,
}

/// What only the watching task needs.
#[derive(Default)]
struct State {
    stamp: Option<Stamp>,
    /// What last went wrong, so that it is logged once and not three times a second.
    load_complaint: Option<String>,
    renewal_complaint: Option<String>,
    renew_not_before: Option<Timestamp>,
    warned_of_key: Option<Warning>,
    warned_of_authority: Option<Warning>,
}

/// What was warned of, on which day.
type Warning = (Timestamp, i64);

/// Tells one version of a file from the next without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self { inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) })
    }
}

impl Held {
    fn load(directory: &KeyDirectory, now: Timestamp) -> Result<Self, KeyError> {
        let key = directory.load()?;
        let (key_set, key_set_changes_at) = directory.key_set(&key, now)?;
        Ok(Self { key, key_set: key_set.into(), key_set_changes_at })
    }
}

impl KeyWatch {
    /// Loads the active key; fails with a sentence for the operator if there is none that can be used.
    pub fn open(directory: KeyDirectory, now: Timestamp) -> Result<Self, KeyError> {
        // The stamp comes first: a change during the load is then seen at the next look.
        let stamp = Stamp::of(&directory.current_path());
        let held = Held::load(&directory, now)?;
        let state = State { stamp, ..State::default() };
        Ok(Self { directory, held: RwLock::new(Arc::new(held)), state: Mutex::new(state) })
    }

    /// Looks after the keys until `stopped` resolves.
    pub async fn watch(self: Arc<Self>, clock: Arc<dyn Clock>, stopped: impl Future<Output = ()> + Send) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return,
                _ = ticks.tick() => {}
            }
            let (watch, now) = (Arc::clone(&self), clock.now());
            // Files may hang and an RSA key takes a second to make: not on a thread that serves requests.
            if tokio::task::spawn_blocking(move || watch.look(now)).await.is_err() {
                tracing::error!("looking after the signing keys failed unexpectedly");
            }
        }
    }

    /// One round of [`KeyWatch::watch`]; blocks.
    pub fn look(&self, now: Timestamp) {
        self.refresh(now);
        self.renew_if_due(now);
        self.warn_if_due(now);
    }

    /// Takes over what another process made active. While its files are incomplete or wrong, the former
    /// key stays in use.
    pub fn refresh(&self, now: Timestamp) {
        let stamp = Stamp::of(&self.directory.current_path());
        let held = self.held();
        let mut state = self.state();
        let key_set_is_old = held.key_set_changes_at.is_some_and(|time| time <= now);
        if stamp == state.stamp && !key_set_is_old {
            return;
        }
        match Held::load(&self.directory, now) {
            Ok(new) => {
                if new.key.kid() != held.key.kid() {
                    tracing::info!(kid = new.key.kid(), algorithm = %new.key.algorithm(), "signing with another key");
                }
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                state.stamp = stamp;
                state.load_complaint = None;
            }
            Err(error) => complain(&mut state.load_complaint, "the former signing key stays in use", &error),
        }
    }

    /// Renews the active leaf if that is due and the CA's private key is at hand.
    pub fn renew_if_due(&self, now: Timestamp) {
        // A pause that has more left than it ever had was made by a clock that was ahead.
        let is_left = |end: Timestamp| now < end && end <= now.plus(RENEWAL_PAUSE_AFTER_FAILURE);
        let paused = self.state().renew_not_before.is_some_and(is_left);
        if paused || !rotation::is_due(self.held().key.chain(), now) {
            return;
        }
        match self.directory.renew_if_due(now) {
            Ok(true) => {
                self.state().renewal_complaint = None;
                self.refresh(now);
            }
            // Not ours to renew, or another process is at it; the next look will see.
            Ok(false) => {}
            Err(error) => {
                let mut state = self.state();
                state.renew_not_before = Some(now.plus(RENEWAL_PAUSE_AFTER_FAILURE));
                complain(&mut state.renewal_complaint, "the signing key could not be renewed", &error);
            }
        }
    }

    fn warn_if_due(&self, now: Timestamp) {
        let held = self.held();
        let mut state = self.state();
        let condition = held.key.condition(now);
        let warn_of = match condition {
            KeyCondition::Usable { .. } => None,
            KeyCondition::ExpiresSoon { not_after } | KeyCondition::Expired { not_after } => Some(not_after),
            KeyCondition::NotYetValid { not_before } => Some(not_before),
        };
        if is_news(&mut state.warned_of_key, warn_of, now) {
            tracing::warn!(kid = held.key.kid(), "{condition}");
        }
        let authority = held.key.chain().authority_not_after();
        let authority = authority.filter(|not_after| not_after.since(now) < WARN_BEFORE_AUTHORITY_ENDS);
        if is_news(&mut state.warned_of_authority, authority, now)
            && let Some(not_after) = authority
        {
            tracing::warn!(%not_after, "the CA of the signing keys ends: plan a new one and restart the registry with both");
        }
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signer for KeyWatch {
    fn sign(&self, claims: &[u8]) -> Result<String, SignError> {
        // The lock is let go of before signing: a waiting writer would make other readers wait as well.
        self.held().key.sign(claims)
    }

    fn condition(&self, now: Timestamp) -> KeyCondition {
        self.held.read().unwrap_or_else(PoisonError::into_inner).key.condition(now)
    }

    fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.held().key_set)
    }
}

/// Logs an error unless it is the same as last time.
fn complain(last: &mut Option<String>, effect: &str, error: &KeyError) {
    let complaint = error.to_string();
    if last.as_deref() != Some(&complaint) {
        tracing::warn!(reason = complaint, "{effect}");
        *last = Some(complaint);
    }
}

/// Whether to warn of what happens at `time`: once a day, and again when the time changes.
fn is_news(warned: &mut Option<Warning>, time: Option<Timestamp>, now: Timestamp) -> bool {
    let warning = time.map(|time| (time, now.as_seconds().div_euclid(DAY_SECONDS)));
    let news = warning.is_some() && *warned != warning;
    *warned = warning;
    news
}
