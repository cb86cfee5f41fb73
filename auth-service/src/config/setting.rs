//! One setting: its key, the accepted values, the default, and its purpose. The check for unknown keys, the typed
//! settings, `config show` and the documentation are made from these.

use super::kind::Kind;

/// The value of a setting that is not set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Preset {
    /// This text, parsed as if it stood in the file.
    Text(&'static str),
    /// Determined at start; the words describe it.
    Derived(&'static str),
    /// Nothing.
    Unset,
    /// The setting must be set.
    Required,
}

/// A setting whose values have the type that `K` parses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<K> {
    /// `section.key`; in a family of sections a template.
    pub(super) name: &'static str,
    /// The accepted values.
    pub(super) kind: K,
    /// The value if it is not set.
    pub(super) preset: Preset,
    /// Its purpose, as the documentation has it.
    pub(super) doc: &'static str,
}

/// A setting without its type, as a row of a table.
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
