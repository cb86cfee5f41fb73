//! Addresses: of listeners, of proxies, of other servers, and of the registry as people write it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::super::fault::quoted;
use super::{Given, Kind};

/// An IP address and a port to listen on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address;

impl Kind for Address {
    type Value = SocketAddr;

    fn describe(&self) -> String {
        "an IP address and a port, such as `127.0.0.1:5001` or `[::1]:5001` (port 0: any free one)".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<SocketAddr, String> {
        let text = given.text()?;
        text.parse().map_err(|_| format!("{} is not an IP address and a port", quoted(text)))
    }

    fn show(&self, value: &SocketAddr) -> String {
        value.to_string()
    }
}

/// A list of networks and single addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Networks;

impl Kind for Networks {
    type Value = Vec<IpNet>;

    fn describe(&self) -> String {
        "a list of IP addresses and networks, such as `[\"192.0.2.7\", \"10.1.0.0/16\"]`".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<IpNet>, String> {
        given.items()?.into_iter().map(network).collect()
    }

    fn show(&self, value: &Vec<IpNet>) -> String {
        value.iter().map(IpNet::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| format!("{} is neither an IP address nor a network", quoted(text)))?;
    if network.prefix_len() == 0 {
        // Whoever may forge the client's address is never locked out and locks out others.
        return Err(format!("{} would trust everybody", quoted(text)));
    }
    Ok(network.trunc())
}

/// The address of a web server or of a page on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebAddress {
    /// Whether other addresses are made from it by appending a path.
    pub(crate) is_base: bool,
}

impl Kind for WebAddress {
    type Value = Url;

    fn describe(&self) -> String {
        let example =
            if self.is_base { "http://127.0.0.1:5000" } else { "https://registry.example.org/token" };
        format!("an `http` or `https` address without user, query and fragment, such as `{example}`")
    }

    fn parse(&self, given: &Given<'_>) -> Result<Url, String> {
        let text = given.text()?;
        let mut url = web_address(text)?;
        if url.query().is_some() {
            return Err(format!("{} holds a query", shown(text)));
        }
        if self.is_base && !url.path().ends_with('/') {
            // Without it, `Url::join` would replace the last part of the path.
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    fn show(&self, value: &Url) -> String {
        value.to_string()
    }
}

/// An address of a page, with neither user nor fragment.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    let shown = shown(text);
    let url = Url::parse(text).map_err(|fault| format!("{shown} is not an address ({fault})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{shown} begins with neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{shown} holds a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(format!("{shown} holds a fragment"));
    }
    Ok(url)
}

/// An address as it is repeated in a fault: only one that cannot hold a password.
pub(super) fn shown(text: &str) -> String {
    if text.contains('@') { "the address".to_owned() } else { quoted(text) }
}

/// The part of an image name before the first slash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistryHost;

impl Kind for RegistryHost {
    type Value = String;

    fn describe(&self) -> String {
        "the host and port that image names begin with, such as `registry.example.org` or `127.0.0.1:5000`"
            .to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<String, String> {
        let text = given.text()?;
        let host = text.to_ascii_lowercase();
        if host.contains('/') {
            return Err(format!("{} holds a scheme or a path", quoted(text)));
        }
        if !is_domain(&host) {
            return Err(format!("{} is not a host", quoted(text)));
        }
        if !host.contains(['.', ':']) && host != "localhost" {
            // A client takes such a first part for a repository of its default registry.
            return Err(format!("{} needs a dot or a port, or clients ask another registry", quoted(text)));
        }
        Ok(host)
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

/// The `domain` of the grammar of image references: names or an IPv6 address in brackets, then a port.
fn is_domain(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    name.len() <= 253 && name.split('.').all(is_label) && port.is_none_or(is_port)
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !label.is_empty() && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}
