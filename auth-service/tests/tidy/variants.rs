//! A list called `ALL` names every variant of its enum, so that what goes over the list forgets none.

use std::collections::BTreeSet;

use super::source::source_files;

/// The variants of an enum that is declared in `text`, without what they carry.
fn variants<'t>(text: &'t str, name: &str) -> BTreeSet<&'t str> {
    let declaration = format!("enum {name} {{\n");
    let body = text.split_once(&declaration).map_or("", |(_, rest)| rest.split("\n}").next().unwrap_or(""));
    let lines = body.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    let words = lines.filter_map(|line| line.trim().split(|c: char| !c.is_alphanumeric()).next());
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())).collect()
}

#[test]
fn a_list_of_all_variants_has_every_one() {
    let mut lists = 0;
    for file in source_files() {
        for block in file.text.split("\nimpl ").skip(1) {
            let name = block.split(' ').next().unwrap();
            let Some((_, list)) = block.split("\n}").next().unwrap().split_once("const ALL: [Self; ") else {
                continue;
            };
            let listed = list.split(';').next().unwrap().split("Self::").skip(1);
            let listed: BTreeSet<&str> =
                listed.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap()).collect();
            assert_eq!(listed, variants(&file.text, name), "{name}::ALL in src/{}", file.name);
            lists += 1;
        }
    }
    assert!(lists >= 5, "the lists were not found");
}
