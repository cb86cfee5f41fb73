//! The tokens that this service gives to people: what they look like, and how one is told from a password, from
//! one of another kind, and from one that was mistyped, without looking anything up.
//!
//! `asp_` `<id>` `_` `<secret><checksum>`: a prefix for the kind, the number of the record in base62, 192 random bits
//! as three groups of 11 base62 digits, and the CRC-32 of all that as 6 base62 digits. Scanners for leaked secrets
//! can look for `as[pis]_[0-9A-Za-z]{1,11}_[0-9A-Za-z]{39}`.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of a token's secret part.
pub const SECRET_BYTES: usize = 24;

/// Base62 digits of eight bytes: 62^11 is more than 2^64.
const GROUP_DIGITS: usize = 11;
/// Base62 digits of a CRC-32: 62^6 is more than 2^32.
const CHECKSUM_DIGITS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a token is for. None passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceTokenKind {
    /// A personal access token: the password of scripts and of docker.
    Personal,
    /// An identity token, which docker stores in place of a password.
    Identity,
    /// A login over the REST interface.
    Session,
}

impl ServiceTokenKind {
    const ALL: [Self; 3] = [Self::Personal, Self::Identity, Self::Session];

    /// How every token of the kind begins.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Personal => "asp_",
            Self::Identity => "asi_",
            Self::Session => "ass_",
        }
    }

    /// The word that is stored, and that a sentence can use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Identity => "identity",
            Self::Session => "session",
        }
    }

    /// Reads what [`Self::name`] gave.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a text claims to be, by its prefix.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// How many tokens of a kind somebody can have, and what becomes of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRoom {
    /// The next is refused.
    Refuses {
        /// Most at one time.
        most: usize,
    },
    /// The next takes the place of another of the same program, or, where all programs together have too many, of one
    /// of the program that has most: of those never used before those used, and of these the one used the longest ago.
    Replaces {
        /// Most that one program has at one time.
        most_of_client: usize,
        /// Most that all programs have together.
        most: usize,
    },
}

impl TokenRoom {
    /// The room for tokens of a kind. A program that logs in anew with each request, as some do, must not push out the
    /// logins of others.
    #[must_use]
    pub const fn of(kind: ServiceTokenKind) -> Self {
        match kind {
            ServiceTokenKind::Personal => Self::Refuses { most: 100 },
            ServiceTokenKind::Identity | ServiceTokenKind::Session => {
                Self::Replaces { most_of_client: 100, most: 500 }
            }
        }
    }
}

/// The number of a token's record; drawn at random, so that it tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceTokenId(i64);

impl ServiceTokenId {
    /// From the number as stored.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// A number from random bytes; never negative.
    #[must_use]
    pub const fn from_random(bytes: [u8; 8]) -> Self {
        Self(i64::from_be_bytes(bytes) & i64::MAX)
    }

    /// The number as stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Reads a number; `None` when the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for ServiceTokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The SHA-256 of a token: what is stored of it. A fast hash is enough for 192 random bits.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// From the bytes as stored; `None` when there are not 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl PartialEq for TokenDigest {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenDigest(hidden)")
    }
}

/// A token as somebody presented it: well-formed, and not yet known to be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// What it claims to be.
    pub kind: ServiceTokenKind,
    /// Which record it claims to be of.
    pub id: ServiceTokenId,
    /// What that record must hold.
    pub digest: TokenDigest,
}

/// A text begins like one of our tokens and is none: a character is wrong or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token was mistyped or cut: its checksum does not match; copy it whole")]
pub struct Mistyped;

impl ServiceToken {
    /// Reads a token; `None` when the text does not begin like one.
    #[must_use]
    pub fn read(text: &str) -> Option<Result<Self, Mistyped>> {
        let kind = ServiceTokenKind::of(text)?;
        Some(Self::read_as(kind, text).ok_or(Mistyped))
    }

    fn read_as(kind: ServiceTokenKind, text: &str) -> Option<Self> {
        let (id, rest) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        let is_whole = rest.len() == 3 * GROUP_DIGITS + CHECKSUM_DIGITS && rest.is_ascii();
        let (checked, checksum) =
            text.split_at_checked(text.len().checked_sub(CHECKSUM_DIGITS)?).filter(|_| is_whole)?;
        let checksum = u32::try_from(number(checksum)?).ok()?;
        let id = i64::try_from(number(id)?).ok()?;
        (checksum == crc32fast::hash(checked.as_bytes())).then(|| Self {
            kind,
            id: ServiceTokenId(id),
            digest: TokenDigest::of(text),
        })
    }

    /// Makes the text of a new token, which is shown once and never stored, and what is stored of it.
    #[must_use]
    pub fn compose(
        kind: ServiceTokenKind,
        id: ServiceTokenId,
        secret: &[u8; SECRET_BYTES],
    ) -> (Zeroizing<String>, TokenDigest) {
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(kind.prefix());
        push_number(&mut text, u64::try_from(id.0).unwrap_or(0), 1);
        text.push('_');
        for group in secret.chunks_exact(8) {
            let bytes = group.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
            push_number(&mut text, bytes, GROUP_DIGITS);
        }
        let checksum = crc32fast::hash(text.as_bytes());
        push_number(&mut text, u64::from(checksum), CHECKSUM_DIGITS);
        let digest = TokenDigest::of(&text);
        (text, digest)
    }
}

/// Adds a number in base62, with zeros before it up to `width` digits.
fn push_number(text: &mut String, number: u64, width: usize) {
    let mut digits = [0_u8; GROUP_DIGITS];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        if rest == 0 && length >= width {
            break;
        }
        *digit = DIGITS[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
        length += 1;
    }
    text.extend(digits[GROUP_DIGITS - length..].iter().map(|digit| char::from(*digit)));
}

/// Reads a number in base62; `None` when it is none, or too large.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > GROUP_DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        number.checked_mul(62)?.checked_add(u64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_read_back_as_what_it_was_made() {
        for kind in ServiceTokenKind::ALL {
            let (text, digest) =
                ServiceToken::compose(kind, ServiceTokenId::new(3_500_000), &[7; SECRET_BYTES]);
            assert!(text.starts_with(kind.prefix()), "{}", *text);
            let read = ServiceToken::read(&text).unwrap().unwrap();
            assert_eq!(
                (read.kind, read.id, read.digest == digest),
                (kind, ServiceTokenId::new(3_500_000), true)
            );
            assert_eq!(ServiceTokenKind::parse(kind.name()), Some(kind));
        }
    }

    #[test]
    fn what_begins_like_a_token_and_is_none_is_mistyped() {
        for text in [
            "asp_",
            "asp_x",
            "asp_1_",
            "asi_1_short",
            "ass_1_ä",
            "asp__000000000000000000000000000000000000000",
        ] {
            assert_eq!(ServiceToken::read(text), Some(Err(Mistyped)), "{text}");
        }
        for other in ["", "as", "aspx", "password", "ASP_1"] {
            assert_eq!(ServiceToken::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_of_one_kind_is_not_read_as_one_of_another() {
        let (text, _) =
            ServiceToken::compose(ServiceTokenKind::Identity, ServiceTokenId::new(1), &[1; SECRET_BYTES]);
        let other = text.replace("asi_", "asp_");
        assert_eq!(ServiceToken::read(&other), Some(Err(Mistyped)));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_always_found(
            id in 0..i64::MAX, secret: [u8; SECRET_BYTES], at in 4..52_usize, letter in "[0-9A-Za-z]",
        ) {
            let (text, _) = ServiceToken::compose(ServiceTokenKind::Personal, ServiceTokenId::new(id), &secret);
            prop_assert!(matches!(ServiceToken::read(&text), Some(Ok(_))));
            let mut changed = text.to_string();
            let at = at.min(changed.len() - 1);
            changed.replace_range(at..=at, &letter);
            if changed != *text {
                prop_assert_eq!(ServiceToken::read(&changed), Some(Err(Mistyped)));
            }
        }

        #[test]
        fn no_text_makes_the_reader_fail(text in "as[pis]_\\PC{0,60}") {
            let _ = ServiceToken::read(&text);
        }
    }
}
