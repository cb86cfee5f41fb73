//! Passwords, and the shapes that tell another kind of secret from them.

use std::fmt;

use zeroize::Zeroizing;

use super::foreign::ForeignToken;
use super::foreign::claimed_issuer::ClaimedIssuer;
use super::foreign::shape::{ShapesDigest, TokenShapes};
use super::service_token::{Mistyped, ServiceToken, ServiceTokenKind};

/// A password as somebody typed it. It is wiped from memory when dropped and never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Wraps what was typed.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text of an opaque token, which may be a password that was set before tokens had this form.
    #[must_use]
    pub fn of_token(token: &ForeignToken) -> Self {
        Self::new(token.expose().to_owned())
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
    /// A token of this service; what was typed as user name is not looked at.
    Token(ServiceToken),
    /// Something that begins like a token of this service and is none.
    Mistyped(Mistyped),
    /// A token of another issuer.
    Foreign {
        /// The token.
        token: ForeignToken,
        /// What was typed as user name, if the token is opaque: the text may be a password that was set before there
        /// was an issuer with such tokens. Else it is not looked at.
        password_of: Option<String>,
    },
    /// A web token of an issuer that is not configured. It is no password, since none can have its form.
    UnknownIssuer(ClaimedIssuer),
    /// A user name without a password: what programs send that read docker's file and do not know identity tokens.
    EmptyPassword,
}

impl Credential {
    /// What a user name and a secret are, by the shape of the secret alone: both empty are nobody's.
    #[must_use]
    pub fn of(name: String, secret: Password, shapes: &TokenShapes) -> Self {
        match ServiceToken::read(secret.expose()) {
            Some(Ok(token)) => return Self::Token(token),
            Some(Err(mistyped)) => return Self::Mistyped(mistyped),
            None => {}
        }
        if let Some(token) = shapes.read(secret.expose()) {
            let is_opaque = ClaimedIssuer::of(secret.expose()).is_none();
            return Self::Foreign {
                token,
                password_of: Some(name).filter(|name| is_opaque && !name.is_empty()),
            };
        }
        if let Some(issuer) = ClaimedIssuer::of(secret.expose()) {
            return Self::UnknownIssuer(issuer);
        }
        match (name.is_empty(), secret.expose().is_empty()) {
            (true, true) => Self::Anonymous,
            (false, true) => Self::EmptyPassword,
            (_, false) => Self::Password { name, password: secret },
        }
    }
}

/// A password that an account can have.
#[derive(Clone, Debug)]
pub struct NewPassword {
    password: Password,
    shapes: ShapesDigest,
}

impl NewPassword {
    /// Takes a password of at most `limit` bytes. Refuses what has the shape of a token: at login it would
    /// never be looked at as a password. What only begins like one is a token that was copied badly.
    pub fn parse(text: String, limit: usize, shapes: &TokenShapes) -> Result<Self, BadPassword> {
        if text.is_empty() {
            return Err(BadPassword::Empty);
        }
        if text.len() > limit {
            return Err(BadPassword::TooLong { limit });
        }
        let is_of_issuer = shapes.read(&text).is_some() || shapes.begins_like_a_token(&text);
        let is_web_token = ClaimedIssuer::of(&text).is_some();
        if ServiceTokenKind::of(&text).is_some() || is_web_token || is_of_issuer {
            return Err(BadPassword::TokenShape);
        }
        Ok(Self { password: Password::new(text), shapes: shapes.digest() })
    }

    /// The password itself.
    #[must_use]
    pub const fn password(&self) -> &Password {
        &self.password
    }

    /// The shapes of tokens that it does not have.
    #[must_use]
    pub const fn shapes(&self) -> ShapesDigest {
        self.shapes
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

#[cfg(test)]
mod tests {
    use super::super::foreign::IssuerName;
    use super::super::foreign::shape::IssuerShape;
    use super::super::service_token::ServiceTokenId;
    use super::*;

    fn new_password(text: &str, limit: usize) -> Result<NewPassword, BadPassword> {
        NewPassword::parse(text.to_owned(), limit, &shapes())
    }

    /// An issuer whose tokens begin with `hub_`.
    fn shapes() -> TokenShapes {
        TokenShapes::new(vec![IssuerShape {
            name: IssuerName::new("hub"),
            issuer: "https://hub.example.org".into(),
            prefixes: vec!["hub_".to_owned()],
            pattern: None,
        }])
    }

    #[test]
    fn a_password_can_be_anything_but_empty_too_long_or_like_a_token() {
        assert!(new_password("pass:wörd with spaces", 8192).is_ok());
        assert_eq!(new_password("", 8192).unwrap_err(), BadPassword::Empty);
        assert_eq!(new_password("xxxxxxxxx", 8).unwrap_err(), BadPassword::TooLong { limit: 8 });
        for token in [
            "asp_anything",
            "asi_1",
            "ass_x",
            "hub_x",
            "hub_x y",
            "hub_\0",
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn",
        ] {
            assert_eq!(new_password(token, 8192).unwrap_err(), BadPassword::TokenShape);
        }
    }

    #[test]
    fn the_shape_of_a_secret_tells_what_it_is_whatever_the_name() {
        let (token, _) = ServiceToken::compose(ServiceTokenKind::Personal, ServiceTokenId::new(1), &[5; 24]);
        let of = |name: &str, secret: &str| {
            Credential::of(name.to_owned(), Password::new(secret.to_owned()), &shapes())
        };
        for name in ["", "alice", "token"] {
            assert!(matches!(of(name, &token), Credential::Token(_)));
            assert!(matches!(of(name, &token[..20]), Credential::Mistyped(_)));
            assert!(matches!(of(name, "hub_token"), Credential::Foreign { .. }));
            for no_token in ["hub_\0", "hub_to ken", "hub_token\n"] {
                assert!(matches!(of(name, no_token), Credential::Password { .. }));
            }
            for token in ["eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", "eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn"]
            {
                assert!(matches!(of(name, token), Credential::UnknownIssuer(_)));
            }
            assert!(matches!(of(name, "sesame"), Credential::Password { .. }));
        }
        assert!(matches!(of("", ""), Credential::Anonymous));
        assert!(matches!(of("alice", ""), Credential::EmptyPassword));
    }

    #[test]
    fn a_password_is_not_shown() {
        let credential =
            Credential::Password { name: "alice".to_owned(), password: Password::new("s3cret".to_owned()) };
        assert!(!format!("{credential:?}").contains("s3cret"));
    }
}
