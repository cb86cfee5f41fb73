//! Whether a login is accepted: what was proven before the facts were loaded, compared with the facts.

use super::account::{AccountName, AccountState};
use super::facts::{Facts, TokenFacts, UserFacts};
use super::foreign::ForeignSubject;
use super::foreign::rules::{ForeignLogin, MappedAccount};
use super::login_rejection::LoginRejection;
use super::login_scope::{LoginScope, Powers};
use super::network::ClientNetwork;
use super::principal::UserId;
use super::service_token::{ServiceToken, ServiceTokenId, ServiceTokenKind};
use super::time::Timestamp;

/// Who asks for a decision.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// Nobody: no credentials came with the request.
    Anonymous,
    /// A user, with what the login allows.
    User(&'a UserFacts, Powers),
}

impl<'a> Caller<'a> {
    /// The user, unless the caller is anonymous.
    #[must_use]
    pub const fn user(&self) -> Option<&'a UserFacts> {
        match self {
            Self::Anonymous => None,
            Self::User(user, _) => Some(user),
        }
    }
}

/// A password that was found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLogin {
    /// Whose it is.
    pub user: UserId,
    /// The account's generation when the password was read: a later one ends this login.
    pub generation: i64,
}

/// What a credential proves before the facts about the account are loaded. [`admit`] decides whether that is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: there was no credential.
    None,
    /// A password that was right, now or a short time ago.
    Password(VerifiedLogin),
    /// A token of this service, whose digest must still be compared.
    Token(ServiceToken),
    /// A token of another issuer that was found genuine.
    Foreign(ForeignLogin),
}

/// Whose facts are needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nobody's.
    Nobody,
    /// Those of a user.
    User(UserId),
    /// Those of the user that a token belongs to, and of the token.
    Token(ServiceTokenId),
    /// Those of the user that a subject of another issuer is linked to.
    Subject(ForeignSubject),
    /// Those of a robot account.
    Robot(AccountName),
}

impl Proof {
    /// Whose facts are needed to decide on the proof.
    #[must_use]
    pub fn identity(&self) -> Identity {
        match self {
            Self::None => Identity::Nobody,
            Self::Password(login) => Identity::User(login.user),
            Self::Token(token) => Identity::Token(token.id),
            Self::Foreign(login) => match &login.account {
                MappedAccount::Linked { subject, .. } => Identity::Subject(subject.clone()),
                MappedAccount::Robot(robot) => Identity::Robot(robot.clone()),
            },
        }
    }
}

/// Where a credential is used. Each kind of token is accepted in some of these places only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialUse {
    /// As the password of a registry client.
    Registry,
    /// As the refresh token of a registry client.
    Refresh,
    /// As the bearer token of a program that uses the REST interface.
    Rest,
    /// As the password that opens a session. No token is accepted.
    Session,
}

impl CredentialUse {
    const fn takes_foreign(self) -> bool {
        matches!(self, Self::Registry | Self::Rest)
    }

    const fn takes(self, kind: ServiceTokenKind) -> bool {
        match self {
            Self::Registry => matches!(kind, ServiceTokenKind::Personal),
            Self::Refresh => matches!(kind, ServiceTokenKind::Identity),
            Self::Rest => matches!(kind, ServiceTokenKind::Personal | ServiceTokenKind::Session),
            Self::Session => false,
        }
    }
}

/// Where a login comes from.
#[derive(Clone, Copy, Debug)]
pub struct LoginOrigin {
    /// The network that wrong passwords are counted for.
    pub network: ClientNetwork,
    /// Whether it came in a form. When that is refused, some clients repeat it as a query.
    pub by_form: bool,
}

/// Where and when a credential is used.
#[derive(Clone, Copy, Debug)]
pub struct LoginContext<'a> {
    /// As what.
    pub credential_use: CredentialUse,
    /// To which service: the registry's name for this one.
    pub service: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What a proof allows in this `context`, by the facts that were loaded for its identity; `None` for an anonymous caller.
pub fn admit(
    proof: &Proof,
    facts: &Facts,
    context: LoginContext<'_>,
) -> Result<Option<Powers>, LoginRejection> {
    match proof {
        Proof::None => Ok(None),
        Proof::Password(login) => {
            // The account may have been removed and made again under the same name.
            let user = facts.user.as_deref().ok_or(LoginRejection::OutdatedLogin)?;
            if user.generation != login.generation {
                return Err(LoginRejection::OutdatedLogin);
            }
            require_active(user).map(|()| Some(Powers::WHOLE))
        }
        Proof::Token(presented) => admit_token(presented, facts, context).map(Some),
        Proof::Foreign(login) => admit_foreign(login, facts, context.credential_use).map(Some),
    }
}

fn admit_token(
    presented: &ServiceToken,
    facts: &Facts,
    context: LoginContext<'_>,
) -> Result<Powers, LoginRejection> {
    let unknown = || LoginRejection::UnknownToken(presented.kind);
    let stored = facts.token.as_deref().filter(|stored| is_it(stored, presented)).ok_or_else(unknown)?;
    let user = facts.user.as_deref().filter(|user| user.id == stored.user).ok_or_else(unknown)?;
    if stored.service.as_deref().is_some_and(|service| service != context.service) {
        return Err(unknown());
    }
    if !context.credential_use.takes(stored.kind) {
        return Err(LoginRejection::WrongTokenKind(stored.kind));
    }
    if stored.ends_with_generation.is_some_and(|generation| generation != user.generation) {
        return Err(unknown());
    }
    if let Some(end) = stored.expires_at.filter(|end| *end <= context.now) {
        return Err(LoginRejection::ExpiredToken(stored.kind, end));
    }
    require_active(user)?;
    Ok(Powers { scopes: stored.scopes, only_in: stored.project })
}

/// A token of another issuer never gives an administrator's power, whatever it says.
fn admit_foreign(
    login: &ForeignLogin,
    facts: &Facts,
    credential_use: CredentialUse,
) -> Result<Powers, LoginRejection> {
    let missing = match &login.account {
        MappedAccount::Linked { .. } => LoginRejection::NotLinked,
        MappedAccount::Robot(_) => LoginRejection::NoSuchRobot,
    };
    let user = facts.user.as_deref().filter(|_| credential_use.takes_foreign()).ok_or(missing)?;
    if matches!(login.account, MappedAccount::Linked { is_client: true, .. }) && user.robot_of.is_none() {
        return Err(LoginRejection::ClientNeedsRobot);
    }
    require_active(user)?;
    Ok(Powers::of(login.scopes.without(LoginScope::Admin).without(LoginScope::Authorize)))
}

fn is_it(stored: &TokenFacts, presented: &ServiceToken) -> bool {
    (stored.id, stored.kind) == (presented.id, presented.kind) && stored.digest == presented.digest
}

const fn require_active(user: &UserFacts) -> Result<(), LoginRejection> {
    match user.state {
        AccountState::Active => Ok(()),
        AccountState::Disabled => Err(LoginRejection::AccountDisabled),
    }
}

#[cfg(test)]
mod tests;
