//! Making keys: the first ones, the next one, and the next one without being asked.

use std::path::Path;
use std::time::Duration;

use crate::domain::time::Timestamp;

use super::authority::Authority;
use super::directory::KeyDirectory;
use super::error::KeyError;
use super::files;
use super::list::KeyEntry;
use super::private_key::PrivateKey;
use super::public_key::SigningAlgorithm;
use super::stored_chain::{Origin, StoredChain};

/// A renewal that gains less is not worth one: the CA itself is about to end.
const LEAST_GAIN: Duration = Duration::from_hours(1);

impl KeyDirectory {
    /// Makes a CA and a first signing key, or what an interrupted command has left to make of them. With `ca_key`, the CA's private key is written to that new
    /// file instead of the directory; then leaves live longer, and nothing renews itself.
    pub fn init(
        &self,
        algorithm: SigningAlgorithm,
        ca_key: Option<&Path>,
        now: Timestamp,
    ) -> Result<KeyEntry, KeyError> {
        files::create_directory(self.root())?;
        let held = self.lock()?;
        if self.current_path().exists() {
            return Err(KeyError::Exists(self.root().to_owned()));
        }
        let key = PrivateKey::generate(algorithm)?;
        let authority = self.open_or_create_authority(ca_key, now)?;
        let chain = authority.issue(key.public(), Origin::Made, now)?;
        self.activate(&held, key, &chain, now)?;
        KeyEntry::active(&chain)
    }

    /// Makes a new key and switches to it: same algorithm unless another one is named. `ca_key` is the
    /// file of the CA's private key, if that is not in the directory.
    pub fn rotate(
        &self,
        algorithm: Option<SigningAlgorithm>,
        ca_key: Option<&Path>,
        now: Timestamp,
    ) -> Result<KeyEntry, KeyError> {
        self.require_existing()?;
        let held = self.lock()?;
        let authority = self.open_authority(ca_key)?;
        let same = || self.active_chain().map_or(SigningAlgorithm::Es256, |chain| chain.public.algorithm());
        let key = PrivateKey::generate(algorithm.unwrap_or_else(same))?;
        let chain = authority.issue(key.public(), Origin::Made, now)?;
        self.activate(&held, key, &chain, now)?;
        KeyEntry::active(&chain)
    }

    /// Renews the active leaf if that is due, the CA's key is in the directory, and no other process is at it. Says
    /// whether it did.
    pub fn renew_if_due(&self, now: Timestamp) -> Result<bool, KeyError> {
        if !self.authority_key_path().exists() {
            return Ok(false);
        }
        let Some(held) = self.try_lock()? else { return Ok(false) };
        // Read under the lock: another process may just have done it.
        let active = self.active_chain()?;
        if !is_due(&active, now) {
            return Ok(false);
        }
        let authority = self.open_authority(None)?;
        let gains = authority.leaf_not_after(now) > active.leaf.not_after.plus(LEAST_GAIN);
        if !gains && now >= active.not_before() {
            return Ok(false);
        }
        let key = match active.origin {
            Origin::Imported => PrivateKey::read(&self.leaf_key_path(&active.public.thumbprint()?))?,
            Origin::Made | Origin::Foreign => PrivateKey::generate(active.public.algorithm())?,
        };
        let chain = authority.issue(key.public(), active.origin, now)?;
        self.activate(&held, key, &chain, now)?;
        Ok(true)
    }

    /// The CA of this directory, or a new one if it has none.
    pub(super) fn open_or_create_authority(
        &self,
        ca_key: Option<&Path>,
        now: Timestamp,
    ) -> Result<Authority, KeyError> {
        if self.authority_certificate_path().exists() {
            return self.open_authority(ca_key);
        }
        self.create_authority(ca_key, now)
    }

    fn create_authority(&self, ca_key: Option<&Path>, now: Timestamp) -> Result<Authority, KeyError> {
        let (authority, key) = Authority::create(ca_key.is_some(), now)?;
        let path = ca_key.map_or_else(|| self.authority_key_path(), Path::to_owned);
        // In the directory it is what an interrupted command left: without a certificate it is worth nothing.
        if ca_key.is_some() && path.exists() {
            return Err(KeyError::Unsuitable(format!(
                "{} exists already, without a certificate beside the other keys: remove it if an interrupted \
                 command left it, or name a new file with `--ca-key`",
                path.display()
            )));
        }
        key.write(&path)?;
        let certificate = authority.certificate().to_pem();
        files::write(&self.authority_certificate_path(), certificate.as_bytes(), files::Access::Public)?;
        Ok(authority)
    }

    fn open_authority(&self, ca_key: Option<&Path>) -> Result<Authority, KeyError> {
        let certificate = self.authority_certificate_path();
        if !certificate.exists() {
            return Err(KeyError::Unsuitable(format!(
                "the key in {} was imported with its own certificate, so there is no CA to issue another one: \
                 run `auth-service key import --key FILE --certificate FILE` with the new files",
                self.root().display()
            )));
        }
        let key = ca_key.map_or_else(|| self.authority_key_path(), Path::to_owned);
        if !key.exists() {
            return Err(KeyError::Unsuitable(format!(
                "the CA's private key is not in {}: name its file with `--ca-key FILE`",
                key.display()
            )));
        }
        Authority::open(&certificate, &key, ca_key.is_some())
    }

    fn active_chain(&self) -> Result<StoredChain, KeyError> {
        self.chain(&self.current_kid()?)
    }

    /// `rotate` repairs a directory whose `current` is lost, but does not make one.
    fn require_existing(&self) -> Result<(), KeyError> {
        if self.current_path().exists() || self.authority_certificate_path().exists() {
            return Ok(());
        }
        Err(KeyError::Missing(self.root().to_owned()))
    }
}

/// Whether half of a leaf's life is over, or has not begun because a clock was ahead when it was made; if it is
/// one that we can renew.
pub(super) fn is_due(chain: &StoredChain, now: Timestamp) -> bool {
    let half = chain.leaf.not_after.since(chain.leaf.not_before) / 2;
    let is_early = now < chain.not_before();
    chain.origin != Origin::Foreign && (is_early || now >= chain.leaf.not_before.plus(half))
}
