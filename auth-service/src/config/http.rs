//! Section `[http]`: the public listener.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::fault::Noted;
use super::kind::{Address, FilePath, Networks, Span, Unit, Whole};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "http",
    doc: "The public listener: tokens and the REST interface.",
    keys: &[&LISTEN, &TRUSTED_PROXIES, &TLS_CERTIFICATE, &TLS_KEY, &WORKERS, &DRAIN_SECONDS],
};

const LISTEN: Setting<Address> = Setting {
    name: "http.listen",
    kind: Address,
    preset: Preset::Text("127.0.0.1:5001"),
    doc: "Where the service listens; anything but loopback needs TLS or trusted proxies.",
};

const TRUSTED_PROXIES: Setting<Networks> = Setting {
    name: "http.trusted_proxies",
    kind: Networks,
    preset: Preset::Text(""),
    doc: "The reverse proxies whose `X-Forwarded-For` is taken for the client's address, and nothing else: from other senders it is ignored.",
};

const TLS_CERTIFICATE: Setting<FilePath> = Setting {
    name: "http.tls_certificate",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "The certificate chain (PEM), if the service itself speaks TLS.",
};

const TLS_KEY: Setting<FilePath> = Setting {
    name: "http.tls_key",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "The private key (PEM) of that certificate.",
};

const WORKERS: Setting<Whole<usize>> = Setting {
    name: "http.workers",
    kind: Whole { minimum: 1, maximum: 256, unit: "" },
    preset: Preset::Derived("the number of processor cores"),
    doc: "How many threads answer requests.",
};

const DRAIN_SECONDS: Setting<Span> = Setting {
    name: "http.drain_seconds",
    kind: Span { minimum: 0, maximum: 3600, unit: Unit::Seconds },
    preset: Preset::Text("30"),
    doc: "How long open requests may take to finish after SIGTERM.",
};

/// The public listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where to listen; port 0 means any free port.
    pub listen: SocketAddr,
    /// Whose forwarded headers tell the client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// The files for TLS, if the service itself speaks it.
    pub tls: Option<TlsFiles>,
    /// How many threads answer requests; `None` means one for each core.
    pub workers: Option<usize>,
    /// How long open requests may take to finish after SIGTERM.
    pub drain: Duration,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

pub(super) fn read(reader: &mut Reader) -> Result<Http, Noted> {
    let listen = reader.required(&LISTEN);
    let trusted_proxies = reader.required(&TRUSTED_PROXIES);
    let tls_certificate = reader.optional(&TLS_CERTIFICATE);
    let tls_key = reader.optional(&TLS_KEY);
    let workers = reader.optional(&WORKERS);
    let drain = reader.required(&DRAIN_SECONDS);
    let tls = match (tls_certificate?, tls_key?) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(reader.alone(TLS_CERTIFICATE.name, TLS_KEY.name)),
        (None, Some(_)) => return Err(reader.alone(TLS_KEY.name, TLS_CERTIFICATE.name)),
    };
    let http =
        Http { listen: listen?, trusted_proxies: trusted_proxies?, tls, workers: workers?, drain: drain? };
    if !is_loopback(http.listen) && http.tls.is_none() && http.trusted_proxies.is_empty() {
        let problem = format!("{} is not loopback, and passwords would travel in clear", http.listen);
        let cure = "set http.tls_certificate and http.tls_key, or list the reverse proxy that speaks TLS in \
                    http.trusted_proxies, or listen on 127.0.0.1";
        reader.fault(LISTEN.name, &problem, cure);
    }
    Ok(http)
}

/// Whether only this machine can reach the address, also in the IPv6 spelling of an IPv4 address.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised_in_every_spelling() {
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("192.0.2.1:1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
