//! One password, compared with what is stored.

use std::sync::Arc;

use crate::domain::account::LoginName;
use crate::domain::credential::Password;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::login::{LoginOrigin, VerifiedLogin};
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::ports::accounts::{Passwords, StoredLogin, StoredPassword};
use crate::ports::login_error::LoginError;
use crate::ports::passwords::{PasswordHasher, Verdict};

/// A password as it came.
#[derive(Clone, Copy)]
pub struct PasswordLogin<'a> {
    /// The user name or e-mail address as typed.
    pub name: &'a str,
    /// The password.
    pub password: &'a Password,
    /// Where it came from.
    pub origin: LoginOrigin,
}

/// The result of a check.
pub enum Checked {
    /// The password is right.
    Right(VerifiedLogin),
    /// The password is wrong.
    Wrong {
        /// The account that has another password, for the log.
        account: Option<UserId>,
    },
}

/// What the text looks like, by the shapes of opaque tokens that are configured now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadAs {
    /// A password.
    Password,
    /// An opaque token. It can be a password only if that was set under other shapes.
    OpaqueToken,
}

/// A check. It owns everything it needs, because several requests can wait for the same one.
pub(super) struct PasswordCheck {
    pub(super) passwords: Arc<dyn Passwords>,
    pub(super) hasher: Arc<dyn PasswordHasher>,
    /// `None` if no account can have such a name.
    pub(super) name: Option<LoginName>,
    pub(super) password: Password,
    pub(super) network: ClientNetwork,
    pub(super) read_as: ReadAs,
    pub(super) shapes: ShapesDigest,
}

impl PasswordCheck {
    /// Compares the password. A name without an account costs as much time as one with an account.
    pub(super) async fn run(self) -> Result<Checked, LoginError> {
        let stored = match &self.name {
            Some(name) => self.passwords.stored_login(name).await?,
            None => None,
        };
        let password = stored.as_ref().and_then(|stored| stored.password.as_ref());
        let candidate =
            password.filter(|stored| self.read_as == ReadAs::Password || stored.shapes != self.shapes);
        let hash = candidate.map(|stored| stored.hash.clone());
        let verdict = self.hasher.verify(hash, self.password.clone(), self.network).await?;
        Ok(match stored {
            Some(stored) if verdict != Verdict::Wrong => {
                self.renew(&stored, verdict).await;
                Checked::Right(VerifiedLogin { user: stored.user, generation: stored.generation })
            }
            stored => Checked::Wrong { account: stored.map(|stored| stored.user) },
        })
    }

    /// Stores the hash of a right password as a new one would be stored, and the shapes of tokens that it does not have.
    async fn renew(&self, stored: &StoredLogin, verdict: Verdict) {
        let Some(before) = &stored.password else { return };
        let hash = match verdict {
            Verdict::RightButWeaklyHashed(hash) => hash,
            Verdict::Right | Verdict::Wrong => before.hash.clone(),
        };
        let has_none = self.read_as == ReadAs::Password && self.shapes != ShapesDigest::NONE;
        let renewed = StoredPassword { hash, shapes: if has_none { self.shapes } else { before.shapes } };
        // The login is right, whether or not this can be written now.
        if renewed != *before
            && let Err(error) = self.passwords.renew_password(stored.user, before, &renewed).await
        {
            tracing::warn!(%error, "a password stays hashed as it was until the next login with it");
        }
    }
}
