//! Asking an issuer whose a token is: for issuers that neither sign tokens which say all nor introspect them.

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, Request, StatusCode};
use url::Url;

use super::outgoing::{Outgoing, Reply};
use super::request_context::RequestContext;
use crate::domain::foreign::claims::ForeignClaims;
use crate::domain::foreign::rules::ForeignRefusal;
use crate::domain::foreign::shape::unverified_claims;
use crate::ports::foreign_tokens::ForeignFailure;

/// What the issuer says of the owner of a token. An issuer that knows a web token has read it, so that what the
/// token itself says besides (its scope, its end) is the issuer's word too. Whose it is, though, is for the answer
/// alone to say: one that names nobody, as some give for a token that they do not know, proves nothing.
pub(super) async fn user_info(
    url: &Url,
    token: &str,
    subject_claim: &str,
    outgoing: &Outgoing,
    request_context: RequestContext,
) -> Result<ForeignClaims, ForeignFailure> {
    let mut request = Request::new(Method::GET, url.clone());
    let mut bearer = format!("Bearer {token}")
        .parse::<reqwest::header::HeaderValue>()
        .map_err(|_| ForeignFailure::Refused(ForeignRefusal::NotGenuine))?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let read = |body: &[u8]| {
        ForeignClaims::read(body).ok_or_else(|| "its user-info endpoint answers no JSON object".to_owned())
    };
    match outgoing.send(request, request_context, read).await.map_err(ForeignFailure::Unreachable)? {
        Reply::Told(told) if !told.has(subject_claim) => {
            Err(ForeignFailure::Refused(ForeignRefusal::NoSubject))
        }
        Reply::Told(told) => Ok(told.completed_by(unverified_claims(token).unwrap_or_default())),
        // RFC 6750, section 3.1: malformed, not good, not good for this.
        Reply::Status(StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            Err(ForeignFailure::Refused(ForeignRefusal::Inactive))
        }
        Reply::Status(status, _) => {
            let cause = format!("its user-info endpoint answers with status {status}");
            Err(ForeignFailure::Unreachable(cause))
        }
    }
}
