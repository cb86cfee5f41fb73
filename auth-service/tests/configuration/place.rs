//! A folder and an environment of a test's own, to load a configuration from.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

use auth_service::config::{Faults, Loaded, Purpose, Search, Settings};
use tempfile::TempDir;

pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The fewest keys of an issuer.
pub(super) const ISSUER: &str = "[login.issuer.one]\nurl = 'https://one.example.org'\naudience = ['hub']\n";

/// A folder to load from, and what stands in the environment.
pub(super) struct Place {
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
    named: Option<PathBuf>,
}

impl Place {
    pub(super) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: Vec::new(), named: None }
    }

    /// A folder with this `auth-service.toml`.
    pub(super) fn with(content: &str) -> Self {
        Self::empty().file("auth-service.toml", content)
    }

    pub(super) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(super) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.named = Some(name.into());
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn search(&self) -> Search {
        let system_file = self.path("etc/auth-service.toml");
        Search { named: self.named.clone(), folder: self.folder.path().to_path_buf(), system_file }
    }

    pub(super) fn load_to(&self, purpose: Purpose) -> Result<Loaded, Faults> {
        Settings::load(&self.search(), self.environment.clone(), purpose)
    }

    pub(super) fn load(&self) -> Result<Loaded, Faults> {
        self.load_to(Purpose::Command)
    }

    /// The names of every key that is there.
    pub(super) fn names(&self) -> Vec<String> {
        self.load().unwrap().shown.into_iter().map(|shown| shown.key).collect()
    }

    pub(super) fn settings(&self) -> Settings {
        self.load().unwrap_or_else(|faults| panic!("{faults}")).settings
    }

    pub(super) fn faults(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

#[track_caller]
pub(super) fn assert_holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

/// Asserts that each addition to `section` has one fault that begins so.
#[track_caller]
pub(super) fn assert_each_refused(section: &str, cases: &[(&str, &str)]) {
    for (addition, fault) in cases {
        let text = Place::with(&format!("{section}{addition}")).faults();
        assert!(text.starts_with(fault) && text.lines().count() == 1, "{addition}: {text}");
    }
}
