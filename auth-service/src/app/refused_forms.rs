//! Passwords that were refused in a form a moment ago. Some clients (containerd) ask once more, by query, with the same
//! password; that counts as one wrong password. Only this process remembers it: if the second request reaches another
//! replica, it is counted there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ports::passwords::CredentialDigest;

/// How long after a form that was refused a second request counts as its repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(10);

/// How many are remembered; the second request of a client beyond them is counted.
const MOST: usize = 4_096;

/// Digests of refused logins, each with the time it is forgotten at, by a clock that never goes back.
#[derive(Default)]
pub struct RefusedForms(Mutex<HashMap<CredentialDigest, Duration>>);

impl RefusedForms {
    /// Remembers that a form was refused.
    pub fn note(&self, digest: CredentialDigest, now: Duration) {
        let mut forms = self.forms();
        if forms.len() >= MOST {
            forms.retain(|_, until| *until > now);
        }
        if forms.len() < MOST {
            forms.insert(digest, now + REPEATED_WITHIN);
        }
    }

    /// Whether this login was refused in a form a moment ago. It can be repeated once.
    pub fn take(&self, digest: &CredentialDigest, now: Duration) -> bool {
        self.forms().remove(digest).is_some_and(|until| until > now)
    }

    fn forms(&self) -> MutexGuard<'_, HashMap<CredentialDigest, Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
