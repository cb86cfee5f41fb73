//! A value that must never be seen: not in a log, not in an error, not in `config show`.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What stands in the place of a secret wherever a person may look.
pub(super) const HIDDEN: &str = "********";

/// A secret text: hidden when printed, overwritten in memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller should hold no other copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret; the time taken tells nothing but the length.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_equals_itself_and_nothing_shorter_longer_or_other() {
        let secret = Secret::new("correct horse".to_owned());
        assert!(secret.matches(b"correct horse"));
        for other in ["correct hors", "correct horse ", "Correct horse", ""] {
            assert!(!secret.matches(other.as_bytes()), "{other:?}");
        }
        assert_eq!(secret, secret.clone());
    }

    #[test]
    fn debug_output_hides_it() {
        assert_eq!(format!("{:?}", Some(Secret::new("correct horse".to_owned()))), "Some(********)");
    }
}
