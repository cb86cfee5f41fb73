//! Wrong passwords, or requests of nobody, without pause: what becomes of those whose login is known, and of those whose is not.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use auth_service::adapters::system::SystemClock;
use auth_service::ports::system::Clock as _;

use crate::load::{Connection, Load, percentile, since};
use crate::program::Program;
use crate::requests::{Popularity, Pulls, Requests};

/// Connections that attack.
const ATTACKERS: usize = 64;
/// Users from this number on have not logged in before.
const FIRST_COLD_USER: usize = 50_000;

/// How users with a warm login behave meanwhile.
#[derive(Clone, Copy)]
pub(crate) enum Warm {
    /// 32 connections, each with this pause between requests.
    Paced(Duration),
    /// 32 connections, each as fast as it gets answers, so that both cores are always busy.
    Closed,
}

/// What was seen.
pub(crate) struct Seen {
    /// Warm logins in a second.
    pub(crate) warm_rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Requests of attackers refused in a second.
    pub(crate) attack_rate: f64,
    /// The slowest of the right cold logins, and how many there were.
    pub(crate) slowest_cold: Duration,
    pub(crate) cold: usize,
    /// How many right cold logins were not answered with a token.
    pub(crate) cold_refused: usize,
}

/// Attacks with `requests` from `attackers`; warm and cold logins come from 127.0.0.1.
pub(crate) async fn attack(
    service: &Program,
    users: usize,
    attackers: Ipv4Addr,
    requests: Rc<dyn Requests>,
    warm: Warm,
    duration: Duration,
) -> anyhow::Result<Seen> {
    let wrong = Load {
        source: attackers,
        connections: ATTACKERS,
        ..Load::closed(service.address, duration, requests)
    };
    let pace = match warm {
        Warm::Paced(pace) => Some(pace),
        Warm::Closed => None,
    };
    let pulls = Rc::new(Pulls::new(0..users, Popularity::Even(1000)));
    let warm = Load { pace, ..Load::closed(service.address, duration, pulls) };
    let (wrong, warm, cold) = tokio::join!(wrong.run(), warm.run(), cold_logins(service, duration));
    let (wrong, mut warm, cold) = (wrong?, warm?, cold?);
    Ok(Seen {
        warm_rate: warm.rate(),
        p50: percentile(&mut warm.latencies, 50),
        p99: percentile(&mut warm.latencies, 99),
        attack_rate: crate::load::count(wrong.refused) / wrong.took.as_secs_f64(),
        slowest_cold: cold.iter().map(|(_, took)| *took).max().unwrap_or_default(),
        cold: cold.len(),
        cold_refused: cold.iter().filter(|(status, _)| *status != 200).count(),
    })
}

/// One login after the other of users who have not logged in before, with a pause in between.
async fn cold_logins(service: &Program, duration: Duration) -> anyhow::Result<Vec<(u16, Duration)>> {
    let first = FIRST_COLD_USER + usize::try_from(SystemClock.elapsed().as_secs() % 10_000)?;
    let cold = Pulls::new(first..first + 200, Popularity::Even(1000));
    let began = SystemClock.elapsed();
    let mut logins = Vec::new();
    // The last login begins early enough to end under attack.
    while since(began) < duration.saturating_sub(Duration::from_secs(5)) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let sent = SystemClock.elapsed();
        let status =
            Connection::open(service.address).await?.exchange(|buffer| cold.write_next(buffer)).await?;
        logins.push((status, since(sent)));
    }
    Ok(logins)
}
