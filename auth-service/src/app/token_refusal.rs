//! Why a token request gets no token.

use super::first_push::FirstPushError;
use super::give_tokens::GiveTokenError;
use crate::domain::reason::Refusal;
use crate::domain::scope::TooManyScopes;
use crate::ports::login_error::LoginError;

/// Why there is no token.
#[derive(Debug)]
pub enum TokenRefusal {
    /// The login has failed.
    Login(LoginError),
    /// There is no login, and no scope that could do without.
    NotLoggedIn(Refusal),
    /// The scopes are not granted.
    Denied(Refusal),
    /// The request names too many scopes.
    TooManyScopes(TooManyScopes),
    /// Something that is needed does not work; what it is, for the log.
    Unavailable(String),
}

impl From<LoginError> for TokenRefusal {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<FirstPushError> for TokenRefusal {
    fn from(error: FirstPushError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<GiveTokenError> for TokenRefusal {
    fn from(error: GiveTokenError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl TokenRefusal {
    /// What failed, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable(cause)
            | Self::Login(LoginError::IssuerDown { cause, .. } | LoginError::Unavailable(cause)) => {
                Some(cause)
            }
            _ => None,
        }
    }
}
