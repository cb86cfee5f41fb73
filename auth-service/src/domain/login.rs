//! Who is asking, and what the way they logged in allows.

use super::facts::UserFacts;

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
}

impl LoginScope {
    const ALL: [Self; 5] = [Self::View, Self::Download, Self::Modify, Self::Delete, Self::Admin];

    /// The word for it, as in a token's `scope`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Download => "download",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::Admin => "admin",
        }
    }
}

/// What a login is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginScopes(u8);

impl LoginScopes {
    /// Everything: what a password login has.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether `scope` is allowed.
    #[must_use]
    pub const fn has(self, scope: LoginScope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Reads words separated by commas or spaces; the word that means nothing is given back.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut scopes = Self(0);
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            match LoginScope::ALL.into_iter().find(|scope| scope.name() == word) {
                Some(scope) => scopes.0 |= 1 << scope as u8,
                None => return Err(word.to_owned()),
            }
        }
        Ok(scopes)
    }
}

/// Who asks for a decision.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// Nobody: no credentials came with the request.
    Anonymous,
    /// A user, with what the login allows.
    User(&'a UserFacts, LoginScopes),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_from_words_and_an_unknown_word_is_named() {
        let scopes = LoginScopes::parse("view,download").unwrap();
        assert!(
            scopes.has(LoginScope::View)
                && scopes.has(LoginScope::Download)
                && !scopes.has(LoginScope::Modify)
        );
        assert_eq!(LoginScopes::parse("view fly"), Err("fly".to_owned()));
        assert!(LoginScopes::ALL.has(LoginScope::Admin));
    }
}
