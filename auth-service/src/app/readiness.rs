//! Whether this process can do its work: the database can be read, the key signs what registries accept, and the
//! database can be written to. Much goes on without the last, such as logins and pulls while the disk is full.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::login::Identity;
use crate::ports::facts::FactsReader;
use crate::ports::signer::{KeyCondition, Signer};
use crate::ports::storage::Storage;
use crate::ports::system::Clock;

/// How long the outcome of a trial is good for. Anybody may ask; one trial a second is all that this makes.
const TRIAL_GOOD_FOR: Duration = Duration::from_secs(1);
/// How long to wait for a trial whose outcome decides nothing: whoever balances load gives up after a second.
const GLANCE_TIMEOUT: Duration = Duration::from_millis(200);

/// What somebody wants to be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Log in and pull.
    Reading,
    /// Everything.
    Writing,
}

/// Whether the database can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// It can.
    Works,
    /// It cannot; why not, for the log.
    Fails(String),
    /// The first trial is not over.
    Unknown,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Whether the database can be read; else why not, for the log.
    pub reading: Result<(), String>,
    /// Whether it can be written to.
    pub writing: Writing,
    /// The state of the signing key.
    pub key: KeyCondition,
    purpose: Purpose,
}

impl Report {
    /// Whether requests can be answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let serves = self.purpose == Purpose::Reading || self.writing == Writing::Works;
        self.reading.is_ok() && self.key.is_usable() && serves
    }
}

/// Looks whether the service is ready, and gives away what is public of its keys.
pub struct Readiness {
    /// Reads the database.
    pub facts: Arc<dyn FactsReader>,
    /// Writes to it.
    pub trials: WriteTrials,
    /// Holds the keys.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Readiness {
    /// Looks now.
    pub async fn check(&self, purpose: Purpose) -> Report {
        let reading = async {
            self.facts.load(&Identity::Nobody, &[]).await.map(|_| ()).map_err(|error| error.to_string())
        };
        let (reading, writing) = tokio::join!(reading, self.trials.outcome(purpose));
        Report { reading, writing, key: self.key_condition(), purpose }
    }

    /// The state of the signing key.
    #[must_use]
    pub fn key_condition(&self) -> KeyCondition {
        self.signer.condition(self.clock.now())
    }

    /// The public keys as a JWK set (RFC 7517).
    #[must_use]
    pub fn public_keys(&self) -> Arc<str> {
        self.signer.jwks()
    }
}

/// Tries to write, for all who ask at the same time together.
pub struct WriteTrials {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    latest: watch::Sender<Trial>,
}

/// The latest trial.
struct Trial {
    is_under_way: bool,
    ended: Option<Duration>,
    outcome: Writing,
}

impl WriteTrials {
    /// Nothing is tried before somebody asks.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        let latest = Trial { is_under_way: false, ended: None, outcome: Writing::Unknown };
        Self { storage, clock, latest: watch::Sender::new(latest) }
    }

    /// Whether writing works: found out now for somebody who wants to write; for others what is known.
    async fn outcome(&self, purpose: Purpose) -> Writing {
        let asked = self.clock.elapsed();
        let begins = self.latest.send_if_modified(|trial| {
            let is_good = |ended: Duration| asked.saturating_sub(ended) < TRIAL_GOOD_FOR;
            let begins = !trial.is_under_way && !trial.ended.is_some_and(is_good);
            trial.is_under_way |= begins;
            begins
        });
        if begins {
            self.begin();
        }
        let mut latest = self.latest.subscribe();
        let end = latest.wait_for(|trial| !trial.is_under_way);
        match purpose {
            // The storage sets the limit.
            Purpose::Writing => drop(end.await),
            Purpose::Reading => drop(tokio::time::timeout(GLANCE_TIMEOUT, end).await),
        }
        self.latest.borrow().outcome.clone()
    }

    /// On its own, so that it ends although whoever asked has gone: half a transaction would hold up others.
    fn begin(&self) {
        let (storage, clock, latest) =
            (Arc::clone(&self.storage), Arc::clone(&self.clock), self.latest.clone());
        tokio::spawn(async move {
            let outcome = match storage.write_nothing_new().await {
                Ok(()) => Writing::Works,
                Err(error) => Writing::Fails(error.to_string()),
            };
            latest.send_replace(Trial { is_under_way: false, ended: Some(clock.elapsed()), outcome });
        });
    }
}
