//! One private key with its certificate, parsed once and kept for signing.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::domain::time::Timestamp;
use crate::ports::signer::{KeyCondition, SignError};

use super::error::KeyError;
use super::private_key::{ParsedPair, PrivateKey};
use super::public_key::SigningAlgorithm;
use super::stored_chain::StoredChain;

/// An RSA signature is as long as the modulus, of which 8192 bits are the most.
const MAX_SIGNATURE_BYTES: usize = 1024;
const ES256_SIGNATURE_BYTES: usize = 64;

/// A key that signs registry tokens.
pub struct SigningKey {
    pair: ParsedPair,
    kid: String,
    /// The JOSE header in base64url with the dot behind it: the same for every token.
    header: String,
    /// Characters of a signature with the dot before it.
    signature_chars: usize,
    chain: StoredChain,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({} {})", self.algorithm(), self.kid)
    }
}

impl SigningKey {
    /// Puts key and certificate together, and proves with a token that they belong to each other.
    pub(super) fn new(private: PrivateKey, chain: StoredChain) -> Result<Self, KeyError> {
        let kid = chain.public.thumbprint()?;
        let algorithm = chain.public.algorithm();
        let header = json!({ "alg": algorithm.name(), "typ": "JWT", "kid": kid, "x5c": chain.x5c() });
        let header = URL_SAFE_NO_PAD.encode(header.to_string()) + ".";
        let pair = private.into_pair();
        let signature_bytes = match &pair {
            ParsedPair::Es256(_) => ES256_SIGNATURE_BYTES,
            ParsedPair::Rs256(pair) => pair.public_modulus_len(),
        };
        let key = Self { pair, kid, header, signature_chars: 1 + encoded_chars(signature_bytes), chain };
        if key.passes_probe()? {
            return Ok(key);
        }
        Err(KeyError::Unsuitable(format!(
            "the private key of {} does not match its certificate: import or rotate again",
            key.kid
        )))
    }

    /// The compact JWS over `claims`, which must be JSON.
    pub fn sign(&self, claims: &[u8]) -> Result<String, SignError> {
        let mut token =
            String::with_capacity(self.header.len() + encoded_chars(claims.len()) + self.signature_chars);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let random = SystemRandom::new();
        match &self.pair {
            ParsedPair::Es256(pair) => {
                let signature = pair.sign(&random, token.as_bytes()).map_err(|_| SignError)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
            }
            ParsedPair::Rs256(pair) => {
                let mut buffer = [0; MAX_SIGNATURE_BYTES];
                let signature = buffer.get_mut(..pair.public_modulus_len()).ok_or(SignError)?;
                pair.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), signature).map_err(|_| SignError)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
        }
        Ok(token)
    }

    /// The RFC 7638 thumbprint that names the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.chain.public.algorithm()
    }

    /// What its certificate's dates mean for a token signed now.
    #[must_use]
    pub fn condition(&self, now: Timestamp) -> KeyCondition {
        let (not_before, not_after) = (self.chain.not_before(), self.chain.leaf.not_after);
        let quarter = not_after.since(self.chain.leaf.not_before) / 4;
        if now < not_before {
            KeyCondition::NotYetValid { not_before }
        } else if now >= not_after {
            KeyCondition::Expired { not_after }
        } else if not_after.since(now) < quarter {
            KeyCondition::ExpiresSoon { not_after }
        } else {
            KeyCondition::Usable { not_after }
        }
    }

    pub(super) const fn chain(&self) -> &StoredChain {
        &self.chain
    }

    /// Signs a token and has another library verify it against the certificate's public key.
    fn passes_probe(&self) -> Result<bool, KeyError> {
        let Ok(token) = self.sign(b"{}") else { return Ok(false) };
        let jwk = self.chain.public.to_jwk(&self.kid, &[])?;
        let verified = serde_json::from_value::<Jwk>(jwk)
            .ok()
            .and_then(|jwk| DecodingKey::from_jwk(&jwk).ok())
            .is_some_and(|key| jsonwebtoken::decode::<Value>(&token, &key, &self.probe_rules()).is_ok());
        Ok(verified)
    }

    fn probe_rules(&self) -> Validation {
        let mut rules = Validation::new(match self.algorithm() {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        });
        // The probe has no claims; only its signature is of interest.
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules
    }
}

/// Characters of unpadded base64.
const fn encoded_chars(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::signing::tests::{START, a_chain_for, a_key};
    use std::time::Duration;

    fn signing_key(algorithm: SigningAlgorithm) -> SigningKey {
        let key = a_key(algorithm);
        let chain = a_chain_for(&key);
        SigningKey::new(key, chain).unwrap()
    }

    #[test]
    fn a_token_is_one_allocation_of_exactly_its_length() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
            let token = signing_key(algorithm).sign(br#"{"sub":"7"}"#).unwrap();
            assert_eq!(token.len(), token.capacity());
        }
    }

    #[test]
    fn the_header_names_key_and_chain() {
        let key = signing_key(SigningAlgorithm::Es256);
        let header = jsonwebtoken::decode_header(key.sign(b"{}").unwrap()).unwrap();
        assert_eq!(header.typ.as_deref(), Some("JWT"));
        assert_eq!(header.kid.as_deref(), Some(key.kid()));
        assert_eq!(header.x5c.unwrap(), key.chain().x5c());
    }

    #[test]
    fn a_key_that_does_not_match_its_certificate_is_refused() {
        let chain = a_chain_for(&a_key(SigningAlgorithm::Es256));
        let sentence = SigningKey::new(a_key(SigningAlgorithm::Es256), chain).unwrap_err().to_string();
        assert!(sentence.contains("does not match"), "{sentence}");
    }

    #[test]
    fn the_condition_follows_the_certificates_dates() {
        let key = signing_key(SigningAlgorithm::Es256);
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        // A leaf of seven days that began a day ago: a quarter of its life is two days.
        let not_after = START.plus(hours(7 * 24));
        let not_before = START.minus(hours(24));
        assert_eq!(key.condition(START.minus(hours(25))), KeyCondition::NotYetValid { not_before });
        assert_eq!(key.condition(START), KeyCondition::Usable { not_after });
        assert_eq!(key.condition(START.plus(hours(5 * 24 + 1))), KeyCondition::ExpiresSoon { not_after });
        assert_eq!(key.condition(not_after), KeyCondition::Expired { not_after });
        assert!(!key.condition(not_after).is_usable());
    }

    #[test]
    fn a_debug_print_shows_no_key() {
        let key = signing_key(SigningAlgorithm::Es256);
        assert_eq!(format!("{key:?}"), format!("SigningKey(ES256 {})", key.kid()));
    }
}
