//! What can be wrong with keys: each error is one sentence that names the next step.

use std::io;
use std::path::{Path, PathBuf};

/// Why a key command failed, or why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The directory holds no active key.
    #[error("there are no signing keys in {}: run `auth-service key init`", .0.display())]
    Missing(PathBuf),

    /// `init` found keys.
    #[error(
        "{} already holds signing keys: use `auth-service key rotate` for a new one, or name another keys.directory",
        .0.display()
    )]
    Exists(PathBuf),

    /// A private key that more than its owner can reach.
    #[error(
        "the private key {path} is open to other users (mode {mode:04o}): run `chmod 600 {path}`",
        path = path.display()
    )]
    Exposed {
        /// The file of the key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// Another process holds the lock.
    #[error("another `auth-service` is changing the keys in {}: try again in a moment", .0.display())]
    Busy(PathBuf),

    /// The file system said no.
    #[error("{} cannot be {done}: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried, as a participle.
        done: &'static str,
        /// What the system said.
        cause: io::Error,
    },

    /// A key or certificate that cannot be used as it is; the text is the whole sentence.
    #[error("{0}")]
    Unsuitable(String),
}

impl KeyError {
    /// For `map_err` on file operations.
    pub(super) fn file(path: &Path, done: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, done, cause }
    }

    /// Whether a file was simply not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::File { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
    }
}
