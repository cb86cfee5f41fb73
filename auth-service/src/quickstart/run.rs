//! The two servers together: the service listens, the registry comes up, both serve, and both stop in an
//! order in which nothing that is finished gets lost.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::probe::{get, wait_until};
use super::registry::Registry;
use crate::bootstrap::{Service, StopSignals};

/// How long the service may take until it answers.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// For how many looks in a row no delivery may have come until the registry's queue is taken to be empty.
const QUIET_LOOKS: usize = 15;
/// How long to wait for that; a registry that is being used never gets quiet.
const QUIET_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the service may take to stop, beyond what its configuration gives to requests under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves beside a registry that answers already, until a signal or the registry's end. `announce` is called
/// once, when everything is ready.
pub(super) async fn serve(
    service: Service,
    mut registry: Registry,
    mut signals: StopSignals,
    drain: Duration,
    announce: impl FnOnce(),
) -> anyhow::Result<()> {
    let (public, operations) = (service.public, service.operations);
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = pin!(service.run(async {
        // An error means that the other end is gone, which is a reason to stop too.
        let _ = stopped.await;
    }));
    let accompanying = async {
        let is_ready =
            async || get(public, "/readyz?for=writing").await.is_ok_and(|answer| answer.contains("200 OK"));
        let up_and_down = async {
            if wait_until(READY_TIMEOUT, is_ready).await {
                announce();
                return registry.death().await;
            }
            anyhow!("the service does not get ready; its lines above say more")
        };
        tokio::select! {
            error = up_and_down => return Err(error),
            _ = signals.next() => {}
        }
        tracing::info!("stopping the registry, then the service; once more to stop at once");
        tokio::select! {
            stopped = stop_registry(&mut registry, operations) => stopped?,
            _ = signals.again() => return Err(stopped_at_once()),
        }
        Ok(())
    };
    let outcome = tokio::select! {
        served = &mut serving => return served.and(Err(anyhow!("the service has stopped by itself"))),
        outcome = accompanying => outcome,
    };
    // Only now: while the registry ended, its last uploads needed tokens and its last events a listener.
    let _ = stop.send(());
    tokio::select! {
        served = timeout(drain + STOP_TIMEOUT, &mut serving) => {
            outcome?;
            served.map_err(|_| anyhow!("the service did not stop in time"))?
        }
        _ = signals.next() => outcome.and(Err(stopped_at_once())),
    }
}

fn stopped_at_once() -> anyhow::Error {
    anyhow!("stopped at once by a second signal; events of the last moments may be missing")
}

/// On SIGTERM the registry lets requests end, but forgets the events that it has not delivered. So it is told
/// only when none has come for a while, or when waiting for that has no end.
async fn stop_registry(registry: &mut Registry, operations: SocketAddr) -> std::io::Result<()> {
    let seen = RefCell::new((String::new(), 0));
    let quiet = wait_until(QUIET_TIMEOUT, async || {
        let Ok(answer) = get(operations, "/metrics").await else { return false };
        let deliveries = deliveries(&answer);
        let (before, looks) = &mut *seen.borrow_mut();
        *looks = if deliveries == *before { *looks + 1 } else { 0 };
        *before = deliveries;
        *looks >= QUIET_LOOKS
    });
    if !quiet.await {
        tracing::warn!("events are still coming; stopping the registry all the same");
    }
    registry.stop().await
}

/// The counters of events, whatever they count.
fn deliveries(metrics: &str) -> String {
    metrics.lines().filter(|line| line.starts_with("auth_service_events")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_of_events_tell_of_deliveries() {
        let metrics = "HTTP/1.1 200 OK\r\ndate: now\r\n\r\n# TYPE auth_service_events counter\n\
                       auth_service_events_total{kind=\"applied\"} 1\nauth_service_tokens_issued_total 7\n";
        assert_eq!(deliveries(metrics), "auth_service_events_total{kind=\"applied\"} 1");
    }
}
