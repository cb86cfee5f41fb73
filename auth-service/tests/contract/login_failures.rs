//! Wrong passwords, counted for all processes together.

use std::net::IpAddr;
use std::time::Duration;

use auth_service::adapters::store::Store;
use auth_service::domain::account::CountedName;
use auth_service::domain::lockout::Counts;
use auth_service::domain::network::ClientNetwork;
use auth_service::ports::login_failures::{Attempt, LoginFailures};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};

on_both_engines!(
    a_wrong_password_counts_for_the_account_the_networks_and_over_all,
    another_process_counts_on,
    the_right_password_forgets_the_account_here_and_nothing_else,
    unlocking_forgets_an_account_everywhere_and_where_it_was_tried_from,
    an_hour_without_failure_starts_anew_and_old_rows_go,
    a_clock_that_was_ahead_makes_nobody_wait_longer_than_from_now,
    what_was_counted_in_the_future_is_forgotten_too,
    unlocking_a_network_forgets_it_and_what_is_around_it,
    an_old_password_in_a_job_is_counted_for_its_network_ten_times,
    no_number_of_names_makes_the_table_grow_without_bound,
);

fn attempt(user: i64, address: &str) -> Attempt {
    let network = ClientNetwork::of(address.parse::<IpAddr>().unwrap());
    Attempt { name: CountedName::of(&format!("user{user}")), network }
}

/// How often the account, the network, the wide network and everything have failed.
fn numbers(counts: &Counts) -> (u32, u32, Option<u32>, u32) {
    let wide = counts.wide_network.map(|wide| wide.failures);
    (counts.account.failures, counts.network.failures, wide, counts.everything.failures)
}

async fn fail(database: &Database, attempt: &Attempt) -> (u32, u32, Option<u32>, u32) {
    let counts = database.store.count_failure(attempt, database.clock.now()).await.unwrap();
    assert_eq!(counted(database, attempt).await, numbers(&counts));
    numbers(&counts)
}

async fn counted(database: &Database, attempt: &Attempt) -> (u32, u32, Option<u32>, u32) {
    counted_by(&database.store, database, attempt).await
}

async fn counted_by(store: &Store, database: &Database, attempt: &Attempt) -> (u32, u32, Option<u32>, u32) {
    numbers(&store.counts(attempt, database.clock.now()).await.unwrap())
}

async fn a_wrong_password_counts_for_the_account_the_networks_and_over_all(database: Database) {
    let first = attempt(7, "2001:db8:1:2::9");
    assert_eq!(counted(&database, &first).await, (0, 0, Some(0), 0));
    assert_eq!(fail(&database, &first).await, (1, 1, Some(1), 1));
    assert_eq!(fail(&database, &attempt(8, "2001:db8:1:2::8")).await, (1, 2, Some(2), 2));
    assert_eq!(fail(&database, &attempt(7, "2001:db8:1:3::1")).await, (1, 1, Some(3), 3));
    assert_eq!(fail(&database, &attempt(7, "192.0.2.1")).await, (1, 1, None, 4));
    assert_eq!(fail(&database, &first).await, (2, 3, Some(4), 5));
}

async fn another_process_counts_on(database: Database) {
    let other = database.opened_again().await;
    fail(&database, &attempt(7, "192.0.2.1")).await;
    assert_eq!(counted_by(&other, &database, &attempt(7, "192.0.2.1")).await, (1, 1, None, 1));
    other.count_failure(&attempt(7, "192.0.2.1"), database.clock.now()).await.unwrap();
    assert_eq!(fail(&database, &attempt(7, "192.0.2.1")).await, (3, 3, None, 3));
}

async fn the_right_password_forgets_the_account_here_and_nothing_else(database: Database) {
    let here = attempt(7, "192.0.2.1");
    fail(&database, &attempt(7, "192.0.2.2")).await;
    for one in [&attempt(8, "192.0.2.1"), &here, &here, &attempt(9, "192.0.2.1")] {
        fail(&database, one).await;
    }
    database.store.forget_attempts(&here, database.clock.now()).await.unwrap();
    assert_eq!(counted(&database, &here).await, (0, 2, None, 5), "nor what others did from here");
    assert_eq!(counted(&database, &attempt(7, "192.0.2.2")).await.0, 1);
}

async fn unlocking_forgets_an_account_everywhere_and_where_it_was_tried_from(database: Database) {
    for address in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        fail(&database, &attempt(7, address)).await;
        fail(&database, &attempt(8, address)).await;
    }
    fail(&database, &attempt(8, "192.0.2.3")).await;
    database.store.unlock(&CountedName::of("user7")).await.unwrap();
    for address in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        let (account, network, ..) = counted(&database, &attempt(7, address)).await;
        assert_eq!((account, network), (0, 0), "{address}");
        assert_eq!(counted(&database, &attempt(8, address)).await.0, 1);
    }
    assert_eq!(counted(&database, &attempt(8, "192.0.2.3")).await.1, 1);
}

async fn an_hour_without_failure_starts_anew_and_old_rows_go(database: Database) {
    let here = attempt(7, "192.0.2.1");
    fail(&database, &here).await;
    database.clock.advance(Duration::from_mins(59));
    fail(&database, &attempt(8, "192.0.2.2")).await;
    database.clock.advance(Duration::from_mins(1));
    assert_eq!(fail(&database, &here).await, (1, 1, None, 3), "over all it goes on");
    database.store.forget_failures_before(database.clock.now(), database.clock.now()).await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM login_failures").await, 3);
}

/// Somebody fails, two hours ahead of the clock that is right.
async fn fail_ahead(database: &Database, attempt: &Attempt) {
    let ahead = database.clock.now().plus(Duration::from_hours(2));
    database.store.count_failure(attempt, ahead).await.unwrap();
}

async fn a_clock_that_was_ahead_makes_nobody_wait_longer_than_from_now(database: Database) {
    let here = attempt(7, "2001:db8:1:2::9");
    fail_ahead(&database, &here).await;
    let found = database.clock.now();
    let last = async |database: &Database| {
        let counts = database.store.counts(&here, database.clock.now()).await.unwrap();
        let wide = counts.wide_network.unwrap();
        [counts.account, counts.network, wide, counts.everything].map(|count| count.last)
    };
    assert_eq!(last(&database).await, [Some(found); 4]);
    database.clock.advance(Duration::from_secs(2));
    assert_eq!(last(&database).await, [Some(found); 4], "as of the first time that it was looked at");
    fail_ahead(&database, &here).await;
    fail(&database, &here).await;
    assert_eq!(last(&database).await, [Some(database.clock.now()); 4]);
}

async fn what_was_counted_in_the_future_is_forgotten_too(database: Database) {
    fail_ahead(&database, &attempt(7, "192.0.2.1")).await;
    let forget = async || {
        let now = database.clock.now();
        database.store.forget_failures_before(now.minus(Duration::from_hours(1)), now).await.unwrap();
        database.number("SELECT COUNT(*) FROM login_failures").await
    };
    assert_eq!(forget().await, 3);
    database.clock.advance(Duration::from_secs(3_601));
    assert_eq!(forget().await, 0);
}

async fn unlocking_a_network_forgets_it_and_what_is_around_it(database: Database) {
    let (here, beside) = (attempt(7, "2001:db8:1:2::9"), attempt(7, "2001:db8:1:3::9"));
    for one in [&here, &beside, &attempt(7, "192.0.2.1")] {
        fail(&database, one).await;
    }
    database.store.unlock_network(here.network).await.unwrap();
    assert_eq!(counted(&database, &here).await, (1, 0, Some(0), 3));
    assert_eq!(counted(&database, &beside).await, (1, 1, Some(0), 3));
    assert_eq!(counted(&database, &attempt(7, "192.0.2.1")).await.1, 1);
}

async fn an_old_password_in_a_job_is_counted_for_its_network_ten_times(database: Database) {
    let job = attempt(7, "192.0.2.1");
    for _ in 0..12 {
        fail(&database, &job).await;
    }
    assert_eq!(counted(&database, &job).await, (12, 10, None, 12));
    database.clock.advance(Duration::from_mins(30));
    let other = attempt(8, "192.0.2.1");
    assert_eq!(fail(&database, &other).await.1, 9, "one in twelve minutes is forgotten, and here is another");
}

async fn no_number_of_names_makes_the_table_grow_without_bound(database: Database) {
    for number in 0..200 {
        let name = CountedName::of(&format!("{number} {}", "x".repeat(8_000)));
        fail(&database, &Attempt { name, ..attempt(0, "192.0.2.1") }).await;
    }
    let largest = database.number("SELECT MAX(bucket) FROM login_failures").await;
    assert!(largest < 4 << 20, "{largest}");
}
