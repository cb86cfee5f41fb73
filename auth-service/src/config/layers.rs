//! Where values come from: built-in defaults, then the file, then the environment. Finds the file and merges
//! what each source says; what the values mean is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ::config::{Config, ConfigError, Map, Value, ValueKind};

use super::fault::Fault;
use super::keys_with;
use super::layer::{ChosenFile, FILE_NAME, Layer};
use super::name::{VARIABLE_PREFIX, join};
use super::setting::Preset;

/// The variable that names the file.
const FILE_VARIABLE: &str = "AUTH_SERVICE_CONFIG";

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
    /// The sections of families that somebody has named.
    pub(super) members: BTreeSet<String>,
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
    let members: BTreeSet<String> = written.members().union(variables.members()).cloned().collect();
    let (values, merged) = match merge(written, variables, &members) {
        Ok(values) => (values, true),
        Err(fault) => {
            faults.push(Fault::new("configuration", "merging", &fault.to_string(), "report this"));
            (BTreeMap::new(), false)
        }
    };
    Layers { file, folder, values, members, complete: merged && read.unwrap_or(true), faults }
}

fn choose(search: &Search, named_by_variable: Option<PathBuf>) -> Option<ChosenFile> {
    let named = search.named.clone().map(|path| (path, "--config"));
    let named = named.or_else(|| named_by_variable.map(|path| (path, FILE_VARIABLE)));
    if let Some((path, chosen_by)) = named {
        return Some(ChosenFile { path: search.folder.join(path), chosen_by });
    }
    // Only a file that is certainly missing is passed over: one that cannot be read is a fault.
    [search.folder.join(FILE_NAME), search.system_file.clone()]
        .into_iter()
        .find(|path| fs::exists(path).unwrap_or(true))
        .map(|path| ChosenFile { path, chosen_by: FILE_NAME })
}

fn merge(
    written: Layer,
    variables: Layer,
    members: &BTreeSet<String>,
) -> Result<BTreeMap<String, Value>, ConfigError> {
    let mut builder = Config::builder();
    for (name, key) in keys_with(members) {
        if let Preset::Text(text) = key.preset() {
            builder = builder.set_default(name, text)?;
        }
    }
    let merged = builder.add_source(written).add_source(variables).build()?.cache.into_table()?;
    let mut values = BTreeMap::new();
    flatten("", merged, &mut values);
    Ok(values)
}

/// Takes the values out of their sections, each under its whole name.
fn flatten(path: &str, table: Map<String, Value>, values: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let full = join(path, &name);
        match value.kind {
            ValueKind::Table(inner) => flatten(&full, inner, values),
            _ => {
                values.insert(full, value);
            }
        }
    }
}
