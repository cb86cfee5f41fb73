//! Where values come from: built-in defaults, then the file, then the environment. Finds the file, refuses
//! what is no key, and merges the rest; what the values mean is not known here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ::config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::fault::{Fault, quoted};
use super::key::{Described, Preset};
use super::name::{VARIABLE_PREFIX, nearest, variable_of};
use super::{SECTIONS, known_keys};

/// The variable that names the file.
const FILE_VARIABLE: &str = "AUTH_SERVICE_CONFIG";

/// The file that is looked for in the current folder.
const FILE_NAME: &str = "auth-service.toml";

/// Where the configuration file is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The file named on the command line; it must exist.
    pub named: Option<PathBuf>,
    /// The current folder: `auth-service.toml` in it is the second choice, and without any file relative
    /// paths start here.
    pub folder: PathBuf,
    /// The last choice.
    pub system_file: PathBuf,
}

impl Search {
    /// As the documentation promises it to whoever starts the program.
    #[must_use]
    pub fn new(named: Option<PathBuf>) -> Self {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { named, folder, system_file: Path::new("/etc/auth-service").join(FILE_NAME) }
    }
}

/// The merged layers.
pub(super) struct Layers {
    /// The file that was read.
    pub(super) file: Option<PathBuf>,
    /// Where relative paths start.
    pub(super) folder: PathBuf,
    /// The values by key; one without an origin is a default.
    pub(super) values: BTreeMap<String, Value>,
    /// Whether everything that was written could be read. If not, a value that seems missing may stand in
    /// the unreadable part.
    pub(super) complete: bool,
    /// What is wrong so far.
    pub(super) faults: Vec<Fault>,
}

/// Reads and merges all layers.
pub(super) fn gather(search: &Search, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Layers {
    let mut faults = Vec::new();
    let mut named_by_variable = None;
    let mut variables = Layer::default();
    for (name, value) in environment {
        if name == FILE_VARIABLE && !value.is_empty() {
            named_by_variable = Some(PathBuf::from(value));
        } else if let Some(key) = name.to_string_lossy().strip_prefix(VARIABLE_PREFIX) {
            variables.add_variable(key, value, &mut faults);
        }
    }
    let chosen = choose(search, named_by_variable);
    let mut written = Layer::default();
    let read = chosen.as_ref().map(|choice| written.add_file(choice, &mut faults));
    let file = chosen.map(|choice| choice.path);
    let folder = file.as_deref().and_then(Path::parent).unwrap_or(&search.folder).to_path_buf();
    let (values, merged) = match merge(written, variables) {
        Ok(values) => (values, true),
        Err(fault) => {
            faults.push(Fault::new("configuration", "merging", &fault.to_string(), "report this"));
            (BTreeMap::new(), false)
        }
    };
    Layers { file, folder, values, complete: merged && read.unwrap_or(true), faults }
}

/// A configuration file and what led to it.
struct Choice {
    path: PathBuf,
    chosen_by: &'static str,
}

fn choose(search: &Search, named_by_variable: Option<PathBuf>) -> Option<Choice> {
    let named = search.named.clone().map(|path| (path, "--config"));
    let named = named.or_else(|| named_by_variable.map(|path| (path, FILE_VARIABLE)));
    if let Some((path, chosen_by)) = named {
        return Some(Choice { path: search.folder.join(path), chosen_by });
    }
    // Only a file that is certainly missing is passed over: one that cannot be read is a fault.
    [search.folder.join(FILE_NAME), search.system_file.clone()]
        .into_iter()
        .find(|path| fs::exists(path).unwrap_or(true))
        .map(|path| Choice { path, chosen_by: FILE_NAME })
}

fn merge(written: Layer, variables: Layer) -> Result<BTreeMap<String, Value>, ConfigError> {
    let mut builder = Config::builder();
    for key in known_keys() {
        if let Preset::Text(text) = key.preset() {
            builder = builder.set_default(key.name(), text)?;
        }
    }
    let merged = builder.add_source(written).add_source(variables).build()?.cache.into_table()?;
    let mut values = BTreeMap::new();
    for (section, keys) in merged {
        for (key, value) in keys.into_table()? {
            values.insert(format!("{section}.{key}"), value);
        }
    }
    Ok(values)
}

/// The values of one source: known keys only, each with its origin.
#[derive(Clone, Debug, Default)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    /// Takes the variable `AUTH_SERVICE__` + `name`, or notes what is wrong with it.
    fn add_variable(&mut self, name: &str, value: OsString, faults: &mut Vec<Fault>) {
        let variable = format!("{VARIABLE_PREFIX}{name}");
        let Some(key) = known_keys().find(|key| variable_of(key.name()) == variable) else {
            let given = name.replace("__", ".").to_lowercase();
            let cure = nearest(&given, known_names()).map(variable_of).unwrap_or_default();
            let cure = format!("remove the variable, or did you mean {cure}?");
            return faults.push(Fault::new(&given, &variable, "there is no such key", &cure));
        };
        match value.into_string() {
            Ok(text) => {
                self.0.insert(key.name().to_owned(), Value::new(Some(&variable), text));
            }
            Err(_) => faults.push(Fault::new(key.name(), &variable, "is not UTF-8", "write it in UTF-8")),
        }
    }

    /// Takes what stands in a file; whether all of it could be read.
    fn add_file(&mut self, choice: &Choice, faults: &mut Vec<Fault>) -> bool {
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
            let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let is_section = SECTIONS.iter().any(|section| section.name == full);
            // A dot inside quotes does not lead into a section.
            let is_key = !name.contains('.') && known_names().any(|known| known == full);
            match value.kind {
                ValueKind::Table(_) if is_key => {
                    let cure = format!("write `{name} = …` in [{path}]");
                    faults.push(Fault::new(&full, origin, "is a table where a value belongs", &cure));
                }
                kind if is_key => {
                    self.0.insert(full, Value::new(Some(&origin.to_owned()), kind));
                }
                ValueKind::Table(inner) if is_section || !inner.is_empty() => {
                    self.add_table(&full, inner, origin, faults);
                }
                _ if is_section => {
                    let cure = format!("write the section as [{full}], with its keys below");
                    faults.push(Fault::new(&full, origin, "is a section, not a key", &cure));
                }
                _ => faults.push(unknown_in_file(&full, origin)),
            }
        }
    }
}

fn unknown_in_file(given: &str, origin: &str) -> Fault {
    let meant = nearest(given, known_names()).and_then(|name| name.split_once('.'));
    let (section, key) = meant.unwrap_or_default();
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
