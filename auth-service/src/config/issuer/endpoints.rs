//! Where an issuer is, and how it is asked.

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
    doc: "The issuer exactly as it stands in the claim `iss` of its tokens and in its metadata.",
};

pub(super) const TRUSTED_HOSTS: Setting<Origins> = Setting {
    name: "login.issuer.*.trusted_hosts",
    kind: Origins,
    preset: Preset::Text(""),
    doc: "Further servers that the issuer's metadata may name addresses on; those on the server of `url` are always used.",
};

pub(super) const JWKS_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.jwks_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "Where its keys are, instead of where its metadata says.",
};

pub(super) const INTROSPECTION_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.introspection_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "Where it tells what a token is worth, instead of where its metadata says.",
};

pub(super) const USERINFO_URL: Setting<SecureAddress> = Setting {
    name: "login.issuer.*.userinfo_url",
    kind: SecureAddress,
    preset: Preset::Unset,
    doc: "Where it tells whose a token is, instead of where its metadata says.",
};

pub(super) const CACHE_SECONDS: Setting<Span> = Setting {
    name: "login.issuer.*.cache_seconds",
    kind: Span { minimum: 0, maximum: 300, unit: Unit::Seconds },
    preset: Preset::Text("60"),
    doc: "How long its answer about a token is remembered; 0 is never.",
};

pub(super) const TIMEOUT_SECONDS: Setting<Span> = Setting {
    name: "login.issuer.*.timeout_seconds",
    kind: Span { minimum: 1, maximum: 10, unit: Unit::Seconds },
    preset: Preset::Text("3"),
    doc: "How long it may take to answer.",
};

/// Where an issuer is, and how it is asked.
pub(super) struct Endpoints {
    pub(super) url: String,
    pub(super) trusted_hosts: Vec<String>,
    pub(super) jwks_url: Option<Url>,
    pub(super) introspection_url: Option<Url>,
    pub(super) userinfo_url: Option<Url>,
    pub(super) cache: Duration,
    pub(super) timeout: Duration,
}

pub(super) fn read(reader: &mut Reader, taken: &mut Taken) -> Result<Endpoints, Noted> {
    let url = reader.required(&URL);
    let trusted_hosts = reader.required(&TRUSTED_HOSTS);
    let jwks_url = reader.optional(&JWKS_URL);
    let introspection_url = reader.optional(&INTROSPECTION_URL);
    let userinfo_url = reader.optional(&USERINFO_URL);
    let cache = reader.required(&CACHE_SECONDS);
    let timeout = reader.required(&TIMEOUT_SECONDS);
    if let Ok(url) = &url {
        check_url(reader, url, taken);
    }
    Ok(Endpoints {
        url: url?,
        trusted_hosts: trusted_hosts?,
        jwks_url: jwks_url?,
        introspection_url: introspection_url?,
        userinfo_url: userinfo_url?,
        cache: cache?,
        timeout: timeout?,
    })
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
