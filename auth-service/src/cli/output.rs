//! Printing: one JSON value or some lines on standard output; a failure is one line on standard error.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

/// What a command has to say.
pub(super) struct Report {
    human: String,
    /// `None` when everything has been said already.
    json: Option<Value>,
    refused_something: bool,
}

impl Report {
    /// Lines for a terminal, and the same for programs.
    pub(super) fn new(human: impl Into<String>, json: Value) -> Self {
        Self { human: human.into(), json: Some(json), refused_something: false }
    }

    /// Nothing more to say.
    pub(super) const fn silent() -> Self {
        Self { human: String::new(), json: None, refused_something: false }
    }

    /// As [`Self::new`], with anything that can be written as JSON.
    pub(super) fn of(human: impl Into<String>, value: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::new(human, serde_json::to_value(value).map_err(|error| Failure::Failed(error.to_string()))?))
    }

    /// Marks that something was refused that was asked about.
    pub(super) fn with_refusals(mut self, refused_something: bool) -> Self {
        self.refused_something = refused_something;
        self
    }
}

/// Why a command did not do what it was asked to.
pub(super) enum Failure {
    /// It was refused or failed.
    Failed(String),
    /// It was called wrongly, or the configuration is.
    Usage(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Prints a report.
pub(super) fn print(report: &Report, json: bool) -> ExitCode {
    let text = match &report.json {
        Some(value) if json => value.to_string(),
        _ => report.human.clone(),
    };
    // A reader that has gone, such as `head`, is no failure.
    if !text.is_empty() {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    ExitCode::from(if report.refused_something { 3 } else { 0 })
}

/// Prints why a command failed.
pub(super) fn fail(failure: &Failure) -> ExitCode {
    let (text, code) = match failure {
        Failure::Failed(text) => (text, 1),
        Failure::Usage(text) => (text, 2),
    };
    let _ = writeln!(std::io::stderr(), "auth-service: {}", text.trim_end());
    ExitCode::from(code)
}
