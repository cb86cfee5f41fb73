//! One password, checked against what is stored.

use std::sync::Arc;

use super::lockout::{Entry, Lockout, WrongPassword};
use super::log_in::Origin;
use crate::domain::account::{AccountState, CountedName, LoginName};
use crate::domain::credential::Password;
use crate::domain::foreign::shape::ShapesDigest;
use crate::domain::login::{NotAdmitted, VerifiedLogin};
use crate::domain::network::ClientNetwork;
use crate::domain::refused_login::RefusedLogin;
use crate::ports::accounts::{Passwords, StoredLogin, StoredPassword};
use crate::ports::login_failures::Attempt;
use crate::ports::passwords::{CredentialDigest, HashError, LoginFailure, PasswordHasher, Verdict};

/// A check. Whoever waits for the same one shares the outcome, so that it holds all that it needs.
pub(super) struct PasswordCheck {
    pub(super) passwords: Arc<dyn Passwords>,
    pub(super) hasher: Arc<dyn PasswordHasher>,
    /// `None` if no account can have what was typed.
    pub(super) name: Option<LoginName>,
    pub(super) password: Password,
    /// Of opaque tokens, as they are told from passwords now.
    pub(super) shapes: ShapesDigest,
}

impl PasswordCheck {
    /// Checks, and counts a wrong password. A name that nobody has costs as much as one that somebody has, and is locked
    /// as soon.
    pub(super) async fn counted(
        self,
        lockout: Arc<Lockout>,
        counted: CountedName,
        digest: CredentialDigest,
        origin: Origin,
    ) -> Result<VerifiedLogin, LoginFailure> {
        let stored = self.stored().await?;
        let Origin { network, by_form } = origin;
        let attempt = Attempt { name: counted, network };
        let ticket = match lockout.enter(attempt).await.map_err(unavailable)? {
            Entry::Admitted(ticket) => ticket,
            Entry::Busy => return Err(LoginFailure::Busy),
            Entry::Locked(wait) => return Err(LoginFailure::Refused(RefusedLogin::LockedOut(wait))),
        };
        let password = stored.as_ref().and_then(|stored| stored.password.as_ref());
        let verdict = self.verdict(password, network).await?;
        let account = stored.as_ref().map(|stored| stored.user);
        let Some(stored) = stored.filter(|_| verdict != Verdict::Wrong) else {
            let wrong = WrongPassword { digest, by_form, account };
            // Who cannot count wrong passwords must not let them be tried.
            ticket.wrong(wrong).await.map_err(unavailable)?;
            return Err(LoginFailure::Refused(RefusedLogin::WrongCredentials));
        };
        ticket.right().await;
        // It was read as a password by what tokens look like now, unless none have a look.
        let shapes = Some(self.shapes).filter(|shapes| *shapes != ShapesDigest::NONE);
        self.renew(&stored, verdict, shapes).await;
        verified(&stored)
    }

    /// Checks whether it is a password that may have the shape of an opaque token, because it was set before tokens
    /// were told from passwords by that.
    pub(super) async fn of_older_one(self, network: ClientNetwork) -> Result<VerifiedLogin, LoginFailure> {
        let stored = self.stored().await?;
        let password = stored.as_ref().and_then(|stored| stored.password.as_ref());
        let older = password.filter(|password| password.shapes != self.shapes);
        let verdict = self.verdict(older, network).await?;
        match stored.filter(|_| verdict != Verdict::Wrong) {
            Some(stored) => {
                self.renew(&stored, verdict, None).await;
                verified(&stored)
            }
            None => Err(LoginFailure::Refused(RefusedLogin::WrongCredentials)),
        }
    }

    async fn stored(&self) -> Result<Option<StoredLogin>, LoginFailure> {
        match &self.name {
            Some(name) => self.passwords.stored_login(name).await.map_err(unavailable),
            None => Ok(None),
        }
    }

    async fn verdict(
        &self,
        stored: Option<&StoredPassword>,
        network: ClientNetwork,
    ) -> Result<Verdict, LoginFailure> {
        let hash = stored.map(|stored| stored.hash.clone());
        let verdict = self.hasher.verify(hash, self.password.clone(), network).await;
        verdict.map_err(|error| match error {
            HashError::Busy => LoginFailure::Busy,
            HashError::Broken => unavailable(error),
        })
    }

    /// Keeps a password that was right as a new one would be kept, and that it has none of these `shapes`.
    async fn renew(&self, stored: &StoredLogin, verdict: Verdict, shapes: Option<ShapesDigest>) {
        let Some(before) = &stored.password else { return };
        let hash = match verdict {
            Verdict::RightButWeaklyHashed(hash) => hash,
            Verdict::Right | Verdict::Wrong => before.hash.clone(),
        };
        let renewed = StoredPassword { hash, shapes: shapes.unwrap_or(before.shapes) };
        // The login is right, whether or not this can be written now.
        if renewed != *before
            && let Err(error) = self.passwords.renew_password(stored.user, before, &renewed).await
        {
            tracing::warn!(%error, "a password stays hashed as it was until the next login with it");
        }
    }
}

fn verified(stored: &StoredLogin) -> Result<VerifiedLogin, LoginFailure> {
    match stored.state {
        AccountState::Active => Ok(VerifiedLogin { user: stored.user, generation: stored.generation }),
        AccountState::Disabled => {
            Err(LoginFailure::Refused(RefusedLogin::NotAdmitted(NotAdmitted::Disabled)))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err, which passes the error itself")]
pub(super) fn unavailable(cause: impl ToString) -> LoginFailure {
    LoginFailure::Unavailable(cause.to_string())
}
