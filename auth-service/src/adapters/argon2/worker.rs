//! One hashing thread: takes a job, hashes in memory that it keeps, answers.

use std::time::Duration;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

use super::queue::FairQueue;
use crate::adapters::system::SystemClock;
use crate::domain::credential::Password;
use crate::ports::passwords::HashError;
use crate::ports::system::Clock as _;

/// Bytes of a hash.
const OUTPUT_BYTES: usize = 32;
/// Bytes of a salt (RFC 9106, section 3.1: 16 are recommended).
const SALT_BYTES: usize = 16;

/// How much less often the kernel runs a hashing thread than one that answers requests.
const NICENESS: i32 = 10;

pub(super) struct Job {
    pub(super) task: Task,
}

pub(super) enum Task {
    Verify {
        hash: Option<String>,
        password: Password,
        params: Params,
        answer: oneshot::Sender<Result<bool, HashError>>,
    },
    Hash {
        password: Password,
        params: Params,
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
        match self.task {
            Task::Verify { answer, .. } if answer.is_closed() => false,
            Task::Hash { answer, .. } if answer.is_closed() => false,
            Task::Verify { hash, password, params, answer } => {
                let verdict = match hash {
                    Some(hash) => verify(&hash, &password, memory),
                    // An account that does not exist must take as long as one that does.
                    None => derive(&[0; SALT_BYTES], &password, &params, memory).map(|_| false),
                };
                let _ = answer.send(verdict);
                true
            }
            Task::Hash { password, params, answer } => {
                let _ = answer.send(hash(&password, params, memory));
                true
            }
        }
    }
}

fn verify(stored: &str, password: &Password, memory: &mut Vec<Block>) -> Result<bool, HashError> {
    let stored = PasswordHash::new(stored).map_err(|_| HashError::Broken)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(HashError::Broken) };
    if stored.algorithm != Ident::new("argon2id").map_err(|_| HashError::Broken)? {
        return Err(HashError::Broken);
    }
    let params = Params::try_from(&stored).map_err(|_| HashError::Broken)?;
    let actual = derive(salt.as_ref(), password, &params, memory)?;
    Ok(actual.ct_eq(expected.as_bytes()).into())
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
