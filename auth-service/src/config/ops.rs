//! Section `[ops]`: the listener for the registry's notifications and for monitoring.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::fault::Noted;
use super::http::{Http, is_loopback};
use super::kind::{Address, Networks};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "ops",
    doc: "The operations listener: the registry's webhook and the metrics. Never make it public.",
    keys: &[&LISTEN, &ALLOWED_NETWORKS],
};

const LISTEN: Setting<Address> = Setting {
    name: "ops.listen",
    kind: Address,
    preset: Preset::Text("127.0.0.1:5002"),
    doc: "Where it listens; anything but loopback needs `ops.allowed_networks`.",
};

const ALLOWED_NETWORKS: Setting<Networks> = Setting {
    name: "ops.allowed_networks",
    kind: Networks,
    preset: Preset::Text(""),
    doc: "The networks that may use it, such as the registry's private network. If empty, everybody who can reach it may.",
};

/// The operations listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ops {
    /// Where to listen; port 0 means any free port.
    pub listen: SocketAddr,
    /// Who may use it; everybody if there is none.
    pub allowed_networks: Vec<IpNet>,
}

pub(super) fn read(reader: &mut Reader, http: Option<&Http>) -> Result<Ops, Noted> {
    let listen = reader.required(&LISTEN);
    let allowed_networks = reader.required(&ALLOWED_NETWORKS);
    let (listen, allowed_networks) = (listen?, allowed_networks?);
    // TLS of the public listener protects nothing here.
    if !is_loopback(listen) && allowed_networks.is_empty() {
        let problem = format!("{listen} is not loopback, and the webhook's secret would travel in clear");
        let cure = "listen on 127.0.0.1, or list the private network of the registry in ops.allowed_networks";
        reader.fault(LISTEN.name, &problem, cure);
    }
    if http.is_some_and(|http| listen == http.listen) && listen.port() != 0 {
        reader.fault(LISTEN.name, "is the same as http.listen", "give each listener a port of its own");
    }
    Ok(Ops { listen, allowed_networks })
}
