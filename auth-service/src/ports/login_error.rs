//! Why a login has failed.

use super::StorageError;
use crate::domain::foreign::IssuerName;
use crate::domain::login_rejection::LoginRejection;

/// Why a login has failed. Everybody who waits for the same check of a password gets the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// The credential is not accepted.
    Rejected(LoginRejection),
    /// Too many passwords are waiting to be checked.
    Busy,
    /// The issuer of the token does not answer.
    IssuerDown {
        /// The operator's name for it.
        issuer: IssuerName,
        /// What failed, for the log.
        cause: String,
    },
    /// Something that is needed does not work; what it is, for the log.
    Unavailable(String),
}

impl From<LoginRejection> for LoginError {
    fn from(rejection: LoginRejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<StorageError> for LoginError {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
