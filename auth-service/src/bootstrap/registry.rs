//! The client of the registry and its users, for the service and for single commands.

use std::sync::Arc;

use crate::adapters::registry_client::RegistryClient;
use crate::adapters::shared_answers::NoRegistry;
use crate::adapters::signing::{KeyDirectory, KeyWatch};
use crate::adapters::store::Store;
use crate::adapters::system::{ProcessIdentifiers, SystemClock};
use crate::app::browse_items::BrowseItems;
use crate::app::first_push::FirstPush;
use crate::app::manage_items::ManageItems;
use crate::app::raise_numbers::RaiseNumbers;
use crate::config::Settings;
use crate::domain::claims::TokenTerms;
use crate::ports::facts::FactsReader;
use crate::ports::items::ReservationLimits;
use crate::ports::registry::RegistryContents;
use crate::ports::signer::Signer;
use crate::ports::system::Clock;

/// The claims that are the same in every token.
pub(super) fn token_terms(settings: &Settings) -> TokenTerms {
    let token = &settings.token;
    TokenTerms {
        issuer: token.issuer.clone(),
        service: token.service.clone(),
        lifetime_seconds: i64::try_from(token.lifetime.as_secs()).unwrap_or(i64::MAX),
    }
}

pub(super) fn registry_client(
    settings: &Settings,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<RegistryClient> {
    let identifiers = Box::new(ProcessIdentifiers::new()?);
    Ok(RegistryClient::new(settings.registry.url.clone(), token_terms(settings), signer, clock, identifiers))
}

/// The registry, for a single command. Without keys it cannot be asked, which not every use needs.
#[must_use]
pub fn registry(settings: &Settings) -> Arc<dyn RegistryContents> {
    match client_with_keys(settings) {
        Ok(client) => Arc::new(client),
        Err(error) => Arc::new(NoRegistry(format!("{error:#}"))),
    }
}

fn client_with_keys(settings: &Settings) -> anyhow::Result<RegistryClient> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = KeyWatch::open(KeyDirectory::new(&settings.keys.directory), clock.now())?;
    registry_client(settings, Arc::new(keys), clock)
}

/// What raises the numbers above those of `registry`.
#[must_use]
pub fn raise_numbers(
    settings: &Settings,
    store: &Arc<Store>,
    registry: Arc<dyn RegistryContents>,
) -> RaiseNumbers {
    let (names, numbers) = (Arc::<Store>::clone(store), Arc::<Store>::clone(store));
    RaiseNumbers::new(names, numbers, registry, Arc::new(SystemClock), settings.registry.url.to_string())
}

/// What is asked before a first push.
#[must_use]
pub fn first_push(
    settings: &Settings,
    store: &Arc<Store>,
    registry: Arc<dyn RegistryContents>,
    numbers: Arc<RaiseNumbers>,
    facts: Arc<dyn FactsReader>,
) -> FirstPush {
    FirstPush {
        names: Arc::<Store>::clone(store),
        registry,
        numbers,
        clock: Arc::new(SystemClock),
        facts,
        limits: ReservationLimits {
            per_user: settings.limits.first_pushes_per_user,
            per_project: settings.limits.first_pushes_per_project,
        },
    }
}

/// Lists of projects, repositories and tags.
#[must_use]
pub fn browse_items(store: &Arc<Store>) -> BrowseItems {
    BrowseItems { items: Arc::<Store>::clone(store), entities: Arc::<Store>::clone(store) }
}

/// Projects and sharing, for a single command.
#[must_use]
pub fn manage_items(settings: &Settings, store: &Arc<Store>) -> ManageItems {
    ManageItems {
        items: Arc::<Store>::clone(store),
        sharing: Arc::<Store>::clone(store),
        users: Arc::<Store>::clone(store),
        principals: Arc::<Store>::clone(store),
        numbers: Arc::new(raise_numbers(settings, store, registry(settings))),
        most_rows: settings.limits.acl_rows,
    }
}
