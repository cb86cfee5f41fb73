//! What a new password must not be. Guessing is slow here; what is tried first must not be what somebody has.

use zxcvbn::{Score, zxcvbn};

use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::credential::NewPassword;

/// Why a password is too weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It is short.
    #[error("a password has at least {least} characters (login.min_password_length)")]
    TooShort {
        /// The number in force.
        least: usize,
    },
    /// It is a name of the account.
    #[error(
        "a password cannot be the account's name or e-mail address, or a part of the address; take another one"
    )]
    OwnName,
    /// It is among those that are tried first.
    #[error(
        "this password is easily guessed: take a longer one, not a usual one nor one made of the account's name"
    )]
    Guessable,
}

/// Refuses a password of less than `least` characters, one that is a name of the account, and one that is found within
/// about a million guesses by who knows these names.
pub fn require_strong(
    password: &NewPassword,
    least: usize,
    name: &AccountName,
    email: Option<&EmailAddress>,
) -> Result<(), WeakPassword> {
    let password = password.password().expose();
    if password.chars().count() < least {
        return Err(WeakPassword::TooShort { least });
    }
    let email = email.map_or("", EmailAddress::as_str);
    let names = [name.as_str()].into_iter().chain([email]).chain(email.split('@'));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.contains(&password.trim().to_lowercase().as_str()) {
        return Err(WeakPassword::OwnName);
    }
    match zxcvbn(password, &names).score() {
        Score::Zero | Score::One => Err(WeakPassword::Guessable),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::foreign::shape::TokenShapes;

    #[test]
    fn a_password_is_neither_short_nor_the_accounts_own_name_nor_a_usual_one() {
        let name = AccountName::parse("alice.liddell").unwrap();
        let email = EmailAddress::parse("al-liddell@wonderland.example.org").unwrap();
        let verdict = |text: &str| {
            let password = NewPassword::parse(text.to_owned(), 8192, &TokenShapes::default()).unwrap();
            require_strong(&password, 8, &name, Some(&email)).err()
        };
        for strong in ["correct horse", "x7#pQz-1", "pass:wörd of alice.liddell", "12 drachen im keller"] {
            assert_eq!(verdict(strong), None, "{strong}");
        }
        for short in ["x", "x7#pQz-", "üüüüüüü"] {
            assert_eq!(verdict(short), Some(WeakPassword::TooShort { least: 8 }), "{short}");
        }
        for own in [
            "alice.liddell",
            "Alice.Liddell ",
            "al-liddell",
            "AL-liddell@wonderland.example.org",
            "wonderland.example.org",
        ] {
            assert_eq!(verdict(own), Some(WeakPassword::OwnName), "{own}");
        }
        for usual in [
            "password",
            "password1",
            "P4ssw0rd!",
            "12345678",
            "qwertyuiop",
            "letmein1",
            "aaaaaaaaaaaa",
            "alice.liddell1",
        ] {
            assert_eq!(verdict(usual), Some(WeakPassword::Guessable), "{usual}");
        }
    }
}
