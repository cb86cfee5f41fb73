//! Section `[token]`: what the tokens for the registry say.

use std::time::Duration;

use url::Url;

use super::fault::Noted;
use super::http::Http;
use super::kind::{Span, Text, Unit, WebAddress};
use super::reader::Reader;
use super::registry::Registry;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "token",
    doc: "The registry tokens. The first three settings must be the same in the registry's configuration.",
    keys: &[&ISSUER, &SERVICE, &REALM, &LIFETIME],
};

pub(super) const ISSUER: Setting<Text> = Setting {
    name: "token.issuer",
    kind: Text,
    preset: Preset::Text("auth-service"),
    doc: "The issuer (`iss`): `auth.token.issuer` of the registry.",
};

const SERVICE: Setting<Text> = Setting {
    name: "token.service",
    kind: Text,
    preset: Preset::Derived("the value of `registry.host`"),
    doc: "The service name (`aud`): `auth.token.service` of the registry.",
};

const REALM: Setting<WebAddress> = Setting {
    name: "token.realm",
    kind: WebAddress { is_base: false },
    preset: Preset::Derived("`/token` at `http.listen`"),
    doc: "Where clients reach this service: `auth.token.realm` of the registry. Set it if they come through a proxy.",
};

const LIFETIME: Setting<Span> = Setting {
    name: "token.lifetime",
    kind: Span { minimum: 60, maximum: 3600, unit: Unit::Seconds },
    preset: Preset::Text("300"),
    doc: "How long a registry token is valid. The registry accepts it for up to 60 seconds more.",
};

/// The tokens for the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub service: String,
    /// Where clients ask for tokens. Derived from a listener on port 0, it has port 0.
    pub realm: Url,
    /// How long a token is valid.
    pub lifetime: Duration,
}

pub(super) fn read(
    reader: &mut Reader,
    http: Option<&Http>,
    registry: Option<&Registry>,
) -> Result<Token, Noted> {
    let issuer = reader.required(&ISSUER);
    let service = reader.or_derived(&SERVICE, registry.map(|registry| registry.host.clone()));
    let realm = reader.or_derived(&REALM, http.and_then(default_realm));
    let lifetime = reader.required(&LIFETIME);
    Ok(Token { issuer: issuer?, service: service?, realm: realm?, lifetime: lifetime? })
}

fn default_realm(http: &Http) -> Option<Url> {
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{}/token", http.listen)).ok()
}
