//! Reading what the registry posts (`docs/PROTOCOL.md`): leniently, because an answer other than 2xx makes a
//! registry send the same bytes for ever and hold back everything behind them.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::event::ToldEvent;
use crate::domain::time::Timestamp;

/// Longest id of an event; registries send UUIDs.
const ID_BYTES: usize = 200;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// One event of an envelope.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadEvent {
    /// Its id; without one it cannot be told from its repetitions.
    pub id: Option<String>,
    /// Its JSON, byte for byte.
    pub body: String,
    /// What it tells.
    pub told: ToldEvent,
}

/// The events of an envelope, or why the body is none.
pub fn read_envelope(body: &[u8]) -> Result<Vec<ReadEvent>, &'static str> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| "the body is not an envelope of events")?;
    Ok(envelope.events.into_iter().map(|event| read_event(event.get())).collect())
}

/// One event. Whatever is absent, empty, or of another type than it should be, counts as not told.
#[must_use]
pub fn read_event(body: &str) -> ReadEvent {
    let event: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let target = &event["target"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let printable = |id: &String| id.len() <= ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic());
    ReadEvent {
        id: text(&event["id"]).filter(printable),
        body: body.to_owned(),
        told: ToldEvent {
            action: text(&event["action"]),
            repository: text(&target["repository"]),
            digest: text(&target["digest"]),
            tag: text(&target["tag"]),
            media_type: text(&target["mediaType"]),
            size: target["size"].as_i64(),
            actor: text(&event["actor"]["name"]),
            happened_at: event["timestamp"].as_str().and_then(Timestamp::parse_rfc3339),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_event_is_read_whatever_is_missing_or_of_a_wrong_type() {
        let body = br#"{"events":[{"id":"a1","action":"push","timestamp":"2026-11-23T22:36:08.486808107Z",
            "target":{"repository":"syn5/app","tag":"","digest":7,"mediaType":null},"actor":{}},{},null,[1]]}"#;
        let events = read_envelope(body).unwrap();
        assert_eq!(events.len(), 4);
        assert_eq!(events[0].id.as_deref(), Some("a1"));
        assert_eq!(events[0].told.repository.as_deref(), Some("syn5/app"));
        assert_eq!(
            (&events[0].told.tag, &events[0].told.digest, &events[0].told.actor),
            (&None, &None, &None)
        );
        assert_eq!(events[2], ReadEvent { id: None, body: "null".to_owned(), told: ToldEvent::default() });
    }

    #[test]
    fn what_is_no_envelope_is_told_from_one_without_events() {
        assert_eq!(read_envelope(br#"{"events":[]}"#), Ok(Vec::new()));
        for bad in [&b""[..], b"{", b"[]", b"null", br#"{"events":{}}"#, b"\xff\xfe", br#"{"events":[{}]"#] {
            assert!(read_envelope(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn an_id_that_could_break_a_log_line_is_none() {
        for id in ["a\\u0000b", "a\\nb", "a b"] {
            assert_eq!(read_event(&format!(r#"{{"id":"{id}"}}"#)).id, None, "{id}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_envelope(&body);
        }
    }
}
