//! Comments and pages name only files that a reader of this repository can open.

use std::path::{Path, PathBuf};

use super::source::workspace;

/// Names ending so are taken for files.
const FILES: [&str; 7] = [".md", ".rs", ".py", ".sh", ".toml", ".yaml", ".sql"];

/// Names beginning so are taken for paths in this repository.
const FOLDERS: [&str; 6] = ["auth-service/", "docs/", "src/", "tests/", "deploy/", "registry-config/"];

/// What quickstart makes is in no repository.
const MADE_LATER: &str = "auth-service-data/";

/// Every file of the workspace that is not built or downloaded, below it and with `/`.
pub(super) fn files() -> Vec<String> {
    let root = workspace();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_hidden = path.file_name().unwrap().to_str().is_none_or(|name| name.starts_with(".git"));
            match path.is_dir() {
                true if !is_hidden && !path.ends_with("target") => folders.push(path),
                true => {}
                false => files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files
}

/// The lines of a file that are written for people, numbered from 1.
fn prose<'t>(name: &str, text: &'t str) -> Vec<(usize, &'t str)> {
    let mut in_docstring = false;
    let is_prose = |line: &&str| {
        let start = line.trim_start();
        match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("md") => true,
            Some("rs") => start.starts_with("//"),
            Some("sql") => start.starts_with("--"),
            Some("py") => {
                let was_in_docstring = in_docstring;
                in_docstring ^= line.matches("\"\"\"").count() % 2 == 1;
                was_in_docstring || start.starts_with("\"\"\"") || start.starts_with('#')
            }
            Some("sh" | "toml" | "yaml" | "yml") => start.starts_with('#'),
            _ => false,
        }
    };
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut is_prose = is_prose;
    lines.filter(|(_, line)| is_prose(line)).collect()
}

/// The paths that a line names. A pattern such as `tests/e2e/test_*.py` is not one of them.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_./-*<>{}…$~:".contains(c);
    let words = line.split(move |c| !is_part(c)).map(|word| word.trim_matches(['.', ':']));
    words.filter(|word| {
        let is_named = FILES.iter().any(|ending| word.ends_with(ending) && word.len() > ending.len())
            || FOLDERS.iter().any(|folder| word.starts_with(folder));
        is_named && !word.starts_with(['/', '~']) && !word.contains(|c| "*<>{}…$:".contains(c))
    })
}

/// Whether `path` names a file or folder: from the root, or as the end of a longer path, as people shorten them.
fn exists(path: &str, files: &[String]) -> bool {
    let path = path.trim_start_matches("../").trim_start_matches("./").trim_end_matches('/');
    let as_file = format!("/{path}");
    let as_folder = format!("/{path}/");
    files.iter().any(|file| {
        let file = format!("/{file}");
        file.ends_with(&as_file) || file.contains(&as_folder)
    })
}

#[test]
fn comments_and_pages_name_only_files_that_are_here() {
    let files = files();
    assert!(files.len() > 300, "the workspace was not found");
    let mut missing = Vec::new();
    for name in &files {
        let Ok(text) = std::fs::read_to_string(workspace().join(PathBuf::from(name))) else { continue };
        for (number, line) in prose(name, &text) {
            for path in paths(line).filter(|path| !path.starts_with(MADE_LATER) && !exists(path, &files)) {
                missing.push(format!("{name}:{number} names {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn the_check_sees_a_file_that_is_gone() {
    let files = ["docs/REASONS.md".to_owned(), "auth-service/src/web/token.rs".to_owned()];
    let named = |line| paths(line).filter(|path| !exists(path, &files)).collect::<Vec<_>>();
    assert_eq!(named("see `docs/REASONS.md`, web/token.rs and src/web/."), Vec::<&str>::new());
    assert_eq!(named("see spec.md, docs/GONE.md and `src/app/`"), ["spec.md", "docs/GONE.md", "src/app/"]);
    let text = "\"\"\"One of a.md.\n\nMore.\"\"\"\nx = 'b.md'\n# c.md\n";
    assert_eq!(prose("x.py", text).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 5]);
    assert_eq!(prose("x.rs", "//! a.md\nlet b = 1;\n    // c"), [(1, "//! a.md"), (3, "    // c")]);
}
