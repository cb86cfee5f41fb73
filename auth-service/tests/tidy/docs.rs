//! The docs say what is there: reason codes, paths, commands, migrations.

use std::collections::BTreeSet;
use std::path::Path;

use auth_service::domain::reason::ReasonCode;

use super::citations::files;
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

/// The part of a link that leads to a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn links_between_pages_lead_to_a_page_and_a_heading() {
    let is_page = |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "md");
    let pages: Vec<String> = files().into_iter().filter(is_page).collect();
    assert!(pages.len() > 10, "the pages were not found");
    for name in pages {
        let text = page(&name);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => workspace().join(&name),
                file => workspace().join(&name).parent().unwrap().join(file),
            };
            assert!(path.exists(), "{name} links to {target}");
            if !heading.is_empty() {
                let linked = std::fs::read_to_string(path).unwrap();
                let mut headings = linked.lines().filter(|line| line.starts_with('#'));
                let is_there = headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading);
                assert!(is_there, "{name} links to {target}");
            }
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
    let list = page("auth-service/src/adapters/store/migrations.rs");
    for (place, name) in (1..).zip(&names("sqlite")) {
        assert!(name.starts_with(&format!("{place:04}_")), "{name} leaves a gap");
        for engine in ["sqlite", "postgres"] {
            assert!(
                list.contains(&format!("migrations/{engine}/{name}")),
                "{engine}/{name} is not in the list"
            );
        }
    }
}
