//! The contact that refusals name when they send their reader to an administrator.

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

    /// The line with the contact before its code, if it sends its reader to an administrator.
    #[must_use]
    pub fn added_to(contact: Option<&Self>, line: &str) -> String {
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
    fn a_line_that_names_an_administrator_names_the_contact() {
        let with_contact = |line| Contact::added_to(Some(&Contact::new("help@example.org")), line);
        for (line, expected) in [
            (
                "you may not change it; ask an administrator for UPDATE on syn5/a [no_update]",
                "you may not change it; ask an administrator for UPDATE on syn5/a (contact: help@example.org) [no_update]",
            ),
            ("ask an administrator", "ask an administrator (contact: help@example.org)"),
            ("you are not logged in [anonymous]", "you are not logged in [anonymous]"),
        ] {
            assert_eq!(with_contact(line), expected);
            assert_eq!(Contact::added_to(None, line), line);
        }
    }
}
