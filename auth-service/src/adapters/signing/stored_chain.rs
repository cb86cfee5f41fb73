//! A chain of certificates as it lies in `leaf/` and `retired/`: header lines, then PEM. Whatever reads
//! only the PEM (openssl, a registry) skips the header.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::time::Timestamp;

use super::certificate::Certificate;
use super::error::KeyError;
use super::files::{self, Access};
use super::public_key::PublicKey;

/// How long a former key stays in the key set: the longest life of a token, and a day for verifiers that
/// keep the set.
const LISTED_AFTER_RETIREMENT: Duration = Duration::from_hours(25);

/// Where a key and its certificate come from, which decides how they are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Both made here: renewed by a new key.
    Made,
    /// Key imported, certificate by our CA: renewed by a new certificate for the same key.
    Imported,
    /// Both imported: renewed by another import. The certificate itself is in the bundle.
    Foreign,
}

impl Origin {
    const ALL: [Self; 3] = [Self::Made, Self::Imported, Self::Foreign];

    const fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Imported => "imported",
            Self::Foreign => "foreign",
        }
    }
}

/// The certificates that go with one key.
#[derive(Clone, Debug)]
pub(super) struct StoredChain {
    pub origin: Origin,
    /// When the key stopped signing; `None` while it signs.
    pub retired: Option<Timestamp>,
    pub leaf: Certificate,
    /// What is sent in `x5c` after the leaf.
    pub others: Vec<Certificate>,
    pub public: PublicKey,
}

impl StoredChain {
    /// `None` if the leaf's key cannot sign tokens.
    pub(super) fn new(origin: Origin, leaf: Certificate, others: Vec<Certificate>) -> Option<Self> {
        let public = leaf.public.clone()?;
        Some(Self { origin, retired: None, leaf, others, public })
    }

    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        Self::from_text(&files::read_public(path)?).ok_or_else(|| {
            KeyError::Unsuitable(format!("{} is damaged: run `auth-service key rotate`", path.display()))
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), KeyError> {
        files::write(path, self.to_text().as_bytes(), Access::Public)
    }

    /// The values of `x5c`: standard base64 of DER, not base64url.
    pub(super) fn x5c(&self) -> Vec<String> {
        self.certificates().map(|certificate| STANDARD.encode(&certificate.der)).collect()
    }

    /// When the CA above the leaf ends, if it is ours.
    pub(super) fn authority_not_after(&self) -> Option<Timestamp> {
        match self.origin {
            Origin::Foreign => None,
            Origin::Made | Origin::Imported => self.others.last().map(|authority| authority.not_after),
        }
    }

    /// When registries begin to accept it: a CA above it of ours must be valid too.
    pub(super) fn not_before(&self) -> Timestamp {
        let authority = match self.origin {
            Origin::Foreign => None,
            Origin::Made | Origin::Imported => self.others.last().map(|authority| authority.not_before),
        };
        authority.map_or(self.leaf.not_before, |not_before| not_before.max(self.leaf.not_before))
    }

    /// When a former key leaves the key set.
    pub(super) fn listed_until(&self) -> Option<Timestamp> {
        self.retired.map(|retired| retired.plus(LISTED_AFTER_RETIREMENT))
    }

    fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.leaf).chain(&self.others)
    }

    fn to_text(&self) -> String {
        let mut text = format!("Origin: {}\n", self.origin.name());
        if let Some(retired) = self.retired {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "Retired: {retired}");
        }
        text.extend(self.certificates().map(Certificate::to_pem));
        text
    }

    fn from_text(file: &[u8]) -> Option<Self> {
        let text = str::from_utf8(file).ok()?;
        let header = |name| {
            text.lines().take_while(|line| !line.starts_with('-')).find_map(|line| line.strip_prefix(name))
        };
        let origin = header("Origin: ")?;
        let origin = Origin::ALL.into_iter().find(|known| known.name() == origin)?;
        let retired = match header("Retired: ") {
            Some(time) => Some(Timestamp::parse_rfc3339(time)?),
            None => None,
        };
        let mut certificates = Certificate::all_from_pem(file)?.into_iter();
        let mut chain = Self::new(origin, certificates.next()?, certificates.collect())?;
        chain.retired = retired;
        Some(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::signing::tests::{START, a_chain};

    #[test]
    fn what_is_written_is_read_again() {
        let mut chain = a_chain();
        chain.retired = Some(START);
        let read = StoredChain::from_text(chain.to_text().as_bytes()).unwrap();
        assert_eq!(read.to_text(), chain.to_text());
        assert_eq!((read.origin, read.retired), (Origin::Made, Some(START)));
    }

    #[test]
    fn a_chain_without_its_origin_or_with_an_unreadable_time_is_refused() {
        let text = a_chain().to_text();
        assert!(StoredChain::from_text(text.replace("made", "found").as_bytes()).is_none());
        assert!(StoredChain::from_text(format!("Retired: soon\n{text}").as_bytes()).is_none());
        assert!(StoredChain::from_text(b"Origin: made\n").is_none());
    }
}
