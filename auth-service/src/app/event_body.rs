//! Reading what the registry posts (`docs/PROTOCOL.md`): leniently, because an answer other than 2xx makes a
//! registry send the same bytes for ever and hold back everything behind them.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::event::ReportedEvent;
use crate::domain::time::Timestamp;

/// Longest id of an event; registries send UUIDs.
const ID_BYTES: usize = 200;

/// Most events of one delivery; registries send one.
const MOST_EVENTS: usize = 10_000;

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
    pub told: ReportedEvent,
}

/// The events of an envelope, or why the body is none.
pub fn read_envelope(body: &[u8]) -> Result<Vec<ReadEvent>, &'static str> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| "the body is not an envelope of events")?;
    if envelope.events.len() > MOST_EVENTS {
        return Err("the body holds too many events");
    }
    Ok(envelope.events.into_iter().map(|event| read_event(event.get())).collect())
}

/// The members of an event that are looked at. They are kept as they stand: what a tree of all that an event holds takes
/// in memory is many times its length.
#[derive(Default, Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    action: Option<&'a RawValue>,
    timestamp: Option<&'a RawValue>,
    target: Option<&'a RawValue>,
    actor: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target<'a> {
    #[serde(borrow)]
    repository: Option<&'a RawValue>,
    digest: Option<&'a RawValue>,
    tag: Option<&'a RawValue>,
    media_type: Option<&'a RawValue>,
    size: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
}

/// An object; anything else has no members. (A list would be read as one, too.)
fn object<'a, T: Default + Deserialize<'a>>(text: &'a str) -> T {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).unwrap_or_default()
    } else {
        T::default()
    }
}

fn member<'a, T: Default + Deserialize<'a>>(value: Option<&'a RawValue>) -> T {
    value.map(|value| object(value.get())).unwrap_or_default()
}

fn text(value: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(value?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// One event. Whatever is absent, empty, or of another type than it should be, counts as not told.
#[must_use]
pub fn read_event(body: &str) -> ReadEvent {
    let event: Event<'_> = object(body);
    let (target, actor): (Target<'_>, Actor<'_>) = (member(event.target), member(event.actor));
    let printable = |id: &String| id.len() <= ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic());
    ReadEvent {
        id: text(event.id).filter(printable),
        body: body.to_owned(),
        told: ReportedEvent {
            action: text(event.action),
            repository: text(target.repository),
            digest: text(target.digest),
            tag: text(target.tag),
            media_type: text(target.media_type),
            size: target.size.and_then(|size| serde_json::from_str(size.get()).ok()),
            actor: text(actor.name),
            happened_at: text(event.timestamp).as_deref().and_then(Timestamp::parse_rfc3339),
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
        assert_eq!(
            events[2],
            ReadEvent { id: None, body: "null".to_owned(), told: ReportedEvent::default() }
        );
    }

    #[test]
    fn what_is_no_envelope_is_told_from_one_without_events() {
        assert_eq!(read_envelope(br#"{"events":[]}"#), Ok(Vec::new()));
        for bad in [&b""[..], b"{", b"[]", b"null", br#"{"events":{}}"#, b"\xff\xfe", br#"{"events":[{}]"#] {
            assert!(read_envelope(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn more_events_than_a_registry_ever_sends_are_no_envelope() {
        let many = |count: usize| format!(r#"{{"events":[{}]}}"#, vec!["{}"; count].join(","));
        assert_eq!(read_envelope(many(MOST_EVENTS).as_bytes()).map(|events| events.len()), Ok(MOST_EVENTS));
        assert!(read_envelope(many(MOST_EVENTS + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_list_is_no_event_and_no_target() {
        let list = read_event(r#"["a1","push","2026-11-23T22:36:08Z",{},{}]"#);
        assert_eq!((list.id, list.told), (None, ReportedEvent::default()));
        let target = read_event(r#"{"id":"a1","target":["syn5/app","sha256:1","v1","x",1]}"#);
        assert_eq!((target.id.as_deref(), target.told), (Some("a1"), ReportedEvent::default()));
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
