//! What a secret is, by its shape alone. A password must never be sent to anybody, so that only what has the shape
//! of an issuer's tokens, and of no password that can be set, goes there.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::claims::ForeignClaims;
use super::{ForeignToken, IssuerName};

/// What the tokens of one issuer look like.
#[derive(Clone, Debug)]
pub struct IssuerShape {
    /// The operator's name for it.
    pub name: IssuerName,
    /// Its identifier: the claim `iss` of its web tokens.
    pub issuer: Arc<str>,
    /// What its opaque tokens begin with.
    pub prefixes: Vec<String>,
    /// What its opaque tokens look like from end to end.
    pub pattern: Option<Regex>,
}

/// What the tokens of all issuers look like.
#[derive(Clone, Debug, Default)]
pub struct TokenShapes(Vec<IssuerShape>);

/// Which shapes opaque tokens have, in a number: another one, almost surely, for other shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapesDigest(i64);

impl ShapesDigest {
    /// That of no shape at all.
    pub const NONE: Self = Self(0);

    /// The digest that was stored as this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number, as it is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl TokenShapes {
    /// The shapes of these issuers. No two have overlapping prefixes, and at most one has a pattern.
    #[must_use]
    pub const fn new(issuers: Vec<IssuerShape>) -> Self {
        Self(issuers)
    }

    /// The secret as a token, if it has the shape of one. A web token goes by its issuer, and nowhere else.
    #[must_use]
    pub fn read(&self, secret: &str) -> Option<ForeignToken> {
        if self.0.is_empty() {
            return None;
        }
        let issuer = match unverified_claims(secret) {
            Some(claims) => {
                let issuer = claims.get("iss")?.as_str()?;
                self.0.iter().find(|shape| *shape.issuer == *issuer)?
            }
            None => self.opaque(secret)?,
        };
        Some(ForeignToken::new(issuer.name.clone(), secret))
    }

    /// The shapes of opaque tokens. Web tokens are left out: no password ever had their form.
    #[must_use]
    pub fn digest(&self) -> ShapesDigest {
        let prefixes =
            self.0.iter().flat_map(|shape| &shape.prefixes).map(|prefix| format!("prefix {prefix}"));
        let patterns = self.0.iter().filter_map(|shape| Some(format!("pattern {}", shape.pattern.as_ref()?)));
        let mut shapes: Vec<String> = prefixes.chain(patterns).collect();
        if shapes.is_empty() {
            return ShapesDigest::NONE;
        }
        shapes.sort_unstable();
        let mut digest = Sha256::new();
        for shape in shapes {
            digest.update(shape.len().to_be_bytes());
            digest.update(shape);
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest.finalize()[..8]);
        // Never the number of none, and never below it.
        ShapesDigest(i64::from_be_bytes(bytes) & i64::MAX | 1)
    }

    /// Whether a text begins like the tokens of an issuer, though it may be none: somebody's token with a slip in it.
    #[must_use]
    pub fn begins_like_a_token(&self, text: &str) -> bool {
        self.0.iter().any(|shape| shape.has_prefix_of(text))
    }

    /// The issuer of an opaque token: a prefix goes before the one pattern. Nothing is sent out that cannot be a bearer
    /// token, because issuers fail over such texts, and anyone could open the circuit to them. Text that matches the
    /// pattern may hold a few more characters.
    fn opaque(&self, secret: &str) -> Option<&IssuerShape> {
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let matches =
            |shape: &IssuerShape| shape.pattern.as_ref().is_some_and(|pattern| pattern.is_match(secret));
        match self.0.iter().find(|shape| shape.has_prefix_of(secret)) {
            Some(shape) => (is_bearer_token(secret) || matches(shape)).then_some(shape),
            None => self.0.iter().find(|shape| matches(shape)),
        }
    }
}

impl IssuerShape {
    fn has_prefix_of(&self, text: &str) -> bool {
        self.prefixes.iter().any(|prefix| text.starts_with(prefix))
    }
}

/// Whether a text can be a bearer token (RFC 6750, section 2.1: `b64token`).
#[must_use]
pub fn is_bearer_token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    !unpadded.is_empty() && unpadded.bytes().all(is_token_character)
}

/// Whether a bearer token can have the character anywhere (RFC 6750, section 2.1).
#[must_use]
pub const fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// Whether a text has the form of a web token (RFC 7519): three parts of base64url, the first of which can be an
/// object.
#[must_use]
pub fn is_web_token(text: &str) -> bool {
    let mut parts = 0;
    is_base64url_in_parts(text)
        && text.split('.').all(|part| {
            parts += 1;
            !part.is_empty() || parts == 3
        })
        && parts == 3
        && (text.starts_with("ey") || begins_with_an_object(text))
}

/// Whether a text has the form of an encrypted web token (RFC 7516, section 7.1): five parts of base64url, the first of
/// which is an object. Of the others, some can be empty.
#[must_use]
pub fn is_encrypted_web_token(text: &str) -> bool {
    is_base64url_in_parts(text) && text.split('.').count() == 5 && begins_with_an_object(text)
}

fn is_base64url_in_parts(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn begins_with_an_object(text: &str) -> bool {
    let header = text.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    header.is_some_and(|header| ForeignClaims::read(&header).is_some())
}

/// The claims of a web token as they stand there, believed by nobody.
#[must_use]
pub fn unverified_claims(token: &str) -> Option<ForeignClaims> {
    if !is_web_token(token) {
        return None;
    }
    let payload = token.split('.').nth(1)?;
    ForeignClaims::read(&URL_SAFE_NO_PAD.decode(payload).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> TokenShapes {
        let shape = |name: &str, prefixes: &[&str], pattern: Option<&str>| IssuerShape {
            name: IssuerName::new(name),
            issuer: format!("https://{name}.example.org").into(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            pattern: pattern.map(|pattern| Regex::new(pattern).unwrap()),
        };
        TokenShapes::new(vec![
            shape("hub", &["hub_"], None),
            shape("any", &[], Some(r"\A(?-u:[A-Za-z0-9_-]{43})\z")),
        ])
    }

    fn web_token(payload: &str) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn issuer_of(secret: &str) -> Option<String> {
        shapes().read(secret).map(|token| token.issuer.to_string())
    }

    #[test]
    fn a_web_token_goes_to_its_issuer_and_nowhere_else() {
        assert_eq!(issuer_of(&web_token(r#"{"iss":"https://hub.example.org"}"#)).as_deref(), Some("hub"));
        for other in [
            r#"{"iss":"https://hub.example.org/"}"#,
            r#"{"iss":"https://other.example.org"}"#,
            r#"{"iss":["https://hub.example.org"]}"#,
            r#"{"sub":"x"}"#,
            r#"{"iss":"https://other.example.org","iss":"https://hub.example.org"}"#,
        ] {
            assert_eq!(issuer_of(&web_token(other)), None, "{other}");
        }
    }

    #[test]
    fn an_opaque_token_goes_by_its_prefix_or_its_whole_form() {
        assert_eq!(issuer_of("hub_x").as_deref(), Some("hub"));
        assert_eq!(issuer_of(&"a".repeat(43)).as_deref(), Some("any"));
        for password in
            ["", "hub", "sesame", &"a".repeat(42), &"a".repeat(44), &format!("{}!", "a".repeat(42))]
        {
            assert_eq!(issuer_of(password), None, "{password}");
        }
        assert!(TokenShapes::default().read("hub_x").is_none());
    }

    #[test]
    fn what_cannot_be_a_bearer_token_is_none_whatever_it_begins_with() {
        for token in ["hub_", "hub_aZ09-._~+/", "hub_YQ=="] {
            assert_eq!(issuer_of(token).as_deref(), Some("hub"), "{token}");
        }
        for other in [
            "hub_\0",
            "hub_a b",
            "hub_a\n",
            "hub_\u{e4}",
            "hub_a=b",
            "hub_{}",
            "hub_\"",
            "hub_%00",
            "hub_\u{202e}",
        ] {
            assert_eq!(issuer_of(other), None, "{other:?}");
            assert!(shapes().begins_like_a_token(other), "{other:?}");
        }
        let lenient = TokenShapes::new(vec![IssuerShape {
            name: IssuerName::new("bars"),
            issuer: "https://bars.example.org".into(),
            prefixes: Vec::new(),
            pattern: Some(Regex::new(r"\A(?-u:[\x00-\x7f]{20})\z").unwrap()),
        }]);
        assert!(lenient.read("12|45678901234567890").is_some(), "as the operator describes it");
        assert!(lenient.read("12\x0045678901234567890").is_none(), "and yet nothing that breaks a line");
    }

    #[test]
    fn the_form_of_a_web_token_is_three_parts() {
        assert!(is_web_token("eyJh.eyJz.c2ln"));
        assert!(is_web_token("eyJh.eyJz."), "as one without a signature is");
        assert!(is_web_token("ewogImFsZyI6ICJFUzI1NiIKfQ.eyJz.c2ln"), "and one whose header has lines");
        for other in
            ["eyJh.eyJz", "eyJh.eyJz.c2ln.x", "eyJh..c2ln", "xyJh.eyJz.c2ln", "eyJh.eyJz.c2 n", "eyJh"]
        {
            assert!(!is_web_token(other), "{other}");
        }
    }

    #[test]
    fn the_form_of_an_encrypted_web_token_is_five_parts() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
        assert!(is_encrypted_web_token(&format!("{header}..aXY.dGV4dA.dGFn")));
        assert!(is_encrypted_web_token(&format!("{header}.a2V5.aXY.dGV4dA.dGFn")));
        for other in
            ["eyes.are.blue.and.red", &format!("{header}.a.b.c"), &format!("{header}.a.b.c.d.e"), "...."]
        {
            assert!(!is_encrypted_web_token(other), "{other}");
        }
    }

    #[test]
    fn other_shapes_of_opaque_tokens_have_another_digest() {
        let shape = |issuer: &str, prefixes: &[&str], pattern: Option<&str>| IssuerShape {
            name: IssuerName::new(issuer),
            issuer: format!("https://{issuer}.example.org").into(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            pattern: pattern.map(|pattern| Regex::new(pattern).unwrap()),
        };
        let digest = |shapes: Vec<IssuerShape>| TokenShapes::new(shapes).digest();
        let one = digest(vec![shape("a", &["hub_"], None)]);
        assert_eq!(digest(vec![shape("b", &["hub_"], None), shape("web", &[], None)]), one);
        for others in [
            vec![],
            vec![shape("a", &["hub_", "hob_"], None)],
            vec![shape("a", &["hub_"], Some("[a-z]{43}"))],
            vec![shape("a", &[], Some("hub_"))],
        ] {
            assert_ne!(digest(others), one);
        }
        assert_eq!(digest(vec![shape("web", &[], None)]), ShapesDigest::NONE);
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = shapes().read("hub_s3cret").unwrap();
        assert_eq!(format!("{token:?}"), "ForeignToken(of hub, hidden)");
    }
}
