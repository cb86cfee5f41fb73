//! Every shipped example loads, and the documentation has every key as the code has it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use auth_service::config::{Purpose, reference};

use super::place::{Place, SECRET};

const BEGIN: &str = "<!-- begin of what UPDATE_DOCS=1 cargo test --test configuration writes -->\n";
const END: &str = "<!-- end of what it writes -->";

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

#[test]
fn the_documentation_has_every_key_as_the_code_has_it() {
    let path = project().join("docs/CONFIGURATION.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", reference());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        // In one step, since other tests read the page at the same time.
        let renewed = path.with_extension("md.new");
        fs::write(&renewed, expected).unwrap();
        fs::rename(renewed, path).unwrap();
    } else {
        assert_eq!(page, expected, "renew it with UPDATE_DOCS=1 cargo test --test configuration");
    }
}

/// Every file below `folder` whose name ends with `extension`.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path, extension)
            } else {
                Some(path)
                    .filter(|path| path.extension() == Some(OsStr::new(extension)))
                    .into_iter()
                    .collect()
            }
        })
        .collect()
}

/// The blocks of a page that are quarantined as exactly `toml`. TOML of other programs takes one more word, such
/// as `toml registries.conf`.
fn fenced_examples(page: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "```toml" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            examples.push(block.join("\n"));
        }
    }
    examples
}

/// An example as it would load where its secrets' files exist.
fn with_secrets_at_hand(example: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((key, _)) if key.trim().ends_with("secret_file") => format!("{key}= 'webhook'\n"),
        Some((key, _)) if key.trim().ends_with("url_file") => format!("{key}= 'database'\n"),
        _ => format!("{line}\n"),
    };
    example.lines().map(line).collect()
}

#[test]
fn every_shipped_example_loads() {
    let mut examples = Vec::new();
    for path in files_below(&project().join("deploy"), "toml") {
        examples.push((path.clone(), fs::read_to_string(path).unwrap()));
    }
    let mut pages = files_below(&project().join("docs"), "md");
    pages.push(project().join("README.md"));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap_or_default();
        examples.extend(fenced_examples(&text).into_iter().map(|example| (page.clone(), example)));
    }
    assert!(examples.len() >= 3, "the examples of docs/CONFIGURATION.md were not found");
    for (origin, example) in examples {
        // What shows a listener is a whole configuration; the rest are parts of one.
        let rest = if example.contains("[http]") || example.contains("[webhook]") {
            ""
        } else {
            "[webhook]\nsecret_file = 'webhook'\n"
        };
        let place = Place::with(&(with_secrets_at_hand(&example) + rest))
            .file("webhook", SECRET)
            .file("database", "postgres://user:password@db/auth");
        place.load_to(Purpose::Serve).unwrap_or_else(|faults| {
            panic!("an example in {} does not load:\n{faults}\n\n{example}", origin.display())
        });
    }
}

#[test]
fn the_example_without_a_file_says_the_same_as_the_one_with_it() {
    let page = fs::read_to_string(project().join("docs/CONFIGURATION.md")).unwrap();
    let with_file = fenced_examples(&page).into_iter().find(|example| example.contains("url_file")).unwrap();
    let with_file = Place::with(&with_secrets_at_hand(&with_file))
        .file("webhook", SECRET)
        .file("database", "postgres://user:password@db/auth");
    let mut without_file = Place::empty();
    for (name, value) in page.lines().filter_map(|line| line.split_once('=')) {
        if name.starts_with("AUTH_SERVICE__") {
            let secrets = match value.rsplit_once('/').map(|(_, name)| name) {
                Some("webhook-secret") => Some(with_file.path("webhook")),
                Some("database-url") => Some(with_file.path("database")),
                _ => None,
            };
            without_file = without_file.variable(name, secrets.unwrap_or_else(|| value.into()));
        }
    }
    let values = |place: &Place| -> Vec<_> {
        let shown = place.load().unwrap_or_else(|faults| panic!("{faults}")).shown;
        shown.into_iter().map(|shown| (shown.key, shown.value)).collect()
    };
    assert_eq!(values(&with_file), values(&without_file));
}
