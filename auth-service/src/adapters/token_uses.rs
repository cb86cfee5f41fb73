//! Which tokens were used since that was last written down, in memory: a request writes no row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::service_token::ServiceTokenId;
use crate::domain::time::Timestamp;
use crate::ports::tokens::TokenUses;

/// The last use of each token; only tokens that were good are in it.
#[derive(Debug, Default)]
pub struct UsesInMemory(Mutex<HashMap<ServiceTokenId, Timestamp>>);

impl TokenUses for UsesInMemory {
    fn note(&self, token: ServiceTokenId, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.entry(token).or_insert(at);
        *last = at.max(*last);
    }

    fn take(&self) -> Vec<(ServiceTokenId, Timestamp)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *uses).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_given_once_with_its_last_use() {
        let uses = UsesInMemory::default();
        let at = Timestamp::from_millis;
        for (token, when) in [(1, 10), (2, 20), (1, 30), (1, 25)] {
            uses.note(ServiceTokenId::new(token), at(when));
        }
        let mut taken = uses.take();
        taken.sort_unstable();
        assert_eq!(taken, [(ServiceTokenId::new(1), at(30)), (ServiceTokenId::new(2), at(20))]);
        assert_eq!(uses.take(), []);
    }
}
