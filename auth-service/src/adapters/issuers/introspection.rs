//! Asking an issuer about a token (RFC 7662). The request is the `oauth2` crate's; of the answer it looks at `active`
//! alone, because issuers write times with fractions and scopes as lists, which it does not read.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use oauth2::basic::BasicClient;
use oauth2::{
    AccessToken, AsyncHttpClient, ClientId, ClientSecret, HttpRequest, HttpResponse, IntrospectionUrl,
    TokenIntrospectionResponse as _,
};
use reqwest::StatusCode;
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::outgoing::{Outgoing, Reply};
use super::request_context::{RequestContext, Unreachable};
use crate::domain::foreign::claims::ForeignClaims;

/// No answer that can be used; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(Unreachable);

/// What the issuer's introspection endpoint says of a token.
pub(super) async fn introspect(
    url: &Url,
    client: &(String, Zeroizing<String>),
    token: &str,
    outgoing: &Outgoing,
    request_context: RequestContext,
) -> Result<ForeignClaims, Unreachable> {
    let (id, secret) = client;
    let oauth = BasicClient::new(ClientId::new(id.clone()))
        .set_client_secret(ClientSecret::new(secret.to_string()))
        .set_introspection_url(IntrospectionUrl::from_url(url.clone()));
    let token = AccessToken::new(token.to_owned());
    let exchange = Exchange { outgoing, request_context, told: Mutex::default() };
    let request = oauth.introspect(&token).set_token_type_hint("access_token");
    let answer = request.request_async(&exchange).await.map_err(|error| match error {
        oauth2::RequestTokenError::Request(Failed(cause)) => cause,
        other => format!("its introspection endpoint answers what is no introspection: {other}"),
    })?;
    let told = exchange.told.into_inner().unwrap_or_else(PoisonError::into_inner);
    let agrees = |claims: &ForeignClaims| claims.get("active") == Some(&Value::Bool(answer.active()));
    told.filter(agrees).ok_or_else(|| "its introspection endpoint gave no answer that was kept".to_owned())
}

/// Sends the request, keeps the answer, and hands on the one member of it that the crate needs.
struct Exchange<'o> {
    outgoing: &'o Outgoing,
    request_context: RequestContext,
    told: Mutex<Option<ForeignClaims>>,
}

impl<'c> AsyncHttpClient<'c> for Exchange<'_> {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Exchange<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failed> {
        let request = request.try_into().map_err(|error: reqwest::Error| Failed(error.to_string()))?;
        let read = |body: &[u8]| {
            let told = ForeignClaims::read(body)
                .filter(|claims| claims.get("active").is_some_and(Value::is_boolean));
            told.ok_or_else(|| "its introspection endpoint answers what is no introspection".to_owned())
        };
        let claims = match self.outgoing.send(request, self.request_context, read).await.map_err(Failed)? {
            Reply::Told(claims) => claims,
            Reply::Status(StatusCode::BAD_REQUEST, body) if is_of_unsupported_type(&body) => {
                ForeignClaims::new(Map::from_iter([("active".to_owned(), Value::Bool(false))]))
            }
            Reply::Status(status, _) => {
                return Err(Failed(format!("its introspection endpoint answers with status {status}")));
            }
        };
        let active = serde_json::json!({ "active": claims.get("active") });
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(claims);
        oauth2::http::Response::builder()
            .status(200)
            .header("content-type", "application/json")
            .body(active.to_string().into_bytes())
            .map_err(|error| Failed(error.to_string()))
    }
}

/// Some issuers do not introspect their own web tokens, and say so in the words of revocation (RFC 7009, section
/// 2.2.1). That is a no for good, and not an issuer that cannot answer just now.
fn is_of_unsupported_type(body: &[u8]) -> bool {
    ForeignClaims::read(body)
        .is_some_and(|error| error.text("error").as_deref() == Some("unsupported_token_type"))
}
