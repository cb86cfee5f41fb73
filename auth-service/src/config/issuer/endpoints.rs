//! The addresses of an issuer, and how long it may take to answer.

use std::time::Duration;

use url::Url;

use super::super::fault::Noted;
use super::super::kind::{IssuerAddress, Origins, SecureAddress, Span, Unit};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::Taken;

pub(super) const URL: Setting<IssuerAddress> = Setting {
    name: "login.issuer.*.url",
    kind: IssuerAddress,
    preset: Preset::Required,
    doc: "The issuer's identifier, exactly as in the claim `iss` of its tokens and in its metadata.",
};

pub(super) const TRUSTED_HOSTS: Setting<Origins> = Setting {
    name: "login.issuer.*.trusted_hosts",
    kind: Origins,
    preset: Preset::Text(""),
    doc: "Other servers on which the issuer's metadata may name endpoints. The server of `url` is always allowed.",
};

pub(super) const JWKS_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.jwks_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "The address of its keys (JWKS), in place of the one in its metadata.",
};

pub(super) const INTROSPECTION_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.introspection_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "The address of its introspection endpoint (RFC 7662), in place of the one in its metadata.",
};

pub(super) const USERINFO_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.userinfo_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "The address of its user-info endpoint, in place of the one in its metadata.",
};

pub(super) const CACHE_SECONDS: Setting<Span> = Setting {
    name: "login.issuer.*.cache_seconds",
    kind: Span { minimum: 0, maximum: 300, unit: Unit::Seconds },
    preset: Preset::Text("60"),
    doc: "For how long its answer about a token is cached; 0 turns the cache off.",
};

pub(super) const TIMEOUT_SECONDS: Setting<Span> = Setting {
    name: "login.issuer.*.timeout_seconds",
    kind: Span { minimum: 1, maximum: 10, unit: Unit::Seconds },
    preset: Preset::Text("3"),
    doc: "How long one request to the issuer may take.",
};

/// The addresses of an issuer, and how it is asked.
#[derive(Clone, Debug)]
pub struct IssuerEndpoints {
    /// Its identifier, from which its metadata is found.
    pub identifier: Url,
    /// Further origins that its metadata may name addresses on, in the spelling of `Url::origin`.
    pub trusted_hosts: Vec<String>,
    /// Its keys, in place of discovery.
    pub jwks_url: Option<Url>,
    /// Its introspection endpoint, in place of discovery.
    pub introspection_url: Option<Url>,
    /// Its user-info endpoint, in place of discovery.
    pub userinfo_url: Option<Url>,
    /// How long its answer about a token is remembered; zero means never.
    pub cache: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// The identifier as it is written, and the rest.
pub(super) fn read(reader: &mut Reader, taken: &mut Taken) -> Result<(String, IssuerEndpoints), Noted> {
    let url = reader.required(&URL);
    let trusted_hosts = reader.required(&TRUSTED_HOSTS);
    let jwks_url = reader.optional(&JWKS_URL);
    let introspection_url = reader.optional(&INTROSPECTION_URL);
    let userinfo_url = reader.optional(&USERINFO_URL);
    let cache = reader.required(&CACHE_SECONDS);
    let timeout = reader.required(&TIMEOUT_SECONDS);
    if let Ok((url, _)) = &url {
        check_url(reader, url, taken);
    }
    let (url, identifier) = url?;
    let endpoints = IssuerEndpoints {
        identifier,
        trusted_hosts: trusted_hosts?,
        jwks_url: jwks_url?,
        introspection_url: introspection_url?,
        userinfo_url: userinfo_url?,
        cache: cache?,
        timeout: timeout?,
    };
    Ok((url, endpoints))
}

/// A token goes to the one issuer that it names.
fn check_url(reader: &mut Reader, url: &str, taken: &mut Taken) {
    if let Some(other) = taken.urls.get(url) {
        let cure = "write what only the tokens of this issuer have in their claim `iss`";
        reader.fault(URL.name, &format!("is the same as {other}"), cure);
    } else {
        taken.urls.insert(url.to_owned(), reader.full_name(URL.name));
    }
}
