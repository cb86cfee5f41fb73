//! What an issuer says of itself (OpenID Connect Discovery, RFC 8414): where its keys and endpoints are.

use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::IssuerOptions;
use super::outgoing::{Outgoing, Reply, Unreachable, require_safe};
use crate::ports::system::Clock;

/// How long metadata is used before it is read again.
const FRESH_FOR: Duration = Duration::from_hours(1);

/// An issuer's metadata.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata {
    pub(super) jwks: Option<Url>,
    pub(super) introspection: Option<Url>,
    pub(super) userinfo: Option<Url>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: Option<Url>,
    introspection_endpoint: Option<Url>,
    userinfo_endpoint: Option<Url>,
}

/// Metadata as it was last read.
#[derive(Default)]
pub(super) struct MetadataCache(Mutex<Option<(Duration, Metadata)>>);

impl MetadataCache {
    /// The metadata; what was read before serves while the issuer does not answer.
    pub(super) async fn get(
        &self,
        options: &IssuerOptions,
        outgoing: &Outgoing,
        clock: &dyn Clock,
    ) -> Result<Metadata, Unreachable> {
        let mut kept = self.0.lock().await;
        if let Some((at, metadata)) = &*kept
            && clock.elapsed().saturating_sub(*at) < FRESH_FOR
        {
            return Ok(metadata.clone());
        }
        match (read(options, outgoing).await, &*kept) {
            (Ok(metadata), _) => {
                *kept = Some((clock.elapsed(), metadata.clone()));
                Ok(metadata)
            }
            (Err(_), Some((_, metadata))) => Ok(metadata.clone()),
            (Err(error), None) => Err(error),
        }
    }
}

async fn read(options: &IssuerOptions, outgoing: &Outgoing) -> Result<Metadata, Unreachable> {
    let mut problem = String::new();
    for url in places(&options.identifier) {
        match outgoing.get(&url, |body| understand(options, body)).await? {
            Reply::Told(metadata) => return Ok(metadata),
            Reply::Status(status, _) => problem = format!("{url} is answered with status {status}"),
        }
    }
    Err(format!("it has no metadata: {problem}"))
}

/// `ISSUER/.well-known/openid-configuration` (OpenID Connect Discovery, section 4), then
/// `HOST/.well-known/oauth-authorization-server/PATH` (RFC 8414, section 3).
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let (mut openid, mut oauth) = (issuer.clone(), issuer.clone());
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    oauth.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [openid, oauth]
}

/// The document must be of this very issuer (RFC 8414, section 3.3), and its endpoints where tokens may be sent.
fn understand(options: &IssuerOptions, body: &[u8]) -> Result<Metadata, Unreachable> {
    let document: Document =
        serde_json::from_slice(body).map_err(|error| format!("its metadata cannot be read: {error}"))?;
    if *document.issuer != *options.issuer {
        return Err("its metadata is that of another issuer".to_owned());
    }
    let own = options.identifier.origin().ascii_serialization();
    for url in [&document.jwks_uri, &document.introspection_endpoint, &document.userinfo_endpoint]
        .into_iter()
        .flatten()
    {
        require_safe(url)?;
        let origin = url.origin().ascii_serialization();
        if origin != own && !options.trusted_origins.contains(&origin) {
            return Err(format!(
                "its metadata names an endpoint on {origin}, which is not in login.issuer.{}.trusted_hosts",
                options.name
            ));
        }
    }
    Ok(Metadata {
        jwks: document.jwks_uri,
        introspection: document.introspection_endpoint,
        userinfo: document.userinfo_endpoint,
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_options;
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_the_specifications_say() {
        let of = |issuer: &str| places(&issuer.parse().unwrap()).map(String::from);
        assert_eq!(
            of("https://hub.example.org"),
            [
                "https://hub.example.org/.well-known/openid-configuration",
                "https://hub.example.org/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(
            of("https://hub.example.org/realms/x/"),
            [
                "https://hub.example.org/realms/x/.well-known/openid-configuration",
                "https://hub.example.org/.well-known/oauth-authorization-server/realms/x",
            ]
        );
    }

    #[test]
    fn metadata_of_somebody_else_or_with_endpoints_elsewhere_is_refused() {
        let read = |json: &str| understand(&test_options("https://hub.example.org"), json.as_bytes());
        let good = r#"{"issuer":"https://hub.example.org","jwks_uri":"https://keys.example.org/jwks"}"#;
        assert_eq!(read(good).unwrap().jwks.unwrap().as_str(), "https://keys.example.org/jwks");
        for bad in [
            r#"{"issuer":"https://hub.example.org/","jwks_uri":"https://hub.example.org/jwks"}"#,
            r#"{"issuer":"https://hub.example.org","jwks_uri":"https://evil.example.org/jwks"}"#,
            r#"{"issuer":"https://hub.example.org","jwks_uri":"http://hub.example.org/jwks"}"#,
            r#"{"issuer":"https://hub.example.org","introspection_endpoint":"https://hub.example.org:444/x"}"#,
            r#"{"jwks_uri":"https://hub.example.org/jwks"}"#,
            "<html>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
