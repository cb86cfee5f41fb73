//! Turns the merged layers into typed values, key by key. Never stops at a fault: it is noted, and the next
//! key is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::config::Value;

use super::fault::{Fault, Noted};
use super::kind::{FilePath, Given, Kind};
use super::layers::Layers;
use super::name::{member_of, of_member};
use super::setting::{Preset, Section, Setting};
use super::{Shown, keys_with};

/// The origin of what nobody has set.
const DEFAULT: &str = "default";

/// A secret is short; whatever is longer is the wrong file.
const LONGEST_SECRET_FILE: u64 = 65_536;

/// Reads keys and collects what is wrong with them. While a member of a family is read, every template of a
/// name means that member's.
pub(super) struct Reader {
    values: BTreeMap<String, Value>,
    members: BTreeSet<String>,
    member: Option<String>,
    folder: PathBuf,
    complete: bool,
    faults: Vec<Fault>,
    shown: BTreeMap<String, Shown>,
}

impl Reader {
    /// A reader of these layers, and the file that they came from.
    pub(super) fn new(layers: Layers) -> (Self, Option<PathBuf>) {
        let Layers { file, folder, values, members, complete, faults } = layers;
        let shown = BTreeMap::new();
        (Self { values, members, member: None, folder, complete, faults, shown }, file)
    }

    /// Reads each section of a family, given the operator's name for it, in the order of these names.
    pub(super) fn each<T>(&mut self, family: &Section, mut read: impl FnMut(&mut Self, &str) -> T) -> Vec<T> {
        let members: Vec<String> = self
            .members
            .iter()
            .filter_map(|section| member_of(family.name, section))
            .map(str::to_owned)
            .collect();
        let read_one = |member: String| {
            self.member = Some(member.clone());
            let value = read(self, &member);
            self.member = None;
            value
        };
        members.into_iter().map(read_one).collect()
    }

    /// The name of a key as it is written, for the member that is being read.
    pub(super) fn full_name(&self, key: &str) -> String {
        of_member(key, self.member.as_deref().unwrap_or("*"))
    }

    /// The value of a key that has a default, or that has to be written.
    pub(super) fn required<K: Kind>(&mut self, key: &Setting<K>) -> Result<K::Value, Noted> {
        if let Some(value) = self.optional(key)? {
            return Ok(value);
        }
        let name = self.full_name(key.name);
        if self.faults.iter().any(|fault| fault.key == name) {
            // It was written, but so that it could not even be taken for a value.
            return Err(Noted);
        }
        Err(self.fault(key.name, "is not set", &format!("write {}", key.kind.describe())))
    }

    /// The value of a key that may be left out.
    pub(super) fn optional<K: Kind>(&mut self, key: &Setting<K>) -> Result<Option<K::Value>, Noted> {
        let Some(value) = self.values.get(&self.full_name(key.name)) else {
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
        key: &Setting<K>,
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
        key: &Setting<K>,
        file_key: &Setting<FilePath>,
    ) -> Result<Option<K::Value>, Noted> {
        let path = self.optional(file_key);
        if !self.is_set(file_key.name) {
            return self.optional(key);
        }
        let (file_name, file_origin) = (self.full_name(file_key.name), self.origin_of(file_key.name));
        if self.is_set(key.name) {
            let problem = format!("is set here and {file_name} is set in {file_origin}");
            return Err(self.fault(key.name, &problem, "remove one of the two"));
        }
        let Some(path) = path? else { return Ok(None) };
        let origin = format!("{} named by {file_name} in {file_origin}", path.display());
        let content = match read_secret(&path) {
            Ok(content) => Value::from(content),
            Err(problem) => {
                let cure = "name a text file that the user of the service can read";
                self.faults.push(Fault::new(&file_name, &origin, &problem, cure));
                return Err(Noted);
            }
        };
        let parsed = key.kind.parse(&Given::new(&content, &self.folder));
        self.accept(key, parsed, origin).map(Some)
    }

    /// Notes that the value of `key`, though readable, does not go with the others.
    pub(super) fn fault(&mut self, key: &str, problem: &str, cure: &str) -> Noted {
        // After an unreadable file, what seems missing may well be in it.
        if self.complete {
            let fault = Fault::new(&self.full_name(key), &self.origin_of(key), problem, cure);
            self.faults.push(fault);
        }
        Noted
    }

    /// Notes that only one of two keys is set which need each other.
    pub(super) fn alone(&mut self, given: &str, missing: &str) -> Noted {
        let missing = self.full_name(missing);
        let cure = format!("set {missing} too, or neither of the two");
        self.fault(given, &format!("is set without {missing}"), &cure)
    }

    /// Whether somebody has set the key, rightly or not.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.values.get(&self.full_name(key)).is_some_and(|value| value.origin().is_some())
    }

    /// What is wrong, and every effective value in the order of the documentation.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Shown>) {
        let keys = keys_with(&self.members).into_iter();
        let shown = keys.filter_map(|(name, _)| self.shown.remove(&name)).collect();
        (self.faults, shown)
    }

    fn accept<K: Kind>(
        &mut self,
        key: &Setting<K>,
        parsed: Result<K::Value, String>,
        origin: String,
    ) -> Result<K::Value, Noted> {
        match parsed {
            Ok(value) => {
                self.show(key.name, Some(key.kind.show(&value)), origin);
                Ok(value)
            }
            Err(problem) => {
                let or_nothing = match key.preset {
                    Preset::Text(_) | Preset::Required => "",
                    Preset::Derived(_) | Preset::Unset => ", or leave it out",
                };
                let cure = format!("write {}{or_nothing}", key.kind.describe());
                self.faults.push(Fault::new(&self.full_name(key.name), &origin, &problem, &cure));
                Err(Noted)
            }
        }
    }

    fn show(&mut self, key: &str, value: Option<String>, origin: String) {
        let key = self.full_name(key);
        self.shown.insert(key.clone(), Shown { key, value, origin });
    }

    fn origin_of(&self, key: &str) -> String {
        self.values.get(&self.full_name(key)).and_then(Value::origin).unwrap_or(DEFAULT).to_owned()
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
