//! The client that waits for the answer of an issuer.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::network::ClientNetwork;

/// Why there is no answer; for the log.
pub(super) type Unreachable = String;

/// The network of the client, and the moment until which it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestContext {
    pub(super) network: ClientNetwork,
    pub(super) until: Instant,
}

impl RequestContext {
    /// One that begins now.
    pub(super) fn new(network: ClientNetwork, timeout: Duration) -> Self {
        Self { network, until: Instant::now() + timeout }
    }
}
