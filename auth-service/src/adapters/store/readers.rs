//! Connections that read the `SQLite` file. The driver's own pool asks every connection that comes back whether
//! it is alive: a second trip to the connection's thread, which costs as much as the reading itself. Here one
//! that has answered is taken for alive, and one that has failed, or was given up half-way, is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::ports::StorageError;

/// Up to a fixed number of connections, each opened when it is first needed.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    timeout: Duration,
    free: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that nobody else uses meanwhile. Dropping it closes it.
pub(super) struct Reader<'r> {
    /// What statements run on.
    pub(super) connection: SqliteConnection,
    readers: &'r Readers,
    permit: SemaphorePermit<'r>,
}

impl Readers {
    /// At most `count` connections with these options; who comes when all are in use waits for `timeout`.
    pub(super) fn new(options: SqliteConnectOptions, count: u32, timeout: Duration) -> Self {
        let count = usize::try_from(count).unwrap_or(1).clamp(1, Semaphore::MAX_PERMITS);
        Self { options, timeout, free: Semaphore::new(count), idle: Mutex::new(Vec::with_capacity(count)) }
    }

    /// A connection, as soon as one is free.
    pub(super) async fn take(&self) -> Result<Reader<'_>, StorageError> {
        let permit = tokio::time::timeout(self.timeout, self.free.acquire())
            .await
            .map_err(|_| StorageError::Unavailable("all connections are in use".to_owned()))?
            .map_err(|_| StorageError::Unavailable("the database is closed".to_owned()))?;
        // Its own statement, so that the lock is let go of before a connection is opened.
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(Reader { connection, readers: self, permit })
    }

    /// Closes every connection that is not in use, and opens no other.
    pub(super) async fn close(&self) {
        self.free.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // It is read only: there is nothing that a failure could lose.
            let _ = connection.close().await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader<'_> {
    /// Lets others have the connection, whose last statement has been read to its end.
    pub(super) fn give_back(self) {
        if !self.readers.free.is_closed() {
            self.readers.idle().push(self.connection);
        }
        drop(self.permit);
    }
}
