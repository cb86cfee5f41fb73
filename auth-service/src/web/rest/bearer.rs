//! The bearer token of a request (RFC 6750, section 2.1).

use actix_web::http::header::HeaderValue;

use super::answer::RestError;
use crate::domain::credential::{Credential, Password};
use crate::domain::foreign::shape::TokenShapes;

/// The credential in a header; without one, nobody's. What has the shape of no token is refused here: a password has
/// no business in this header, and is not tried.
pub(super) fn from_header(
    header: Option<&HeaderValue>,
    limit: usize,
    shapes: &TokenShapes,
) -> Result<Credential, RestError> {
    let Some(header) = header else { return Ok(Credential::Anonymous) };
    let text = header.to_str().map_err(|_| RestError::NoToken)?;
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > limit {
        return Err(RestError::NoToken);
    }
    match Credential::of(String::new(), Password::new(token.to_owned()), shapes) {
        Credential::Password { .. } | Credential::EmptyPassword | Credential::Anonymous => {
            Err(RestError::NoToken)
        }
        credential => Ok(credential),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service_token::{ServiceToken, ServiceTokenId, ServiceTokenKind};

    fn read(header: &str) -> Result<Credential, RestError> {
        from_header(Some(&HeaderValue::from_str(header).unwrap()), 200, &TokenShapes::default())
    }

    #[test]
    fn a_token_is_read_and_anything_else_is_not_tried() {
        let (token, _) = ServiceToken::compose(ServiceTokenKind::Personal, ServiceTokenId::new(1), &[7; 24]);
        for scheme in ["Bearer", "bearer ", "BEARER"] {
            let read = read(&format!("{scheme} {}", &*token));
            assert!(matches!(read, Ok(Credential::Token(_))), "{scheme}");
        }
        assert!(matches!(read("Bearer asp_nonsense"), Ok(Credential::Mistyped(_))));
        let long = format!("Bearer {}", "x".repeat(201));
        for header in ["", "Bearer", "Bearer ", "Bearer sesame", "Basic YTpi", &long] {
            assert!(matches!(read(header), Err(RestError::NoToken)), "{header}");
        }
        assert!(matches!(from_header(None, 200, &TokenShapes::default()), Ok(Credential::Anonymous)));
    }
}
