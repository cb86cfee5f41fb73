//! Section `[limits]`: every limit in one place.

use std::time::Duration;

use super::fault::Noted;
use super::kind::{Span, Unit, Whole};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "limits",
    doc: "Limits of size, number and age.",
    keys: &[
        &SCOPES,
        &CREDENTIAL_BYTES,
        &HEAD_BYTES,
        &FORM_BYTES,
        &BODY_BYTES,
        &WEBHOOK_BYTES,
        &IN_FLIGHT_BYTES,
        &NETWORK_IN_FLIGHT_BYTES,
        &WEBHOOK_IN_FLIGHT_BYTES,
        &CONNECTIONS,
        &NETWORK_CONNECTIONS,
        &OPS_CONNECTIONS,
        &ACL_ROWS,
        &LAYER_BYTES,
        &FACTS_CACHE_BYTES,
        &EVENTS_KEPT_DAYS,
        &FIRST_PUSHES_PER_USER,
        &FIRST_PUSHES_PER_PROJECT,
    ],
};

const SCOPES: Setting<Whole<usize>> = Setting {
    name: "limits.scopes",
    kind: Whole { minimum: 1, maximum: 1000, unit: "" },
    preset: Preset::Text("64"),
    doc: "The most scopes in one request. A request with more is refused with 400.",
};

const CREDENTIAL_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.credential_bytes",
    kind: Whole { minimum: 256, maximum: 65_536, unit: "bytes" },
    preset: Preset::Text("8192"),
    doc: "The longest password or token.",
};

const HEAD_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.head_bytes",
    kind: Whole { minimum: 16_384, maximum: 1_048_576, unit: "bytes" },
    preset: Preset::Text("65536"),
    doc: "The largest request head.",
};

const FORM_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.form_bytes",
    kind: Whole { minimum: 16_384, maximum: 1_048_576, unit: "bytes" },
    preset: Preset::Text("131072"),
    doc: "The largest form of a token request.",
};

const BODY_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.body_bytes",
    kind: Whole { minimum: 65_536, maximum: 67_108_864, unit: "bytes" },
    preset: Preset::Text("1048576"),
    doc: "The largest JSON body.",
};

const WEBHOOK_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.webhook_bytes",
    kind: Whole { minimum: 1_048_576, maximum: 268_435_456, unit: "bytes" },
    preset: Preset::Text("16777216"),
    doc: "The largest delivery of the webhook.",
};

const IN_FLIGHT_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.in_flight_bytes",
    kind: Whole { minimum: 1_048_576, maximum: 17_179_869_184, unit: "bytes" },
    preset: Preset::Text("33554432"),
    doc: "How many bytes of requests the public listener holds in memory at once, login forms of up to 4 KiB excepted.",
};

const NETWORK_IN_FLIGHT_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.network_in_flight_bytes",
    kind: Whole { minimum: 65_536, maximum: 17_179_869_184, unit: "bytes" },
    preset: Preset::Text("4194304"),
    doc: "How many of these may come from one client address (IPv4 address or IPv6 /64).",
};

const WEBHOOK_IN_FLIGHT_BYTES: Setting<Whole<usize>> = Setting {
    name: "limits.webhook_in_flight_bytes",
    kind: Whole { minimum: 1_048_576, maximum: 17_179_869_184, unit: "bytes" },
    preset: Preset::Text("33554432"),
    doc: "How many bytes of deliveries the operations listener holds in memory at once.",
};

const CONNECTIONS: Setting<Whole<usize>> = Setting {
    name: "limits.connections",
    kind: Whole { minimum: 16, maximum: 1_000_000, unit: "" },
    preset: Preset::Text("4096"),
    doc: "How many connections the public listener has at once.",
};

const NETWORK_CONNECTIONS: Setting<Whole<usize>> = Setting {
    name: "limits.network_connections",
    kind: Whole { minimum: 16, maximum: 1_000_000, unit: "" },
    preset: Preset::Text("2048"),
    doc: "How many of these may come from one client address; the addresses in `http.trusted_proxies` are exempt.",
};

const OPS_CONNECTIONS: Setting<Whole<usize>> = Setting {
    name: "limits.ops_connections",
    kind: Whole { minimum: 16, maximum: 1_000_000, unit: "" },
    preset: Preset::Text("256"),
    doc: "How many connections the operations listener has at once.",
};

const ACL_ROWS: Setting<Whole<usize>> = Setting {
    name: "limits.acl_rows",
    kind: Whole { minimum: 1, maximum: 100_000, unit: "" },
    preset: Preset::Text("1000"),
    doc: "The most users and teams in one access list.",
};

const LAYER_BYTES: Setting<Whole<u64>> = Setting {
    name: "limits.layer_bytes",
    kind: Whole { minimum: 1, maximum: 1_000_000_000_000_000, unit: "bytes" },
    preset: Preset::Text("100000000000"),
    doc: "Not enforced in this version: set the limit for a layer in the proxy before the registry.",
};

const FACTS_CACHE_BYTES: Setting<Whole<u64>> = Setting {
    name: "limits.facts_cache_bytes",
    kind: Whole { minimum: 0, maximum: 17_179_869_184, unit: "bytes" },
    preset: Preset::Text("25165824"),
    doc: "The memory for the permission cache. With 0 every decision reads the database.",
};

const EVENTS_KEPT_DAYS: Setting<Span> = Setting {
    name: "limits.events_kept_days",
    kind: Span { minimum: 1, maximum: 3650, unit: Unit::Days },
    preset: Preset::Text("30"),
    doc: "How long processed events are kept.",
};

const FIRST_PUSHES_PER_USER: Setting<Whole<usize>> = Setting {
    name: "limits.first_pushes_per_user",
    kind: Whole { minimum: 1, maximum: 100_000, unit: "" },
    preset: Preset::Text("1000"),
    doc: "The most first pushes that one user may have begun in the last 24 hours and not finished.",
};

const FIRST_PUSHES_PER_PROJECT: Setting<Whole<usize>> = Setting {
    name: "limits.first_pushes_per_project",
    kind: Whole { minimum: 1, maximum: 100_000, unit: "" },
    preset: Preset::Text("2000"),
    doc: "The same for all users of one project together.",
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
    /// The largest form of a token request.
    pub form_bytes: usize,
    /// The largest JSON body.
    pub body_bytes: usize,
    /// The largest delivery of the webhook.
    pub webhook_bytes: usize,
    /// How many bytes of requests the public listener holds at once.
    pub in_flight_bytes: usize,
    /// How many of these may come from one client network.
    pub network_in_flight_bytes: usize,
    /// How many bytes of deliveries the operations listener holds in memory at once.
    pub webhook_in_flight_bytes: usize,
    /// How many connections the public listener has at once.
    pub connections: usize,
    /// How many of these may come from one client network.
    pub network_connections: usize,
    /// How many connections the operations listener has at once.
    pub ops_connections: usize,
    /// The most users and teams in one access list.
    pub acl_rows: usize,
    /// The largest layer of an image.
    pub layer_bytes: u64,
    /// The memory for the permission cache. With 0 every decision reads the database.
    pub facts_cache_bytes: u64,
    /// How long processed events are kept.
    pub events_kept: Duration,
    /// The most first pushes of one user that are under way.
    pub first_pushes_per_user: usize,
    /// The most first pushes in one project that are under way.
    pub first_pushes_per_project: usize,
}

pub(super) fn read(reader: &mut Reader) -> Result<Limits, Noted> {
    let scopes = reader.required(&SCOPES);
    let credential_bytes = reader.required(&CREDENTIAL_BYTES);
    let head_bytes = reader.required(&HEAD_BYTES);
    let form_bytes = reader.required(&FORM_BYTES);
    let body_bytes = reader.required(&BODY_BYTES);
    let webhook_bytes = reader.required(&WEBHOOK_BYTES);
    let in_flight_bytes = reader.required(&IN_FLIGHT_BYTES);
    let network_in_flight_bytes = reader.required(&NETWORK_IN_FLIGHT_BYTES);
    let webhook_in_flight_bytes = reader.required(&WEBHOOK_IN_FLIGHT_BYTES);
    let connections = reader.required(&CONNECTIONS);
    let network_connections = reader.required(&NETWORK_CONNECTIONS);
    let ops_connections = reader.required(&OPS_CONNECTIONS);
    let acl_rows = reader.required(&ACL_ROWS);
    let layer_bytes = reader.required(&LAYER_BYTES);
    let facts_cache_bytes = reader.required(&FACTS_CACHE_BYTES);
    let events_kept = reader.required(&EVENTS_KEPT_DAYS);
    let first_pushes_per_user = reader.required(&FIRST_PUSHES_PER_USER);
    let first_pushes_per_project = reader.required(&FIRST_PUSHES_PER_PROJECT);
    let limits = Limits {
        scopes: scopes?,
        credential_bytes: credential_bytes?,
        head_bytes: head_bytes?,
        form_bytes: form_bytes?,
        body_bytes: body_bytes?,
        webhook_bytes: webhook_bytes?,
        in_flight_bytes: in_flight_bytes?,
        network_in_flight_bytes: network_in_flight_bytes?,
        webhook_in_flight_bytes: webhook_in_flight_bytes?,
        connections: connections?,
        network_connections: network_connections?,
        ops_connections: ops_connections?,
        acl_rows: acl_rows?,
        layer_bytes: layer_bytes?,
        facts_cache_bytes: facts_cache_bytes?,
        events_kept: events_kept?,
        first_pushes_per_user: first_pushes_per_user?,
        first_pushes_per_project: first_pushes_per_project?,
    };
    require_room_for_one(reader, &limits);
    Ok(limits)
}

/// A body for which there is never room could never be sent.
fn require_room_for_one(reader: &mut Reader, limits: &Limits) {
    for (room, bytes, body, largest) in [
        (NETWORK_IN_FLIGHT_BYTES.name, limits.network_in_flight_bytes, FORM_BYTES.name, limits.form_bytes),
        (NETWORK_IN_FLIGHT_BYTES.name, limits.network_in_flight_bytes, BODY_BYTES.name, limits.body_bytes),
        (
            IN_FLIGHT_BYTES.name,
            limits.in_flight_bytes,
            NETWORK_IN_FLIGHT_BYTES.name,
            limits.network_in_flight_bytes,
        ),
        (
            WEBHOOK_IN_FLIGHT_BYTES.name,
            limits.webhook_in_flight_bytes,
            WEBHOOK_BYTES.name,
            limits.webhook_bytes,
        ),
    ] {
        if bytes < largest {
            reader.fault(
                room,
                &format!("{bytes} is less than {body}, which is {largest}"),
                &format!("write at least {largest}, or lower {body}"),
            );
        }
    }
}
