//! The signers that are compared: the service's own, whose key stays parsed, and one that is handed a PEM text
//! for each token.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use auth_service::adapters::signing::{KeyDirectory, KeyWatch};
use auth_service::adapters::system::SystemClock;
use auth_service::ports::signer::Signer as _;
use auth_service::ports::system::Clock as _;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

use crate::compare::{Rounds, median};
use crate::load::{count, since};

/// How tokens are signed.
pub(crate) enum Signing {
    /// As the service does it.
    Kept(KeyWatch),
    /// With a key that is read for each token; the header is the one that the service's tokens have.
    Parsed { pem: Vec<u8>, header: Box<Header> },
}

impl Signing {
    /// The service's signer, or one that reads the RSA key in the file `parse` for each token.
    pub(crate) fn open(keys: &Path, parse: Option<&Path>) -> anyhow::Result<Self> {
        let kept = KeyWatch::open(KeyDirectory::new(keys), SystemClock.now())?;
        Ok(match parse {
            None => Self::Kept(kept),
            Some(file) => Self::Parsed {
                header: Box::new(jsonwebtoken::decode_header(kept.sign(b"{}")?)?),
                pem: std::fs::read(file).with_context(|| file.display().to_string())?,
            },
        })
    }

    /// A token.
    pub(crate) fn token(&self, claims: &impl Serialize) -> anyhow::Result<String> {
        Ok(match self {
            Self::Kept(keys) => keys.sign(&serde_json::to_vec(claims)?)?,
            Self::Parsed { pem, header } => {
                jsonwebtoken::encode(header, claims, &EncodingKey::from_rsa_pem(pem)?)?
            }
        })
    }

    /// Tokens in a second, one after the other.
    fn rate(&self, turn: Duration) -> anyhow::Result<f64> {
        let claims = serde_json::json!({"iss": "registry.example.org", "sub": "3500000", "access": []});
        let began = SystemClock.elapsed();
        let mut signed = 0;
        while since(began) < turn {
            self.token(&claims)?;
            signed += 1;
        }
        Ok(count(signed) / since(began).as_secs_f64())
    }
}

/// The file with the active key of a folder.
pub(crate) fn private_key_file(keys: &Path) -> anyhow::Result<PathBuf> {
    let kid = std::fs::read_to_string(keys.join("current"))?;
    Ok(keys.join("leaf").join(format!("{}.key", kid.trim())))
}

/// Two signers on one thread, without a server around them.
pub(crate) struct Signers {
    /// Tokens in a second with the key parsed for each.
    pub(crate) parsed: f64,
    /// Tokens in a second with the key kept.
    pub(crate) kept: f64,
    /// The median, over pairs of neighbouring turns, of the second as a multiple of the first.
    pub(crate) ratio: f64,
}

/// Measures both in turns.
pub(crate) fn compare_signers(keys: &Path, file: &Path, rounds: Rounds) -> anyhow::Result<Signers> {
    let (parsed, kept) = (Signing::open(keys, Some(file))?, Signing::open(keys, None)?);
    let (mut slow, mut fast, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        let (one, other) = (parsed.rate(rounds.turn)?, kept.rate(rounds.turn)?);
        slow.push(one);
        fast.push(other);
        ratios.push(other / one);
    }
    Ok(Signers { parsed: median(&slow), kept: median(&fast), ratio: median(&ratios) })
}
