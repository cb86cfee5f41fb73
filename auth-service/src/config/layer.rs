//! What one source says, the file or the environment: the values of known keys, each with its origin. What is
//! no key is refused here, with the nearest name that is one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use ::config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::fault::{Fault, quoted};
use super::name::{
    MEMBER_NAME, VARIABLE_PREFIX, is_member_name, join, member_of, name_set_by, nearest, of_any_member,
    stands_for, variable_of, written_member,
};
use super::setting::Described;
use super::{SECTIONS, known_keys};

/// The file that is looked for in the current folder.
pub(super) const FILE_NAME: &str = "auth-service.toml";

/// A configuration file and what led to it.
pub(super) struct ChosenFile {
    /// The file.
    pub(super) path: PathBuf,
    /// The option, the variable or the name by which it was found.
    pub(super) chosen_by: &'static str,
}

/// The values of one source, and the members of families that it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    values: Map<String, Value>,
    members: BTreeSet<String>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

/// What a name in a file means.
enum Meaning {
    Key,
    Section,
    /// A section that the operator has named.
    Member,
    /// The same, named against the rules.
    BadMember,
    Nothing,
}

impl Layer {
    /// The sections of families that are named here, also those without a key.
    pub(super) const fn members(&self) -> &BTreeSet<String> {
        &self.members
    }

    /// Takes the variable `AUTH_SERVICE__` + `name`, or notes what is wrong with it.
    pub(super) fn add_variable(&mut self, name: &str, value: OsString, faults: &mut Vec<Fault>) {
        let variable = format!("{VARIABLE_PREFIX}{name}");
        let set = |template| name_set_by(template, &variable).map(|key| (template, key));
        let Some((template, key)) = known_names().find_map(set) else {
            let given = name.replace("__", ".").to_lowercase();
            let cure = nearest(&given, known_names()).as_deref().map(variable_of).unwrap_or_default();
            let cure = format!("remove the variable, or did you mean {cure}?");
            return faults.push(Fault::new(&given, &variable, "there is no such key", &cure));
        };
        if let Some(member) = written_member(template, &key).filter(|member| !is_member_name(member)) {
            return faults.push(bad_member(&key, member, &variable));
        }
        match value.into_string() {
            Ok(text) => {
                self.members.extend(section_of_member(&key));
                self.values.insert(key, Value::new(Some(&variable), text));
            }
            Err(_) => faults.push(Fault::new(&key, &variable, "is not UTF-8", "write it in UTF-8")),
        }
    }

    /// Takes what stands in a file; whether all of it could be read.
    pub(super) fn add_file(&mut self, choice: &ChosenFile, faults: &mut Vec<Fault>) -> bool {
        let origin = choice.path.display().to_string();
        let text = match fs::read_to_string(&choice.path) {
            Ok(text) => text,
            Err(fault) => {
                let problem = format!("the file {} cannot be read: {fault}", quoted(&origin));
                let cure = "name a readable file, or make this one readable for the user of the service";
                faults.push(Fault::new(choice.chosen_by, &origin, &problem, cure));
                return false;
            }
        };
        match File::from_str(&text, FileFormat::Toml).collect() {
            Ok(table) => {
                self.add_table("", table, &origin, faults);
                true
            }
            Err(fault) => {
                let problem = syntax_problem(&fault);
                faults.push(Fault::new(FILE_NAME, &origin, &problem, "correct the file at that place"));
                false
            }
        }
    }

    fn add_table(&mut self, path: &str, table: Map<String, Value>, origin: &str, faults: &mut Vec<Fault>) {
        // Sorted, so that the same file always gives the same faults in the same order.
        for (name, value) in table.into_iter().collect::<BTreeMap<_, _>>() {
            let full = join(path, &name);
            match (meaning_of(path, &name, &full), value.kind) {
                (Meaning::Key, ValueKind::Table(_)) => {
                    let cure = format!("write `{name} = …` in [{path}]");
                    faults.push(Fault::new(&full, origin, "is a table where a value belongs", &cure));
                }
                (Meaning::Key, kind) => {
                    self.values.insert(full, Value::new(Some(&origin.to_owned()), kind));
                }
                (Meaning::Section, ValueKind::Table(inner)) => self.add_table(&full, inner, origin, faults),
                (Meaning::Section, _) => faults.push(no_key(&full, origin)),
                (Meaning::Member, ValueKind::Table(inner)) => {
                    self.members.insert(full.clone());
                    self.add_table(&full, inner, origin, faults);
                }
                (Meaning::BadMember, ValueKind::Table(_)) => faults.push(bad_member(&full, &name, origin)),
                (_, ValueKind::Table(inner)) if !inner.is_empty() && !name.contains('.') => {
                    self.add_table(&full, inner, origin, faults);
                }
                _ => faults.push(unknown_in_file(&full, origin)),
            }
        }
    }
}

fn meaning_of(path: &str, name: &str, full: &str) -> Meaning {
    if SECTIONS.iter().any(|section| section.family() == Some(path)) {
        if is_member_name(name) { Meaning::Member } else { Meaning::BadMember }
    } else if name.contains('.') {
        // A dot inside quotes does not lead into a section.
        Meaning::Nothing
    } else if known_names().any(|known| stands_for(known, full)) {
        Meaning::Key
    } else if SECTIONS.iter().any(|section| section.name == full || section.family() == Some(full)) {
        Meaning::Section
    } else {
        Meaning::Nothing
    }
}

/// The section that a member's key stands in.
fn section_of_member(key: &str) -> Option<String> {
    let (section, _) = key.rsplit_once('.')?;
    SECTIONS.iter().any(|family| member_of(family.name, section).is_some()).then(|| section.to_owned())
}

fn bad_member(full: &str, member: &str, origin: &str) -> Fault {
    let problem = format!("{} cannot be the name of a section", quoted(member));
    Fault::new(full, origin, &problem, &format!("name it by {MEMBER_NAME}"))
}

fn no_key(full: &str, origin: &str) -> Fault {
    let section = SECTIONS.iter().find(|section| section.family() == Some(full));
    let written = section.map_or_else(|| full.to_owned(), |section| of_any_member(section.name));
    let cure = format!("write the section as [{written}], with its keys below");
    Fault::new(full, origin, "is a section, not a key", &cure)
}

fn unknown_in_file(given: &str, origin: &str) -> Fault {
    let meant = nearest(given, known_names()).unwrap_or_default();
    let (section, key) = meant.rsplit_once('.').unwrap_or_default();
    let cure = format!("remove it, or did you mean `{key}` in [{section}]?");
    Fault::new(given, origin, "there is no such key", &cure)
}

fn known_names() -> impl Iterator<Item = &'static str> {
    known_keys().map(Described::name)
}

/// What the parser says, without the line it prints: there may be a secret in it.
fn syntax_problem(fault: &ConfigError) -> String {
    let said = match fault {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let is_excerpt = |line: &&str| {
        let after_number = line.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
        after_number.trim_start().starts_with('|')
    };
    said.lines().filter(|line| !is_excerpt(line)).map(str::trim).collect::<Vec<_>>().join(": ")
}
