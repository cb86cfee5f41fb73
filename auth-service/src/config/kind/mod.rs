//! The kinds of value that a key can have: how each is described, read and shown.
//!
//! To add one: a type in a file beside, or in that of the one section that has it, which implements [`Kind`];
//! `describe` completes the sentence "write …" and is the *Value* column of the documentation.

mod contact;
mod list;
mod location;
mod network;
mod number;
mod secure;
mod text;

use std::path::Path;

use ::config::{Value, ValueKind};

pub(super) use contact::ContactAddress;
pub(super) use list::{Choices, Texts};
pub(super) use location::{DatabaseLocation, FilePath};
pub(super) use network::{Address, Networks, RegistryHost, WebAddress};
pub(super) use number::{Span, Unit, Whole};
pub(super) use secure::{IssuerAddress, Origins, SecureAddress};
pub(super) use text::{Choice, Flag, ForeignSecret, SecretText, Text};

/// How one kind of value is written.
pub(super) trait Kind {
    /// What it is read as.
    type Value;

    /// What to write: completes "write …".
    fn describe(&self) -> String;

    /// Reads a value; the error says what is wrong with it and never repeats a secret.
    fn parse(&self, given: &Given<'_>) -> Result<Self::Value, String>;

    /// The value as `config show` prints it, secrets hidden.
    fn show(&self, value: &Self::Value) -> String;
}

/// A value as it was written, and the folder that relative paths start from.
pub(super) struct Given<'a> {
    value: &'a ValueKind,
    folder: &'a Path,
}

impl<'a> Given<'a> {
    /// A value out of the merged layers.
    pub(super) fn new(value: &'a Value, folder: &'a Path) -> Self {
        Self { value: &value.kind, folder }
    }

    /// The folder that relative paths start from.
    pub(super) fn folder(&self) -> &Path {
        self.folder
    }

    /// The text, if it is text. The error does not repeat the value, which may be a secret.
    pub(super) fn text(&self) -> Result<&'a str, String> {
        match self.value {
            ValueKind::String(text) if text.is_empty() => Err("is empty".to_owned()),
            ValueKind::String(text) => Ok(text),
            other => Err(format!("is {} where text in quotes belongs", type_name(other))),
        }
    }

    /// The value as it is.
    pub(super) fn raw(&self) -> &'a ValueKind {
        self.value
    }

    /// The items of a list of texts; in one text they are separated by commas, as an environment variable
    /// has to do it.
    pub(super) fn items(&self) -> Result<Vec<&'a str>, String> {
        match self.value {
            ValueKind::String(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
            }
            ValueKind::Array(items) => {
                items.iter().map(|item| Given { value: &item.kind, ..*self }.text()).collect()
            }
            other => Err(format!("is {} where a list belongs", type_name(other))),
        }
    }
}

/// What TOML calls such a value.
pub(super) fn type_name(value: &ValueKind) -> &'static str {
    match value {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a number",
        ValueKind::Float(_) => "a number with a fraction",
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}
