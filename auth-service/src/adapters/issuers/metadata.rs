//! What an issuer says of itself (OpenID Connect Discovery, RFC 8414): where its keys and endpoints are.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::IssuerOptions;
use super::outgoing::{Outgoing, Reply, require_safe};
use super::refreshed::{RefreshPolicy, Refreshed, Usability};
use super::request_context::Unreachable;
use crate::ports::system::Clock;

/// How long metadata is used before it is read again.
const FRESH_FOR: Duration = Duration::from_hours(1);

/// How long old metadata serves before reading it is tried again.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// How long a caller waits that can use old metadata, so that time is left for the token.
const LONGEST_REFRESH: Duration = Duration::from_secs(5);

/// An issuer's metadata.
#[derive(Debug)]
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
pub(super) struct MetadataCache(Refreshed<Metadata>);

impl MetadataCache {
    pub(super) async fn get(
        &self,
        options: &IssuerOptions,
        outgoing: &Outgoing,
        clock: &dyn Clock,
    ) -> Result<Arc<Metadata>, Unreachable> {
        let policy = RefreshPolicy {
            after_success: Duration::ZERO,
            after_failure_with_stale: RETRY_AFTER,
            after_failure: Duration::ZERO,
            longest_with_stale: options.timeout.min(LONGEST_REFRESH),
        };
        let usability = |_: &Metadata, age| if age < FRESH_FOR { Usability::Fresh } else { Usability::Stale };
        let metadata = self.0.get(clock, &policy, usability, || read(options, outgoing)).await?;
        metadata.ok_or_else(|| "its metadata could not be read a moment ago".to_owned())
    }
}

async fn read(options: &IssuerOptions, outgoing: &Outgoing) -> Result<Metadata, Unreachable> {
    let mut problem = String::new();
    for url in well_known(&options.identifier) {
        match outgoing.get(&url, |body| parse_metadata(options, body)).await? {
            Reply::Told(metadata) => return Ok(metadata),
            Reply::Status(status, _) => problem = format!("{url} is answered with status {status}"),
        }
    }
    Err(format!("it has no metadata: {problem}"))
}

/// `ISSUER/.well-known/openid-configuration` (OpenID Connect Discovery, section 4), then
/// `HOST/.well-known/oauth-authorization-server/PATH` (RFC 8414, section 3).
fn well_known(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let (mut openid, mut oauth) = (issuer.clone(), issuer.clone());
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    oauth.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [openid, oauth]
}

/// The document must be of this very issuer (RFC 8414, section 3.3), and its endpoints where tokens may be sent.
fn parse_metadata(options: &IssuerOptions, body: &[u8]) -> Result<Metadata, Unreachable> {
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
    use std::sync::Arc;

    use super::super::outgoing::Clients;
    use super::super::test_options;
    use super::super::tests::{Hands, Stub};
    use super::*;

    const HOURS: u64 = 3600;

    /// An issuer whose metadata was read once, long ago.
    async fn with_stale_metadata() -> (Stub, IssuerOptions, Outgoing, Arc<Hands>, MetadataCache) {
        let stub = Stub::start(|_| None).await;
        let document = format!(r#"{{"issuer":"{0}","jwks_uri":"{0}/keys"}}"#, stub.url);
        stub.change(move |_| Some((200, document.clone())));
        let options = IssuerOptions { timeout: Duration::from_millis(400), ..test_options(&stub.url) };
        let hands = Arc::new(Hands::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hands) as _;
        let outgoing = Outgoing::new(&Arc::new(Clients::default()), &clock, options.timeout);
        let cache = MetadataCache::default();
        assert!(cache.get(&options, &outgoing, &*hands).await.is_ok());
        hands.set(2 * HOURS);
        (stub, options, outgoing, hands, cache)
    }

    #[tokio::test]
    async fn kept_metadata_serves_while_one_reads_it_again_in_vain() {
        let (stub, options, outgoing, hands, cache) = with_stale_metadata().await;
        stub.change(|_| None);
        let get = || cache.get(&options, &outgoing, &*hands);
        let mut slow = Box::pin(get());
        tokio::select! {
            _ = &mut slow => panic!("nobody answers"),
            () = stub.wait_until_asked("/.well-known/", 2) => {}
        }
        let served = tokio::time::timeout(Duration::from_millis(100), get()).await;
        assert!(served.unwrap().unwrap().jwks.is_some(), "nobody waits for the one who reads");
        assert!(slow.await.unwrap().jwks.is_some(), "and who reads is served too");
    }

    #[tokio::test]
    async fn metadata_that_cannot_be_read_again_is_left_for_a_minute() {
        let (stub, options, outgoing, hands, cache) = with_stale_metadata().await;
        stub.change(|_| Some((500, String::new())));
        for (second, asked) in [(0, 3), (1, 3), (59, 3), (60, 5)] {
            hands.set(2 * HOURS + second);
            assert!(cache.get(&options, &outgoing, &*hands).await.is_ok());
            assert_eq!(stub.asked("/.well-known/"), asked, "after {second} s");
        }
        let document = format!(r#"{{"issuer":"{0}","jwks_uri":"{0}/new"}}"#, stub.url);
        stub.change(move |_| Some((200, document.clone())));
        hands.set(2 * HOURS + 120);
        let metadata = cache.get(&options, &outgoing, &*hands).await.unwrap();
        assert!(metadata.jwks.as_ref().unwrap().path().ends_with("/new"));
    }

    #[test]
    fn metadata_is_looked_for_where_the_specifications_say() {
        let of = |issuer: &str| well_known(&issuer.parse().unwrap()).map(String::from);
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
        let read = |json: &str| parse_metadata(&test_options("https://hub.example.org"), json.as_bytes());
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
