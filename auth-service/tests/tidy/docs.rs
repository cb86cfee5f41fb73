//! The docs say what is there: reason codes, paths, commands, migrations.

use std::collections::BTreeSet;
use std::path::Path;

use auth_service::domain::reason::ReasonCode;

use super::source::workspace;

fn page(name: &str) -> String {
    std::fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_page_of_reasons_has_a_section_for_each_code_and_for_no_other() {
    let page = page("docs/REASONS.md");
    let documented: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    let known: BTreeSet<&str> = ReasonCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_path_that_the_map_of_the_code_names_is_there() {
    let page = page("docs/ARCHITECTURE.md");
    let is_path = |word: &&str| {
        let known_root = ["auth-service/", "deploy/", "docs/", "tests/", "registry-config/"];
        known_root.iter().any(|root| word.starts_with(root)) && !word.contains(['*', ' ', '<'])
    };
    let missing: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_path)
        .filter(|path| !workspace().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names {missing:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for name in [
        "README.md",
        "docs/ARCHITECTURE.md",
        "docs/LOGIN.md",
        "docs/OPERATIONS.md",
        "docs/PROTOCOL.md",
        "docs/REASONS.md",
        "docs/REST.md",
    ] {
        let text = page(name);
        let folder = Path::new(name).parent().unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or("");
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(workspace().join(folder).join(file).exists(), "{name} links to {target}");
        }
    }
}

#[test]
fn the_readme_is_short() {
    assert!(page("README.md").lines().count() <= 100);
}

#[test]
fn migrations_come_in_pairs_of_one_name() {
    let names = |engine: &str| -> BTreeSet<String> {
        std::fs::read_dir(workspace().join("auth-service/migrations").join(engine))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}
