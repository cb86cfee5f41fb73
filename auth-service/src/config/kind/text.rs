//! Texts, secrets, one of several words, and true or false.

use ::config::ValueKind;

use super::super::fault::quoted;
use super::super::secret::{HIDDEN, Secret};
use super::{Given, Kind, type_name};

/// A name that goes into tokens and quoted header values: printable ASCII that needs no escape there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text;

/// A longer name would swell every token.
pub(super) const LONGEST_TEXT: usize = 200;

impl Kind for Text {
    type Value = String;

    fn describe(&self) -> String {
        format!("1 to {LONGEST_TEXT} characters of ASCII, without quotes, backslashes and outer spaces")
    }

    fn parse(&self, given: &Given<'_>) -> Result<String, String> {
        plain_text(given.text()?)
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

pub(super) fn plain_text(text: &str) -> Result<String, String> {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if text.len() <= LONGEST_TEXT && text.trim() == text && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} cannot be used", quoted(text)))
    }
}

/// A secret that travels in an `Authorization` header, hence without spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecretText {
    /// The fewest characters that are still hard to guess.
    pub(crate) minimum: usize,
}

impl Kind for SecretText {
    type Value = Secret;

    fn describe(&self) -> String {
        format!(
            "{} or more printable ASCII characters without spaces (`openssl rand -hex 32` makes some)",
            self.minimum
        )
    }

    fn parse(&self, given: &Given<'_>) -> Result<Secret, String> {
        let text = given.text()?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("holds a space or something else that is not printable ASCII".to_owned());
        }
        if text.len() < self.minimum {
            return Err(format!("has {} characters, which can be guessed", text.len()));
        }
        Ok(Secret::new(text.to_owned()))
    }

    fn show(&self, _value: &Secret) -> String {
        HIDDEN.to_owned()
    }
}

/// A secret that somebody else has chosen, so that nothing can be asked of it but that it can be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForeignSecret;

impl Kind for ForeignSecret {
    type Value = Secret;

    fn describe(&self) -> String {
        "printable ASCII characters".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Secret, String> {
        let text = given.text()?;
        if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            Ok(Secret::new(text.to_owned()))
        } else {
            Err("holds something that is not printable ASCII".to_owned())
        }
    }

    fn show(&self, _value: &Secret) -> String {
        HIDDEN.to_owned()
    }
}

/// One of several words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<T: 'static> {
    /// Each word and what it means.
    pub(crate) options: &'static [(&'static str, T)],
}

impl<T: Copy + PartialEq> Kind for Choice<T> {
    type Value = T;

    fn describe(&self) -> String {
        let words: Vec<String> = self.options.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
        match words.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            _ => words.concat(),
        }
    }

    fn parse(&self, given: &Given<'_>) -> Result<T, String> {
        let text = given.text()?;
        let chosen = self.options.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, meaning)| *meaning).ok_or_else(|| format!("{} is none of the choices", quoted(text)))
    }

    fn show(&self, value: &T) -> String {
        let chosen = self.options.iter().find(|(_, meaning)| meaning == value);
        chosen.map_or_else(String::new, |(word, _)| (*word).to_owned())
    }
}

/// True or false.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn describe(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<bool, String> {
        match given.raw() {
            ValueKind::Boolean(flag) => Ok(*flag),
            ValueKind::String(text) => text.parse().map_err(|_| format!("{} is neither", quoted(text))),
            other => Err(format!("is {}", type_name(other))),
        }
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }
}
