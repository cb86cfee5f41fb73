//! Taking over keys that exist already.

use std::path::Path;

use crate::domain::time::Timestamp;

use super::certificate::Certificate;
use super::directory::KeyDirectory;
use super::error::KeyError;
use super::files;
use super::list::KeyEntry;
use super::private_key::PrivateKey;
use super::stored_chain::{Origin, StoredChain};

/// The files to take over.
#[derive(Clone, Copy, Debug)]
pub struct ImportRequest<'a> {
    /// The private key: PKCS#8, PKCS#1 or SEC1, PEM, not encrypted.
    pub key: &'a Path,
    /// Its certificate, self-signed or from a foreign CA; more certificates behind it are its chain.
    /// Without one, our CA issues it.
    pub certificate: Option<&'a Path>,
    /// Certificates above it, to be sent along; the registry never gets to trust them.
    pub chain: Option<&'a Path>,
    /// The private key of our CA, if that is not in the directory.
    pub ca_key: Option<&'a Path>,
}

impl KeyDirectory {
    /// Makes an existing key the one that signs. A certificate that comes with it goes into the bundle by
    /// itself: a foreign CA there would let all its other certificates sign tokens.
    pub fn import(&self, request: ImportRequest<'_>, now: Timestamp) -> Result<KeyEntry, KeyError> {
        let key = PrivateKey::read(request.key)?;
        let foreign = match request.certificate {
            Some(certificate) => Some(foreign_chain(&key, request, certificate, now)?),
            None => None,
        };
        files::create_directory(self.root())?;
        let held = self.lock()?;
        let chain = match foreign {
            Some(chain) => chain,
            None => self.open_or_create_authority(request.ca_key, now)?.issue(
                key.public(),
                Origin::Imported,
                now,
            )?,
        };
        self.activate(&held, key, &chain, now)?;
        KeyEntry::active(&chain)
    }
}

fn foreign_chain(
    key: &PrivateKey,
    request: ImportRequest<'_>,
    path: &Path,
    now: Timestamp,
) -> Result<StoredChain, KeyError> {
    let refuse = |reason: String| Err(KeyError::Unsuitable(format!("{} {reason}", path.display())));
    let mut others = Certificate::read_all(path)?;
    let leaf = others.remove(0);
    if let Some(chain) = request.chain {
        others.extend(Certificate::read_all(chain)?);
    }
    if leaf.public.as_ref() != Some(key.public()) {
        return refuse(format!("is not the certificate of the key in {}", request.key.display()));
    }
    if now >= leaf.not_after {
        return refuse(format!("ended on {}: import a certificate that is in date", leaf.not_after));
    }
    if now < leaf.not_before {
        return refuse(format!(
            "is valid from {} only: import it then, or check this machine's clock",
            leaf.not_before
        ));
    }
    // `openssl req -x509` marks every self-signed certificate so. The registry trusts what is in its bundle, and
    // whoever has any certificate under it, such as that of a web server, could sign tokens.
    if leaf.can_issue {
        return refuse(
            "is the certificate of a CA: every certificate under it could sign tokens; import one of version 3 \
             that says CA:FALSE, or the key alone without `--certificate`"
                .to_owned(),
        );
    }
    // Whoever is self-signed has nothing above it.
    others.retain(|other| *other != leaf);
    let mut below = &leaf;
    for above in &others {
        if !below.is_signed_by(above) {
            return refuse("is followed by a certificate that did not sign the one before it".to_owned());
        }
        below = above;
    }
    match StoredChain::new(Origin::Foreign, leaf, others) {
        Some(chain) => Ok(chain),
        None => refuse("has a key that cannot sign tokens: RSA or EC P-256 is needed".to_owned()),
    }
}
