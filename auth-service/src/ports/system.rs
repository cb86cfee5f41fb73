//! What the service asks of the machine itself: time.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// The two clocks that the service needs.
pub trait Clock: Send + Sync {
    /// The time of day, UTC.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, that never goes back and also runs while the machine is suspended:
    /// how old a confirmed fact is must not be underestimated after a laptop lid was closed.
    fn elapsed(&self) -> Duration;
}

/// Identifiers that are never given twice.
pub trait Identifiers: Send + Sync {
    /// The identifier of a token or request: printable, without spaces, at most 40 bytes.
    fn next(&self) -> String;
}

/// The machine gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// Bytes that nobody can guess.
pub trait Randomness: Send + Sync {
    /// Enough for a number.
    fn bytes(&self) -> Result<[u8; 8], NoRandomness>;

    /// Enough for a secret.
    fn secret(&self) -> Result<[u8; 24], NoRandomness>;
}
