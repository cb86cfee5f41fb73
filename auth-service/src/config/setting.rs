//! One configuration key as a value: its name, what may be written, the default, and what it is for.
//! The check for unknown keys, the typed settings, `config show` and the documentation all come from these.

use super::kind::Kind;

/// What holds for a key that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Preset {
    /// This text, read as if it had been written in the file.
    Text(&'static str),
    /// Something found out at start; the words describe it.
    Derived(&'static str),
    /// Nothing.
    Unset,
    /// Nothing will do: it has to be written.
    Required,
}

/// A configuration key whose values have the type that `K` parses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<K> {
    /// `section.key`; in a family of sections a template.
    pub(super) name: &'static str,
    /// What may be written.
    pub(super) kind: K,
    /// What holds if nothing is written.
    pub(super) preset: Preset,
    /// What it is for, in one sentence.
    pub(super) doc: &'static str,
}

/// A key without its type, as a row of a table.
pub(super) trait Described {
    /// `section.key`; in a family of sections a template.
    fn name(&self) -> &'static str;
    /// What may be written.
    fn value(&self) -> String;
    /// What holds if nothing is written.
    fn preset(&self) -> Preset;
    /// What it is for, in one sentence.
    fn doc(&self) -> &'static str;
}

impl<K: Kind> Described for Setting<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn value(&self) -> String {
        self.kind.describe()
    }

    fn preset(&self) -> Preset {
        self.preset
    }

    fn doc(&self) -> &'static str {
        self.doc
    }
}

/// The keys that stand under one `[name]` in the file, or under each of a family.
pub(super) struct Section {
    /// What stands between the brackets; the template of a family ends with `.*`.
    pub(super) name: &'static str,
    /// What the section is about, in one sentence.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the documentation.
    pub(super) keys: &'static [&'static dyn Described],
}

impl Section {
    /// What the names of a family begin with.
    pub(super) fn family(&self) -> Option<&'static str> {
        self.name.strip_suffix(".*")
    }
}
