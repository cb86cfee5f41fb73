//! The directory of keys: where each file is, reading the active key, and switching to another one.

use std::path::{Path, PathBuf};

use crate::domain::time::Timestamp;

use super::certificate::Certificate;
use super::error::KeyError;
use super::files::{self, Access, DirectoryLock};
use super::private_key::PrivateKey;
use super::signing_key::SigningKey;
use super::stored_chain::{Origin, StoredChain};

/// Characters of a kid: SHA-256 in base64url.
const KID_CHARS: usize = 43;

/// How often a reader looks again when the key was rotated away between two of its steps.
const LOAD_ATTEMPTS: usize = 5;

const AUTHORITY_CERTIFICATE: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca.key";
const BUNDLE: &str = "bundle.pem";
const CURRENT: &str = "current";

/// The directory that `keys.directory` names.
#[derive(Clone, Debug)]
pub struct KeyDirectory {
    root: PathBuf,
}

impl KeyDirectory {
    /// Touches nothing yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Reads and checks the active key.
    pub fn load(&self) -> Result<SigningKey, KeyError> {
        let mut kid = self.current_kid()?;
        for _ in 0..LOAD_ATTEMPTS {
            match self.load_named(&kid) {
                Ok(key) => return Ok(key),
                Err(error) => {
                    let latest = self.current_kid()?;
                    if latest == kid {
                        return Err(error);
                    }
                    kid = latest;
                }
            }
        }
        self.load_named(&kid)
    }

    /// The certificates that the registry trusts (its `rootcertbundle`), as PEM.
    pub fn bundle(&self) -> Result<String, KeyError> {
        self.current_kid()?;
        let bundle = files::read_public(&self.bundle_path())?;
        String::from_utf8(bundle)
            .map_err(|_| KeyError::Unsuitable(format!("{} is damaged", self.bundle_path().display())))
    }

    /// Writes the bundle to `path`, readable by everybody.
    pub fn export_bundle(&self, path: &Path) -> Result<(), KeyError> {
        files::write(path, self.bundle()?.as_bytes(), Access::Public)
    }

    /// The file of the bundle.
    #[must_use]
    pub fn bundle_path(&self) -> PathBuf {
        self.root.join(BUNDLE)
    }

    /// The file whose replacement is the switch to another key.
    pub(super) fn current_path(&self) -> PathBuf {
        self.root.join(CURRENT)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn authority_certificate_path(&self) -> PathBuf {
        self.root.join(AUTHORITY_CERTIFICATE)
    }

    pub(super) fn authority_key_path(&self) -> PathBuf {
        self.root.join(AUTHORITY_KEY)
    }

    pub(super) fn leaf_key_path(&self, kid: &str) -> PathBuf {
        self.root.join("leaf").join(format!("{kid}.key"))
    }

    pub(super) fn lock(&self) -> Result<DirectoryLock, KeyError> {
        files::lock(&self.root.join("lock"))
    }

    pub(super) fn try_lock(&self) -> Result<Option<DirectoryLock>, KeyError> {
        files::try_lock(&self.root.join("lock"))
    }

    pub(super) fn current_kid(&self) -> Result<String, KeyError> {
        let path = self.current_path();
        let bytes = files::read_public(&path).map_err(|error| {
            if error.is_not_found() { KeyError::Missing(self.root.clone()) } else { error }
        })?;
        let kid = String::from_utf8_lossy(&bytes).trim().to_owned();
        // It becomes part of a path.
        if is_kid(&kid) {
            return Ok(kid);
        }
        Err(KeyError::Unsuitable(format!("{} is damaged: run `auth-service key rotate`", path.display())))
    }

    pub(super) fn chain(&self, kid: &str) -> Result<StoredChain, KeyError> {
        StoredChain::read(&self.leaf_chain_path(kid))
    }

    /// Former keys, newest first.
    pub(super) fn retired_chains(&self) -> Result<Vec<StoredChain>, KeyError> {
        let mut chains = chains_in(&self.retired_folder())?;
        chains.sort_by_key(|chain| std::cmp::Reverse(chain.retired));
        Ok(chains)
    }

    /// Makes `key` the one that signs, destroys the former ones, and brings the bundle up to date.
    pub(super) fn activate(
        &self,
        _held: &DirectoryLock,
        key: PrivateKey,
        chain: &StoredChain,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let kid = chain.public.thumbprint()?;
        let key_pem = key.to_pem();
        // Nothing is written for a key that would be refused afterwards.
        SigningKey::new(key, chain.clone())?;
        files::create_directory(&self.leaf_folder())?;
        files::create_directory(&self.retired_folder())?;
        files::write(&self.leaf_key_path(&kid), key_pem.as_bytes(), Access::Private)?;
        chain.write(&self.leaf_chain_path(&kid))?;
        files::remove(&self.retired_folder().join(format!("{kid}.pem")))?;
        self.write_bundle()?;
        files::write(&self.current_path(), format!("{kid}\n").as_bytes(), Access::Public)?;
        self.sweep(&kid, now)?;
        self.write_bundle()
    }

    fn load_named(&self, kid: &str) -> Result<SigningKey, KeyError> {
        let chain = self.chain(kid)?;
        let key = SigningKey::new(PrivateKey::read(&self.leaf_key_path(kid))?, chain)?;
        if key.kid() == kid {
            return Ok(key);
        }
        Err(KeyError::Unsuitable(format!(
            "{} holds another key than its name says: run `auth-service key rotate`",
            self.leaf_chain_path(kid).display()
        )))
    }

    /// Retires every leaf but the active one, what an interrupted command left included.
    fn sweep(&self, active: &str, now: Timestamp) -> Result<(), KeyError> {
        for name in files::names_in(&self.leaf_folder())? {
            let path = self.leaf_folder().join(&name);
            match name.rsplit_once('.') {
                Some((kid, "pem" | "key")) if kid == active => {}
                Some((kid, "pem")) if is_kid(kid) => self.retire(&path, &name, now)?,
                _ => files::destroy(&path)?,
            }
        }
        for name in files::names_in(&self.root)? {
            if is_leftover(&name) {
                files::destroy(&self.root.join(name))?;
            }
        }
        for name in files::names_in(&self.retired_folder())? {
            let path = self.retired_folder().join(&name);
            let listed_until = StoredChain::read(&path).ok().and_then(|chain| chain.listed_until());
            if listed_until.is_none_or(|until| until <= now) {
                files::remove(&path)?;
            }
        }
        Ok(())
    }

    fn retire(&self, path: &Path, name: &str, now: Timestamp) -> Result<(), KeyError> {
        // A damaged chain has nothing to be listed by.
        if let Ok(mut chain) = StoredChain::read(path) {
            chain.retired = Some(now);
            chain.write(&self.retired_folder().join(name))?;
        }
        files::remove(path)
    }

    fn write_bundle(&self) -> Result<(), KeyError> {
        let mut bundle = String::new();
        if self.authority_certificate_path().exists() {
            bundle.extend(
                Certificate::read_all(&self.authority_certificate_path())?.iter().map(Certificate::to_pem),
            );
        }
        for folder in [self.leaf_folder(), self.retired_folder()] {
            let foreign = chains_in(&folder)?.into_iter().filter(|chain| chain.origin == Origin::Foreign);
            bundle.extend(foreign.map(|chain| chain.leaf.to_pem()));
        }
        // An unchanged file keeps its date, so that nobody restarts a registry for nothing.
        if files::read_public(&self.bundle_path()).is_ok_and(|existing| existing == bundle.as_bytes()) {
            return Ok(());
        }
        files::write(&self.bundle_path(), bundle.as_bytes(), Access::Public)
    }

    fn leaf_folder(&self) -> PathBuf {
        self.root.join("leaf")
    }

    fn retired_folder(&self) -> PathBuf {
        self.root.join("retired")
    }

    fn leaf_chain_path(&self, kid: &str) -> PathBuf {
        self.leaf_folder().join(format!("{kid}.pem"))
    }
}

fn is_kid(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == KID_CHARS && text.bytes().all(is_base64url)
}

/// The chains in a folder, without those that are damaged or only half written.
fn chains_in(folder: &Path) -> Result<Vec<StoredChain>, KeyError> {
    let names = files::names_in(folder)?;
    let chains =
        names.iter().filter(|name| matches!(name.rsplit_once('.'), Some((kid, "pem")) if is_kid(kid)));
    Ok(chains.filter_map(|name| StoredChain::read(&folder.join(name)).ok()).collect())
}

/// Whether a command that was killed left this temporary file; other people's dot files stay.
fn is_leftover(name: &str) -> bool {
    let Some((original, random)) = name.strip_prefix('.').and_then(|rest| rest.rsplit_once('.')) else {
        return false;
    };
    [AUTHORITY_CERTIFICATE, AUTHORITY_KEY, BUNDLE, CURRENT].contains(&original)
        && random.len() == 16
        && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}
