//! Sections `[login.issuer.NAME]`: servers whose tokens are accepted in place of a password.

mod acceptance;
mod account;
mod endpoints;
mod opaque;
mod robot_rule;
mod scope_word;
mod token_shape;
mod web_token;
mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::Algorithm;

pub use acceptance::ClientLogin;
pub use endpoints::IssuerEndpoints;
pub use workload::Workload;

use super::fault::Noted;
use super::reader::Reader;
use super::setting::Section;
use super::token::{ISSUER, Token};
use crate::domain::foreign::rules::IssuerRules;
use crate::domain::foreign::shape::IssuerShape;
use crate::domain::foreign::{IssuerName, VerificationMethod};

pub(super) const SECTION: Section = Section {
    name: "login.issuer.*",
    doc: "A server whose tokens are accepted in place of a password. There can be any number of these sections. Choose `NAME` yourself, from lower-case letters, digits and underscores, such as `keycloak`.",
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
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its name, and the meaning of its claims. Either audiences or clients are named, except when tokens are
    /// verified by user info.
    pub rules: IssuerRules,
    /// The form of its tokens.
    pub shape: IssuerShape,
    /// How its tokens are verified.
    pub verification: VerificationMethod,
    /// The signatures that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// What the header `typ` may say: in lower case, without `application/`.
    pub types: Vec<String>,
    /// How this service authenticates to the issuer; always there when tokens are introspected.
    pub client: Option<ClientLogin>,
    /// Its addresses, and how it is asked.
    pub endpoints: IssuerEndpoints,
    /// The CI system whose jobs have these tokens. Then they act for robot accounts only.
    pub workload: Option<Workload>,
}

/// What can belong to one issuer only, each with the key by which it was taken.
struct Taken {
    urls: BTreeMap<String, String>,
    prefixes: Vec<(String, String)>,
    pattern: Option<String>,
}

impl Taken {
    /// Nothing yet but the name under which this service itself signs.
    fn new(own: Option<&Token>) -> Self {
        let own = own.map(|token| (token.issuer.clone(), ISSUER.name.to_owned()));
        Self { urls: own.into_iter().collect(), prefixes: Vec::new(), pattern: None }
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
    let ((url, endpoints), acceptance, accounts, robots) = (endpoints?, acceptance?, accounts?, robots?);
    let (web_tokens, opaque_tokens) = (web_tokens?, opaque_tokens?);
    let (name, issuer) = (IssuerName::new(name), Arc::<str>::from(url));
    Ok(Issuer {
        shape: IssuerShape {
            name: name.clone(),
            issuer: Arc::clone(&issuer),
            prefixes: opaque_tokens.prefixes,
            pattern: opaque_tokens.pattern,
        },
        rules: IssuerRules {
            name,
            issuer,
            audiences: acceptance.audiences,
            clients: acceptance.clients,
            without_expiry: web_tokens.without_expiry,
            scopes: accounts.scopes,
            subject_claim: accounts.subject_claim,
            name_claim: accounts.name_claim,
            email_claim: accounts.email_claim,
            create_accounts: accounts.are_created,
            robots: robots.rules,
            robot_scopes: robots.scopes,
        },
        verification: verification?,
        algorithms: web_tokens.algorithms,
        types: web_tokens.types,
        client: acceptance.client,
        endpoints,
        workload: robots.workload,
    })
}
