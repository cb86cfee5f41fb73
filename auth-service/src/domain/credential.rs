//! Passwords, and the shapes that tell another kind of secret from them.

use std::fmt;

use zeroize::Zeroizing;

/// How every personal access token begins. Nothing of this shape can be set as a password, so that the kind
/// of a secret can be told from its shape alone.
pub const ACCESS_TOKEN_PREFIX: &str = "asp_";

/// A password as somebody typed it. It is wiped from memory when dropped and never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Wraps what was typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for hashing it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(hidden)")
    }
}

/// What came with a request to say who is asking.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    Anonymous,
    /// A user name, or an e-mail address, and a password.
    Password {
        /// What was typed as user name.
        name: String,
        /// What was typed as password.
        password: Password,
    },
}

/// A password that an account can have.
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Takes a password of at most `limit` bytes. Refuses what has the shape of a token: at login it would
    /// never be looked at as a password.
    pub fn parse(text: String, limit: usize) -> Result<Self, BadPassword> {
        if text.is_empty() {
            return Err(BadPassword::Empty);
        }
        if text.len() > limit {
            return Err(BadPassword::TooLong { limit });
        }
        if text.starts_with(ACCESS_TOKEN_PREFIX) || is_web_token(&text) {
            return Err(BadPassword::TokenShape);
        }
        Ok(Self(Password::new(text)))
    }

    /// The password itself.
    #[must_use]
    pub const fn password(&self) -> &Password {
        &self.0
    }
}

/// Why a text cannot be set as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// There is none.
    #[error("the password is empty; give one on standard input")]
    Empty,
    /// It could never be sent.
    #[error("the password is longer than {limit} bytes")]
    TooLong {
        /// The limit in force.
        limit: usize,
    },
    /// It looks like a token.
    #[error("a password cannot have the form of an access token")]
    TokenShape,
}

/// Whether `text` has the shape of a JSON Web Token: three parts of base64url, the first an object.
fn is_web_token(text: &str) -> bool {
    let url_safe =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && text.starts_with("ey") && parts.iter().all(|part| !part.is_empty() && url_safe(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_can_be_anything_but_empty_too_long_or_like_a_token() {
        assert!(NewPassword::parse("pass:wörd with spaces".to_owned(), 8192).is_ok());
        assert_eq!(NewPassword::parse(String::new(), 8192).unwrap_err(), BadPassword::Empty);
        assert_eq!(NewPassword::parse("x".repeat(9), 8).unwrap_err(), BadPassword::TooLong { limit: 8 });
        for token in ["asp_anything", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"] {
            assert_eq!(NewPassword::parse(token.to_owned(), 8192).unwrap_err(), BadPassword::TokenShape);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let credential =
            Credential::Password { name: "alice".to_owned(), password: Password::new("s3cret".to_owned()) };
        assert!(!format!("{credential:?}").contains("s3cret"));
    }
}
