//! What its owner calls a personal access token.

use std::fmt;

use super::printable::is_printable;

/// 1 to 256 characters, without white space at the ends and what cannot be seen; unique among the owner's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenName(String);

impl TokenName {
    /// Reads a name, with white space at its ends cut off.
    pub fn parse(text: &str) -> Result<Self, BadTokenName> {
        let name = text.trim();
        if name.is_empty() || name.chars().count() > 256 || !name.chars().all(is_printable) {
            return Err(BadTokenName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The text is no name for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token's name has 1 to 256 characters, none of them a control character or invisible")]
pub struct BadTokenName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_nothing_that_cannot_be_seen() {
        assert_eq!(TokenName::parse(" build server ").unwrap().as_str(), "build server");
        for bad in ["", "  ", "a\nb", "\u{1b}[31m", "a\u{202e}b", "a\u{200b}b", &"x".repeat(257)] {
            assert_eq!(TokenName::parse(bad), Err(BadTokenName), "{bad:?}");
        }
    }
}
