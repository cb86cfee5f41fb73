//! Where a request comes from, and where one may go: the client's address behind proxies, and the network that limits count by.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// Whether nobody else can listen on the way to a server: over TLS, or on this machine.
#[must_use]
pub fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_on_this_machine(url))
}

/// Whether the server is on this machine.
#[must_use]
pub fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The network that one client can be expected to hold all addresses of: a single IPv4 address, an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
        }
    }
}

impl ClientNetwork {
    /// The network around it that one customer of a provider can hold all of: an IPv6 /48. `None` for IPv4, where
    /// neighbours are strangers.
    #[must_use]
    pub fn wide(self) -> Option<WideNetwork> {
        match self.0 {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Some(WideNetwork(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
        }
    }
}

/// An IPv6 /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideNetwork(Ipv6Addr);

impl fmt::Display for WideNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/48", self.0)
    }
}

impl ClientNetwork {
    /// A number that no other network has: IPv4 as the IPv6 addresses that are mapped to it.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(formatter),
            IpAddr::V6(address) => write!(formatter, "{address}/64"),
        }
    }
}

/// The client's address: `peer` itself, or, when it is a trusted proxy, the last address that a trusted proxy
/// wrote into `X-Forwarded-For`. What comes before that is the client's own word and is not believed.
#[must_use]
pub fn client_address(peer: IpAddr, forwarded_for: &[&[u8]], is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    let hops = forwarded_for.iter().rev().flat_map(|header| header.rsplit(|byte| *byte == b','));
    for hop in hops {
        if !is_trusted(client) {
            break;
        }
        match forwarded_address(hop) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// An address as proxies write it: alone, or with a port as some load balancers do.
fn forwarded_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    let without_brackets = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    without_brackets.parse().ok().or_else(with_port)
}

/// An address for requests whose peer is not known, such as those over a socket that is not TCP.
pub const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn forwarded_addresses_are_believed_only_from_trusted_proxies() {
        let trusted =
            |candidate: IpAddr| candidate == address("10.0.0.1") || candidate == address("10.0.0.2");
        let read = |peer: &str, headers: &[&str]| {
            let headers: Vec<&[u8]> = headers.iter().map(|header| header.as_bytes()).collect();
            client_address(address(peer), &headers, trusted)
        };
        assert_eq!(read("192.0.2.9", &["203.0.113.5"]), address("192.0.2.9"));
        assert_eq!(read("10.0.0.1", &["203.0.113.5"]), address("203.0.113.5"));
        assert_eq!(read("10.0.0.1", &["198.51.100.1, 203.0.113.5, 10.0.0.2"]), address("203.0.113.5"));
        assert_eq!(read("10.0.0.1", &["198.51.100.1", "203.0.113.5"]), address("203.0.113.5"));
        assert_eq!(read("10.0.0.1", &["junk"]), address("10.0.0.1"));
        assert_eq!(read("::ffff:10.0.0.1", &["203.0.113.5"]), address("203.0.113.5"));
        for (hop, client) in [
            ("203.0.113.5:4711", "203.0.113.5"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(read("10.0.0.1", &[hop]), address(client), "{hop}");
        }
        let bytes: [&[u8]; 1] = [b"\xff\xfe, 203.0.113.5"];
        let client = client_address(address("10.0.0.1"), &bytes, trusted);
        assert_eq!(
            client,
            address("203.0.113.5"),
            "what a client wrote before takes nothing from the proxy's word"
        );
    }

    #[test]
    fn a_network_shows_how_wide_it_is() {
        let network = ClientNetwork::of(address("2001:db8:1:2:3::4"));
        assert_eq!(network.to_string(), "2001:db8:1:2::/64");
        assert_eq!(network.wide().unwrap().to_string(), "2001:db8:1::/48");
        assert_eq!(ClientNetwork::of(address("192.0.2.1")).to_string(), "192.0.2.1");
    }

    #[test]
    fn an_ipv6_client_is_counted_by_its_64_bit_network() {
        let one = ClientNetwork::of(address("2001:db8:1:2:3::4"));
        assert_eq!(one, ClientNetwork::of(address("2001:db8:1:2:ffff::1")));
        let neighbour = ClientNetwork::of(address("2001:db8:1:3::4"));
        assert_ne!(one, neighbour);
        assert_eq!(one.wide(), neighbour.wide());
        assert_ne!(one.wide(), ClientNetwork::of(address("2001:db8:2::1")).wide());
        assert_eq!(ClientNetwork::of(address("192.0.2.1")).wide(), None);
        assert_eq!(ClientNetwork::of(address("::ffff:192.0.2.1")), ClientNetwork::of(address("192.0.2.1")));
    }
}
