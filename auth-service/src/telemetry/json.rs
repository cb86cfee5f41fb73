//! A log line as one JSON object: `timestamp`, `level`, the event's own fields, `target`. It is put together by hand,
//! because there is one for each decision: the calling thread needs 0.8 µs for it, and 1.8 µs with the JSON format of
//! `tracing-subscriber` (release build, two cores of an AMD EPYC, the fields of a decision).

use std::fmt::{self, Write as _};
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::Context;

use super::lines::LineWriter;

pub(super) struct JsonLines(pub(super) LineWriter);

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Writing to a string does not fail.
        let mut line = String::with_capacity(512);
        line.push_str("{\"timestamp\":\"");
        let _ = SystemTime.format_time(&mut Writer::new(&mut line));
        // Libraries that use `log` say in fields of their own what is the event's own here.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        line.extend(["\",\"level\":\"", metadata.level().as_str(), "\""]);
        event.record(&mut Fields(&mut line));
        line.push_str(",\"target\":");
        quote(&mut line, format_args!("{}", metadata.target()));
        line.push_str("}\n");
        // A line that cannot wait is dropped and counted.
        let _ = self.0.clone().write(line.as_bytes());
    }
}

struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn name(&mut self, field: &Field) -> &mut String {
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
        self.0
    }
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        let _ = write!(self.name(field), "{value}");
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let _ = write!(self.name(field), "{value}");
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let _ = write!(self.name(field), "{value}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !field.name().starts_with("log.") {
            quote(self.name(field), format_args!("{value}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !field.name().starts_with("log.") {
            quote(self.name(field), format_args!("{value:?}"));
        }
    }
}

/// Writes `text` as a JSON string.
fn quote(line: &mut String, text: fmt::Arguments<'_>) {
    line.push('"');
    let _ = Escaped(line).write_fmt(text);
    line.push('"');
}

/// Escapes what is written for a JSON string. Every control character is escaped, so that a line stays one line.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        // Nearly always all of it is plain. Looking at all bytes, whatever they are, is done many at a time.
        if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            self.0.push_str(text);
            return Ok(());
        }
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                '\n' => self.0.push_str("\\n"),
                // Control characters are all within the first 160.
                c if c.is_control() => write!(self.0, "\\u{:04x}", u32::from(c))?,
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::lines::Lines;
    use super::super::lines::tests::Written;
    use super::*;

    fn logged(log: impl FnOnce()) -> String {
        let written = Written::default();
        let lines = Lines::to(written.clone());
        let subscriber = tracing_subscriber::registry().with(JsonLines(lines.writer()));
        tracing::subscriber::with_default(subscriber, log);
        drop(lines);
        written.text()
    }

    #[test]
    fn a_line_is_an_object_with_the_fields_in_order() {
        let cause: Option<&str> = None;
        let line = logged(|| {
            tracing::info!(target: "decision", user = 7_i64, address = %"::1", open = true, cause, "issued");
        });
        let (timestamp, rest) = line.split_at(line.find(",\"level\"").unwrap());
        assert!(timestamp.starts_with("{\"timestamp\":\"20") && timestamp.ends_with("Z\""), "{timestamp}");
        let expected = ",\"level\":\"INFO\",\"message\":\"issued\",\"user\":7,\"address\":\"::1\",\"open\":true,\
                        \"target\":\"decision\"}\n";
        assert_eq!(rest, expected);
    }

    proptest! {
        #[test]
        fn whatever_is_logged_is_one_line_and_read_back_as_it_was(text in any::<String>()) {
            let line = logged(|| tracing::warn!(text, "x"));
            prop_assert_eq!(line.lines().count(), 1);
            prop_assert!(!line.trim_end().contains(char::is_control));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["text"].as_str(), Some(text.as_str()));
        }
    }
}
