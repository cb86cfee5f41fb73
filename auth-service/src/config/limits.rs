//! Section `[limits]`: every limit in one place.

use std::time::Duration;

use super::fault::Noted;
use super::key::{Key, Preset, Section};
use super::kind::{Span, Unit, Whole};
use super::reader::Reader;

pub(super) const SECTION: Section = Section {
    name: "limits",
    doc: "Every limit in one place: what is refused for its size, and how much is remembered for how long.",
    keys: &[
        &SCOPES,
        &CREDENTIAL_BYTES,
        &HEAD_BYTES,
        &BODY_BYTES,
        &WEBHOOK_BYTES,
        &ACL_ROWS,
        &LAYER_BYTES,
        &FACTS_CACHE_BYTES,
        &EVENTS_KEPT_DAYS,
    ],
};

const SCOPES: Key<Whole<usize>> = Key {
    name: "limits.scopes",
    kind: Whole { minimum: 1, maximum: 1000, unit: "" },
    preset: Preset::Text("64"),
    doc: "The most scopes in one request.",
};

const CREDENTIAL_BYTES: Key<Whole<usize>> = Key {
    name: "limits.credential_bytes",
    kind: Whole { minimum: 256, maximum: 65_536, unit: "bytes" },
    preset: Preset::Text("8192"),
    doc: "The longest password or token.",
};

const HEAD_BYTES: Key<Whole<usize>> = Key {
    name: "limits.head_bytes",
    kind: Whole { minimum: 16_384, maximum: 1_048_576, unit: "bytes" },
    preset: Preset::Text("65536"),
    doc: "The largest request head.",
};

const BODY_BYTES: Key<Whole<usize>> = Key {
    name: "limits.body_bytes",
    kind: Whole { minimum: 65_536, maximum: 67_108_864, unit: "bytes" },
    preset: Preset::Text("1048576"),
    doc: "The largest form or JSON body.",
};

const WEBHOOK_BYTES: Key<Whole<usize>> = Key {
    name: "limits.webhook_bytes",
    kind: Whole { minimum: 1_048_576, maximum: 268_435_456, unit: "bytes" },
    preset: Preset::Text("16777216"),
    doc: "The largest notification of the registry.",
};

const ACL_ROWS: Key<Whole<usize>> = Key {
    name: "limits.acl_rows",
    kind: Whole { minimum: 1, maximum: 100_000, unit: "" },
    preset: Preset::Text("1000"),
    doc: "The most users and teams in one list of permissions.",
};

const LAYER_BYTES: Key<Whole<u64>> = Key {
    name: "limits.layer_bytes",
    kind: Whole { minimum: 1, maximum: 1_000_000_000_000_000, unit: "bytes" },
    preset: Preset::Text("100000000000"),
    doc: "The largest layer of an image.",
};

const FACTS_CACHE_BYTES: Key<Whole<u64>> = Key {
    name: "limits.facts_cache_bytes",
    kind: Whole { minimum: 0, maximum: 17_179_869_184, unit: "bytes" },
    preset: Preset::Text("25165824"),
    doc: "How much memory may remember permissions; 0 makes every decision read the database.",
};

const EVENTS_KEPT_DAYS: Key<Span> = Key {
    name: "limits.events_kept_days",
    kind: Span { minimum: 1, maximum: 3650, unit: Unit::Days },
    preset: Preset::Text("30"),
    doc: "How long notifications that are dealt with are kept.",
};

/// Every limit in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most scopes in one request.
    pub scopes: usize,
    /// The longest password or token.
    pub credential_bytes: usize,
    /// The largest request head.
    pub head_bytes: usize,
    /// The largest form or JSON body.
    pub body_bytes: usize,
    /// The largest notification of the registry.
    pub webhook_bytes: usize,
    /// The most users and teams in one list of permissions.
    pub acl_rows: usize,
    /// The largest layer of an image.
    pub layer_bytes: u64,
    /// How much memory may remember permissions; 0 makes every decision read the database.
    pub facts_cache_bytes: u64,
    /// How long notifications that are dealt with are kept.
    pub events_kept: Duration,
}

pub(super) fn read(reader: &mut Reader) -> Result<Limits, Noted> {
    let scopes = reader.required(&SCOPES);
    let credential_bytes = reader.required(&CREDENTIAL_BYTES);
    let head_bytes = reader.required(&HEAD_BYTES);
    let body_bytes = reader.required(&BODY_BYTES);
    let webhook_bytes = reader.required(&WEBHOOK_BYTES);
    let acl_rows = reader.required(&ACL_ROWS);
    let layer_bytes = reader.required(&LAYER_BYTES);
    let facts_cache_bytes = reader.required(&FACTS_CACHE_BYTES);
    let events_kept = reader.required(&EVENTS_KEPT_DAYS);
    Ok(Limits {
        scopes: scopes?,
        credential_bytes: credential_bytes?,
        head_bytes: head_bytes?,
        body_bytes: body_bytes?,
        webhook_bytes: webhook_bytes?,
        acl_rows: acl_rows?,
        layer_bytes: layer_bytes?,
        facts_cache_bytes: facts_cache_bytes?,
        events_kept: events_kept?,
    })
}
