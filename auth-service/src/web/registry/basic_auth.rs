//! The `Authorization` header of a token request (RFC 7617).

use actix_web::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::domain::credential::{Credential, Password};
use crate::domain::foreign::shape::TokenShapes;

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a header holds no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCredential {
    /// Another scheme than Basic.
    #[error("log in with user name and password (Basic); no other scheme is understood here")]
    Scheme,
    /// Not base64 of `user:password`.
    #[error("the Authorization header does not hold a user name and password as RFC 7617 has them")]
    Malformed,
    /// In another character set, such as Latin-1.
    #[error("user name and password are not in UTF-8; let the program send them in UTF-8 (RFC 7617)")]
    NotUtf8,
    /// Longer than any password.
    #[error("user name and password can have at most {limit} bytes each")]
    TooLong {
        /// The limit in force.
        limit: usize,
    },
}

/// The credential in a header; without one, or with an empty one, nobody's.
pub(super) fn from_basic(
    header: Option<&HeaderValue>,
    limit: usize,
    shapes: &TokenShapes,
) -> Result<Credential, BadCredential> {
    let Some(header) = header else { return Ok(Credential::Anonymous) };
    let text = header.to_str().map_err(|_| BadCredential::Malformed)?;
    let (scheme, encoded) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(BadCredential::Scheme);
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim()).map_err(|_| BadCredential::Malformed)?);
    let decoded = str::from_utf8(&decoded).map_err(|_| BadCredential::NotUtf8)?;
    if decoded.is_empty() {
        return Ok(Credential::Anonymous);
    }
    let (name, password) = decoded.split_once(':').ok_or(BadCredential::Malformed)?;
    checked(name.to_owned(), password.to_owned(), limit, shapes)
}

/// A user name and password as a credential; both empty are nobody's.
pub(super) fn checked(
    name: String,
    password: String,
    limit: usize,
    shapes: &TokenShapes,
) -> Result<Credential, BadCredential> {
    let password = Password::new(password);
    if name.len() > limit || password.expose().len() > limit {
        return Err(BadCredential::TooLong { limit });
    }
    Ok(Credential::of(name, password, shapes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Result<Credential, BadCredential> {
        from_basic(Some(&HeaderValue::from_str(header).unwrap()), 8192, &TokenShapes::default())
    }

    #[test]
    fn the_first_colon_ends_the_name_and_the_scheme_has_any_case() {
        let encoded = BASE64.encode("alice:pass:wörd");
        for header in [
            format!("Basic {encoded}"),
            format!("bAsIc   {encoded} "),
            format!("basic {}", encoded.trim_end_matches('=')),
        ] {
            let Ok(Credential::Password { name, password }) = read(&header) else { panic!("{header}") };
            assert_eq!((name.as_str(), password.expose()), ("alice", "pass:wörd"));
        }
    }

    #[test]
    fn nothing_and_an_empty_header_are_nobody() {
        assert!(matches!(from_basic(None, 8192, &TokenShapes::default()), Ok(Credential::Anonymous)));
        for header in ["Basic ", "Basic", &format!("Basic {}", BASE64.encode(":"))] {
            assert!(matches!(read(header), Ok(Credential::Anonymous)), "{header}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        assert_eq!(read("Bearer abc").unwrap_err(), BadCredential::Scheme);
        for header in ["Basic !!!", &format!("Basic {}", BASE64.encode("nocolon"))] {
            assert_eq!(read(header).unwrap_err(), BadCredential::Malformed, "{header}");
        }
        let latin_1 = format!("Basic {}", BASE64.encode(b"alice:p\xe4ss"));
        assert_eq!(read(&latin_1).unwrap_err(), BadCredential::NotUtf8);
        let long = format!("Basic {}", BASE64.encode(format!("a:{}", "x".repeat(8193))));
        assert_eq!(read(&long).unwrap_err(), BadCredential::TooLong { limit: 8192 });
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_and_what_is_sent_is_what_is_read(
            junk in prop::collection::vec(any::<u8>(), 0..60), name in "[^:]{1,20}", password in ".{1,20}",
        ) {
            if let Ok(header) = HeaderValue::from_bytes(&junk) {
                let _ = from_basic(Some(&header), 8192, &TokenShapes::default());
            }
            let sent = read(&format!("Basic {}", BASE64.encode(format!("{name}:{password}"))));
            let Ok(Credential::Password { name: read_name, password: read_password }) = sent else { panic!() };
            prop_assert_eq!((read_name.as_str(), read_password.expose()), (name.as_str(), password.as_str()));
        }
    }
}
