//! Keeping the records of tokens: when each was last used, and that those at their end go some day.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::StorageError;
use crate::ports::system::Clock;
use crate::ports::tokens::{TokenUses, Tokens};

/// How long a token is still listed after its end, so that its owner sees what became of it.
const LISTED_AFTER_END: Duration = Duration::from_hours(30 * 24);

/// Keeps records.
pub struct KeepTokens {
    /// Where they are.
    pub tokens: Arc<dyn Tokens>,
    /// What was used since.
    pub uses: Arc<dyn TokenUses>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How long an identity token lives without being used.
    pub identity_idle: Duration,
}

impl KeepTokens {
    /// Writes down what was used since the last time.
    pub async fn write_uses(&self) -> Result<(), StorageError> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = self.tokens.write_uses(&uses, self.identity_idle).await;
        if written.is_err() {
            for (token, at) in uses {
                self.uses.note(token, at);
            }
        }
        written
    }

    /// Forgets tokens that ended long ago.
    pub async fn forget_ended(&self) -> Result<(), StorageError> {
        self.tokens.forget_ended(self.clock.now().minus(LISTED_AFTER_END)).await
    }
}
