//! Whom people can ask who read that they have to.

/// Whom sentences send their readers to: only an administrator can grant, certify, enable, unlock and restore.
const ADMINISTRATOR: &str = "an administrator";

/// An address or a web page of those who run the registry, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact(Box<str>);

impl Contact {
    /// Wraps a contact from the configuration.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// A line with the contact in it, before the code that the line ends with, if it sends its reader to somebody.
    #[must_use]
    pub fn told_in(contact: Option<&Self>, line: &str) -> String {
        let Some(Self(contact)) = contact.filter(|_| line.contains(ADMINISTRATOR)) else {
            return line.to_owned();
        };
        let (sentence, code) = match line.rfind(" [").filter(|_| line.ends_with(']')) {
            Some(at) => line.split_at(at),
            None => (line, ""),
        };
        format!("{sentence} (contact: {contact}){code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_sent_to_somebody_reads_how_to_reach_them() {
        let told = |line| Contact::told_in(Some(&Contact::new("help@example.org")), line);
        for (line, expected) in [
            (
                "you may not change it; ask an administrator for UPDATE on syn5/a [no_update]",
                "you may not change it; ask an administrator for UPDATE on syn5/a (contact: help@example.org) [no_update]",
            ),
            ("ask an administrator", "ask an administrator (contact: help@example.org)"),
            ("you are not logged in [anonymous]", "you are not logged in [anonymous]"),
        ] {
            assert_eq!(told(line), expected);
            assert_eq!(Contact::told_in(None, line), line);
        }
    }
}
