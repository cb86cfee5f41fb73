//! Sections `[login.issuer.NAME]`: servers whose tokens are accepted in place of a password.

mod acceptance;
mod account;
mod endpoints;
mod opaque;
mod overlap;
mod robot_rule;
mod scope_word;
mod token_shape;
mod web_token;
mod workload;

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

pub use acceptance::{ClientLogin, Verification};
pub use robot_rule::{ClaimPattern, RobotRule};
pub use scope_word::ScopeWord;
pub use web_token::WebTokenAlgorithm;
pub use workload::Workload;

use super::fault::Noted;
use super::reader::Reader;
use super::setting::Section;
use super::token::{ISSUER, Token};

pub(super) const SECTION: Section = Section {
    name: "login.issuer.*",
    doc: "A server whose tokens are accepted in place of a password. There can be any number of these sections; `NAME` is up to you: small letters, digits and underscores, such as `keycloak`.",
    keys: &[
        &endpoints::URL,
        &acceptance::VERIFY,
        &acceptance::AUDIENCE,
        &acceptance::CLIENTS,
        &acceptance::ACCEPT_TOKENS_OF_ANY_CLIENT,
        &web_token::ALGORITHMS,
        &web_token::TYPES,
        &web_token::TOKENS_WITHOUT_EXPIRY,
        &opaque::OPAQUE_PREFIX,
        &opaque::OPAQUE_PATTERN,
        &acceptance::CLIENT_ID,
        &acceptance::CLIENT_SECRET,
        &acceptance::CLIENT_SECRET_FILE,
        &scope_word::SCOPES,
        &account::SUBJECT_CLAIM,
        &account::NAME_CLAIM,
        &account::EMAIL_CLAIM,
        &account::CREATE_ACCOUNTS,
        &endpoints::TRUSTED_HOSTS,
        &endpoints::JWKS_URL,
        &endpoints::INTROSPECTION_URL,
        &endpoints::USERINFO_URL,
        &endpoints::CACHE_SECONDS,
        &endpoints::TIMEOUT_SECONDS,
        &workload::WORKLOAD,
        &workload::ROBOTS,
        &workload::ROBOT_SCOPES,
    ],
};

/// A server whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The operator's name for it.
    pub name: String,
    /// Its identifier, exactly as in the claim `iss` and in its metadata.
    pub url: String,
    /// How its tokens are verified.
    pub verification: Verification,
    /// For whom a token must have been made.
    pub audiences: Vec<String>,
    /// The client ids whose tokens are accepted. This or `audiences` holds something, except when tokens are
    /// verified by asking whose they are.
    pub clients: Vec<String>,
    /// The signatures that are accepted.
    pub algorithms: Vec<WebTokenAlgorithm>,
    /// What the header `typ` may say: in lower case, without `application/`.
    pub types: Vec<String>,
    /// Whether tokens that never expire are accepted.
    pub tokens_without_expiry: bool,
    /// What its opaque tokens begin with.
    pub opaque_prefixes: Vec<String>,
    /// A regular expression for its opaque tokens, anchored at both ends.
    pub opaque_pattern: Option<String>,
    /// What this service proves itself with; always there when tokens are introspected.
    pub client: Option<ClientLogin>,
    /// Its scopes, each with what it means here; if none, our words mean themselves.
    pub scopes: Vec<(String, ScopeWord)>,
    /// The claim that an account is linked by.
    pub subject_claim: String,
    /// The claim that proposes the name of a new account.
    pub name_claim: String,
    /// The claim that gives the e-mail address of a new account.
    pub email_claim: String,
    /// Whether a new subject gets an account by its first token.
    pub create_accounts: bool,
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
    /// The CI system whose jobs have these tokens. Then they act for robot accounts alone.
    pub workload: Option<Workload>,
    /// Which job acts for which robot account; at most one matches, and only with a `workload` there are any.
    pub robots: Vec<RobotRule>,
    /// What a job may do at most.
    pub robot_scopes: Vec<ScopeWord>,
}

/// What can belong to one issuer only, each with the key by which it was taken.
struct Taken {
    urls: BTreeMap<String, String>,
    prefixes: Vec<(String, String)>,
    patterns: Vec<(String, String)>,
}

impl Taken {
    /// Nothing yet but the name under which this service itself signs.
    fn new(own: Option<&Token>) -> Self {
        let own = own.map(|token| (token.issuer.clone(), ISSUER.name.to_owned()));
        Self { urls: own.into_iter().collect(), prefixes: Vec::new(), patterns: Vec::new() }
    }
}

/// Reads every issuer; they are sorted by name.
pub(super) fn read(reader: &mut Reader, own: Option<&Token>) -> Result<Vec<Issuer>, Noted> {
    let mut taken = Taken::new(own);
    let issuers = reader.each(&SECTION, |reader, name| read_one(reader, name, &mut taken));
    issuers.into_iter().collect()
}

fn read_one(reader: &mut Reader, name: &str, taken: &mut Taken) -> Result<Issuer, Noted> {
    let verification = reader.required(&acceptance::VERIFY);
    let endpoints = endpoints::read(reader, taken);
    let acceptance = acceptance::read(reader, verification.ok());
    let web_tokens = web_token::read(reader);
    let opaque_tokens = opaque::read(reader, verification.ok(), taken);
    let accounts = account::read(reader);
    let robots = workload::read(reader, verification.ok(), acceptance.as_ref().ok());
    let (endpoints, acceptance, accounts, robots) = (endpoints?, acceptance?, accounts?, robots?);
    let (web_tokens, opaque_tokens) = (web_tokens?, opaque_tokens?);
    Ok(Issuer {
        name: name.to_owned(),
        url: endpoints.url,
        verification: verification?,
        audiences: acceptance.audiences,
        clients: acceptance.clients,
        algorithms: web_tokens.algorithms,
        types: web_tokens.types,
        tokens_without_expiry: web_tokens.without_expiry,
        opaque_prefixes: opaque_tokens.prefixes,
        opaque_pattern: opaque_tokens.pattern,
        client: acceptance.client,
        scopes: accounts.scopes,
        subject_claim: accounts.subject_claim,
        name_claim: accounts.name_claim,
        email_claim: accounts.email_claim,
        create_accounts: accounts.are_created,
        trusted_hosts: endpoints.trusted_hosts,
        jwks_url: endpoints.jwks_url,
        introspection_url: endpoints.introspection_url,
        userinfo_url: endpoints.userinfo_url,
        cache: endpoints.cache,
        timeout: endpoints.timeout,
        workload: robots.workload,
        robots: robots.rules,
        robot_scopes: robots.scopes,
    })
}
