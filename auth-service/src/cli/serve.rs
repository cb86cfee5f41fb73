//! `auth-service serve`

use std::io::Write as _;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::output::{Failure, Report};
use crate::bootstrap::Service;
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
        service.run(stop_signal()?).await.map_err(|error| Failure::Failed(format!("{error:#}")))?;
        tracing::info!("stopped");
        Ok(Report::silent())
    })
}

/// Resolves with the first SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: letting what is under way end"),
            _ = interrupt.recv() => tracing::info!("SIGINT: letting what is under way end"),
        }
    })
}
