//! argon2id on a fixed number of threads, each with its own memory, behind a queue that is fair to networks
//! and never longer than a few seconds. Password hashing is made to be slow; here is where it is kept from
//! making anything else slow.

mod queue;
mod strength;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use argon2::Params;
use async_trait::async_trait;
use tokio::sync::oneshot;

use self::queue::FairQueue;
use self::strength::Strength;
use self::worker::Job;
use crate::domain::credential::Password;
use crate::domain::network::{ClientNetwork, UNKNOWN_ADDRESS};
use crate::ports::passwords::{HashError, PasswordHasher, Verdict};

/// How passwords are hashed.
#[derive(Clone, Copy, Debug)]
pub struct HashingOptions {
    /// How many passwords are hashed at the same time.
    pub threads: usize,
    /// How long a password may have to wait for its turn.
    pub longest_queue: Duration,
    /// Memory for one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

/// The threads, and the queue before them. They end when this is dropped.
pub struct HashingThreads {
    queue: Arc<FairQueue<Job>>,
    strength: Arc<Strength>,
}

impl HashingThreads {
    /// Starts the threads; each takes its memory when its first password comes.
    pub fn start(options: HashingOptions) -> Result<Self, std::io::Error> {
        let params = Params::new(options.memory_kib, options.passes, 1, None)
            .map_err(|error| std::io::Error::other(format!("login.argon2_*: {error}")))?;
        let queue = Arc::new(FairQueue::new(options.threads, options.longest_queue));
        for index in 0..options.threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("hash-{index}")).spawn(move || worker::run(&queue))?;
        }
        Ok(Self { queue, strength: Arc::new(Strength::new(params)) })
    }

    async fn submit<T>(
        &self,
        network: ClientNetwork,
        job: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Job,
    ) -> Result<T, HashError> {
        let (sender, receiver) = oneshot::channel();
        self.queue.push(network, job(sender)).map_err(|_| HashError::Busy)?;
        receiver.await.map_err(|_| HashError::Broken)?
    }
}

impl Drop for HashingThreads {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[async_trait]
impl PasswordHasher for HashingThreads {
    async fn verify(
        &self,
        hash: Option<String>,
        password: Password,
        network: ClientNetwork,
    ) -> Result<Verdict, HashError> {
        let strength = Arc::clone(&self.strength);
        self.submit(network, |answer| Job::Verify { hash, password, strength, answer }).await
    }

    async fn hash(&self, password: Password) -> Result<String, HashError> {
        let strength = Arc::clone(&self.strength);
        self.submit(ClientNetwork::of(UNKNOWN_ADDRESS), |answer| Job::Hash { password, strength, answer })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads_with(memory_kib: u32, passes: u32) -> HashingThreads {
        let longest_queue = Duration::from_secs(3);
        HashingThreads::start(HashingOptions { threads: 1, longest_queue, memory_kib, passes }).unwrap()
    }

    /// The smallest that argon2 allows: most tests are about the way, not about strength.
    fn threads() -> HashingThreads {
        threads_with(8, 1)
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_only() {
        let threads = threads();
        let here = ClientNetwork::of(UNKNOWN_ADDRESS);
        let hash = threads.hash(password("sesame")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_eq!(threads.verify(Some(hash.clone()), password("sesame"), here).await, Ok(Verdict::Right));
        assert_eq!(threads.verify(Some(hash), password("Sesame"), here).await, Ok(Verdict::Wrong));
        assert_eq!(threads.verify(None, password("sesame"), here).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_weaker_hash_is_made_anew_when_the_password_is_right_and_a_stronger_one_is_kept() {
        let (weak, strong) = (threads_with(8, 1), threads_with(16, 1));
        let here = ClientNetwork::of(UNKNOWN_ADDRESS);
        let old = weak.hash(password("sesame")).await.unwrap();
        assert_eq!(strong.verify(Some(old.clone()), password("guess"), here).await, Ok(Verdict::Wrong));
        let verdict = strong.verify(Some(old), password("sesame"), here).await;
        let Ok(Verdict::RightButWeaklyHashed(renewed)) = verdict else { panic!("{verdict:?}") };
        assert!(renewed.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{renewed}");
        for threads in [strong, weak] {
            let verdict = threads.verify(Some(renewed.clone()), password("sesame"), here).await;
            assert_eq!(verdict, Ok(Verdict::Right));
        }
    }

    #[tokio::test]
    async fn a_hash_that_is_none_is_broken_and_not_wrong() {
        let here = ClientNetwork::of(UNKNOWN_ADDRESS);
        let verdict = threads().verify(Some("plain".to_owned()), password("plain"), here).await;
        assert_eq!(verdict, Err(HashError::Broken));
    }
}
