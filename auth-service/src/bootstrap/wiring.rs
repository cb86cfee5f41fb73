//! From settings to adapters, from adapters to use cases, from use cases to endpoints.

use std::sync::Arc;

use anyhow::Context as _;

use super::background::Background;
use super::issuers::{self, token_shapes};
use super::registry::{first_push, raise_numbers, registry_client, token_terms};
use crate::adapters::argon2::{HashingOptions, HashingThreads};
use crate::adapters::facts::{CachedFacts, DirectFacts};
use crate::adapters::issuers::Issuers;
use crate::adapters::shared_answers::SharedAnswers;
use crate::adapters::signing::KeyWatch;
use crate::adapters::store::Store;
use crate::adapters::system::{SystemClock, SystemRandomness};
use crate::adapters::token_uses::UsesInMemory;
use crate::adapters::verified_logins::LoginCache;
use crate::app::authenticate::Authenticate;
use crate::app::first_push::FirstPush;
use crate::app::foreign_logins::ForeignLogins;
use crate::app::give_tokens::GiveTokens;
use crate::app::issue_token::{IssueToken, TokenRules};
use crate::app::keep_tokens::KeepTokens;
use crate::app::lockout::Lockout;
use crate::app::log_in::LogIn;
use crate::app::readiness::{Readiness, WriteTrials};
use crate::app::record_events::RecordEvents;
use crate::config::Settings;
use crate::domain::lockout::LockoutPolicy;
use crate::ports::facts::FactsReader;
use crate::ports::registry::RegistryContents;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;
use crate::web::server::Endpoints;

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

/// What gives people tokens.
#[must_use]
pub fn give_tokens(settings: &Settings, store: &Arc<Store>) -> GiveTokens {
    GiveTokens {
        tokens: Arc::<Store>::clone(store),
        randomness: Arc::new(SystemRandomness),
        clock: Arc::new(SystemClock),
        identity_idle: settings.login.identity_idle,
        session_life: settings.login.session,
        service: settings.token.service.clone(),
    }
}

/// What everything is made of.
pub(super) struct Wiring<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Arc<Store>,
    pub(super) keys: &'a Arc<KeyWatch>,
    pub(super) clock: &'a Arc<dyn Clock>,
}

impl Wiring<'_> {
    pub(super) fn endpoints_and_background(&self) -> anyhow::Result<(Endpoints, Background)> {
        let (facts, cached_facts) = self.facts();
        let registry = registry_client(self.settings, self.signer(), Arc::clone(self.clock))?;
        let registry: Arc<dyn RegistryContents> = Arc::new(SharedAnswers::new(Arc::new(registry)));
        let numbers = Arc::new(raise_numbers(self.settings, self.store, Arc::clone(&registry)));
        let first_push =
            first_push(self.settings, self.store, registry, Arc::clone(&numbers), Arc::clone(&facts));
        let first_push = Arc::new(first_push);
        let keep_tokens = Arc::new(KeepTokens {
            tokens: Arc::<Store>::clone(self.store),
            uses: Arc::new(UsesInMemory::default()),
            clock: Arc::clone(self.clock),
            identity_idle: self.settings.login.identity_idle,
        });
        let record_events = Arc::new(RecordEvents {
            inbox: Arc::<Store>::clone(self.store),
            facts: Arc::clone(&facts),
            clock: Arc::clone(self.clock),
            kept_for: self.settings.limits.events_kept,
        });
        let lockout = Arc::new(self.lockout()?);
        let log_in = Arc::new(self.log_in(&facts, &keep_tokens, &lockout)?);
        let issue_token = self.issue_token(log_in, Arc::clone(&first_push));
        let readiness = Readiness {
            facts,
            trials: WriteTrials::new(Arc::<Store>::clone(self.store), Arc::clone(self.clock)),
            signer: self.signer(),
            clock: Arc::clone(self.clock),
        };
        let endpoints = self.endpoints(issue_token, Arc::clone(&record_events), readiness)?;
        let background = Background {
            clock: Arc::clone(self.clock),
            keys: Arc::clone(self.keys),
            cached_facts,
            record_events,
            first_push,
            numbers,
            keep_tokens,
            lockout,
        };
        Ok((endpoints, background))
    }

    fn signer(&self) -> Arc<dyn Signer> {
        Arc::<KeyWatch>::clone(self.keys)
    }

    fn facts(&self) -> (Arc<dyn FactsReader>, Option<Arc<CachedFacts>>) {
        let store: Arc<Store> = Arc::clone(self.store);
        match self.settings.limits.facts_cache_bytes {
            0 => (Arc::new(DirectFacts(store)), None),
            bytes => {
                let cached = CachedFacts::new(store, Arc::clone(self.clock), bytes);
                let cached = Arc::new(cached.with_timeout(self.settings.database.busy));
                (Arc::<CachedFacts>::clone(&cached), Some(cached))
            }
        }
    }

    fn lockout(&self) -> anyhow::Result<Lockout> {
        let login = &self.settings.login;
        let policy = LockoutPolicy { free_tries: login.free_tries, longest: login.longest_lock };
        let logins = Arc::new(LoginCache::new(login.cache)?);
        Ok(Lockout::new(Arc::<Store>::clone(self.store), logins, Arc::clone(self.clock), policy))
    }

    fn log_in(
        &self,
        facts: &Arc<dyn FactsReader>,
        keep_tokens: &KeepTokens,
        lockout: &Arc<Lockout>,
    ) -> anyhow::Result<LogIn> {
        let login = &self.settings.login;
        let hasher = hashing_threads(self.settings, login.hash_threads)?;
        let foreign_logins = Arc::new(self.foreign_logins()?);
        Ok(LogIn {
            authenticate: Authenticate {
                passwords: Arc::<Store>::clone(self.store),
                hasher,
                lockout: Arc::clone(lockout),
                foreign_logins: Arc::clone(&foreign_logins),
                shapes: token_shapes(self.settings).digest(),
            },
            facts: Arc::clone(facts),
            foreign_logins,
            uses: Arc::clone(&keep_tokens.uses),
            clock: Arc::clone(self.clock),
            service: self.settings.token.service.clone(),
        })
    }

    fn foreign_logins(&self) -> anyhow::Result<ForeignLogins> {
        let tokens = Issuers::new(issuers::options(self.settings), self.clock)?;
        let links = Arc::<Store>::clone(self.store);
        let rules = issuers::rules(self.settings);
        Ok(ForeignLogins::new(rules, Arc::new(tokens), links, Arc::clone(self.clock)))
    }

    fn issue_token(&self, log_in: Arc<LogIn>, first_push: Arc<FirstPush>) -> IssueToken {
        IssueToken {
            log_in,
            give_tokens: Arc::new(give_tokens(self.settings, self.store)),
            first_push,
            signer: self.signer(),
            clock: Arc::clone(self.clock),
            rules: TokenRules {
                terms: token_terms(self.settings),
                policy: self.settings.access,
                host: self.settings.registry.host.clone(),
                most_scopes: self.settings.limits.scopes,
            },
        }
    }
}
