//! What the use cases ask of the outside, each port in the words of the field.
//!
//! To add a port: write the trait here, small enough that each method is one step of a use case; implement
//! it in `adapters`; wire it in `bootstrap/wiring.rs`; if it is stored, add it to the contract suite in
//! `auth-service/tests/contract`, which runs on both engines. No method takes a connection, a transaction or anything
//! of HTTP. Absence is `None` or a variant of the method's own error; only broken storage is `StorageError`.

pub mod accounts;
pub mod entities;
pub mod events;
pub mod facts;
pub mod foreign_tokens;
pub mod items;
pub mod linked_subjects;
pub mod login_error;
pub mod login_failures;
pub mod passwords;
pub mod registry;
pub mod signer;
pub mod storage;
pub mod system;
pub mod tokens;

/// The database could not do what was asked; the cause is for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is none.
    #[error("there is no database: {0}")]
    Missing(String),
    /// It cannot be reached, is locked, full or gone.
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
    /// A row holds what this program never writes.
    #[error("the database is inconsistent: {0}")]
    Corrupt(String),
}
