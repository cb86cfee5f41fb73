//! Turns the merged layers into typed values, key by key. Never stops at a fault: it is noted, and the next
//! key is read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::config::Value;

use super::fault::{Fault, Noted};
use super::key::{Key, Preset};
use super::kind::{FilePath, Given, Kind};
use super::layers::Layers;
use super::{Shown, known_keys};

/// The origin of what nobody has set.
const DEFAULT: &str = "default";

/// A secret is short; whatever is longer is the wrong file.
const LONGEST_SECRET_FILE: u64 = 65_536;

/// Reads keys and collects what is wrong with them.
pub(super) struct Reader {
    values: BTreeMap<String, Value>,
    folder: PathBuf,
    complete: bool,
    faults: Vec<Fault>,
    shown: BTreeMap<&'static str, Shown>,
}

impl Reader {
    /// A reader of these layers, and the file that they came from.
    pub(super) fn new(layers: Layers) -> (Self, Option<PathBuf>) {
        let Layers { file, folder, values, complete, faults } = layers;
        (Self { values, folder, complete, faults, shown: BTreeMap::new() }, file)
    }

    /// The value of a key that has a default.
    pub(super) fn required<K: Kind>(&mut self, key: &Key<K>) -> Result<K::Value, Noted> {
        match self.optional(key)? {
            Some(value) => Ok(value),
            None => Err(self.fault(key.name, "is not set", &format!("write {}", key.kind.describe()))),
        }
    }

    /// The value of a key that may be left out.
    pub(super) fn optional<K: Kind>(&mut self, key: &Key<K>) -> Result<Option<K::Value>, Noted> {
        let Some(value) = self.values.get(key.name) else {
            self.show(key.name, None, DEFAULT.to_owned());
            return Ok(None);
        };
        let parsed = key.kind.parse(&Given::new(value, &self.folder));
        let origin = self.origin_of(key.name);
        self.accept(key, parsed, origin).map(Some)
    }

    /// The value of a key whose default is found out elsewhere; no default if that had a fault.
    pub(super) fn or_derived<K: Kind>(
        &mut self,
        key: &Key<K>,
        derived: Option<K::Value>,
    ) -> Result<K::Value, Noted> {
        if let Some(value) = self.optional(key)? {
            return Ok(value);
        }
        let value = derived.ok_or(Noted)?;
        self.show(key.name, Some(key.kind.show(&value)), DEFAULT.to_owned());
        Ok(value)
    }

    /// The value of a key that may be kept in a file of its own, which `file_key` names.
    pub(super) fn or_in_file<K: Kind>(
        &mut self,
        key: &Key<K>,
        file_key: &Key<FilePath>,
    ) -> Result<Option<K::Value>, Noted> {
        let path = self.optional(file_key);
        if !self.is_set(file_key.name) {
            return self.optional(key);
        }
        if self.is_set(key.name) {
            let problem =
                format!("is set here and {} is set in {}", file_key.name, self.origin_of(file_key.name));
            return Err(self.fault(key.name, &problem, "remove one of the two"));
        }
        let Some(path) = path? else { return Ok(None) };
        let origin =
            format!("{} named by {} in {}", path.display(), file_key.name, self.origin_of(file_key.name));
        let content = match read_secret(&path) {
            Ok(content) => Value::from(content),
            Err(problem) => {
                let cure = "name a text file that the user of the service can read";
                self.faults.push(Fault::new(file_key.name, &origin, &problem, cure));
                return Err(Noted);
            }
        };
        let parsed = key.kind.parse(&Given::new(&content, &self.folder));
        self.accept(key, parsed, origin).map(Some)
    }

    /// Notes that the value of `key`, though readable, does not go with the others.
    pub(super) fn fault(&mut self, key: &'static str, problem: &str, cure: &str) -> Noted {
        // After an unreadable file, what seems missing may well be in it.
        if self.complete {
            let origin = self.origin_of(key);
            self.faults.push(Fault::new(key, &origin, problem, cure));
        }
        Noted
    }

    /// Whether somebody has set the key, rightly or not.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| value.origin().is_some())
    }

    /// What is wrong, and every effective value in the order of the documentation.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Shown>) {
        let shown = known_keys().filter_map(|key| self.shown.remove(key.name())).collect();
        (self.faults, shown)
    }

    fn accept<K: Kind>(
        &mut self,
        key: &Key<K>,
        parsed: Result<K::Value, String>,
        origin: String,
    ) -> Result<K::Value, Noted> {
        match parsed {
            Ok(value) => {
                self.show(key.name, Some(key.kind.show(&value)), origin);
                Ok(value)
            }
            Err(problem) => {
                let or_nothing = if matches!(key.preset, Preset::Text(_)) { "" } else { ", or leave it out" };
                let cure = format!("write {}{or_nothing}", key.kind.describe());
                self.faults.push(Fault::new(key.name, &origin, &problem, &cure));
                Err(Noted)
            }
        }
    }

    fn show(&mut self, key: &'static str, value: Option<String>, origin: String) {
        self.shown.insert(key, Shown { key, value, origin });
    }

    fn origin_of(&self, key: &str) -> String {
        self.values.get(key).and_then(Value::origin).unwrap_or(DEFAULT).to_owned()
    }
}

/// The content of a secret's file without the newline that editors and `echo` put at the end.
fn read_secret(path: &Path) -> Result<String, String> {
    let mut content = String::new();
    let read =
        File::open(path).and_then(|file| file.take(LONGEST_SECRET_FILE + 1).read_to_string(&mut content));
    if let Err(fault) = read {
        return Err(format!("cannot be read: {fault}"));
    }
    if u64::try_from(content.len()).is_ok_and(|length| length > LONGEST_SECRET_FILE) {
        return Err(format!("is larger than {LONGEST_SECRET_FILE} bytes"));
    }
    let content_length =
        content.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).map(str::len);
    if let Some(length) = content_length {
        content.truncate(length);
    }
    Ok(content)
}
