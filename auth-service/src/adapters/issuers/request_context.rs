//! For whom a token is asked about.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::network::ClientNetwork;

/// For whom a token is asked about, and until when they wait for all of it.
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
