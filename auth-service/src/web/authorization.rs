//! The one `Authorization` header that a request can have (RFC 9110, section 5.3).

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};

/// There are several, and a proxy may have looked at another one than this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has more than one Authorization header; send one")]
pub(super) struct SeveralHeaders;

/// The header, if there is one.
pub(super) fn only_header(request: &HttpRequest) -> Result<Option<&HeaderValue>, SeveralHeaders> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next();
    if headers.next().is_some() { Err(SeveralHeaders) } else { Ok(header) }
}
