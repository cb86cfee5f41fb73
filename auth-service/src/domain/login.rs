//! Who is asking, what the way they logged in allows, and whether a proof that somebody brought is good for the
//! facts that are known.

use std::fmt;

use super::account::AccountState;
use super::facts::{Facts, TokenFacts, UserFacts};
use super::own_token::{OwnToken, OwnTokenId, OwnTokenKind};
use super::principal::UserId;
use super::project::ProjectId;
use super::time::Timestamp;

/// One thing that a login can be allowed to do, whoever it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginScope {
    /// See what exists.
    View,
    /// Pull.
    Download,
    /// Push, together with `download`.
    Modify,
    /// Delete from the registry itself.
    Delete,
    /// Use an administrator's rights.
    Admin,
    /// Make tokens and end logins: only a login with a password has it.
    Authorize,
}

impl LoginScope {
    const ALL: [Self; 6] =
        [Self::View, Self::Download, Self::Modify, Self::Delete, Self::Admin, Self::Authorize];

    /// The word for it, as in a token's `scope`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Download => "download",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::Admin => "admin",
            Self::Authorize => "authorize",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a login is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginScopes(u8);

impl LoginScopes {
    /// Everything: what a password login has.
    pub const ALL: Self = Self(u8::MAX);
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// What a personal access token is allowed when nothing else is said.
    pub const USUAL: Self =
        Self(LoginScope::View.bit() | LoginScope::Download.bit() | LoginScope::Modify.bit());
    /// What an identity token is allowed.
    pub const DOCKER: Self =
        Self(LoginScope::Download.bit() | LoginScope::Modify.bit() | LoginScope::Delete.bit());

    /// Whether `scope` is allowed.
    #[must_use]
    pub const fn has(self, scope: LoginScope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What is allowed, and `scope`.
    #[must_use]
    pub const fn with(self, scope: LoginScope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// What is allowed, but not `scope`.
    #[must_use]
    pub const fn without(self, scope: LoginScope) -> Self {
        Self(self.0 & !scope.bit())
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is allowed, one by one.
    pub fn iter(self) -> impl Iterator<Item = LoginScope> {
        LoginScope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// The words of what is allowed.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(LoginScope::name).collect()
    }

    /// Reads words separated by commas or spaces; the word that means nothing is given back.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        words.map(|word| Self::scope(word).ok_or_else(|| word.to_owned())).collect()
    }

    /// The scope that a word means.
    #[must_use]
    pub fn scope(word: &str) -> Option<LoginScope> {
        LoginScope::ALL.into_iter().find(|scope| scope.name() == word)
    }

    /// The set as it is stored: one bit for each scope, `view` lowest.
    #[must_use]
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// Reads what [`Self::to_bits`] gave; `None` when the number is none.
    #[must_use]
    pub fn from_bits(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().map(Self)
    }
}

impl FromIterator<LoginScope> for LoginScopes {
    fn from_iter<I: IntoIterator<Item = LoginScope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for LoginScopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(" "))
    }
}

/// What a login may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// What it may do.
    pub scopes: LoginScopes,
    /// The only project that it is good for, if it is bound to one.
    pub only_in: Option<ProjectId>,
}

impl Powers {
    /// Everything that the account may do.
    pub const WHOLE: Self = Self { scopes: LoginScopes::ALL, only_in: None };

    /// These scopes, in any project.
    #[must_use]
    pub const fn of(scopes: LoginScopes) -> Self {
        Self { scopes, only_in: None }
    }
}

/// Who asks for a decision.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// Nobody: no credentials came with the request.
    Anonymous,
    /// A user, with what the login allows.
    User(&'a UserFacts, Powers),
}

/// A password that was found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLogin {
    /// Whose it is.
    pub user: UserId,
    /// The account's generation when the password was read: a later one ends this login.
    pub generation: i64,
}

/// How somebody shows who they are, as far as that can be said before anything is known of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// By a password that was found right, now or a short time ago.
    Password(VerifiedLogin),
    /// By a token of this service.
    Token(OwnToken),
}

/// Whose facts are needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Nobody's.
    Nobody,
    /// Those of a user.
    User(UserId),
    /// Those of the user that a token belongs to, and of the token.
    Token(OwnTokenId),
}

impl Proof {
    /// Whose facts tell whether the proof is good.
    #[must_use]
    pub const fn asker(&self) -> Asker {
        match self {
            Self::None => Asker::Nobody,
            Self::Password(login) => Asker::User(login.user),
            Self::Token(token) => Asker::Token(token.id),
        }
    }
}

/// Where a proof is brought to: each kind of token is good at some of these only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// As the password of a registry client.
    Registry,
    /// As the refresh token of a registry client.
    Refresh,
    /// As the bearer token of a program that uses the REST interface.
    Rest,
}

impl Door {
    const fn takes(self, kind: OwnTokenKind) -> bool {
        match self {
            Self::Registry => matches!(kind, OwnTokenKind::Personal),
            Self::Refresh => matches!(kind, OwnTokenKind::Identity),
            Self::Rest => matches!(kind, OwnTokenKind::Personal | OwnTokenKind::Session),
        }
    }
}

/// Why a proof is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The password was right for an account as it is no more: check it again.
    CheckAgain,
    /// The account is gone.
    NoAccount,
    /// The account is closed.
    Disabled,
    /// There is no such token: revoked, ended, or never made.
    UnknownToken(OwnTokenKind),
    /// Its time is over.
    ExpiredToken(OwnTokenKind, Timestamp),
    /// It is good elsewhere.
    WrongDoor(OwnTokenKind),
}

/// What a proof that is good at `door` allows, for the facts that were loaded for its asker; `None` when nobody
/// has shown who they are.
pub fn admit(
    proof: &Proof,
    facts: &Facts,
    door: Door,
    now: Timestamp,
) -> Result<Option<Powers>, NotAdmitted> {
    match proof {
        Proof::None => Ok(None),
        Proof::Password(login) => {
            let user = facts.user.as_deref().ok_or(NotAdmitted::NoAccount)?;
            if user.generation != login.generation {
                return Err(NotAdmitted::CheckAgain);
            }
            require_active(user).map(|()| Some(Powers::WHOLE))
        }
        Proof::Token(presented) => admit_token(presented, facts, door, now).map(Some),
    }
}

fn admit_token(
    presented: &OwnToken,
    facts: &Facts,
    door: Door,
    now: Timestamp,
) -> Result<Powers, NotAdmitted> {
    let unknown = NotAdmitted::UnknownToken(presented.kind);
    let stored = facts.token.as_deref().filter(|stored| is_it(stored, presented)).ok_or(unknown)?;
    let user = facts.user.as_deref().filter(|user| user.id == stored.user).ok_or(unknown)?;
    if !door.takes(stored.kind) {
        return Err(NotAdmitted::WrongDoor(stored.kind));
    }
    if stored.ends_with_generation.is_some_and(|generation| generation != user.generation) {
        return Err(unknown);
    }
    if let Some(end) = stored.expires_at.filter(|end| *end <= now) {
        return Err(NotAdmitted::ExpiredToken(stored.kind, end));
    }
    require_active(user)?;
    Ok(Powers { scopes: stored.scopes, only_in: stored.project })
}

fn is_it(stored: &TokenFacts, presented: &OwnToken) -> bool {
    (stored.id, stored.kind) == (presented.id, presented.kind) && stored.digest == presented.digest
}

const fn require_active(user: &UserFacts) -> Result<(), NotAdmitted> {
    match user.state {
        AccountState::Active => Ok(()),
        AccountState::Disabled => Err(NotAdmitted::Disabled),
    }
}

#[cfg(test)]
mod tests;
