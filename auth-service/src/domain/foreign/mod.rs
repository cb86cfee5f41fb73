//! Logins with tokens of other issuers: which token goes to which issuer, and what its claims mean here. That a
//! token is genuine is found out elsewhere; no claim is believed before.

pub mod claimed_issuer;
pub mod claims;
mod program;
pub mod robot;
pub mod rules;
pub mod shape;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::printable::is_printable;

/// The operator's name for an issuer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerName(Arc<str>);

impl IssuerName {
    /// Wraps a name from the configuration.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How the tokens of an issuer are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationMethod {
    /// By the issuer's keys.
    WebToken,
    /// By the issuer's keys; a token that names no scope is introspected as well.
    WebTokenAndIntrospection,
    /// By introspection (RFC 7662).
    Introspection,
    /// By asking the issuer's user-info endpoint.
    UserInfo,
}

/// Somebody as an issuer knows them: the issuer's identifier and its name for the one, letter by letter. An account
/// is linked to this and to nothing else; names and addresses are what people call themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignSubject {
    /// The issuer's identifier, as in the claim `iss`.
    pub issuer: Arc<str>,
    /// The issuer's name for the one.
    pub subject: Box<str>,
}

/// Longest name of a subject (OpenID Connect Core, section 2: 255 ASCII characters).
const SUBJECT_BYTES: usize = 255;

impl ForeignSubject {
    /// Takes a subject's name if it is one: 1 to 255 bytes, with nothing in them that cannot be seen in a list.
    #[must_use]
    pub fn new(issuer: &Arc<str>, subject: &str) -> Option<Self> {
        let fits = (1..=SUBJECT_BYTES).contains(&subject.len()) && subject.chars().all(is_printable);
        fits.then(|| Self { issuer: Arc::clone(issuer), subject: subject.into() })
    }
}

/// A token of another issuer, as somebody presented it. It is wiped from memory when dropped and never shown.
#[derive(Clone)]
pub struct ForeignToken {
    /// Whose it is, by its shape alone; no other issuer ever sees it.
    pub issuer: IssuerName,
    text: Zeroizing<String>,
}

impl ForeignToken {
    /// A token that belongs to `issuer` by its shape.
    #[must_use]
    pub fn new(issuer: IssuerName, text: &str) -> Self {
        Self { issuer, text: Zeroizing::new(text.to_owned()) }
    }

    /// The text, for verifying it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ForeignToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ForeignToken(of {}, hidden)", self.issuer)
    }
}
