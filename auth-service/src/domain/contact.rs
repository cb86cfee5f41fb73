//! Whom people can ask who read that they have to.

/// Whom sentences send their readers to, of those that somebody here can reach by the contact.
const ASKED: [&str; 3] = ["an administrator", "the registry's administrator", "the owner of"];

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
        let Some(Self(contact)) = contact.filter(|_| ASKED.iter().any(|asked| line.contains(asked))) else {
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
                "push of syn5/a refused: you lack it; ask the owner of syn5 for it [no_update]",
                "push of syn5/a refused: you lack it; ask the owner of syn5 for it (contact: help@example.org) [no_update]",
            ),
            ("ask an administrator", "ask an administrator (contact: help@example.org)"),
            (
                "the token of 'hub' is odd; ask its administrator [x]",
                "the token of 'hub' is odd; ask its administrator [x]",
            ),
            ("nobody is logged in [anonymous]", "nobody is logged in [anonymous]"),
        ] {
            assert_eq!(told(line), expected);
            assert_eq!(Contact::told_in(None, line), line);
        }
    }
}
