//! Asking the registry over its own API, with a token that this service signs for itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

use crate::adapters::http_responses::{error_chain, read_bounded};
use crate::domain::claims::{GrantedAccess, TokenTerms};
use crate::domain::repository::RepositoryName;
use crate::ports::registry::{CataloguePage, Holding, RegistryContents, RegistryUnreachable};
use crate::ports::signer::Signer;
use crate::ports::system::{Clock, Identifiers};

/// How long the registry may take to answer while a client waits. Docker gives up on a token after 15 s.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to look one name up in its catalogue.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// For how long that is not tried again when it was too long.
const SPARED_FOR: Duration = Duration::from_mins(10);
/// How long one page of the catalogue may take: a registry walks its whole store for it.
const CATALOGUE_TIMEOUT: Duration = Duration::from_mins(2);
/// Names in one page of the catalogue; registries refuse more than they are configured for, and 1000 is the
/// number that other clients ask for (`docs/PROTOCOL.md`).
const PAGE: usize = 1000;
/// Most bytes of one answer.
const MOST_BYTES: usize = 4 << 20;

/// A client of the registry.
pub struct RegistryClient {
    url: Url,
    terms: TokenTerms,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    identifiers: Box<dyn Identifiers>,
    /// Made when it is first needed: making it reads the system's certificates, which a service that starts
    /// has no time for and a small container image may not have.
    client: OnceLock<Client>,
    /// Until when names are not looked up in the catalogue, in milliseconds of `Clock::elapsed`.
    catalogue_slow_until: AtomicU64,
}

#[derive(Deserialize)]
struct Catalogue {
    repositories: Option<Vec<String>>,
}

impl RegistryClient {
    /// A client of the registry at `url`, which ends in a slash.
    #[must_use]
    pub fn new(
        url: Url,
        terms: TokenTerms,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        identifiers: Box<dyn Identifiers>,
    ) -> Self {
        Self {
            url,
            terms,
            signer,
            clock,
            identifiers,
            client: OnceLock::new(),
            catalogue_slow_until: AtomicU64::new(0),
        }
    }

    fn client(&self) -> Result<&Client, RegistryUnreachable> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // A proxy from the environment is for the outside, and a redirect could carry the token there.
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| unreachable(&error))?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn get(
        &self,
        path: &str,
        access: GrantedAccess<'_>,
        timeout: Duration,
    ) -> Result<Response, RegistryUnreachable> {
        let identifier = self.identifiers.next();
        let claims = self.terms.claims(None, vec![access], self.clock.now(), &identifier);
        let claims = serde_json::to_vec(&claims).map_err(|error| RegistryUnreachable(error.to_string()))?;
        let token = self.signer.sign(&claims).map_err(|error| RegistryUnreachable(error.to_string()))?;
        let url = self.url.join(path).map_err(|error| RegistryUnreachable(error.to_string()))?;
        self.client()?
            .get(url)
            .bearer_auth(token)
            .timeout(timeout)
            .send()
            .await
            .map_err(|error| unreachable(&error))
    }
}

fn unreachable(error: &dyn std::error::Error) -> RegistryUnreachable {
    RegistryUnreachable(error_chain(error))
}

fn unexpected(status: StatusCode) -> RegistryUnreachable {
    RegistryUnreachable(match status {
        StatusCode::UNAUTHORIZED => {
            "it refuses this service's own token; compare issuer, service, rootcertbundle and clock"
                .to_owned()
        }
        status => format!("it answers with status {status}"),
    })
}

#[async_trait]
impl RegistryContents for RegistryClient {
    async fn holding(&self, name: &RepositoryName) -> Result<Holding, RegistryUnreachable> {
        let access = GrantedAccess { kind: "repository", name: name.as_str(), actions: vec!["pull"] };
        let response = self.get(&format!("v2/{name}/tags/list"), access, TIMEOUT).await?;
        match response.status() {
            StatusCode::OK => Ok(Holding::Tagged),
            StatusCode::NOT_FOUND if self.lists(name).await? => Ok(Holding::Untagged),
            StatusCode::NOT_FOUND => Ok(Holding::Nothing),
            status => Err(unexpected(status)),
        }
    }

    async fn catalogue_after(&self, last: &str) -> Result<CataloguePage, RegistryUnreachable> {
        self.catalogue(last, PAGE, CATALOGUE_TIMEOUT).await
    }
}

impl RegistryClient {
    /// Whether the catalogue has `name`, which it has as soon as there is a layer or a manifest. A registry walks
    /// its store up to the name for that; where that takes too long, it is not asked again for some time, and the
    /// tags have to do: what was there when this process started is closed since then.
    async fn lists(&self, name: &RepositoryName) -> Result<bool, RegistryUnreachable> {
        let now = self.clock.elapsed();
        let slow_until = Duration::from_millis(self.catalogue_slow_until.load(Ordering::Relaxed));
        if now < slow_until {
            return Ok(false);
        }
        let before = just_before(name.as_str());
        let page = self.catalogue(&before, 1, TIMEOUT);
        match tokio::time::timeout(LOOK_TIMEOUT, page).await {
            Ok(page) => Ok(page?.names.iter().any(|listed| listed == name.as_str())),
            Err(_) => {
                tracing::warn!(
                    "the registry takes too long to look up a name in its catalogue; for {} minutes only tags count",
                    SPARED_FOR.as_secs() / 60
                );
                let until = u64::try_from((now + SPARED_FOR).as_millis()).unwrap_or(u64::MAX);
                self.catalogue_slow_until.store(until, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    async fn catalogue(
        &self,
        last: &str,
        count: usize,
        timeout: Duration,
    ) -> Result<CataloguePage, RegistryUnreachable> {
        let access = GrantedAccess { kind: "registry", name: "catalog", actions: vec!["*"] };
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("last", last).finish();
        let response = self.get(&format!("v2/_catalog?n={count}&{query}"), access, timeout).await?;
        if response.status() != StatusCode::OK {
            return Err(unexpected(response.status()));
        }
        let page: Catalogue =
            serde_json::from_slice(&read_bounded(response, MOST_BYTES).await.map_err(RegistryUnreachable)?)
                .map_err(|error| RegistryUnreachable(format!("its catalogue cannot be read: {error}")))?;
        let names = page.repositories.unwrap_or_default();
        Ok(CataloguePage { has_more: names.len() >= count, names })
    }
}

/// The greatest text before `name` in the order of the catalogue, in which a slash comes first and every name
/// before `~`. A name ends with a letter or a digit.
fn just_before(name: &str) -> String {
    let (start, end) = name.split_at(name.len().saturating_sub(1));
    let previous = match end.bytes().next() {
        // A slash is the byte before it.
        Some(b'0') | None => '.',
        Some(byte) => char::from(byte.saturating_sub(1)),
    };
    format!("{start}{previous}~")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::adapters::system::{ProcessIdentifiers, SystemClock};
    use crate::domain::time::Timestamp;
    use crate::ports::signer::{KeyCondition, SignError};

    /// Keeps what it is to sign.
    #[derive(Default)]
    struct Witness(Mutex<Vec<serde_json::Value>>);

    impl Signer for Witness {
        fn sign(&self, claims: &[u8]) -> Result<String, SignError> {
            self.0.lock().unwrap().push(serde_json::from_slice(claims).unwrap());
            Ok("token".to_owned())
        }

        fn condition(&self, now: Timestamp) -> KeyCondition {
            KeyCondition::Usable { not_after: now }
        }

        fn jwks(&self) -> Arc<str> {
            "".into()
        }
    }

    #[tokio::test]
    async fn no_two_of_its_own_tokens_have_the_same_identifier() {
        let witness = Arc::new(Witness::default());
        let terms = TokenTerms { issuer: "me".to_owned(), service: "you".to_owned(), lifetime_seconds: 300 };
        let nobody = Url::parse("http://127.0.0.1:1/").unwrap();
        let identifiers = Box::new(ProcessIdentifiers::new().unwrap());
        let client = RegistryClient::new(
            nobody,
            terms,
            Arc::<Witness>::clone(&witness),
            Arc::new(SystemClock),
            identifiers,
        );
        for name in ["syn5/one", "syn5/one"] {
            client.holding(&RepositoryName::parse(name).unwrap()).await.unwrap_err();
        }
        let signed = witness.0.lock().unwrap();
        assert_eq!(signed.len(), 2);
        assert!(signed[0]["jti"].is_string() && signed[0]["jti"] != signed[1]["jti"], "{signed:?}");
    }

    #[test]
    fn nothing_that_can_be_a_name_comes_between_a_name_and_what_is_just_before_it() {
        // The order of the catalogue: a slash comes before every other character.
        let key = |name: &str| name.replace('/', "\0");
        for name in ["syn5/a", "syn5/a0", "syn5/app9", "syn5/z", "syn5/a/b"] {
            let before = just_before(name);
            assert!(key(&before) < key(name), "{before} {name}");
            let stem = &name[..name.len() - 1];
            for end in ["", "-a", ".a", "/z", "_z", "/0", "--z", "0", "9z", "a", "`z", "yzz/z"] {
                let other = format!("{stem}{end}");
                let between = key(&before) < key(&other) && key(&other) < key(name);
                assert!(!between, "{other} is between {before} and {name}");
            }
        }
    }
}
