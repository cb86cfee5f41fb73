//! Private keys: making them, and reading the forms that other programs write.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair};
use rand::rngs::SysRng;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, ObjectIdentifier, PrivateKeyInfoRef};
use rsa::traits::PublicKeyParts;
use zeroize::Zeroizing;

use super::error::KeyError;
use super::files::{self, Access};
use super::pem;
use super::public_key::{PublicKey, SigningAlgorithm};

const RSA_BITS: usize = 2048;
const RSA_BITS_ACCEPTED: std::ops::RangeInclusive<u32> = 2048..=8192;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A checked private key: its PKCS#8 form, and the parsed form that signs.
pub(super) struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
    pair: ParsedPair,
}

/// What the cryptographic library signs with; kept, since parsing an RSA key costs more than signing.
pub(super) enum ParsedPair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateKey({})", self.public.algorithm())
    }
}

impl PrivateKey {
    /// A fresh key. RSA takes up to some seconds.
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        let failed = || KeyError::Unsuitable(format!("no {algorithm} key could be made: try again"));
        match algorithm {
            SigningAlgorithm::Es256 => loop {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed())?;
                let key = Self::from_ec_pair(pair).ok_or_else(failed)?;
                if !key.public.has_short_coordinate() {
                    return Ok(key);
                }
            },
            SigningAlgorithm::Rs256 => {
                let key = rsa::PrivateKey::new(&mut SysRng, RSA_BITS).map_err(|_| failed())?;
                Self::from_rsa(&key).ok_or_else(failed)
            }
        }
    }

    /// Reads a PEM file in PKCS#8, PKCS#1 or SEC1 form.
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let file = files::read_private(path)?;
        Self::from_pem(&file).map_err(|reason| KeyError::Unsuitable(format!("{} {reason}", path.display())))
    }

    /// Writes it as PKCS#8 PEM that only the owner can read.
    pub(super) fn write(&self, path: &Path) -> Result<(), KeyError> {
        files::write(path, self.to_pem().as_bytes(), Access::Private)
    }

    pub(super) fn to_pem(&self) -> Zeroizing<String> {
        pem::write("PRIVATE KEY", &self.pkcs8)
    }

    pub(super) const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn into_pair(self) -> ParsedPair {
        self.pair
    }

    /// The error continues a sentence that begins with the file's name.
    fn from_pem(file: &[u8]) -> Result<Self, String> {
        let blocks = pem::read(file).ok_or("is damaged: a PEM block is cut off or is not base64")?;
        let found: Vec<&str> = blocks.iter().map(|block| block.label.as_str()).collect();
        let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
        let (Some(block), None) = (keys.next(), keys.next()) else {
            return Err(format!(
                "must hold exactly one private key in PEM form, but holds {}",
                if found.is_empty() { "no PEM block".to_owned() } else { found.join(", ") }
            ));
        };
        if block.encrypted {
            return Err("is encrypted: write it without a passphrase, \
                        `openssl pkey -in FILE -out PLAIN.pem`, and import that"
                .to_owned());
        }
        let key = match block.label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(&block.der)?,
            "RSA PRIVATE KEY" => Self::from_checked_rsa(rsa::PrivateKey::from_pkcs1_der(&block.der).ok())?,
            "EC PRIVATE KEY" => Self::from_ec_der(&block.der)?,
            other => {
                return Err(format!(
                    "is of the unknown kind `{other}`: convert it with `openssl pkey -in FILE -out PKCS8.pem`"
                ));
            }
        };
        if key.public.has_short_coordinate() {
            return Err("has a coordinate that starts with a zero byte, for which registry 3.1 computes \
                        a wrong key id: use another key"
                .to_owned());
        }
        Ok(key)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, String> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| "is no PKCS#8 key inside".to_owned())?;
        match info.algorithm.oid {
            EC_PUBLIC_KEY => Self::from_ec_der(der),
            RSA_ENCRYPTION => Self::from_checked_rsa(rsa::PrivateKey::from_pkcs8_der(der).ok()),
            other => Err(format!("has the key type {other}: only RSA and EC P-256 keys can sign here")),
        }
    }

    /// PKCS#8 or SEC1, both DER.
    fn from_ec_der(der: &[u8]) -> Result<Self, String> {
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .ok()
            .and_then(Self::from_ec_pair)
            .ok_or_else(|| {
                "is damaged or on another curve: only P-256 (prime256v1) works for ES256".to_owned()
            })
    }

    fn from_ec_pair(pair: EcdsaKeyPair) -> Option<Self> {
        let pkcs8: aws_lc_rs::pkcs8::Document = pair.to_pkcs8v1().ok()?;
        let public = PublicKey::from_point(pair.public_key().as_ref())?;
        Some(Self { pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()), public, pair: ParsedPair::Es256(pair) })
    }

    fn from_checked_rsa(key: Option<rsa::PrivateKey>) -> Result<Self, String> {
        let damaged = || "is a damaged RSA key, or one with more than two primes or 8192 bits".to_owned();
        let key = key.ok_or_else(damaged)?;
        let bits = key.n().as_ref().bit_width();
        if !RSA_BITS_ACCEPTED.contains(&bits) {
            return Err(format!("is an RSA key of {bits} bits: 2048 to 8192 are accepted"));
        }
        key.validate().map_err(|_| damaged())?;
        Self::from_rsa(&key).ok_or_else(damaged)
    }

    fn from_rsa(key: &rsa::PrivateKey) -> Option<Self> {
        let pkcs8 = Zeroizing::new(key.to_pkcs8_der().ok()?.as_bytes().to_vec());
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).ok()?;
        let public = PublicKey::from_pkcs1(pair.public_key().as_ref())?;
        Some(Self { pkcs8, public, pair: ParsedPair::Rs256(pair) })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
    use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
    use rsa::pkcs1::EncodeRsaPrivateKey;

    use super::*;

    fn sentence(pem: &str) -> String {
        PrivateKey::from_pem(pem.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_ec_key_is_the_same_in_pkcs8_and_in_sec1_behind_its_parameters() {
        let key = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        let ParsedPair::Es256(pair) = PrivateKey::from_pem(key.to_pem().as_bytes()).unwrap().into_pair()
        else {
            panic!("not EC")
        };
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        let parameters = pem::write("EC PARAMETERS", b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let file = format!("{}{}", *parameters, *pem::write("EC PRIVATE KEY", sec1.as_ref()));
        assert!(PrivateKey::from_pem(file.as_bytes()).unwrap().public() == key.public());
    }

    #[test]
    fn an_rsa_key_is_the_same_in_pkcs8_and_in_pkcs1() {
        let key = rsa::PrivateKey::new(&mut SysRng, RSA_BITS).unwrap();
        let pkcs1 = pem::write("RSA PRIVATE KEY", key.to_pkcs1_der().unwrap().as_bytes());
        let pkcs8 = pem::write("PRIVATE KEY", key.to_pkcs8_der().unwrap().as_bytes());
        let read = PrivateKey::from_pem(pkcs1.as_bytes()).unwrap();
        assert!(read.public() == PrivateKey::from_pem(pkcs8.as_bytes()).unwrap().public());
        assert_eq!(*read.to_pem(), *pkcs8);
    }

    #[test]
    fn keys_that_cannot_sign_are_refused_with_the_reason() {
        let small = rsa::PrivateKey::new(&mut SysRng, 1024).unwrap();
        let small = pem::write("RSA PRIVATE KEY", small.to_pkcs1_der().unwrap().as_bytes());
        assert!(sentence(&small).contains("1024 bits"));

        let other_curve = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let other_curve = pem::write("PRIVATE KEY", other_curve.to_pkcs8v1().unwrap().as_ref());
        assert!(sentence(&other_curve).contains("P-256"));

        let edwards = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        assert!(sentence(&edwards).contains("1.3.101.112"));
    }

    #[test]
    fn files_that_are_no_plain_key_are_refused_with_the_reason() {
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(sentence(encrypted).contains("encrypted"));
        assert!(sentence(&pem::write("CERTIFICATE", b"1")).contains("holds CERTIFICATE"));
        assert!(sentence(&pem::write("OPENSSH PRIVATE KEY", b"1")).contains("OPENSSH PRIVATE KEY"));
        assert!(sentence(&pem::write("PRIVATE KEY", b"1")).contains("PKCS#8"));
        assert!(sentence("hello").contains("no PEM block"));
        assert!(sentence("-----BEGIN PRIVATE KEY-----\nAAAA\n").contains("damaged"));
        let key = PrivateKey::generate(SigningAlgorithm::Es256).unwrap().to_pem();
        assert!(sentence(&format!("{}{}", *key, *key)).contains("exactly one"));
    }

    #[test]
    fn an_rsa_key_with_a_wrong_part_is_refused() {
        let key = rsa::PrivateKey::new(&mut SysRng, RSA_BITS).unwrap();
        let mut der = key.to_pkcs1_der().unwrap().as_bytes().to_vec();
        // Inside the private exponent: version, modulus and public exponent take the first 280 bytes.
        der[400] ^= 1;
        assert!(sentence(&pem::write("RSA PRIVATE KEY", &der)).contains("damaged"));
    }

    #[test]
    fn a_debug_print_shows_no_key() {
        let key = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(ES256)");
    }
}
