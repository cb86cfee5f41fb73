//! Reading the tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A source file of the package.
pub(crate) struct SourceFile {
    /// Below `src`, with `/`.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether the whole file is tests, because its module is declared so.
    pub(crate) is_test: bool,
}

impl SourceFile {
    /// The lines before the file's own tests, numbered from 1.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test_module = |line: &str| line.starts_with("#[cfg(test)]");
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .take_while(move |(_, line)| !is_test_module(line))
    }

    /// The files that this one declares to be modules of tests.
    fn test_modules(&self) -> impl Iterator<Item = String> {
        let folder = self.name.trim_end_matches(".rs").trim_end_matches("mod").trim_end_matches('/');
        let lines = self.text.lines().zip(self.text.lines().skip(1));
        let names = lines.filter_map(|(attribute, module)| {
            attribute.starts_with("#[cfg(test)]").then_some(module.strip_prefix("mod ")?.strip_suffix(';')?)
        });
        names.map(move |name| format!("{folder}/{name}.rs"))
    }
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every source file of the package.
pub(crate) fn source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push(SourceFile {
                    name,
                    text: std::fs::read_to_string(&path).unwrap(),
                    is_test: false,
                });
            }
        }
    }
    let tests: BTreeSet<String> = files.iter().flat_map(SourceFile::test_modules).collect();
    for file in &mut files {
        file.is_test = tests.contains(&file.name);
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(files.len() > 50 && !tests.is_empty(), "the tree was not found");
    files
}
