//! What there is: for `key list`, and for everybody as a JWK set.

use serde_json::{Value, json};

use crate::domain::time::Timestamp;

use super::certificate::Certificate;
use super::directory::KeyDirectory;
use super::error::KeyError;
use super::public_key::PublicKey;
use super::signing_key::SigningKey;
use super::stored_chain::{Origin, StoredChain};

/// What a key is for and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The CA that issues leaves.
    Ca,
    /// A signing key made here.
    Leaf,
    /// A signing key made elsewhere.
    Imported,
}

impl KeyKind {
    /// The word in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Leaf => "leaf",
            Self::Imported => "imported",
        }
    }
}

/// One line of `key list`.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// `ES256` or `RS256`.
    pub algorithm: &'static str,
    /// When its certificate begins.
    pub not_before: Timestamp,
    /// When its certificate ends.
    pub not_after: Timestamp,
    /// Whether tokens are signed with it now.
    pub active: bool,
    /// What it is.
    pub kind: KeyKind,
    /// When it stopped signing, if it once did.
    pub retired: Option<Timestamp>,
}

impl KeyEntry {
    pub(super) fn active(chain: &StoredChain) -> Result<Self, KeyError> {
        let kind = match chain.origin {
            Origin::Made => KeyKind::Leaf,
            Origin::Imported | Origin::Foreign => KeyKind::Imported,
        };
        let mut entry = Self::new(&chain.leaf, &chain.public, kind)?;
        entry.active = chain.retired.is_none();
        entry.retired = chain.retired;
        Ok(entry)
    }

    fn new(certificate: &Certificate, public: &PublicKey, kind: KeyKind) -> Result<Self, KeyError> {
        Ok(Self {
            kid: public.thumbprint()?,
            algorithm: public.algorithm().name(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            active: false,
            kind,
            retired: None,
        })
    }

    /// The object of `--json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "kid": self.kid,
            "algorithm": self.algorithm,
            "kind": self.kind.name(),
            "active": self.active,
            "not_before": self.not_before.to_string(),
            "not_after": self.not_after.to_string(),
            "retired": self.retired.map(|time| time.to_string()),
        })
    }
}

impl KeyDirectory {
    /// The active key, the CA, and former keys whose tokens may still be in use.
    pub fn list(&self, now: Timestamp) -> Result<Vec<KeyEntry>, KeyError> {
        let mut entries = vec![KeyEntry::active(&self.chain(&self.current_kid()?)?)?];
        let authority = self.authority_certificate_path();
        if authority.exists() {
            for certificate in Certificate::read_all(&authority)? {
                if let Some(public) = &certificate.public {
                    entries.push(KeyEntry::new(&certificate, public, KeyKind::Ca)?);
                }
            }
        }
        for chain in self.still_listed(now)? {
            entries.push(KeyEntry::active(&chain)?);
        }
        Ok(entries)
    }

    /// The JWK set with `active` first, and when it must be made anew because a former key leaves it.
    pub(super) fn key_set(
        &self,
        active: &SigningKey,
        now: Timestamp,
    ) -> Result<(String, Option<Timestamp>), KeyError> {
        let mut keys = vec![jwk(active.chain())?];
        let mut changes_at = None;
        for chain in self.still_listed(now)? {
            keys.push(jwk(&chain)?);
            changes_at = [changes_at, chain.listed_until()].into_iter().flatten().min();
        }
        Ok((json!({ "keys": keys }).to_string(), changes_at))
    }

    fn still_listed(&self, now: Timestamp) -> Result<Vec<StoredChain>, KeyError> {
        let mut chains = self.retired_chains()?;
        chains.retain(|chain| chain.listed_until().is_some_and(|until| now < until));
        Ok(chains)
    }
}

fn jwk(chain: &StoredChain) -> Result<Value, KeyError> {
    chain.public.to_jwk(&chain.public.thumbprint()?, &chain.x5c())
}
