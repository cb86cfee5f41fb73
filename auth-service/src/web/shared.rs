//! What every endpoint of the public listener works with, whatever it serves.

use std::sync::Arc;

use super::client::Proxies;
use super::metrics::Metrics;
use super::quota::Quota;
use super::reading::{BODY_TIMEOUT, BodyLimits};
use crate::domain::contact::Contact;
use crate::domain::foreign::shape::TokenShapes;
use crate::domain::network::ClientNetwork;
use crate::ports::system::Identifiers;

/// What the token endpoint and the REST interface share.
pub struct SharedState {
    /// Names requests.
    pub identifiers: Box<dyn Identifiers>,
    /// Tells clients behind proxies apart.
    pub proxies: Proxies,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Tells tokens of other issuers from passwords.
    pub shapes: TokenShapes,
    /// The registry's host in image names.
    pub host: String,
    /// Whom people can ask.
    pub contact: Option<Contact>,
    /// Most bytes of a user name, password or token.
    pub credential_bytes: usize,
    /// Most bytes of a request's head.
    pub head_bytes: usize,
    /// Most bytes of a form.
    pub form_bytes: usize,
    /// Most bytes of a JSON body.
    pub body_bytes: usize,
    /// The bodies that are held at once.
    pub in_flight: Arc<Quota>,
}

impl SharedState {
    /// What a body of a client network may take, of at most `bytes`.
    pub(super) fn body_limits(&self, bytes: usize, network: ClientNetwork) -> BodyLimits<'_> {
        BodyLimits { bytes, time: BODY_TIMEOUT, in_flight: &self.in_flight, network }
    }
}
