//! How a database is used, whichever engine it is of.

use std::time::Duration;

/// How the database is used.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// How many connections read at the same time.
    pub connections: u32,
    /// How long anything may take: waiting for a connection and for a lock, and the work itself.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// How long to wait for a lock or a connection: less than in all, so that the error says what was waited for.
    pub(super) fn lock_timeout(self) -> Duration {
        self.timeout * 9 / 10
    }
}
