//! X.509 certificates: the few facts that matter here, taken out once.

use std::fmt;
use std::path::Path;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION};
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use crate::domain::time::Timestamp;

use super::error::KeyError;
use super::files;
use super::pem;
use super::public_key::PublicKey;

/// A certificate with its facts.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub der: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// `None` for a kind of key that cannot sign tokens; a CA in a chain may have one.
    pub public: Option<PublicKey>,
    /// Whether some verifier would accept another certificate because this one issued it. Those of before
    /// version 3 cannot say that they are no CA.
    pub can_issue: bool,
    /// The first DNS name that a CA is constrained to.
    pub constraint: Option<String>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({} to {})", self.not_before, self.not_after)
    }
}

impl Certificate {
    /// `None` for what is not exactly one certificate.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let parsed = parse(der)?;
        let validity = parsed.validity();
        Some(Self {
            der: der.to_vec(),
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
            public: public_key(parsed.public_key()),
            can_issue: can_issue(&parsed),
            constraint: constraint(&parsed),
        })
    }

    /// Reads all certificates of a PEM file; at least one.
    pub(super) fn read_all(path: &Path) -> Result<Vec<Self>, KeyError> {
        Self::all_from_pem(&files::read_public(path)?).ok_or_else(|| {
            KeyError::Unsuitable(format!("{} holds no readable certificate in PEM form", path.display()))
        })
    }

    /// All certificates of a PEM text, if there is at least one and each can be read.
    pub(super) fn all_from_pem(file: &[u8]) -> Option<Vec<Self>> {
        let blocks = pem::read(file)?;
        let certificates = blocks.iter().filter(|block| block.label == "CERTIFICATE");
        let certificates: Vec<Self> =
            certificates.map(|block| Self::from_der(&block.der)).collect::<Option<_>>()?;
        (!certificates.is_empty()).then_some(certificates)
    }

    pub(super) fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::write("CERTIFICATE", &self.der))
    }

    /// Whether the private key of `issuer` signed this certificate.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Some(own), Some(issuer)) = (parse(&self.der), parse(&issuer.der)) else { return false };
        own.issuer() == issuer.subject() && own.verify_signature(Some(issuer.public_key())).is_ok()
    }
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    rest.is_empty().then_some(parsed)
}

fn can_issue(certificate: &X509Certificate<'_>) -> bool {
    // What cannot be read could say so.
    let may_sign =
        certificate.key_usage().map_or(true, |usage| usage.is_some_and(|usage| usage.value.key_cert_sign()));
    certificate.is_ca() || may_sign || certificate.version() != X509Version::V3
}

fn public_key(info: &SubjectPublicKeyInfo<'_>) -> Option<PublicKey> {
    let kind = &info.algorithm.algorithm;
    if *kind == OID_PKCS1_RSAENCRYPTION {
        return PublicKey::from_pkcs1(&info.subject_public_key.data);
    }
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let on_p256 = *kind == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == OID_EC_P256;
    on_p256.then(|| PublicKey::from_point(&info.subject_public_key.data))?
}

fn constraint(certificate: &X509Certificate<'_>) -> Option<String> {
    let constraints = certificate.name_constraints().ok()??;
    constraints.value.permitted_subtrees.as_ref()?.iter().find_map(|subtree| match subtree.base {
        GeneralName::DNSName(name) => Some(name.to_owned()),
        _ => None,
    })
}
