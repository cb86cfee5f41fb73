//! Whose a web token says to be that is of no issuer here.

use std::fmt;

use super::shape::{is_encrypted_web_token, is_web_token, unverified_claims};

/// What a web token says about its issuer, as far as it can be shown. Nobody has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedIssuer(Option<Box<str>>);

impl ClaimedIssuer {
    /// The most of it that is shown.
    const LONGEST: usize = 100;

    /// The issuer of a secret that has the form of a web token, whoever signed it or for whom it was encrypted.
    #[must_use]
    pub fn of(secret: &str) -> Option<Self> {
        if !is_web_token(secret) && !is_encrypted_web_token(secret) {
            return None;
        }
        let claims = unverified_claims(secret);
        let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
        let is_shown = |issuer: &&str| {
            let may_be_in_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@%?&=+,".contains(&byte);
            (1..=Self::LONGEST).contains(&issuer.len()) && issuer.bytes().all(may_be_in_it)
        };
        Some(Self(issuer.filter(is_shown).map(Box::from)))
    }
}

impl fmt::Display for ClaimedIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(issuer) => write!(formatter, "no issuer '{issuer}' is configured here"),
            None => formatter.write_str("no issuer of this token is configured here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn web_token(payload: &str) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn of_a_claimed_issuer_only_what_is_short_and_plain_is_shown() {
        let shown = |payload: &str| ClaimedIssuer::of(&web_token(payload)).unwrap().to_string();
        let named = shown(r#"{"iss":"https://other.example.org/realms/main"}"#);
        assert_eq!(named, "no issuer 'https://other.example.org/realms/main' is configured here");
        let long = format!(r#"{{"iss":"{}"}}"#, "x".repeat(101));
        for payload in [
            r#"{"sub":"x"}"#,
            r#"{"iss":"a b"}"#,
            r#"{"iss":"a\u001b[31m"}"#,
            r#"{"iss":"a'b"}"#,
            r#"{"iss":""}"#,
            &long,
        ] {
            assert_eq!(shown(payload), "no issuer of this token is configured here", "{payload}");
        }
        assert_eq!(ClaimedIssuer::of("sesame"), None);
    }
}
