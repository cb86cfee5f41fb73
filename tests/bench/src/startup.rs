//! From the start of the process to its first answer.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use auth_service::adapters::system::SystemClock;
use auth_service::ports::system::Clock as _;

use crate::load::{Connection, since};
use crate::program::Service;
use crate::requests::{Popularity, Pulls, Requests as _};

/// Medians over some starts.
pub(crate) struct Started {
    /// Until `/readyz` says that database and key are usable.
    pub(crate) ready: Duration,
    /// Until the first login, whose password has to be hashed, has its token.
    pub(crate) token: Duration,
    /// Anonymous resident memory after that, in KiB.
    pub(crate) anonymous_kib: u64,
}

/// Starts the service several times.
pub(crate) async fn measure(
    service: &Service<'_>,
    program: &Path,
    folder: &Path,
    times: usize,
) -> anyhow::Result<Started> {
    let pulls = Pulls::new(0..1000, Popularity::Even(1000));
    let (mut ready, mut token, mut anonymous) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let began = SystemClock.elapsed();
        let running = service.start(program, folder)?;
        let mut connection = Connection::open(running.address).await?;
        let request = b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n";
        let status = connection.exchange(|buffer| buffer.extend_from_slice(request)).await?;
        ensure!(status == 200, "/readyz answers {status}");
        ready.push(since(began));
        let status = connection.exchange(|buffer| pulls.write_next(buffer)).await?;
        ensure!(status == 200, "the first login is answered {status}");
        token.push(since(began));
        anonymous.push(running.anonymous_kib()?);
    }
    anonymous.sort_unstable();
    Ok(Started { ready: middle(ready), token: middle(token), anonymous_kib: anonymous[times / 2] })
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
