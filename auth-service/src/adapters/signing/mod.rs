//! Signing keys on disk and in memory. The directory (mode 0700) holds:
//!
//! ```text
//! ca.pem            certificate of our own CA; missing if every key came with its own certificate
//! ca.key            its private key; may be kept elsewhere (`--ca-key`), then nothing renews itself
//! bundle.pem        what the registry mounts as `rootcertbundle`: the CA, and imported certificates
//! current           the kid of the key that signs, in one line; replacing this file is the switch
//! leaf/<kid>.pem    the chain sent as `x5c`, leaf first, below header lines such as `Origin: made`
//! leaf/<kid>.key    its private key
//! retired/<kid>.pem chain of a former key, below `Retired: <time>`; its private key is destroyed
//! lock              held while a command changes anything
//! ```
//!
//! Private keys are PKCS#8 PEM, created with mode 0600, and refused when group or others have any access.
//! Every file is written beside its place, flushed, and renamed; `current` comes last. So a crash at any
//! moment leaves either the old key or the new one in use, and the next `key rotate` sweeps up the rest.
//!
//! The CA signs token leaves only: path length 0, and a critical name constraint on a name of its own
//! below `registry-tokens.invalid`, so that its certificates are worth nothing anywhere else.
//!
//! For a new CA (after a leak, or when ten years are over): make a second directory with `key init`, give
//! the registry both bundles one after the other in one file, restart it, and point `keys.directory` at
//! the new directory. After a leak, give it the new bundle alone.

mod authority;
mod certificate;
mod directory;
mod error;
mod files;
mod import;
mod list;
mod pem;
mod private_key;
mod public_key;
mod rotation;
mod signing_key;
mod stored_chain;
mod watch;

#[cfg(test)]
mod tests;

pub use directory::KeyDirectory;
pub use error::KeyError;
pub use import::ImportRequest;
pub use list::{KeyEntry, KeyKind};
pub use public_key::SigningAlgorithm;
pub use signing_key::SigningKey;
pub use watch::KeyWatch;
