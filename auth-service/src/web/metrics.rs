//! Counters for operators. Labels are reason codes and kinds, never anything that a client chose.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::quota_refusals::QuotaRefusals;
use crate::app::record_events::Delivery;
use crate::ports::events::Receipt;
use crate::ports::signer::KeyCondition;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    limit: &'static str,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    tokens: Counter<u64, AtomicU64>,
    refused: Family<Refused, Counter<u64, AtomicU64>>,
    rest: Family<Refused, Counter<u64, AtomicU64>>,
    events: Family<Kind, Counter<u64, AtomicU64>>,
    over_quota: Family<Limit, Counter>,
    key_ends: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("auth_service");
        let (tokens, refused, rest) = (Counter::default(), Family::default(), Family::default());
        let (events, over_quota, key_ends) = (Family::default(), Family::default(), Gauge::default());
        registry.register("tokens_issued", "Tokens issued", tokens.clone());
        registry.register("tokens_refused", "Token requests refused, by reason code", refused.clone());
        registry.register("rest_requests", "Requests of the REST interface, by reason code", rest.clone());
        registry.register("events", "Events of the registry, by what became of them", events.clone());
        registry.register(
            "refused_for_room",
            "What was refused for lack of room, by limit",
            over_quota.clone(),
        );
        registry.register(
            "signing_certificate_end_seconds",
            "When the signing certificate ends, seconds since 1970",
            key_ends.clone(),
        );
        let metrics = Self { registry, tokens, refused, rest, events, over_quota, key_ends };
        // A counter that appears with its first event hides that event from a rate.
        for receipt in Receipt::ALL {
            metrics.count_event(receipt.name(), 0);
        }
        for kind in ["dead_letter", "not_stored", "not_read", "wrong_secret"] {
            metrics.count_event(kind, 0);
        }
        metrics
    }
}

impl Metrics {
    /// Counts what one of the limits refuses for lack of room.
    #[must_use]
    pub fn quota_refusals(&self, limit: &'static str) -> QuotaRefusals {
        QuotaRefusals::counted(limit, self.over_quota.get_or_create(&Limit { limit }).clone())
    }

    pub(super) fn token_issued(&self) {
        self.tokens.inc();
    }

    pub(super) fn token_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Refused { reason }).inc();
    }

    /// A request of the REST interface was answered; the reason is `none` when it was carried out.
    pub(super) fn rest_answered(&self, reason: &'static str) {
        self.rest.get_or_create(&Refused { reason }).inc();
    }

    pub(super) fn delivered(&self, delivery: &Delivery) {
        for receipt in &delivery.receipts {
            self.count_event(receipt.name(), 1);
        }
        self.count_event("dead_letter", delivery.dead_letters);
    }

    pub(super) fn delivery_not_read(&self) {
        self.count_event("not_read", 1);
    }

    pub(super) fn delivery_failed(&self) {
        self.count_event("not_stored", 1);
    }

    pub(super) fn delivery_refused(&self) {
        self.count_event("wrong_secret", 1);
    }

    fn count_event(&self, kind: &'static str, by: u64) {
        self.events.get_or_create(&Kind { kind }).inc_by(by);
    }

    /// All of it, in the text format of `OpenMetrics`.
    pub(super) fn render(&self, key: KeyCondition) -> String {
        let (KeyCondition::Usable { not_after }
        | KeyCondition::ExpiresSoon { not_after }
        | KeyCondition::Expired { not_after }) = key
        else {
            return self.encode();
        };
        self.key_ends.set(not_after.as_seconds());
        self.encode()
    }

    fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
