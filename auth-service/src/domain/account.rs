//! Names of users and teams, e-mail addresses, and whether an account may log in.

use std::fmt;

use super::printable::is_printable;

/// Longest e-mail address that is accepted (RFC 5321, section 4.5.3.1.3: 256 octets with its brackets).
const EMAIL_BYTES: usize = 254;

/// The name of a user or team: `[a-z0-9._-]{1,64}`, folded to lower case when read. Users and teams share
/// one space of names, which also has the two groups in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

/// Names that mean something else where a user or team is named.
const KEYWORDS: [&str; 7] =
    ["public", "authenticated_users", "authenticated-users", "anonymous", "everyone", "everybody", "root"];

impl AccountName {
    /// Reads a name; upper case is folded, so that `Alice` and `alice` are one account.
    pub fn parse(text: &str) -> Result<Self, BadAccountName> {
        let name = text.trim().to_ascii_lowercase();
        let grammatical = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
        if !grammatical {
            return Err(BadAccountName::Grammar);
        }
        let number_like = name.strip_prefix("syn").unwrap_or(&name).bytes().all(|byte| byte.is_ascii_digit());
        if KEYWORDS.contains(&name.as_str()) || number_like {
            return Err(BadAccountName::Reserved);
        }
        Ok(Self(name))
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text is no name for a user or team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccountName {
    /// It has characters that no name has, or a wrong length.
    #[error("a name has 1 to 64 of the characters a-z, 0-9, '.', '_' and '-'")]
    Grammar,
    /// It would be read as something else.
    #[error("this name is reserved: no keyword, no number and no 'syn' followed by digits can be a name")]
    Reserved,
}

/// An e-mail address, folded to lower case; it is accepted in place of the user name at login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address. Only its form is looked at: one `@` with something on both sides, no white space.
    pub fn parse(text: &str) -> Result<Self, BadEmailAddress> {
        let address = text.trim().to_lowercase();
        let (local, host) = address.split_once('@').ok_or(BadEmailAddress)?;
        let clean = !address.chars().any(|character| character.is_whitespace() || !is_printable(character));
        if local.is_empty() || host.is_empty() || host.contains('@') || address.len() > EMAIL_BYTES || !clean
        {
            return Err(BadEmailAddress);
        }
        Ok(Self(address))
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address has the form name@host")]
pub struct BadEmailAddress;

/// What somebody types as user name at login: the name of an account, or its e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginName {
    /// The name of an account.
    Name(AccountName),
    /// The e-mail address of an account.
    Email(EmailAddress),
}

impl LoginName {
    /// Reads what was typed; `None` when no account can have it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('@') {
            EmailAddress::parse(text).ok().map(Self::Email)
        } else {
            AccountName::parse(text).ok().map(Self::Name)
        }
    }

    fn into_text(self) -> String {
        match self {
            Self::Name(name) => name.0,
            Self::Email(address) => address.0,
        }
    }
}

/// What was typed as user name, as wrong passwords are counted for it: spellings that could name the same account are
/// one. Whether there is such an account does not bear on it, or counting would tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountedName(String);

impl CountedName {
    /// The counted form of what was typed.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        Self(LoginName::parse(typed).map_or_else(|| typed.trim().to_lowercase(), LoginName::into_text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an account may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It may.
    Active,
    /// An administrator has closed it.
    Disabled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_look_alikes_of_other_things_are_refused() {
        assert_eq!(AccountName::parse("Alice.B-1_c").unwrap().as_str(), "alice.b-1_c");
        for grammar in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert_eq!(AccountName::parse(grammar), Err(BadAccountName::Grammar), "{grammar}");
        }
        for reserved in ["PUBLIC", "authenticated_users", "123", "syn12", "syn"] {
            assert_eq!(AccountName::parse(reserved), Err(BadAccountName::Reserved), "{reserved}");
        }
        assert!(AccountName::parse("syn12a").is_ok());
    }

    #[test]
    fn spellings_that_could_name_one_account_are_counted_as_one() {
        for (name, spellings) in [
            ("alice", ["alice", " Alice", "ALICE\t"]),
            ("a@x.org", ["a@x.org", "A@X.ORG", " a@x.org "]),
            ("no name", ["no name", " No Name", "NO NAME "]),
        ] {
            for spelling in spellings {
                assert_eq!(CountedName::of(spelling).as_str(), name, "{spelling:?}");
            }
        }
    }

    #[test]
    fn an_address_has_one_at_sign_with_something_on_both_sides() {
        assert_eq!(EmailAddress::parse("A@X.org").unwrap().as_str(), "a@x.org");
        for bad in ["", "a", "@x", "a@", "a@b@c", "a b@c", "a@b\n.c"] {
            assert_eq!(EmailAddress::parse(bad), Err(BadEmailAddress), "{bad:?}");
        }
    }
}
