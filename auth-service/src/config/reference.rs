//! The tables of `docs/CONFIGURATION.md`, made from the keys themselves.

use super::SECTIONS;
use super::name::of_any_member;
use super::setting::{Described, Preset, Section};

/// All keys as Markdown, one table for each section.
#[must_use]
pub fn reference() -> String {
    SECTIONS.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn section(section: &Section) -> String {
    let rows: String = section.keys.iter().map(|key| row(*key)).collect();
    format!(
        "### `[{}]`\n\n{}\n\n| Setting | Value | Default | What it is for |\n|---|---|---|---|\n{rows}",
        of_any_member(section.name),
        section.doc
    )
}

fn row(key: &dyn Described) -> String {
    let default = match key.preset() {
        Preset::Text("") => "empty".to_owned(),
        Preset::Text(text) => format!("`{text}`"),
        Preset::Derived(words) => words.to_owned(),
        Preset::Unset => "–".to_owned(),
        Preset::Required => "must be set".to_owned(),
    };
    format!("| `{}` | {} | {default} | {} |\n", of_any_member(key.name()), key.value(), key.doc())
}
