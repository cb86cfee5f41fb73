//! One hashing thread: takes a job, hashes in memory that it keeps, answers.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

use super::queue::FairQueue;
use super::strength::Strength;
use crate::adapters::system::SystemClock;
use crate::domain::credential::Password;
use crate::ports::passwords::{HashError, Verdict};
use crate::ports::system::Clock as _;

/// Bytes of a hash.
const OUTPUT_BYTES: usize = 32;
/// Bytes of a salt (RFC 9106, section 3.1: 16 are recommended).
const SALT_BYTES: usize = 16;
/// The salt of what is computed for nothing but the time that it takes.
const NO_SALT: [u8; SALT_BYTES] = [0; SALT_BYTES];

/// How much less often the kernel runs a hashing thread than one that answers requests.
const NICENESS: i32 = 10;

pub(super) enum Job {
    Verify {
        hash: Option<String>,
        password: Password,
        strength: Arc<Strength>,
        answer: oneshot::Sender<Result<Verdict, HashError>>,
    },
    Hash {
        password: Password,
        strength: Arc<Strength>,
        answer: oneshot::Sender<Result<String, HashError>>,
    },
}

/// Works until the queue is closed.
pub(super) fn run(queue: &FairQueue<Job>) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "hashing threads cannot give way to others");
    }
    let mut memory: Vec<Block> = Vec::new();
    while let Some(job) = queue.pop() {
        let clock = SystemClock;
        let started = clock.elapsed();
        if job.run(&mut memory) {
            queue.job_took(clock.elapsed().saturating_sub(started).min(Duration::from_secs(10)));
        }
    }
}

impl Job {
    /// Does the job, unless whoever asked has gone; whether there was anything to do.
    fn run(self, memory: &mut Vec<Block>) -> bool {
        match self {
            Self::Verify { answer, .. } if answer.is_closed() => false,
            Self::Hash { answer, .. } if answer.is_closed() => false,
            Self::Verify { hash, password, strength, answer } => {
                let _ = answer.send(verify(hash.as_deref(), &password, &strength, memory));
                true
            }
            Self::Hash { password, strength, answer } => {
                let _ = answer.send(hash(&password, strength.params.clone(), memory));
                true
            }
        }
    }
}

/// An account that does not exist must take as long as one that does, and one with an old hash as one with a new one.
fn verify(
    stored: Option<&str>,
    password: &Password,
    strength: &Strength,
    memory: &mut Vec<Block>,
) -> Result<Verdict, HashError> {
    let compared = match stored {
        Some(stored) => compare(stored, password, memory)?,
        None => {
            derive(&NO_SALT, password, &strength.params, memory)?;
            Compared { params: strength.params.clone(), is_right: false }
        }
    };
    if compared.is_right {
        return match strength.is_above(&compared.params) {
            true => hash(password, strength.params.clone(), memory).map(Verdict::RightButWeaklyHashed),
            false => Ok(Verdict::Right),
        };
    }
    if let Some(rest) = strength.rest(&compared.params) {
        derive(&NO_SALT, password, &rest, memory)?;
    }
    Ok(Verdict::Wrong)
}

/// A password compared with a hash.
struct Compared {
    params: Params,
    is_right: bool,
}

fn compare(stored: &str, password: &Password, memory: &mut Vec<Block>) -> Result<Compared, HashError> {
    let stored = PasswordHash::new(stored).map_err(|_| HashError::Broken)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(HashError::Broken) };
    if stored.algorithm != Ident::new("argon2id").map_err(|_| HashError::Broken)? {
        return Err(HashError::Broken);
    }
    let params = Params::try_from(&stored).map_err(|_| HashError::Broken)?;
    let actual = derive(salt.as_ref(), password, &params, memory)?;
    Ok(Compared { params, is_right: actual.ct_eq(expected.as_bytes()).into() })
}

fn hash(password: &Password, params: Params, memory: &mut Vec<Block>) -> Result<String, HashError> {
    let salt = Salt::generate();
    let output = derive(salt.as_ref(), password, &params, memory)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| HashError::Broken)?,
        salt: Some(salt),
        hash: Some(Output::new(&output).map_err(|_| HashError::Broken)?),
    };
    Ok(hash.to_string())
}

fn derive(
    salt: &[u8],
    password: &Password,
    params: &Params,
    memory: &mut Vec<Block>,
) -> Result<[u8; OUTPUT_BYTES], HashError> {
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::default());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = [0; OUTPUT_BYTES];
    argon2
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut output, &mut memory[..])
        .map_err(|_| HashError::Broken)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    fn params(memory: u32) -> Params {
        Params::new(memory, 2, 1, None).unwrap()
    }

    /// The least processor time that a wrong password took of some.
    fn time_for(stored: Option<&str>, strength: &Strength, memory: &mut Vec<Block>) -> Duration {
        let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
        let guess = Password::new("guess".to_owned());
        let times = (0..5).map(|_| {
            let began = now();
            assert_eq!(verify(stored, &guess, strength, memory), Ok(Verdict::Wrong));
            now().saturating_sub(began)
        });
        times.min().unwrap()
    }

    #[test]
    fn a_wrong_password_takes_as_long_whatever_hash_it_is_compared_with() {
        let memory = &mut Vec::new();
        let password = Password::new("sesame".to_owned());
        let old = hash(&password, params(8 * 1024), memory).unwrap();
        let new = hash(&password, params(32 * 1024), memory).unwrap();
        let strength = Strength::new(params(32 * 1024));
        let nobody = time_for(None, &strength, memory);
        for stored in [&old, &new] {
            let took = time_for(Some(stored), &strength, memory);
            assert!(took < nobody * 2 && nobody < took * 2, "{took:?} and {nobody:?}: {stored}");
        }
    }
}
