//! Section `[ops]`: the listener for the registry's notifications and for monitoring.

use std::net::SocketAddr;

use super::fault::Noted;
use super::http::{Http, is_loopback};
use super::key::{Key, Preset, Section};
use super::kind::Address;
use super::reader::Reader;

pub(super) const SECTION: Section = Section {
    name: "ops",
    doc: "The operations listener: the registry's notifications and the metrics. Never make it public.",
    keys: &[&LISTEN],
};

const LISTEN: Key<Address> = Key {
    name: "ops.listen",
    kind: Address,
    preset: Preset::Text("127.0.0.1:5002"),
    doc: "Where it listens; anything but loopback needs `http.trusted_proxies`.",
};

/// The operations listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ops {
    /// Where to listen; port 0 means any free port.
    pub listen: SocketAddr,
}

pub(super) fn read(reader: &mut Reader, http: Option<&Http>) -> Result<Ops, Noted> {
    let listen = reader.required(&LISTEN)?;
    let Some(http) = http else { return Ok(Ops { listen }) };
    // TLS of the public listener protects nothing here.
    if !is_loopback(listen) && http.trusted_proxies.is_empty() {
        let problem = format!("{listen} is not loopback, and the webhook's secret would travel in clear");
        let cure = "listen on 127.0.0.1, or list the private network of the registry in http.trusted_proxies";
        reader.fault(LISTEN.name, &problem, cure);
    }
    if listen == http.listen && listen.port() != 0 {
        reader.fault(LISTEN.name, "is the same as http.listen", "give each listener a port of its own");
    }
    Ok(Ops { listen })
}
