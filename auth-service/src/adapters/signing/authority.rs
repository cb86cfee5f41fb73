//! Our own CA: made once, used for nothing but the certificates of signing keys.

use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SerialNumber,
};
use time::OffsetDateTime;

use crate::domain::time::Timestamp;

use super::certificate::Certificate;
use super::error::KeyError;
use super::files;
use super::private_key::PrivateKey;
use super::public_key::{PublicKey, SigningAlgorithm};
use super::stored_chain::{Origin, StoredChain};

/// Ten years.
const AUTHORITY_LIFE: Duration = Duration::from_hours(24 * 3652);

/// Certificates start in the past, for registries whose clock is behind.
const BACKDATED: Duration = Duration::from_hours(24);

/// The top of every name constraint; RFC 2606 promises that nobody will ever own it.
const NAME_SPACE: &str = "registry-tokens.invalid";

/// How long a leaf lives: where `serve` renews it by itself, and where somebody must run a command.
const LIFE_IF_RENEWED: Duration = Duration::from_hours(24 * 7);
const LIFE_IF_ROTATED_BY_HAND: Duration = Duration::from_hours(24 * 90);

/// The CA, ready to sign.
pub(super) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    constraint: String,
    leaf_life: Duration,
}

impl Authority {
    /// A new CA and its private key, which the caller stores.
    pub(super) fn create(key_is_elsewhere: bool, now: Timestamp) -> Result<(Self, PrivateKey), KeyError> {
        let key = PrivateKey::generate(SigningAlgorithm::Es256)?;
        let name = files::random_hex::<8>()?;
        let constraint = format!("{name}.{NAME_SPACE}");
        let mut parameters = parameters(now.minus(BACKDATED), now.plus(AUTHORITY_LIFE))?;
        parameters.distinguished_name.push(DnType::CommonName, format!("Registry token CA {name}"));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // A DNS name, since a directory name here makes Go's verifier refuse every certificate.
        parameters.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(constraint)],
            excluded_subtrees: Vec::new(),
        });
        let certificate = parameters.self_signed(&key_pair(&key)?).map_err(failed)?;
        let certificate = Certificate::from_der(certificate.der()).ok_or_else(unreadable)?;
        Ok((Self::assemble(certificate, &key, key_is_elsewhere)?, key))
    }

    /// The CA from its two files.
    pub(super) fn open(certificate: &Path, key: &Path, key_is_elsewhere: bool) -> Result<Self, KeyError> {
        let private = PrivateKey::read(key)?;
        let mut certificates = Certificate::read_all(certificate)?;
        let authority = certificates.swap_remove(0);
        if authority.public.as_ref() != Some(private.public()) {
            return Err(KeyError::Unsuitable(format!(
                "{} is not the private key of the CA in {}: name the right one with `--ca-key`",
                key.display(),
                certificate.display()
            )));
        }
        Self::assemble(authority, &private, key_is_elsewhere)
    }

    fn assemble(
        certificate: Certificate,
        key: &PrivateKey,
        key_is_elsewhere: bool,
    ) -> Result<Self, KeyError> {
        let constraint = certificate.constraint.clone().filter(|name| name.ends_with(NAME_SPACE)).ok_or_else(|| {
            KeyError::Unsuitable(format!(
                "the CA must be one that `auth-service key init` made, constrained to names below {NAME_SPACE}: \
                 a CA that signs anything else as well would let its other certificates sign tokens"
            ))
        })?;
        let issuer =
            Issuer::from_ca_cert_der(&certificate.der.as_slice().into(), key_pair(key)?).map_err(failed)?;
        let leaf_life = if key_is_elsewhere { LIFE_IF_ROTATED_BY_HAND } else { LIFE_IF_RENEWED };
        Ok(Self { certificate, issuer, constraint, leaf_life })
    }

    pub(super) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// When a leaf that is issued now ends: never after the CA.
    pub(super) fn leaf_not_after(&self, now: Timestamp) -> Timestamp {
        now.plus(self.leaf_life).min(self.certificate.not_after)
    }

    /// A certificate for `public`, with the CA behind it.
    pub(super) fn issue(
        &self,
        public: &PublicKey,
        origin: Origin,
        now: Timestamp,
    ) -> Result<StoredChain, KeyError> {
        let not_after = self.leaf_not_after(now);
        if not_after <= now {
            return Err(KeyError::Unsuitable(format!(
                "the CA ended on {}: make a new one with `auth-service key init` in an empty directory, \
                 point keys.directory at it, and restart the registry with its bundle",
                self.certificate.not_after
            )));
        }
        if now < self.certificate.not_before {
            return Err(KeyError::Unsuitable(format!(
                "the CA is valid from {} only: set this machine's clock if it is wrong; else make a new CA with \
                 `auth-service key init` in an empty directory, point keys.directory at it, and restart the registry \
                 with its bundle",
                self.certificate.not_before
            )));
        }
        let mut parameters = parameters(now.minus(BACKDATED), not_after)?;
        parameters.distinguished_name.push(DnType::CommonName, "Registry token signer");
        let name = format!("signer.{}", self.constraint);
        parameters.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().map_err(failed)?)];
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        let leaf = parameters.signed_by(public, &self.issuer).map_err(failed)?;
        let leaf = Certificate::from_der(leaf.der()).ok_or_else(unreadable)?;
        StoredChain::new(origin, leaf, vec![self.certificate.clone()]).ok_or_else(unreadable)
    }
}

/// What CA and leaf have in common. The serial number is random: the default is taken from the key, and
/// an imported key gets several certificates.
fn parameters(not_before: Timestamp, not_after: Timestamp) -> Result<CertificateParams, KeyError> {
    let mut serial = files::random_bytes::<16>()?;
    // Positive, and of full length.
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = date(not_before)?;
    parameters.not_after = date(not_after)?;
    Ok(parameters)
}

fn date(time: Timestamp) -> Result<OffsetDateTime, KeyError> {
    OffsetDateTime::from_unix_timestamp(time.as_seconds()).map_err(|_| {
        KeyError::Unsuitable(format!("{time} does not fit into a certificate: set this machine's clock"))
    })
}

fn key_pair(key: &PrivateKey) -> Result<KeyPair, KeyError> {
    KeyPair::from_pkcs8_pem_and_sign_algo(&key.to_pem(), &rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is used as a function for map_err")]
fn failed(cause: rcgen::Error) -> KeyError {
    KeyError::Unsuitable(format!("the certificate could not be made: {cause}"))
}

fn unreadable() -> KeyError {
    KeyError::Unsuitable("the certificate that was just made could not be read".to_owned())
}
