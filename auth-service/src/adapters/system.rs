//! What the machine itself gives: time, and randomness for identifiers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::time::Timestamp;
use crate::ports::system::{Clock, Identifiers, NoRandomness, Randomness};

/// The real clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        let at = clock_gettime(ClockId::Boottime);
        Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
    }
}

/// Lets this process open as many files as it may, connections among them; how many that is.
#[must_use]
pub fn allow_open_files() -> u64 {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.unwrap_or(u64::MAX);
    // If it is not allowed, things stay as they are.
    match setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, maximum: limits.maximum }) {
        Ok(()) => most,
        Err(_) => limits.current.unwrap_or(most),
    }
}

/// Random bytes that nobody can guess; fails when the system gives none.
pub fn random_bytes<const BYTES: usize>() -> Result<[u8; BYTES], std::io::Error> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}

/// The same as hexadecimal digits.
pub fn random_hex<const BYTES: usize>() -> Result<String, std::io::Error> {
    let digits = random_bytes::<BYTES>()?.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
}

/// The random bytes of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn bytes(&self) -> Result<[u8; 8], NoRandomness> {
        random_bytes().map_err(|_| NoRandomness)
    }

    fn secret(&self) -> Result<[u8; 24], NoRandomness> {
        random_bytes().map_err(|_| NoRandomness)
    }
}

/// Identifiers of a random part for this process and a counter.
#[derive(Debug)]
pub struct ProcessIdentifiers {
    process: u64,
    next: AtomicU64,
}

impl ProcessIdentifiers {
    /// Fails when the system gives no random bytes.
    pub fn new() -> Result<Self, std::io::Error> {
        Ok(Self { process: u64::from_be_bytes(random_bytes()?), next: AtomicU64::new(1) })
    }
}

impl Identifiers for ProcessIdentifiers {
    fn next(&self) -> String {
        format!("{:016x}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
