//! Who is at the other end of a connection: the address behind proxies.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderName, HeaderValue};

use crate::domain::network::{UNKNOWN_ADDRESS, client_address};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Which peers are reverse proxies of ours.
pub struct Proxies {
    is_trusted: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    warned: AtomicBool,
}

impl Proxies {
    /// Trusts the peers for which `is_trusted` holds.
    #[must_use]
    pub fn new(is_trusted: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self { is_trusted: Box::new(is_trusted), warned: AtomicBool::new(false) }
    }

    /// The address of the client that sent `request`.
    pub fn client_address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(UNKNOWN_ADDRESS, |address| address.ip());
        let headers: Vec<&[u8]> =
            request.headers().get_all(FORWARDED_FOR).map(HeaderValue::as_bytes).collect();
        if headers.is_empty() && !request.headers().contains_key(FORWARDED) {
            return peer.to_canonical();
        }
        if !(self.is_trusted)(peer.to_canonical()) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "forwarded headers come from an address that is not in http.trusted_proxies, and are ignored"
            );
        }
        client_address(peer, &headers, &self.is_trusted)
    }
}
