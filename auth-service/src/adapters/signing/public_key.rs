//! Public keys as the three places want them: in a certificate, as a JWK, and as the name of the key.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

use super::error::KeyError;

/// How tokens are signed; both are accepted by every registry generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256: small and fast.
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256: for verifiers that know nothing else.
    Rs256,
}

impl SigningAlgorithm {
    /// The name in a JOSE header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Bytes of an uncompressed P-256 point: 0x04, X, Y.
const POINT_BYTES: usize = 65;
const COORDINATE_BYTES: usize = 32;

/// A public key, in the form that stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    algorithm: SigningAlgorithm,
    /// The `subjectPublicKey` bits: a point on P-256, or PKCS#1 DER.
    bits: Vec<u8>,
}

impl PublicKey {
    /// A point on P-256 in uncompressed form; `None` for any other form.
    pub(super) fn from_point(bits: &[u8]) -> Option<Self> {
        let uncompressed = bits.len() == POINT_BYTES && bits.first() == Some(&4);
        uncompressed.then(|| Self { algorithm: SigningAlgorithm::Es256, bits: bits.to_vec() })
    }

    /// An RSA key in PKCS#1 DER; `None` if it is none.
    pub(super) fn from_pkcs1(bits: &[u8]) -> Option<Self> {
        rsa::PublicKey::from_pkcs1_der(bits).ok()?;
        Some(Self { algorithm: SigningAlgorithm::Rs256, bits: bits.to_vec() })
    }

    pub(super) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Registry 3.1 drops leading zero bytes of EC coordinates before it computes a key's name, and then
    /// does not know the key by its right name. One key in 128 is like that.
    pub(super) fn has_short_coordinate(&self) -> bool {
        let (x, y) = self.coordinates();
        x.first() == Some(&0) || y.first() == Some(&0)
    }

    /// The RFC 7638 thumbprint, which names the key everywhere.
    pub(super) fn thumbprint(&self) -> Result<String, KeyError> {
        // RFC 7638: the required members only, sorted by name, without white space.
        let members = match self.algorithm {
            SigningAlgorithm::Es256 => {
                let (x, y) = self.coordinates();
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            SigningAlgorithm::Rs256 => {
                let (n, e) = self.modulus_and_exponent()?;
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        };
        Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes())))
    }

    /// The RFC 7517 document with the members that say what the key is for.
    pub(super) fn to_jwk(&self, kid: &str, x5c: &[String]) -> Result<Value, KeyError> {
        let mut jwk = json!({ "kid": kid, "use": "sig", "alg": self.algorithm.name(), "x5c": x5c });
        match self.algorithm {
            SigningAlgorithm::Es256 => {
                let (x, y) = self.coordinates();
                jwk["kty"] = "EC".into();
                jwk["crv"] = "P-256".into();
                jwk["x"] = URL_SAFE_NO_PAD.encode(x).into();
                jwk["y"] = URL_SAFE_NO_PAD.encode(y).into();
            }
            SigningAlgorithm::Rs256 => {
                let (n, e) = self.modulus_and_exponent()?;
                jwk["kty"] = "RSA".into();
                jwk["n"] = n.into();
                jwk["e"] = e.into();
            }
        }
        Ok(jwk)
    }

    /// X and Y; both empty for RSA.
    fn coordinates(&self) -> (&[u8], &[u8]) {
        match self.algorithm {
            SigningAlgorithm::Es256 => self.bits[1..].split_at(COORDINATE_BYTES),
            SigningAlgorithm::Rs256 => (&[], &[]),
        }
    }

    fn modulus_and_exponent(&self) -> Result<(String, String), KeyError> {
        let key = rsa::PublicKey::from_pkcs1_der(&self.bits)
            .map_err(|_| KeyError::Unsuitable("the RSA public key is damaged".to_owned()))?;
        Ok((URL_SAFE_NO_PAD.encode(key.n_bytes()), URL_SAFE_NO_PAD.encode(key.e_bytes())))
    }
}

impl rcgen::PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.algorithm {
            SigningAlgorithm::Es256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            SigningAlgorithm::Rs256 => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_with_a_zero_in_front_of_a_coordinate_is_noticed() {
        let mut point = [7; POINT_BYTES];
        point[0] = 4;
        assert!(!PublicKey::from_point(&point).unwrap().has_short_coordinate());
        for first_byte_of_coordinate in [1, 1 + COORDINATE_BYTES] {
            let mut short = point;
            short[first_byte_of_coordinate] = 0;
            assert!(PublicKey::from_point(&short).unwrap().has_short_coordinate());
        }
    }

    #[test]
    fn the_name_is_the_thumbprint_that_another_library_computes() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
            let public = crate::adapters::signing::tests::a_key(algorithm).public().clone();
            let kid = public.thumbprint().unwrap();
            let jwk: jsonwebtoken::jwk::Jwk =
                serde_json::from_value(public.to_jwk(&kid, &[]).unwrap()).unwrap();
            assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), kid);
        }
    }
}
