//! How long whoever sends wrong passwords has to wait. Pure arithmetic on counts; where they are kept, and by what
//! clock, is not known here.
//!
//! Wrong passwords are counted for an account *from one network*, for each network (of IPv6, a /64 and the /48
//! around it), and over all. An account is never locked as a whole: whoever guesses from elsewhere must not be able
//! to lock its owner out.

use std::time::Duration;

use super::network::ClientNetwork;
use super::time::Timestamp;

/// The wait after the first wrong password that is not free; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Counts are forgotten when nothing was wrong for this long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// A network's count goes down by one in this time, so that the mistyped passwords of an office do not add up for ever.
const NETWORK_FORGETS_ONE_AFTER: Duration = Duration::from_mins(12);

/// Of one account's wrong passwords in a row so many count for the network too. The account has a lock of its own; a job
/// with an old password is not to lock out everybody beside it.
const COUNTED_FOR_NETWORK: u32 = 10;

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

    /// The network that waits when one client makes it wait.
    #[must_use]
    pub fn network(self, client: ClientNetwork) -> String {
        match (self, client.wide()) {
            (Self::WideNetwork, Some(wide)) => wide.to_string(),
            _ => client.to_string(),
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

impl Counts {
    /// After one more wrong password.
    #[must_use]
    pub fn and_one_more(self, now: Timestamp) -> Self {
        let counts_for_network = self.account.at(now).failures < COUNTED_FOR_NETWORK;
        let network = |count: Count| match counts_for_network {
            true => count.after_a_while(now).and_one_more(now),
            false => count,
        };
        Self {
            account: self.account.and_one_more(now),
            network: network(self.network),
            wide_network: self.wide_network.map(network),
            everything: self.everything.and_one_more(now),
        }
    }

    /// After the right password: what was counted for the account counts for its networks no more either.
    #[must_use]
    pub fn after_the_right_one(self, now: Timestamp) -> Self {
        let counted = self.account.at(now).failures.min(COUNTED_FOR_NETWORK);
        let without = |count: Count| Count { failures: count.failures.saturating_sub(counted), ..count };
        Self {
            account: Count::default(),
            network: without(self.network),
            wide_network: self.wide_network.map(without),
            everything: self.everything,
        }
    }
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
        let network = counts.network.after_a_while(now);
        // Many who begin at once behind one address, and nobody is wrong, are no guessers.
        let in_network = if network.failures > 0 { under_way.network } else { 0 };
        let wide = counts.wide_network.map(|wide| wide.after_a_while(now));
        let waits = [
            (Counter::AccountFromNetwork, of(counts.account, under_way.account, account_free)),
            (Counter::Network, of(network, in_network, network_free)),
            (Counter::WideNetwork, wide.and_then(|wide| of(wide, 0, wide_free))),
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

    /// What is left of a network's count at `now`.
    #[must_use]
    pub fn after_a_while(self, now: Timestamp) -> Self {
        let passed = self.last.map_or(Duration::ZERO, |last| now.since(last));
        let forgotten = passed.as_secs() / NETWORK_FORGETS_ONE_AFTER.as_secs();
        let failures = self.failures.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        Self { failures, ..self }
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
    fn what_waits_is_shown_as_wide_as_it_is() {
        let client = ClientNetwork::of("2001:db8:1:2::3".parse().unwrap());
        let shown = [Counter::AccountFromNetwork, Counter::Network, Counter::WideNetwork]
            .map(|counter| counter.network(client));
        assert_eq!(shown, ["2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:1::/48"]);
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
    fn a_network_forgets_one_by_one_while_an_account_does_not() {
        let network = Counts { network: failed(50, 0), ..Counts::default() };
        let account = Counts { account: failed(5, 0), ..Counts::default() };
        let none = UnderWay::default();
        assert_eq!((seconds(&network, none, 1), seconds(&account, none, 1)), (1, 1));
        let left = [0, 719, 720, 1440, 3599].map(|now| failed(3, 0).after_a_while(at(now)).failures);
        assert_eq!(left, [3, 3, 2, 1, 0]);
        let day = (0..24 * 6).fold(Count::default(), |count, tenth| {
            count.after_a_while(at(tenth * 900)).and_one_more(at(tenth * 900))
        });
        assert_eq!(day.failures, 1, "four an hour never add up");
    }

    #[test]
    fn an_account_counts_for_its_network_ten_times_and_not_at_all_once_its_owner_is_here() {
        let mut counts =
            Counts { network: failed(7, 0), wide_network: Some(failed(9, 0)), ..Counts::default() };
        for _ in 0..15 {
            counts = counts.and_one_more(at(1));
        }
        let numbers = |counts: &Counts| {
            let wide = counts.wide_network.unwrap();
            (counts.account.failures, counts.network.failures, wide.failures, counts.everything.failures)
        };
        assert_eq!(numbers(&counts), (15, 17, 19, 15));
        assert_eq!(numbers(&counts.after_the_right_one(at(2))), (0, 7, 9, 15));
        let fresh = Counts { wide_network: Some(Count::default()), ..Counts::default() };
        assert_eq!(numbers(&fresh.and_one_more(at(1)).after_the_right_one(at(9))), (0, 0, 0, 1));
    }

    #[test]
    fn many_who_begin_at_once_are_no_guessers_until_one_is_wrong() {
        let crowd = UnderWay { account: 0, network: 500 };
        assert_eq!(seconds(&Counts::default(), crowd, 0), 0);
        let wrong = Counts { network: failed(1, 0), ..Counts::default() };
        assert_eq!(seconds(&wrong, crowd, 0), 2);
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
