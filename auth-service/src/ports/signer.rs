//! What the service asks of its signing keys: a signature, and whether registries still accept it.

use std::fmt;
use std::sync::Arc;

use crate::domain::time::Timestamp;

/// Signs registry tokens.
pub trait Signer: Send + Sync {
    /// The compact JWS over `claims`, which must already be JSON. It does not look at the certificate's
    /// dates: ask [`Signer::condition`] before the first signature of a request.
    fn sign(&self, claims: &[u8]) -> Result<String, SignError>;

    /// Whether a token signed now would be accepted.
    fn condition(&self, now: Timestamp) -> KeyCondition;

    /// The public keys as a JWK set (RFC 7517): the active one first, then those whose tokens may still
    /// be in use.
    fn jwks(&self) -> Arc<str>;
}

/// The cryptographic library refused to sign, which happens only when it is out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SignError;

/// What the dates of the signing certificate mean for a token signed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCondition {
    /// Registries accept it.
    Usable {
        /// When that ends.
        not_after: Timestamp,
    },
    /// Registries accept it, but less than a quarter of its life is left.
    ExpiresSoon {
        /// When that ends.
        not_after: Timestamp,
    },
    /// Its time is over: registries refuse every token signed with it.
    Expired {
        /// When it ended.
        not_after: Timestamp,
    },
    /// Its time has not begun: this machine's clock is wrong, or that of the machine that made it was.
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
    },
}

impl KeyCondition {
    /// Whether tokens may be signed.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Usable { .. } | Self::ExpiresSoon { .. })
    }
}

impl fmt::Display for KeyCondition {
    /// A sentence for an operator, without the full stop.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usable { not_after } => {
                write!(formatter, "the signing certificate is valid until {not_after}")
            }
            Self::ExpiresSoon { not_after } => {
                write!(
                    formatter,
                    "the signing certificate ends soon, on {not_after}: run `auth-service key rotate`"
                )
            }
            Self::Expired { not_after } => {
                write!(
                    formatter,
                    "the signing certificate ended on {not_after}: run `auth-service key rotate`"
                )
            }
            Self::NotYetValid { not_before } => write!(
                formatter,
                "the signing certificate is valid from {not_before} only: set this machine's clock if it is wrong, else run \
                 `auth-service key rotate`"
            ),
        }
    }
}
