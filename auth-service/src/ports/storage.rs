//! Whether the database takes anything.

use async_trait::async_trait;

use super::StorageError;

/// Where everything is stored.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Writes what is there already once more. When this returns, it is on the disk.
    async fn write_nothing_new(&self) -> Result<(), StorageError>;
}
