//! What a login allows, whoever it belongs to.

use std::fmt;

use super::project::ProjectId;

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
    /// Everything that there is: what a password login has. What is stored of it does not grow with scopes that are
    /// added later.
    pub const ALL: Self = Self::of_all();
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// What a personal access token is allowed when nothing else is said.
    pub const USUAL: Self =
        Self(LoginScope::View.bit() | LoginScope::Download.bit() | LoginScope::Modify.bit());
    /// What an identity token is allowed: all that the password is which it stands for, but to make tokens.
    pub const DOCKER: Self = Self::ALL.without(LoginScope::Authorize);

    const fn of_all() -> Self {
        let (mut all, mut index) = (Self::NONE, 0);
        while index < LoginScope::ALL.len() {
            all = all.with(LoginScope::ALL[index]);
            index += 1;
        }
        all
    }

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

    /// Reads what [`Self::to_bits`] gave; `None` when the number is none. Bits of scopes that do not exist are dropped.
    #[must_use]
    pub fn from_bits(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().map(|bits| Self(bits).and(Self::ALL))
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
