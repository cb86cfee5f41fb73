//! How many may ask an issuer at the same time, and how that is shared: a network that takes all it can
//! get leaves permits for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::request_context::Unreachable;
use crate::domain::network::ClientNetwork;

/// Most requests to one issuer at the same time.
const MAX_CONCURRENT: usize = 16;

/// How many of them may be one network's. Its others wait for these, and stand in nobody's way.
const MAX_OF_ONE_NETWORK: usize = 4;

pub(super) struct FairLimiter {
    all: Semaphore,
    /// Networks of which somebody is here or waits.
    networks: Mutex<HashMap<ClientNetwork, Share>>,
}

struct Share {
    permits: Arc<Semaphore>,
    visitors: usize,
}

/// Counts somebody of a network for as long as they are here or wait.
struct Presence<'r> {
    limiter: &'r FairLimiter,
    network: ClientNetwork,
}

/// A permit among those that may ask at the same time.
pub(super) struct Permit<'r> {
    _of_all: SemaphorePermit<'r>,
    _of_network: OwnedSemaphorePermit,
    _visit: Presence<'r>,
}

impl FairLimiter {
    pub(super) fn new() -> Self {
        Self { all: Semaphore::new(MAX_CONCURRENT), networks: Mutex::default() }
    }

    /// Waits for a permit of the network's, and then for one of all: only a few of a network wait for the latter.
    pub(super) async fn enter(&self, network: ClientNetwork) -> Result<Permit<'_>, Unreachable> {
        let (presence, permits) = self.presence(network);
        let closed = |_| "no requests are sent any more".to_owned();
        let of_network = permits.acquire_owned().await.map_err(closed)?;
        let of_all = self.all.acquire().await.map_err(closed)?;
        Ok(Permit { _of_all: of_all, _of_network: of_network, _visit: presence })
    }

    fn networks(&self) -> MutexGuard<'_, HashMap<ClientNetwork, Share>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presence(&self, network: ClientNetwork) -> (Presence<'_>, Arc<Semaphore>) {
        let mut networks = self.networks();
        let share = networks
            .entry(network)
            .or_insert_with(|| Share { permits: Arc::new(Semaphore::new(MAX_OF_ONE_NETWORK)), visitors: 0 });
        share.visitors += 1;
        (Presence { limiter: self, network }, Arc::clone(&share.permits))
    }
}

impl Drop for Presence<'_> {
    /// A network of which nobody is left is forgotten, or anybody with many addresses could fill the memory.
    fn drop(&mut self) {
        let mut networks = self.limiter.networks();
        if let Some(share) = networks.get_mut(&self.network) {
            share.visitors -= 1;
            if share.visitors == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt as _;

    use super::*;

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(IpAddr::from([192, 0, 2, last]))
    }

    /// Whoever gets a permit without waiting, of so many that try.
    fn at_once(limiter: &FairLimiter, network: ClientNetwork, tries: usize) -> Vec<Permit<'_>> {
        (0..tries).filter_map(|_| limiter.enter(network).now_or_never()).map(Result::unwrap).collect()
    }

    #[test]
    fn one_network_takes_a_few_places_and_leaves_the_others() {
        let limiter = FairLimiter::new();
        let flood = at_once(&limiter, network(1), 100);
        assert_eq!(flood.len(), MAX_OF_ONE_NETWORK);
        assert_eq!(at_once(&limiter, network(2), 1).len(), 1);
        let others: Vec<_> = (2..9).flat_map(|last| at_once(&limiter, network(last), 2)).collect();
        assert_eq!(flood.len() + others.len(), MAX_CONCURRENT.min(MAX_OF_ONE_NETWORK + 14));
        assert!(at_once(&limiter, network(20), 1).is_empty());
        drop(others);
        assert_eq!(at_once(&limiter, network(20), 1).len(), 1);
    }

    #[tokio::test]
    async fn who_waits_for_a_place_of_its_network_gets_one_that_becomes_free() {
        let limiter = FairLimiter::new();
        let mut flood = at_once(&limiter, network(1), MAX_OF_ONE_NETWORK);
        let mut waiting = Box::pin(limiter.enter(network(1)));
        assert!(waiting.as_mut().now_or_never().is_none());
        flood.pop();
        assert!(waiting.now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn networks_of_which_nobody_is_here_are_forgotten() {
        let limiter = FairLimiter::new();
        for last in 0..200 {
            let permits = at_once(&limiter, network(last), 5);
            let waiting = Box::pin(limiter.enter(network(last)));
            drop((waiting, permits));
        }
        assert!(limiter.networks().is_empty());
    }
}
