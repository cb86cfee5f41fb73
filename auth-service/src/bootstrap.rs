//! The one place that knows everything: from settings to adapters, use cases and listeners.

use std::future::Future;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::{Context as _, anyhow};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::adapters::argon2::{HashingOptions, HashingThreads};
use crate::adapters::facts::{CachedFacts, DirectFacts};
use crate::adapters::registry_client::RegistryClient;
use crate::adapters::signing::{KeyDirectory, KeyWatch};
use crate::adapters::store::{ConnectOptions, Location, Store};
use crate::adapters::system::{ProcessIdentifiers, SystemClock};
use crate::adapters::verified_logins::LoginCache;
use crate::app::authenticate::Authenticate;
use crate::app::first_push::FirstPush;
use crate::app::issue_token::{IssueToken, TokenRules};
use crate::app::readiness::Readiness;
use crate::app::record_events::RecordEvents;
use crate::config::{self, DatabaseUrl, Settings, TlsFiles};
use crate::domain::claims::TokenTerms;
use crate::domain::grant::{AccessPolicy, Certification};
use crate::ports::facts::FactsReader;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;
use crate::web::client::Proxies;
use crate::web::metrics::Metrics;
use crate::web::registry::events::Webhook;
use crate::web::registry::token::TokenEndpoint;
use crate::web::server::{Endpoints, Listeners, ServerOptions};

/// How often the database is asked whether facts have changed.
const FACTS_CONFIRMED_EVERY: Duration = Duration::from_millis(250);
/// How often events that could not be applied are looked at.
const PENDING_EVENTS_EVERY: Duration = Duration::from_secs(5);
/// How often old events are forgotten.
const OLD_EVENTS_EVERY: Duration = Duration::from_hours(1);
/// How long to wait before the registry is asked for its catalogue once more.
const CATALOGUE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Opens the database, with its schema brought up to date.
pub async fn open_store(settings: &Settings) -> anyhow::Result<Arc<Store>> {
    let database = &settings.database;
    let location = match &database.url {
        DatabaseUrl::Sqlite(path) => Location::Sqlite(path.clone()),
        DatabaseUrl::Postgres(url) => Location::Postgres(url.expose().to_owned()),
    };
    let options = ConnectOptions { connections: database.connections, patience: database.busy };
    Ok(Arc::new(Store::connect(&location, options, Arc::new(SystemClock)).await?))
}

/// Starts the threads that hash passwords.
pub fn hashing_threads(settings: &Settings, threads: usize) -> anyhow::Result<Arc<HashingThreads>> {
    let login = &settings.login;
    let options = HashingOptions {
        threads,
        longest_queue: login.queue,
        memory_kib: login.argon2_memory_kib,
        passes: login.argon2_passes,
    };
    Ok(Arc::new(HashingThreads::start(options).context("the threads for passwords do not start")?))
}

/// The choices of the operator that decisions depend on.
#[must_use]
pub const fn access_policy(settings: &Settings) -> AccessPolicy {
    AccessPolicy {
        certification: match settings.access.certification {
            config::Certification::Push => Certification::Push,
            config::Certification::Create => Certification::Create,
            config::Certification::Off => Certification::Off,
        },
        anonymous_pull: settings.access.anonymous_pull,
    }
}

/// A service that listens and whose work has not begun.
pub struct Service {
    /// Where the public listener is bound.
    pub public: SocketAddr,
    /// Where the operations listener is bound.
    pub operations: SocketAddr,
    listeners: Listeners,
    background: Background,
    store: Arc<Store>,
}

/// What goes on beside requests.
struct Background {
    clock: Arc<dyn Clock>,
    keys: Arc<KeyWatch>,
    cached_facts: Option<Arc<CachedFacts>>,
    record_events: Arc<RecordEvents>,
    first_push: Arc<FirstPush>,
}

impl Service {
    /// Opens everything and binds both listeners. Each failure is one sentence for the operator.
    pub async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // The second call in one process fails, and changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let public = bind(settings.http.listen, "http.listen")?;
        let operations = bind(settings.ops.listen, "ops.listen")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(KeyWatch::open(KeyDirectory::new(&settings.keys.directory), clock.now())?);
        let store = open_store(settings).await?;
        let (endpoints, background) = wire(settings, &store, &keys, &clock)?;
        let options = ServerOptions {
            workers: settings.http.workers,
            drain: settings.http.drain,
            tls: settings.http.tls.as_ref().map(tls).transpose()?,
        };
        let listeners = Listeners::start(&endpoints, public, operations, options)?;
        let (public, operations) = (listeners.public, listeners.operations);
        Ok(Self { public, operations, listeners, background, store })
    }

    /// Serves until `stop` resolves, then drains.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let background = tokio::spawn(self.background.run());
        self.listeners.serve_until(stop).await?;
        background.abort();
        self.store.close().await;
        Ok(())
    }
}

fn wire(
    settings: &Settings,
    store: &Arc<Store>,
    keys: &Arc<KeyWatch>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Endpoints, Background)> {
    let (facts, cached_facts) = facts(settings, store, clock);
    let signer: Arc<dyn Signer> = Arc::<KeyWatch>::clone(keys);
    let terms = TokenTerms {
        issuer: settings.token.issuer.clone(),
        service: settings.token.service.clone(),
        lifetime_seconds: i64::try_from(settings.token.lifetime.as_secs()).unwrap_or(i64::MAX),
    };
    let registry = RegistryClient::new(
        settings.registry.url.clone(),
        terms.clone(),
        Arc::clone(&signer),
        Arc::clone(clock),
    );
    let names: Arc<Store> = Arc::clone(store);
    let first_push = Arc::new(FirstPush::new(names, Arc::new(registry), Arc::clone(clock)));
    let hasher = hashing_threads(settings, settings.login.hash_threads)?;
    let logins = Arc::new(LoginCache::new(settings.login.cache)?);
    let issue_token = IssueToken {
        authenticate: Authenticate::new(Arc::<Store>::clone(store), hasher, logins),
        facts: Arc::clone(&facts),
        first_push: Arc::clone(&first_push),
        signer: Arc::clone(&signer),
        clock: Arc::clone(clock),
        rules: TokenRules {
            terms,
            policy: access_policy(settings),
            host: settings.registry.host.clone(),
            most_scopes: settings.limits.scopes,
        },
    };
    let record_events = Arc::new(RecordEvents {
        inbox: Arc::<Store>::clone(store),
        facts: Arc::clone(&facts),
        clock: Arc::clone(clock),
        kept_for: settings.limits.events_kept,
    });
    let readiness = Readiness { facts, signer, clock: Arc::clone(clock) };
    let endpoints = endpoints(settings, issue_token, Arc::clone(&record_events), readiness)?;
    let background = Background {
        clock: Arc::clone(clock),
        keys: Arc::clone(keys),
        cached_facts,
        record_events,
        first_push,
    };
    Ok((endpoints, background))
}

fn facts(
    settings: &Settings,
    store: &Arc<Store>,
    clock: &Arc<dyn Clock>,
) -> (Arc<dyn FactsReader>, Option<Arc<CachedFacts>>) {
    let store: Arc<Store> = Arc::clone(store);
    match settings.limits.facts_cache_bytes {
        0 => (Arc::new(DirectFacts(store)), None),
        bytes => {
            let cached =
                CachedFacts::new(store, Arc::clone(clock), bytes).with_patience(settings.database.busy);
            let cached = Arc::new(cached);
            (Arc::<CachedFacts>::clone(&cached), Some(cached))
        }
    }
}

fn endpoints(
    settings: &Settings,
    issue_token: IssueToken,
    record_events: Arc<RecordEvents>,
    readiness: Readiness,
) -> anyhow::Result<Endpoints> {
    let metrics = Arc::new(Metrics::default());
    let networks = settings.http.trusted_proxies.clone();
    let proxies =
        Proxies::new(move |address: IpAddr| networks.iter().any(|network| network.contains(&address)));
    let secret = settings.webhook.secret.clone().ok_or_else(|| anyhow!("webhook.secret is missing"))?;
    Ok(Endpoints {
        token: web::Data::new(TokenEndpoint {
            issue_token,
            identifiers: Arc::new(ProcessIdentifiers::new()?),
            proxies: Arc::new(proxies),
            metrics: Arc::clone(&metrics),
            host: settings.registry.host.clone(),
            credential_bytes: settings.limits.credential_bytes,
            head_bytes: settings.limits.head_bytes,
            form_bytes: settings.limits.body_bytes,
        }),
        webhook: web::Data::new(Webhook {
            record_events,
            is_secret: Box::new(move |bytes| secret.matches(bytes)),
            metrics: Arc::clone(&metrics),
            body_bytes: settings.limits.webhook_bytes,
        }),
        readiness: web::Data::new(readiness),
        metrics: web::Data::new(metrics),
    })
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("{address} is in use by another program; set {key} to a free one")
        }
        _ => anyhow!("cannot listen on {address} ({key}): {error}"),
    })
}

fn tls(files: &TlsFiles) -> anyhow::Result<ServerConfig> {
    let certificate = &files.certificate;
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("http.tls_certificate: {} cannot be read", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("http.tls_key: {} cannot be read", files.key.display()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("http.tls_certificate and http.tls_key do not belong together")
}

impl Background {
    async fn run(self) {
        let keys = self.keys.watch(Arc::clone(&self.clock), std::future::pending());
        let fresh = async {
            match &self.cached_facts {
                Some(facts) => facts.keep_fresh(FACTS_CONFIRMED_EVERY).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(
            keys,
            fresh,
            apply_pending(&self.record_events),
            forget_old(&self.record_events),
            raise_numbers(&self.first_push)
        );
    }
}

async fn apply_pending(events: &RecordEvents) {
    let mut ticks = tokio::time::interval(PENDING_EVENTS_EVERY);
    loop {
        ticks.tick().await;
        match events.apply_pending().await {
            Ok(0) => {}
            Ok(applied) => tracing::info!(applied, "events that waited were applied"),
            Err(error) => tracing::warn!(%error, "events that wait cannot be looked at"),
        }
    }
}

async fn forget_old(events: &RecordEvents) {
    let mut ticks = tokio::time::interval(OLD_EVENTS_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = events.forget_old().await {
            tracing::warn!(%error, "old events cannot be forgotten");
        }
    }
}

/// Asks the registry what numbers it has; no name can be reserved before that is known.
async fn raise_numbers(first_push: &FirstPush) {
    let mut told = false;
    while let Err(error) = first_push.raise_numbers().await {
        if !told {
            tracing::warn!(%error, "the registry's catalogue is not known yet; first pushes have to wait for it");
            told = true;
        }
        tokio::time::sleep(CATALOGUE_AGAIN_AFTER).await;
    }
}
