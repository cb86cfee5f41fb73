//! Log lines: JSON on standard error for a service, plain text for a person who looks at a terminal.

mod backlog;
mod json;

use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use self::backlog::{Backlog, LineWriter};
use self::json::JsonLines;

/// The targets of this service's own lines (`docs/OPERATIONS.md`).
const OWN_TARGETS: [&str; 5] = ["auth_service", "decision", "events", "logins", "rest"];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Logging that runs; what waits is written when this is dropped.
pub struct Logging {
    backlog: Arc<Backlog>,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.backlog.close();
        self.backlog.wait_for_end();
    }
}

/// Starts logging.
#[must_use]
pub fn start(format: LogFormat) -> Logging {
    let backlog = Arc::new(Backlog::default());
    // Of libraries only what needs an operator: their lines at info are about themselves.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(OWN_TARGETS.map(|target| (target, LevelFilter::INFO)));
    let lines = Arc::clone(&backlog);
    let layer = match format {
        LogFormat::Json => JsonLines(lines).boxed(),
        LogFormat::Text => fmt::layer()
            .with_writer(move || LineWriter(Arc::clone(&lines)))
            .with_ansi(false)
            .with_target(false)
            .compact()
            .boxed(),
    };
    // Fails only when logging was started before, as in tests.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    let lines = Arc::clone(&backlog);
    // Without the thread, which the system may refuse, lines are lost and the service goes on.
    let _ = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || lines.write_to(&mut std::io::stderr()));
    Logging { backlog }
}
