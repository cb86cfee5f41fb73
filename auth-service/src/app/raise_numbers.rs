//! Before any number of a project is drawn: the registry is asked for its whole catalogue. A database that is
//! empty, or was restored from a copy, knows nothing of the projects that are missing from it; their images are
//! still there, and must not come to belong to somebody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::items::{NameReservations, Numbers};
use crate::ports::registry::{RegistryContents, RegistryUnreachable};
use crate::ports::system::Clock;

/// Most pages of the catalogue that are read: ten million repositories.
const MOST_PAGES: usize = 10_000;

/// For how long it is relied on that somebody has raised the numbers of a database: a copy that is put in its
/// place says so too, with the time of the copy.
const BELIEVED_FOR: Duration = Duration::from_hours(1);

/// Why numbers may not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum NumbersUnknown {
    /// The registry does not answer.
    #[error(
        "a new project could get the number of one whose images the registry still has: {0}; start the registry, \
         or set registry.url to where it is"
    )]
    Registry(#[from] RegistryUnreachable),
    /// The database does not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Raises the numbers above those in use.
pub struct RaiseNumbers {
    names: Arc<dyn NameReservations>,
    numbers: Arc<dyn Numbers>,
    registry: Arc<dyn RegistryContents>,
    clock: Arc<dyn Clock>,
    /// Where the registry is: what one has said is nothing that another one says.
    address: String,
    is_done: watch::Sender<bool>,
}

impl RaiseNumbers {
    /// Raises `numbers` above those of `registry`, which is at `address`, and closes in `names` what it has.
    #[must_use]
    pub fn new(
        names: Arc<dyn NameReservations>,
        numbers: Arc<dyn Numbers>,
        registry: Arc<dyn RegistryContents>,
        clock: Arc<dyn Clock>,
        address: String,
    ) -> Self {
        Self { names, numbers, registry, clock, address, is_done: watch::Sender::new(false) }
    }

    /// Reads the catalogue: no number up to the highest one in it is drawn any more, and what is on record
    /// nowhere is closed. Takes long with a large registry, so that no token request does it.
    pub async fn run(&self) -> Result<(), NumbersUnknown> {
        let mut highest = 0;
        let mut last = String::new();
        for _ in 0..MOST_PAGES {
            let page = self.registry.catalogue_after(&last).await?;
            let projects = page.names.iter().filter_map(|name| ProjectId::parse(name.split('/').next()?));
            highest = projects.map(ProjectId::number).fold(highest, i64::max);
            let names: Vec<_> = page.names.iter().filter_map(|name| RepositoryName::parse(name)).collect();
            let closed = self.names.quarantine_unrecorded(&names).await?;
            if closed > 0 {
                tracing::warn!(
                    closed,
                    "the registry holds repositories that are not on record; they stay closed"
                );
            }
            match page.names.last() {
                Some(name) if page.has_more && *name != last => last.clone_from(name),
                _ => {
                    self.numbers.raise_numbers(highest, &self.address).await?;
                    self.is_done.send_replace(true);
                    return Ok(());
                }
            }
        }
        Err(RegistryUnreachable("its catalogue does not end".to_owned()).into())
    }

    /// Raises the numbers unless that was done a short time ago, by this process or another one.
    pub async fn ensure(&self) -> Result<(), NumbersUnknown> {
        if *self.is_done.borrow() {
            return Ok(());
        }
        let now = self.clock.now();
        match self.numbers.numbers_raised_at(&self.address).await? {
            Some(raised) if raised <= now && now.since(raised) < BELIEVED_FOR => Ok(()),
            _ => self.run().await,
        }
    }

    /// Whether this process has raised the numbers, waiting `timeout` for it.
    pub async fn is_done_within(&self, timeout: Duration) -> bool {
        let mut done = self.is_done.subscribe();
        let waiting = done.wait_for(|done| *done);
        matches!(tokio::time::timeout(timeout, waiting).await, Ok(Ok(_)))
    }
}
