//! Sections `[login.issuer.NAME]`: servers whose tokens are accepted in place of a password.

mod endpoints;

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::fault::Noted;
use super::key::Section;
use super::reader::Reader;
use super::token::{ISSUER, Token};

pub(super) const SECTION: Section = Section {
    name: "login.issuer.*",
    doc: "A server whose tokens are accepted in place of a password: one such section for each, under any name.",
    keys: &[
        &endpoints::URL,
        &endpoints::TRUSTED_HOSTS,
        &endpoints::JWKS_URL,
        &endpoints::INTROSPECTION_URL,
        &endpoints::USERINFO_URL,
        &endpoints::CACHE_SECONDS,
        &endpoints::TIMEOUT_SECONDS,
    ],
};

/// A server whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The operator's name for it.
    pub name: String,
    /// Its identifier, exactly as in the claim `iss` and in its metadata.
    pub url: String,
    /// Further origins that its metadata may name addresses on, in the spelling of `Url::origin`.
    pub trusted_hosts: Vec<String>,
    /// Where its keys are, in place of discovery.
    pub jwks_url: Option<Url>,
    /// Where it introspects tokens, in place of discovery.
    pub introspection_url: Option<Url>,
    /// Where it tells whose a token is, in place of discovery.
    pub userinfo_url: Option<Url>,
    /// How long its answer about a token is remembered; zero means never.
    pub cache: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// What can belong to one issuer only, each with the key by which it was taken.
struct Taken {
    urls: BTreeMap<String, String>,
}

impl Taken {
    /// Nothing yet but the name under which this service itself signs.
    fn new(own: Option<&Token>) -> Self {
        let own = own.map(|token| (token.issuer.clone(), ISSUER.name.to_owned()));
        Self { urls: own.into_iter().collect() }
    }
}

/// Reads every issuer; they are sorted by name.
pub(super) fn read(reader: &mut Reader, own: Option<&Token>) -> Result<Vec<Issuer>, Noted> {
    let mut taken = Taken::new(own);
    let issuers = reader.each(&SECTION, |reader, name| read_one(reader, name, &mut taken));
    issuers.into_iter().collect()
}

fn read_one(reader: &mut Reader, name: &str, taken: &mut Taken) -> Result<Issuer, Noted> {
    let endpoints = endpoints::read(reader, taken)?;
    Ok(Issuer {
        name: name.to_owned(),
        url: endpoints.url,
        trusted_hosts: endpoints.trusted_hosts,
        jwks_url: endpoints.jwks_url,
        introspection_url: endpoints.introspection_url,
        userinfo_url: endpoints.userinfo_url,
        cache: endpoints.cache,
        timeout: endpoints.timeout,
    })
}
