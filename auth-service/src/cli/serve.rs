//! `auth-service serve`

use std::io::Write as _;
use std::pin::pin;

use serde_json::json;
use tokio::sync::oneshot;

use super::output::{Failure, Report};
use crate::bootstrap::{Service, StopSignals};
use crate::config::Settings;
use crate::telemetry::{self, LogFormat};

pub(super) fn run(settings: &Settings, json: bool) -> Result<Report, Failure> {
    let _log = telemetry::start(LogFormat::Json);
    super::in_runtime(async {
        let service =
            Service::start(settings).await.map_err(|error| Failure::Failed(format!("{error:#}")))?;
        let (public, operations) = (service.public, service.operations);
        tracing::info!(%public, %operations, "ready");
        if json {
            let line = json!({"http": public.to_string(), "ops": operations.to_string()});
            // Whoever started the service may wait for this line; that nobody reads it is no failure.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        let mut signals = StopSignals::take()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = pin!(service.run(async {
            // An error means that the other end is gone, which is a reason to stop too.
            let _ = stopped.await;
        }));
        let failed = |error: anyhow::Error| Failure::Failed(format!("{error:#}"));
        let signal = tokio::select! {
            served = &mut serving => return served.map(|()| Report::silent()).map_err(failed),
            signal = signals.next() => signal,
        };
        tracing::info!("{signal}: letting what is under way end; once more to stop at once");
        let _ = stop.send(());
        tokio::select! {
            served = &mut serving => served.map_err(failed)?,
            signal = signals.again() => {
                let text = format!("stopped at once by a second signal ({signal})");
                return Err(Failure::Failed(text));
            }
        }
        tracing::info!("stopped");
        Ok(Report::silent())
    })
}
