//! What a program calls itself when it asks for a login that lasts.

use std::fmt;

/// Longest that is kept of it.
const CHARACTERS: usize = 100;

/// A program's name for itself, as it can be kept and shown in a terminal. Anybody can send anything, and any length,
/// as one: what cannot be seen is left out, and what is too long is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(Box<str>);

impl ClientId {
    /// Reads what was sent; `None` when nothing of it can be kept.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let kept: String = text.chars().filter(char::is_ascii_graphic).take(CHARACTERS).collect();
        (!kept.is_empty()).then(|| Self(kept.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_sent_can_be_shown_in_a_terminal() {
        let read = |text: &str| ClientId::read(text).map(|client| client.to_string());
        assert_eq!(read("docker").as_deref(), Some("docker"));
        assert_eq!(read("\u{1b}[31mdo cker\n\u{202e}ü").as_deref(), Some("[31mdocker"));
        assert_eq!(read(&"x".repeat(1_000_000)).map(|text| text.len()), Some(CHARACTERS));
        for nothing in ["", " ", "\n", "\0", "ü"] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }
}
