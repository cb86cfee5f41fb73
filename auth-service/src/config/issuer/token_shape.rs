//! The form of opaque tokens. Only the form distinguishes such a token from a password, so that no form is accepted
//! that many passwords have.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::ErrorKind;

use super::super::fault::quoted;
use super::super::kind::{Given, Kind};
use crate::domain::foreign::shape::is_token_character;
use crate::domain::service_token::ServiceTokenKind;

/// A shorter prefix would be that of many passwords.
const SHORTEST_PREFIX: usize = 4;

/// A shorter token could be guessed, and people choose shorter passwords.
const SHORTEST_TOKEN: usize = 20;

/// A pattern for tokens is small; a larger one would make every login slow.
const LARGEST_PATTERN_BYTES: usize = 100 * 1024;

/// A list of prefixes of tokens.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Prefixes;

impl Kind for Prefixes {
    type Value = Vec<String>;

    fn describe(&self) -> String {
        format!(
            "a list of prefixes of {SHORTEST_PREFIX} or more ASCII letters, digits and `-._~+/`, such as `[\"hub_\"]`"
        )
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<String>, String> {
        given.items()?.into_iter().map(prefix).collect()
    }

    fn show(&self, value: &Vec<String>) -> String {
        value.join(", ")
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let shown = quoted(text);
    if !text.bytes().all(is_token_character) {
        return Err(format!("{shown} holds a space or something else that is in no bearer token"));
    }
    if text.len() < SHORTEST_PREFIX {
        return Err(format!("{shown} is so short that a password could begin with it and be sent out"));
    }
    if ServiceTokenKind::of(text).is_some() {
        return Err(format!("{shown} begins like a token of this service"));
    }
    if text.starts_with("ey") {
        return Err(format!("{shown} begins like a JWT, which goes to the issuer that it names"));
    }
    Ok(text.to_owned())
}

/// A regular expression for whole tokens, read so that it matches them from end to end.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Pattern;

/// What is put around a pattern: only whole tokens match, and its classes hold only ASCII.
const AROUND: (&str, &str) = (r"\A(?-u:", r")\z");

impl Kind for Pattern {
    type Value = Regex;

    fn describe(&self) -> String {
        format!(
            "a regular expression that matches no text of less than {SHORTEST_TOKEN} characters, such as \
             `'[0-9a-f]{{40}}'`"
        )
    }

    fn parse(&self, given: &Given<'_>) -> Result<Regex, String> {
        let text = given.text()?;
        check_pattern(text).map_err(|problem| format!("{} {problem}", quoted(text)))?;
        let whole = format!("{}{text}{}", AROUND.0, AROUND.1);
        match RegexBuilder::new(&whole).size_limit(LARGEST_PATTERN_BYTES).build() {
            Ok(pattern) => Ok(pattern),
            Err(regex::Error::CompiledTooBig(_)) => Err(format!("{} is too large", quoted(text))),
            // Such as a comment at the end, in which the closing bracket would vanish.
            Err(_) => Err(format!("{} cannot be matched from end to end", quoted(text))),
        }
    }

    fn show(&self, value: &Regex) -> String {
        let inner = value.as_str().strip_prefix(AROUND.0).and_then(|text| text.strip_suffix(AROUND.1));
        inner.unwrap_or_default().to_owned()
    }
}

fn check_pattern(text: &str) -> Result<(), String> {
    if !text.is_ascii() {
        return Err("holds something that is not ASCII".to_owned());
    }
    let parsed = ParserBuilder::new().unicode(false).build().parse(text).map_err(|fault| match fault {
        regex_syntax::Error::Translate(fault) if matches!(fault.kind(), ErrorKind::InvalidUtf8) => {
            "matches more than ASCII: list the characters of a token instead of `.`, `[^…]` or the like"
                .to_owned()
        }
        regex_syntax::Error::Translate(fault) => format!("is no regular expression ({})", fault.kind()),
        regex_syntax::Error::Parse(fault) => format!("is no regular expression ({})", fault.kind()),
        _ => "is no regular expression".to_owned(),
    })?;
    match parsed.properties().minimum_len() {
        None => Err("matches nothing".to_owned()),
        Some(length) if length < SHORTEST_TOKEN => Err(format!(
            "matches texts of {length} characters, and so short a pattern would send passwords out"
        )),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_told_from_other_credentials() {
        for (text, expected) in [
            ("gho_", true),
            ("key-", true),
            ("asb_", true),
            ("gh_", false),
            ("gh o_", false),
            ("ghö_", false),
            ("gh|_", false),
            ("gho=", false),
            ("asp_x", false),
            ("asi_", false),
            ("ass_", false),
            ("eyJh", false),
        ] {
            assert_eq!(prefix(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_pattern_matches_no_text_that_could_be_a_password() {
        for (pattern, problem) in [
            ("[0-9a-f]{40}", None),
            (r"\w{20,}", None),
            (r"x-[\w-]{18,40}", None),
            ("(?i)[a-f]{20}|b{30}", None),
            ("^[0-9a-f]{40}$", None),
            ("[0-9a-f]{19}", Some("matches texts of 19 characters, and so short a pattern")),
            ("[0-9a-f]{40}|x", Some("matches texts of 1 characters")),
            ("a*", Some("matches texts of 0 characters")),
            ("(a{20})?", Some("matches texts of 0 characters")),
            (".{20}", Some("matches more than ASCII")),
            ("[^a]{20}", Some("matches more than ASCII")),
            ("ä{20}", Some("holds something that is not ASCII")),
            ("[0-9a-f]{40", Some("is no regular expression")),
            ("a{20})|(?:b", Some("is no regular expression (unopened group)")),
            ("[a&&b]{20}", Some("matches nothing")),
        ] {
            match (check_pattern(pattern), problem) {
                (Ok(()), None) => {}
                (Err(said), Some(expected)) => assert!(said.contains(expected), "{pattern}: {said}"),
                (result, _) => panic!("{pattern}: {result:?}"),
            }
        }
    }
}
