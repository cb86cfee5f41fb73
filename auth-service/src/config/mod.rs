//! The configuration: built-in defaults, then a file, then the environment, parsed into typed settings. Only start-up
//! and the command line use it; other modules get the few values that they need.
//!
//! To add a setting: a `const` and a line of `SECTION` in the section's file, a field beside it, and one call in its
//! `read`. The documentation, the check for unknown keys and `config show` follow from that; `tests/configuration`
//! fails until the page is renewed. Where operators can have any number of sections of a kind, as with
//! `[login.issuer.NAME]`, the name in the table has a `*`, and `Reader::each` reads them all.

mod access;
mod database;
mod fault;
mod http;
mod issuer;
mod kind;
mod layer;
mod layers;
mod limits;
mod login;
mod name;
mod ops;
mod programs;
mod reader;
mod reference;
mod registry;
mod secret;
mod setting;
mod signing_keys;
mod token;
mod webhook;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

pub use database::{Database, DatabaseUrl};
pub use fault::{Fault, Faults};
pub use http::{Http, TlsFiles};
pub use issuer::{ClientLogin, Issuer, IssuerEndpoints, Workload};
pub use layers::Search;
pub use limits::Limits;
pub use login::Login;
pub use ops::Ops;
pub use programs::programs_named;
pub use reference::reference;
pub use registry::Registry;
pub use secret::Secret;
pub use signing_keys::Keys;
pub use token::Token;
pub use webhook::Webhook;

use fault::Noted;
use name::{member_of, of_member};
use reader::Reader;
use setting::{Described, Section};

use crate::domain::decision::AccessPolicy;

/// Every section with its keys, in the order of the documentation.
const SECTIONS: &[Section] = &[
    http::SECTION,
    ops::SECTION,
    database::SECTION,
    token::SECTION,
    signing_keys::SECTION,
    registry::SECTION,
    webhook::SECTION,
    access::SECTION,
    limits::SECTION,
    login::SECTION,
    issuer::SECTION,
];

fn known_keys() -> impl Iterator<Item = &'static dyn Described> {
    SECTIONS.iter().flat_map(|section| section.keys.iter().copied())
}

/// Every key under its whole name, in the order of the documentation: the keys of a family once for each of
/// the sections in `members` that belong to it.
fn keys_with(members: &BTreeSet<String>) -> Vec<(String, &'static dyn Described)> {
    let mut keys: Vec<(String, &'static dyn Described)> = Vec::new();
    for section in SECTIONS {
        if section.family().is_none() {
            keys.extend(section.keys.iter().map(|key| (key.name().to_owned(), *key)));
        }
        for member in members.iter().filter_map(|name| member_of(section.name, name)) {
            keys.extend(section.keys.iter().map(|key| (of_member(key.name(), member), *key)));
        }
    }
    keys
}

/// What the configuration is going to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A single command, which does without what only a running service needs.
    Command,
    /// To serve: what the service cannot start without must be there.
    Serve,
}

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The public listener.
    pub http: Http,
    /// The listener for the registry and for monitoring.
    pub ops: Ops,
    /// The database.
    pub database: Database,
    /// The tokens for the registry.
    pub token: Token,
    /// The signing keys.
    pub keys: Keys,
    /// The registry.
    pub registry: Registry,
    /// The registry's notifications.
    pub webhook: Webhook,
    /// Who may do what, beyond the permissions.
    pub access: AccessPolicy,
    /// The limits, all in one place.
    pub limits: Limits,
    /// Password logins.
    pub login: Login,
}

/// A configuration without faults, and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings themselves.
    pub settings: Settings,
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// Every key with its effective value and its origin, in the order of the documentation, secrets hidden.
    pub shown: Vec<Shown>,
}

/// One key as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `section.key`.
    pub key: String,
    /// The effective value, hidden if it is a secret; `None` if there is none.
    pub value: Option<String>,
    /// The file or the environment variable that set it, or `default`.
    pub origin: String,
}

impl Settings {
    /// Reads the configuration of this process. `named` is what `--config` gave.
    pub fn load_for_process(named: Option<PathBuf>, purpose: Purpose) -> Result<Loaded, Faults> {
        Self::load(&Search::new(named), std::env::vars_os(), purpose)
    }

    /// Reads the configuration, or tells everything that is wrong with it.
    pub fn load(
        search: &Search,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        purpose: Purpose,
    ) -> Result<Loaded, Faults> {
        let (mut reader, file) = Reader::new(layers::gather(search, environment));
        let settings = Self::read(&mut reader, purpose);
        let (faults, shown) = reader.finish();
        match settings {
            Ok(settings) if faults.is_empty() => Ok(Loaded { settings, file, shown }),
            _ => Err(Faults::new(faults)),
        }
    }

    fn read(reader: &mut Reader, purpose: Purpose) -> Result<Self, Noted> {
        // Each section is read before any is missed, so that all faults are found.
        let http = http::read(reader);
        let ops = ops::read(reader, http.as_ref().ok());
        let database = database::read(reader);
        let registry = registry::read(reader);
        let token = token::read(reader, http.as_ref().ok(), registry.as_ref().ok());
        let keys = signing_keys::read(reader);
        let webhook = webhook::read(reader, purpose);
        let access = access::read(reader);
        let limits = limits::read(reader);
        let login = login::read(reader, token.as_ref().ok());
        Ok(Self {
            http: http?,
            ops: ops?,
            database: database?,
            token: token?,
            keys: keys?,
            registry: registry?,
            webhook: webhook?,
            access: access?,
            limits: limits?,
            login: login?,
        })
    }
}
