//! Lists of names, and of words out of a known set.

use super::super::fault::quoted;
use super::text::{LONGEST_TEXT, plain_text};
use super::{Given, Kind};

/// A list of names, each as a [`Text`](super::Text).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts {
    /// Whether there may be none.
    pub(crate) may_be_empty: bool,
    /// What the documentation shows.
    pub(crate) example: &'static str,
}

impl Kind for Texts {
    type Value = Vec<String>;

    fn describe(&self) -> String {
        format!("a list of names of up to {LONGEST_TEXT} characters of ASCII, such as `{}`", self.example)
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<String>, String> {
        let items = given.items()?;
        if items.is_empty() && !self.may_be_empty {
            return Err("names nothing".to_owned());
        }
        items.into_iter().map(plain_text).collect()
    }

    fn show(&self, value: &Vec<String>) -> String {
        value.join(", ")
    }
}

/// A list of one or more words out of a known set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices<T: 'static> {
    /// Each word and what it means.
    pub(crate) options: &'static [(&'static str, T)],
    /// Words that somebody may think of, each with the reason why it never is among them.
    pub(crate) refused: &'static [(&'static str, &'static str)],
}

impl<T: Copy> Choices<T> {
    /// What one word means.
    pub(crate) fn choose(&self, text: &str) -> Result<T, String> {
        if let Some((_, meaning)) = self.options.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let refused = self.refused.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        let why = refused.map_or("is none of the choices", |(_, why)| *why);
        Err(format!("{} {why}", quoted(text)))
    }

    /// The words, as a sentence lists them.
    pub(crate) fn words(&self) -> String {
        self.options.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    }
}

impl<T: Copy + PartialEq> Choices<T> {
    /// The word that means this.
    pub(crate) fn word(&self, meaning: &T) -> &'static str {
        self.options.iter().find(|(_, other)| other == meaning).map_or("", |(word, _)| *word)
    }
}

impl<T: Copy + PartialEq> Kind for Choices<T> {
    type Value = Vec<T>;

    fn describe(&self) -> String {
        format!("a list of one or more of {}", self.words())
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<T>, String> {
        let items = given.items()?;
        if items.is_empty() {
            return Err("names nothing".to_owned());
        }
        items.into_iter().map(|item| self.choose(item)).collect()
    }

    fn show(&self, value: &Vec<T>) -> String {
        value.iter().map(|meaning| self.word(meaning)).collect::<Vec<_>>().join(", ")
    }
}
