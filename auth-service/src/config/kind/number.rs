//! Whole numbers and spans of time, each within its range.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use ::config::ValueKind;

use super::super::fault::quoted;
use super::{Given, Kind, type_name};

/// A whole number from `minimum` to `maximum`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<T> {
    /// The smallest number allowed.
    pub(crate) minimum: T,
    /// The largest number allowed.
    pub(crate) maximum: T,
    /// What is counted, such as `bytes`; empty if the key says it.
    pub(crate) unit: &'static str,
}

impl<T: Copy + Display> Whole<T> {
    fn range(&self) -> String {
        let of = if self.unit.is_empty() { String::new() } else { format!(" of {}", self.unit) };
        format!("a whole number{of} from {} to {}", self.minimum, self.maximum)
    }
}

impl<T: Copy + Display + FromStr + PartialOrd + TryFrom<i64>> Kind for Whole<T> {
    type Value = T;

    fn describe(&self) -> String {
        self.range()
    }

    fn parse(&self, given: &Given<'_>) -> Result<T, String> {
        let (number, shown) = match given.raw() {
            ValueKind::I64(number) => (T::try_from(*number).ok(), number.to_string()),
            ValueKind::String(text) if text.is_empty() => return Err("is empty".to_owned()),
            ValueKind::String(text) => (text.parse().ok(), quoted(text)),
            other => return Err(format!("is {}", type_name(other))),
        };
        number
            .filter(|number| (self.minimum..=self.maximum).contains(number))
            .ok_or_else(|| format!("{shown} is not {}", self.range()))
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }
}

/// What a span is counted in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Seconds.
    Seconds,
    /// Days of 24 hours.
    Days,
}

/// A span of time, written as a whole number of `unit`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The shortest span allowed.
    pub(crate) minimum: u64,
    /// The longest span allowed.
    pub(crate) maximum: u64,
    /// What is counted.
    pub(crate) unit: Unit,
}

impl Span {
    const fn seconds_each(self) -> u64 {
        match self.unit {
            Unit::Seconds => 1,
            Unit::Days => 24 * 60 * 60,
        }
    }

    const fn number(self) -> Whole<u64> {
        let unit = match self.unit {
            Unit::Seconds => "seconds",
            Unit::Days => "days",
        };
        Whole { minimum: self.minimum, maximum: self.maximum, unit }
    }
}

impl Kind for Span {
    type Value = Duration;

    fn describe(&self) -> String {
        self.number().describe()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Duration, String> {
        let number = self.number().parse(given)?;
        Ok(Duration::from_secs(number.saturating_mul(self.seconds_each())))
    }

    fn show(&self, value: &Duration) -> String {
        (value.as_secs() / self.seconds_each()).to_string()
    }
}
