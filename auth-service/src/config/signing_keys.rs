//! Section `[keys]`: where the signing keys are kept.

use std::path::PathBuf;

use super::fault::Noted;
use super::kind::FilePath;
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section =
    Section { name: "keys", doc: "The keys that sign tokens.", keys: &[&DIRECTORY] };

const DIRECTORY: Setting<FilePath> = Setting {
    name: "keys.directory",
    kind: FilePath,
    preset: Preset::Text("keys"),
    doc: "The folder that `auth-service key init` fills.",
};

/// The signing keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The folder they are in.
    pub directory: PathBuf,
}

pub(super) fn read(reader: &mut Reader) -> Result<Keys, Noted> {
    Ok(Keys { directory: reader.required(&DIRECTORY)? })
}
