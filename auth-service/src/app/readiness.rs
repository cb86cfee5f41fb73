//! Whether this process can do its work: the database answers and the key signs what registries accept.

use std::sync::Arc;

use crate::domain::login::Asker;
use crate::ports::facts::FactsReader;
use crate::ports::signer::{KeyCondition, Signer};
use crate::ports::system::Clock;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Whether the database answers; else why not, for the log.
    pub database: Result<(), String>,
    /// The state of the signing key.
    pub key: KeyCondition,
}

impl Report {
    /// Whether requests can be answered.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.database.is_ok() && self.key.is_usable()
    }
}

/// Looks whether the service is ready, and gives away what is public of its keys.
pub struct Readiness {
    /// Reads the database.
    pub facts: Arc<dyn FactsReader>,
    /// Holds the keys.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Readiness {
    /// Looks now.
    pub async fn check(&self) -> Report {
        let database =
            self.facts.load(&Asker::Nobody, &[]).await.map(|_| ()).map_err(|error| error.to_string());
        Report { database, key: self.key_condition() }
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
