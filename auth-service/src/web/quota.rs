//! How much of something is taken at once, such as connections or bytes of requests: over all, and by each client
//! network. A network that takes all it can get leaves room for the others, and all of them together leave the memory that
//! the service needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::quota_refusals::QuotaRefusals;
use crate::domain::network::ClientNetwork;

/// There is no room just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverQuota;

/// What can be taken at once.
pub struct Quota {
    most: usize,
    most_of_network: usize,
    taken: Mutex<Taken>,
    refusals: QuotaRefusals,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Only networks that have taken something.
    networks: HashMap<ClientNetwork, usize>,
}

/// What one has taken; it is given back when dropped.
pub(super) struct Permit {
    of: Arc<Quota>,
    network: Option<ClientNetwork>,
    size: usize,
}

impl Quota {
    /// Allows at most so many at once, and so many of one network.
    #[must_use]
    pub fn new(most: usize, most_of_network: usize, refusals: QuotaRefusals) -> Arc<Self> {
        Arc::new(Self { most, most_of_network, taken: Mutex::default(), refusals })
    }

    /// Nothing yet, for somebody of a network; `None` for a proxy, behind which there are many networks.
    pub(super) const fn permit(self: Arc<Self>, network: Option<ClientNetwork>) -> Permit {
        Permit { of: self, network, size: 0 }
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Takes so much in all.
    pub(super) fn grow_to(&mut self, size: usize) -> Result<(), OverQuota> {
        let more = size.saturating_sub(self.size);
        if more == 0 {
            return Ok(());
        }
        let mut taken = self.of.lock();
        let all = taken.all.saturating_add(more);
        let of_network = self.network.and_then(|network| taken.networks.get(&network).copied());
        let of_network = of_network.unwrap_or(0).saturating_add(more);
        if all > self.of.most || (self.network.is_some() && of_network > self.of.most_of_network) {
            drop(taken);
            self.of.refusals.refused();
            return Err(OverQuota);
        }
        taken.all = all;
        if let Some(network) = self.network {
            taken.networks.insert(network, of_network);
        }
        self.size = size;
        Ok(())
    }

    /// Gives back what was taken. A network of which nothing is left is forgotten, or anybody with many addresses could
    /// fill the memory.
    pub(super) fn give_back(&mut self) {
        let size = std::mem::take(&mut self.size);
        if size == 0 {
            return;
        }
        let mut taken = self.of.lock();
        taken.all = taken.all.saturating_sub(size);
        let Some(network) = self.network else { return };
        if let Some(of_network) = taken.networks.get_mut(&network) {
            *of_network = of_network.saturating_sub(size);
            if *of_network == 0 {
                taken.networks.remove(&network);
            }
        }
        // The table itself is memory too.
        if taken.networks.is_empty() {
            taken.networks.shrink_to_fit();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(IpAddr::from([192, 0, 2, last]))
    }

    fn quota() -> Arc<Quota> {
        Quota::new(100, 40, QuotaRefusals::of("limits.in_flight_bytes"))
    }

    /// A permit of so many bytes, if there is room.
    fn take(all: &Arc<Quota>, last: u8, bytes: usize) -> Option<Permit> {
        let mut permit = Arc::clone(all).permit(Some(network(last)));
        permit.grow_to(bytes).ok().map(|()| permit)
    }

    #[test]
    fn one_network_fills_its_part_and_leaves_the_others() {
        let all = quota();
        let mut flood: Vec<Permit> = (0..50).filter_map(|_| take(&all, 1, 10)).collect();
        assert_eq!(flood.len(), 4);
        assert_eq!(flood[0].grow_to(11), Err(OverQuota));
        let others: Vec<Permit> = (2..20).filter_map(|last| take(&all, last, 10)).collect();
        assert_eq!(others.len(), 6, "all of them together fill it");
        flood.pop();
        assert!(take(&all, 20, 10).is_some(), "what was given back is free for anybody");
    }

    #[test]
    fn a_permit_that_could_not_grow_keeps_what_it_has() {
        let all = quota();
        let mut permit = take(&all, 1, 30).unwrap();
        assert_eq!(permit.grow_to(41), Err(OverQuota));
        assert_eq!(permit.grow_to(20), Ok(()), "less than it has is no change");
        assert!(take(&all, 1, 10).is_some());
        assert!(take(&all, 1, 11).is_none());
        assert_eq!(permit.grow_to(40), Ok(()));
    }

    #[test]
    fn a_proxy_has_all_that_its_many_clients_need() {
        let all = quota();
        let mut proxy = Arc::clone(&all).permit(None);
        assert_eq!(proxy.grow_to(100), Ok(()));
        assert_eq!(proxy.grow_to(101), Err(OverQuota));
        proxy.give_back();
        assert_eq!(all.taken(), 0);
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let all = quota();
        for last in 0..200 {
            let permits: Vec<Option<Permit>> = (0..3).map(|_| take(&all, last, 15)).collect();
            assert_eq!(permits.iter().flatten().count(), 2);
        }
        let taken = all.lock();
        assert!(taken.all == 0 && taken.networks.is_empty());
    }
}
