//! How long whoever sends wrong passwords has to wait. Pure arithmetic on counts; where they are kept, and by what
//! clock, is not known here.
//!
//! Wrong passwords are counted for an account *from one network*, for each network (of IPv6, a /64 and the /48
//! around it), and over all. An account is never locked as a whole: whoever guesses from elsewhere must not be able
//! to lock its owner out.

use std::time::Duration;

use super::time::Timestamp;

/// The wait after the first wrong password that is not free; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Counts are forgotten when nothing was wrong for this long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// From so many wrong passwords over all, accounts have one free try from each network instead of several: a
/// guesser with many networks has one try from each of them.
const MANY_OVER_ALL: u32 = 1_000;

/// What a login can have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// An account, from one network.
    AccountFromNetwork,
    /// A single IPv4 address, or an IPv6 /64.
    Network,
    /// An IPv6 /48.
    WideNetwork,
}

impl Counter {
    /// The words for it in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountFromNetwork => "account from network",
            Self::Network => "network",
            Self::WideNetwork => "wide network",
        }
    }
}

/// Wrong passwords that one counter has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub failures: u32,
    /// When the last one was; `None` when there was none.
    pub last: Option<Timestamp>,
}

/// The counts that bear on one login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// For the account from the network.
    pub account: Count,
    /// For the network.
    pub network: Count,
    /// For the network around it; `None` for IPv4.
    pub wide_network: Option<Count>,
    /// Over all.
    pub everything: Count,
}

/// What the operator has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Wrong passwords that an account has free from one network; 0 turns everything off.
    pub free_tries: u32,
    /// The longest wait.
    pub longest: Duration,
}

impl LockoutPolicy {
    /// Whether anything is ever locked.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.free_tries > 0
    }

    /// How long a login has to wait and by which counter, `None` when it may be tried now. `under_way` are passwords for the same
    /// counter that are being checked: they count as wrong until they are known to be right, so that a burst gains
    /// nothing.
    #[must_use]
    pub fn wait(self, counts: &Counts, under_way: UnderWay, now: Timestamp) -> Option<Wait> {
        if !self.is_on() {
            return None;
        }
        let of = |count: Count, under_way: u32, free: u32| self.wait_for(count, under_way, free, now);
        let account_free = match counts.everything.at(now).failures {
            many if many >= MANY_OVER_ALL => 1,
            _ => self.free_tries,
        };
        // Many people can share an address; a hundred times as many a provider's network.
        let network_free = self.free_tries.saturating_mul(10);
        let wide_free = self.free_tries.saturating_mul(100);
        let waits = [
            (Counter::AccountFromNetwork, of(counts.account, under_way.account, account_free)),
            (Counter::Network, of(counts.network, under_way.network, network_free)),
            (Counter::WideNetwork, counts.wide_network.and_then(|wide| of(wide, 0, wide_free))),
        ];
        let waits = waits.into_iter().filter_map(|(counter, left)| Some(Wait { counter, left: left? }));
        waits.max_by_key(|wait| wait.left)
    }

    fn wait_for(self, count: Count, under_way: u32, free: u32, now: Timestamp) -> Option<Duration> {
        let count = count.at(now);
        let expected = count.failures.saturating_add(under_way);
        if expected < free {
            return None;
        }
        // While a try that is not free is being checked, the next one waits as if it had failed just now.
        let last = if under_way > 0 { Some(now) } else { count.last };
        let beyond = count.failures.saturating_sub(free);
        let whole = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(beyond)).min(self.longest);
        let passed = now.since(last?);
        whole.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

impl Count {
    /// What still counts at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self.last {
            Some(last) if now.since(last) < FORGOTTEN_AFTER => self,
            _ => Self::default(),
        }
    }

    /// After one more.
    #[must_use]
    pub fn and_one_more(self, now: Timestamp) -> Self {
        Self { failures: self.at(now).failures.saturating_add(1), last: Some(now) }
    }
}

/// What a login has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The counter that asks for the longest wait.
    pub counter: Counter,
    /// How long it is from now.
    pub left: Duration,
}

/// Passwords that are being checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// For the account from the network.
    pub account: u32,
    /// For the network.
    pub network: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: LockoutPolicy = LockoutPolicy { free_tries: 5, longest: Duration::from_mins(15) };

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    const fn failed(failures: u32, when: i64) -> Count {
        Count { failures, last: Some(at(when)) }
    }

    fn seconds(counts: &Counts, under_way: UnderWay, now: i64) -> u64 {
        POLICY.wait(counts, under_way, at(now)).map_or(0, |wait| wait.left.as_secs())
    }

    #[test]
    fn the_wait_doubles_with_each_wrong_password_that_is_not_free() {
        let table =
            [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (12, 256), (13, 512), (14, 900), (u32::MAX, 900)];
        for (failures, wait) in table {
            let counts = Counts { account: failed(failures, 0), ..Counts::default() };
            assert_eq!(seconds(&counts, UnderWay::default(), 0), wait, "{failures}");
        }
    }

    #[test]
    fn waiting_helps_and_an_hour_makes_all_forgotten() {
        let counts = Counts { account: failed(7, 0), ..Counts::default() };
        for (now, wait) in [(0, 8), (5, 3), (8, 0), (9, 0)] {
            assert_eq!(seconds(&counts, UnderWay::default(), now), wait, "{now}");
        }
        assert_eq!(failed(7, 0).at(at(3599)), failed(7, 0));
        assert_eq!(failed(7, 0).at(at(3600)), Count::default());
        assert_eq!(failed(7, 0).and_one_more(at(3600)), failed(1, 3600));
        assert_eq!(failed(7, 0).and_one_more(at(10)), failed(8, 10));
    }

    #[test]
    fn networks_have_more_free_tries_than_an_account() {
        let network = |failures| Counts { network: failed(failures, 0), ..Counts::default() };
        let wide = |failures| Counts { wide_network: Some(failed(failures, 0)), ..Counts::default() };
        let waits = [network(49), network(50), wide(499), wide(500)]
            .map(|counts| seconds(&counts, UnderWay::default(), 0));
        assert_eq!(waits, [0, 2, 0, 2]);
    }

    #[test]
    fn many_wrong_passwords_over_all_leave_each_account_one_free_try_from_each_network() {
        let counts = |failures, over_all| Counts {
            account: failed(failures, 0),
            everything: failed(over_all, 0),
            ..Counts::default()
        };
        let none = UnderWay::default();
        assert_eq!(seconds(&counts(1, 999), none, 0), 0);
        assert_eq!(seconds(&counts(0, 1000), none, 0), 0);
        assert_eq!(seconds(&counts(1, 1000), none, 0), 2);
    }

    #[test]
    fn a_burst_has_no_more_free_tries_than_one_after_the_other() {
        let under_way = |account| UnderWay { account, network: 0 };
        let fresh = Counts::default();
        assert_eq!(seconds(&fresh, under_way(4), 0), 0);
        assert_eq!(seconds(&fresh, under_way(5), 0), 2);
        let locked_before = Counts { account: failed(7, 0), ..Counts::default() };
        assert_eq!(seconds(&locked_before, under_way(0), 8), 0, "the wait is over: one may try");
        assert_eq!(seconds(&locked_before, under_way(1), 8), 8, "and only one");
    }

    #[test]
    fn without_free_tries_nothing_is_locked() {
        let off = LockoutPolicy { free_tries: 0, ..POLICY };
        let counts = Counts { account: failed(1000, 0), ..Counts::default() };
        assert_eq!(off.wait(&counts, UnderWay::default(), at(0)), None);
    }
}
