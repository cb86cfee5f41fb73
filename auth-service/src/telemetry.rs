//! Log lines: JSON on standard error for a service, plain text for a person at a terminal.

mod json;
mod lines;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use self::json::JsonLines;

pub use self::lines::{LineWriter, Lines};

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

/// Starts logging. The lines that wait are written when the returned value is dropped.
#[must_use]
pub fn start(format: LogFormat) -> Lines {
    let lines = Lines::to(std::io::stderr());
    // Of libraries only what needs an operator: their lines at info are about themselves.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(OWN_TARGETS.map(|target| (target, LevelFilter::INFO)));
    let writer = lines.writer();
    let layer = match format {
        LogFormat::Json => JsonLines(writer).boxed(),
        LogFormat::Text => {
            fmt::layer().with_writer(writer).with_ansi(false).with_target(false).compact().boxed()
        }
    };
    // Fails only when logging was started before, as in tests.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    lines
}
