//! Token introspection (RFC 7662).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request, StatusCode};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::outgoing::{Outgoing, Reply};
use super::request_context::{RequestContext, Unreachable};
use crate::domain::foreign::claims::ForeignClaims;

/// The answer of the issuer's introspection endpoint about a token.
pub(super) async fn introspect(
    url: &Url,
    client: &(String, Zeroizing<String>),
    token: &str,
    outgoing: &Outgoing,
    request_context: RequestContext,
) -> Result<ForeignClaims, Unreachable> {
    let form: String = Serializer::new(String::new())
        .append_pair("token", token)
        .append_pair("token_type_hint", "access_token")
        .finish();
    let mut request = Request::new(Method::POST, url.clone());
    request.headers_mut().insert(AUTHORIZATION, basic(client)?);
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form_type);
    *request.body_mut() = Some(Body::from(form));
    let read = |body: &[u8]| {
        let claims =
            ForeignClaims::read(body).filter(|claims| claims.get("active").is_some_and(Value::is_boolean));
        claims.ok_or_else(|| "its introspection endpoint answers what is no introspection".to_owned())
    };
    match outgoing.send(request, request_context, read).await? {
        Reply::Told(claims) => Ok(claims),
        Reply::Status(StatusCode::BAD_REQUEST, body) if is_of_unsupported_type(&body) => {
            Ok(ForeignClaims::new(Map::from_iter([("active".to_owned(), Value::Bool(false))])))
        }
        Reply::Status(status, _) => Err(format!("its introspection endpoint answers with status {status}")),
    }
}

/// Client id and secret are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic((id, secret): &(String, Zeroizing<String>)) -> Result<HeaderValue, Unreachable> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), *Zeroizing::new(encoded(secret))));
    let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(&*pair)))
        .map_err(|error| error.to_string())?;
    header.set_sensitive(true);
    Ok(header)
}

/// Some issuers do not introspect their own web tokens, and say so in the words of revocation (RFC 7009, section
/// 2.2.1). That is a final no, unlike an issuer that cannot answer just now.
fn is_of_unsupported_type(body: &[u8]) -> bool {
    ForeignClaims::read(body)
        .is_some_and(|error| error.text("error").as_deref() == Some("unsupported_token_type"))
}
