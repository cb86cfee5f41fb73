//! How strong hashes are made, and what a check costs. When the settings were changed, old hashes cost less or more than
//! new ones, and names that nobody has cost what is set: so that the time tells nobody which is which, every wrong
//! password is brought up to the most that any costs. The cost is that of the memory, times the passes over it.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::Params;

/// The settings, and the costliest hash that was checked.
pub(super) struct Strength {
    pub(super) params: Params,
    most: AtomicU64,
}

impl Strength {
    pub(super) fn new(params: Params) -> Self {
        Self { most: AtomicU64::new(cost(&params)), params }
    }

    /// Whether new hashes are stronger than one with `params`.
    pub(super) fn is_above(&self, params: &Params) -> bool {
        cost(&self.params) > cost(params)
    }

    /// What is to be computed besides a hash with `params`, so that both cost as much as the costliest; `None` if that is
    /// nothing.
    pub(super) fn rest(&self, params: &Params) -> Option<Params> {
        let cost = cost(params);
        let missing = self.most.fetch_max(cost, Ordering::Relaxed).saturating_sub(cost);
        let passes = self.params.t_cost();
        let memory = u32::try_from(missing / u64::from(passes)).unwrap_or(u32::MAX);
        if memory < Params::MIN_M_COST {
            return None;
        }
        Params::new(memory, passes, 1, None).ok()
    }
}

fn cost(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(memory: u32, passes: u32) -> Params {
        Params::new(memory, passes, 1, None).unwrap()
    }

    /// The cost of a check with `checked`, and of what comes besides.
    fn whole(strength: &Strength, checked: &Params) -> u64 {
        cost(checked) + strength.rest(checked).map_or(0, |rest| cost(&rest))
    }

    #[test]
    fn every_check_costs_as_much_as_the_costliest() {
        let raised = Strength::new(params(65_536, 2));
        for old in [params(19_456, 2), params(19_456, 3), params(65_536, 2), params(1_000, 5)] {
            assert!(whole(&raised, &old).abs_diff(2 * 65_536) < 16, "{old:?}");
        }
        let lowered = Strength::new(params(19_456, 2));
        assert_eq!(whole(&lowered, &params(19_456, 2)), 2 * 19_456, "as long as no other is known");
        assert_eq!(whole(&lowered, &params(65_536, 3)), 3 * 65_536);
        assert_eq!(whole(&lowered, &params(19_456, 2)), 3 * 65_536);
    }
}
