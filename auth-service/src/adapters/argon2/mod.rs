//! argon2id on a fixed number of threads, each with its own memory, behind a queue that is fair to networks
//! and never longer than a few seconds. Password hashing is made to be slow; here is where it is kept from
//! making anything else slow.

mod queue;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use argon2::Params;
use async_trait::async_trait;
use tokio::sync::oneshot;

use self::queue::FairQueue;
use self::worker::{Job, Task};
use crate::domain::credential::Password;
use crate::domain::network::{ClientNetwork, UNKNOWN_ADDRESS};
use crate::ports::passwords::{HashError, PasswordHasher};

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
    params: Params,
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
        Ok(Self { queue, params })
    }

    async fn submit<T>(
        &self,
        network: ClientNetwork,
        task: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Task,
    ) -> Result<T, HashError> {
        let (sender, receiver) = oneshot::channel();
        self.queue.push(network, Job { task: task(sender) }).map_err(|_| HashError::Busy)?;
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
    ) -> Result<bool, HashError> {
        let params = self.params.clone();
        self.submit(network, |answer| Task::Verify { hash, password, params, answer }).await
    }

    async fn hash(&self, password: Password) -> Result<String, HashError> {
        let params = self.params.clone();
        self.submit(ClientNetwork::of(UNKNOWN_ADDRESS), |answer| Task::Hash { password, params, answer })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads() -> HashingThreads {
        // The smallest that argon2 allows: the test is about the way, not about strength.
        let options =
            HashingOptions { threads: 1, longest_queue: Duration::from_secs(3), memory_kib: 8, passes: 1 };
        HashingThreads::start(options).unwrap()
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
        assert_eq!(threads.verify(Some(hash.clone()), password("sesame"), here).await, Ok(true));
        assert_eq!(threads.verify(Some(hash), password("Sesame"), here).await, Ok(false));
        assert_eq!(threads.verify(None, password("sesame"), here).await, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_that_is_none_is_broken_and_not_wrong() {
        let here = ClientNetwork::of(UNKNOWN_ADDRESS);
        let verdict = threads().verify(Some("plain".to_owned()), password("plain"), here).await;
        assert_eq!(verdict, Err(HashError::Broken));
    }
}
