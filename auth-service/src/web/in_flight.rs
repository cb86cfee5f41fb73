//! How many bytes of requests are held at once, over all and for each client network: a network that takes all it can
//! get leaves room for the others, and all of them together leave the memory that the service needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crowding::Crowding;
use crate::domain::network::ClientNetwork;

/// There is no room just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// The bytes that are held at once.
pub struct InFlight {
    most: usize,
    most_of_network: usize,
    held: Mutex<Held>,
    crowding: Crowding,
}

#[derive(Default)]
struct Held {
    all: usize,
    /// Only networks that hold something.
    networks: HashMap<ClientNetwork, usize>,
}

/// What one request holds; it is given back when dropped.
pub(super) struct Share {
    of: Arc<InFlight>,
    network: ClientNetwork,
    bytes: usize,
}

impl InFlight {
    /// Holds at most so many bytes, and so many of one network.
    #[must_use]
    pub fn new(most: usize, most_of_network: usize, crowding: Crowding) -> Arc<Self> {
        Arc::new(Self { most, most_of_network, held: Mutex::default(), crowding })
    }

    /// Nothing yet, for a request of a network.
    pub(super) const fn share(self: Arc<Self>, network: ClientNetwork) -> Share {
        Share { of: self, network, bytes: 0 }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Holds `bytes` in all.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let mut held = self.of.held();
        let of_network = held.networks.get(&self.network).copied().unwrap_or(0).saturating_add(more);
        let all = held.all.saturating_add(more);
        if all > self.of.most || of_network > self.of.most_of_network {
            drop(held);
            self.of.crowding.refused();
            return Err(NoRoom);
        }
        held.all = all;
        held.networks.insert(self.network, of_network);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    /// A network that holds nothing any more is forgotten, or anybody with many addresses could fill the memory.
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.of.held();
        held.all = held.all.saturating_sub(self.bytes);
        let of_network = held.networks.get(&self.network).copied().unwrap_or(0);
        match of_network.saturating_sub(self.bytes) {
            0 => {
                held.networks.remove(&self.network);
                // The table itself is memory too.
                if held.networks.is_empty() {
                    held.networks.shrink_to_fit();
                }
            }
            left => {
                held.networks.insert(self.network, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(last: u8) -> ClientNetwork {
        ClientNetwork::of(IpAddr::from([192, 0, 2, last]))
    }

    fn in_flight() -> Arc<InFlight> {
        InFlight::new(100, 40, Crowding::of("limits.in_flight_bytes"))
    }

    /// A share of so many bytes, if there is room.
    fn take(all: &Arc<InFlight>, last: u8, bytes: usize) -> Option<Share> {
        let mut share = Arc::clone(all).share(network(last));
        share.grow_to(bytes).ok().map(|()| share)
    }

    #[test]
    fn one_network_fills_its_part_and_leaves_the_others() {
        let all = in_flight();
        let mut flood: Vec<Share> = (0..50).filter_map(|_| take(&all, 1, 10)).collect();
        assert_eq!(flood.len(), 4);
        assert_eq!(flood[0].grow_to(11), Err(NoRoom));
        let others: Vec<Share> = (2..20).filter_map(|last| take(&all, last, 10)).collect();
        assert_eq!(others.len(), 6, "all of them together fill it");
        flood.pop();
        assert!(take(&all, 20, 10).is_some(), "what was given back is free for anybody");
    }

    #[test]
    fn a_share_that_could_not_grow_keeps_what_it_has() {
        let all = in_flight();
        let mut share = take(&all, 1, 30).unwrap();
        assert_eq!(share.grow_to(41), Err(NoRoom));
        assert_eq!(share.grow_to(20), Ok(()), "less than it has is no change");
        assert!(take(&all, 1, 10).is_some());
        assert!(take(&all, 1, 11).is_none());
        assert_eq!(share.grow_to(40), Ok(()));
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let all = in_flight();
        for last in 0..200 {
            let shares: Vec<Option<Share>> = (0..3).map(|_| take(&all, last, 15)).collect();
            assert_eq!(shares.iter().flatten().count(), 2);
        }
        let held = all.held();
        assert!(held.all == 0 && held.networks.is_empty());
    }
}
