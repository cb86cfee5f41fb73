//! Asking the registry over its own API, with a token that this service signs for itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

use crate::domain::claims::{GrantedAccess, TokenTerms};
use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::ports::registry::{RegistryContents, RegistryUnreachable};
use crate::ports::signer::Signer;
use crate::ports::system::{Clock, Identifiers};

/// How long the registry may take to answer while a client waits. Docker gives up on a token after 15 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one page of the catalogue may take: a registry walks its whole store for it.
const CATALOGUE_PATIENCE: Duration = Duration::from_mins(2);
/// Names in one page of the catalogue; registries refuse more than they are configured for, and 1000 is the
/// number that other clients ask for (`docs/PROTOCOL.md`).
const PAGE: usize = 1000;
/// Most pages that are read: ten million repositories.
const MOST_PAGES: usize = 10_000;
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
        Self { url, terms, signer, clock, identifiers, client: OnceLock::new() }
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
        patience: Duration,
    ) -> Result<Response, RegistryUnreachable> {
        let identifier = self.identifiers.next();
        let claims = self.terms.claims(None, vec![access], self.clock.now(), &identifier);
        let claims = serde_json::to_vec(&claims).map_err(|error| RegistryUnreachable(error.to_string()))?;
        let token = self.signer.sign(&claims).map_err(|error| RegistryUnreachable(error.to_string()))?;
        let url = self.url.join(path).map_err(|error| RegistryUnreachable(error.to_string()))?;
        self.client()?
            .get(url)
            .bearer_auth(token)
            .timeout(patience)
            .send()
            .await
            .map_err(|error| unreachable(&error))
    }
}

fn unreachable(error: &dyn std::error::Error) -> RegistryUnreachable {
    // reqwest's own text is general; what went wrong is in its sources.
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    RegistryUnreachable(text)
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

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, RegistryUnreachable> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(RegistryUnreachable("its answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[async_trait]
impl RegistryContents for RegistryClient {
    async fn holds(&self, name: &RepositoryName) -> Result<bool, RegistryUnreachable> {
        let access = GrantedAccess { kind: "repository", name: name.as_str(), actions: vec!["pull"] };
        let response = self.get(&format!("v2/{name}/tags/list"), access, PATIENCE).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(unexpected(status)),
        }
    }

    async fn highest_project_number(&self) -> Result<i64, RegistryUnreachable> {
        let mut highest = 0;
        let mut last = String::new();
        for _ in 0..MOST_PAGES {
            let access = GrantedAccess { kind: "registry", name: "catalog", actions: vec!["*"] };
            let query: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("last", &last).finish();
            let response =
                self.get(&format!("v2/_catalog?n={PAGE}&{query}"), access, CATALOGUE_PATIENCE).await?;
            if response.status() != StatusCode::OK {
                return Err(unexpected(response.status()));
            }
            let page: Catalogue = serde_json::from_slice(&read_bounded(response).await?)
                .map_err(|error| RegistryUnreachable(format!("its catalogue cannot be read: {error}")))?;
            let names = page.repositories.unwrap_or_default();
            highest = names.iter().filter_map(|name| project_number(name)).fold(highest, i64::max);
            match names.last() {
                Some(name) if names.len() >= PAGE && *name != last => last.clone_from(name),
                _ => return Ok(highest),
            }
        }
        Err(RegistryUnreachable("its catalogue does not end".to_owned()))
    }
}

fn project_number(name: &str) -> Option<i64> {
    ProjectId::parse(name.split('/').next()?).map(ProjectId::number)
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
            client.holds(&RepositoryName::parse(name).unwrap()).await.unwrap_err();
        }
        let signed = witness.0.lock().unwrap();
        assert_eq!(signed.len(), 2);
        assert!(signed[0]["jti"].is_string() && signed[0]["jti"] != signed[1]["jti"], "{signed:?}");
    }
}
