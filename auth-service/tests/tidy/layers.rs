//! Which layer may use which. `docs/ARCHITECTURE.md` draws the same picture.

use super::source::{SourceFile, source_files};

/// What each layer may use of this package: its own modules are not named.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ports", &["domain"]),
    ("app", &["domain", "ports"]),
    ("adapters", &["domain", "ports"]),
    ("web", &["domain", "ports", "app"]),
    ("config", &["domain"]),
    ("telemetry", &[]),
    ("cli", &["domain", "ports", "app", "adapters", "config", "bootstrap", "telemetry", "quickstart"]),
    ("quickstart", &["domain", "ports", "app", "adapters", "config", "bootstrap", "telemetry"]),
    ("bootstrap", &["domain", "ports", "app", "adapters", "config", "web"]),
];

/// Crates that only some layers may use: what speaks HTTP, SQL, or reads clocks and randomness stays outside
/// of the rules.
const CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["web", "bootstrap"]),
    ("sqlx", &["adapters"]),
    ("reqwest", &["adapters"]),
    ("moka", &["adapters"]),
    ("aws_lc_rs", &["adapters"]),
    ("jsonwebtoken", &["adapters", "config"]),
    ("rustix", &["adapters", "cli", "quickstart"]),
    ("rand", &["adapters"]),
    ("clap", &["cli"]),
];

/// Adapters that others may use: the clock of the machine, and what is common to HTTP clients.
const SHARED_ADAPTERS: &[&str] = &["system", "http_responses"];

fn layer(file: &SourceFile) -> &str {
    file.name.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The modules of this package that a line names, as `crate::first::second`.
fn modules_named(line: &str) -> Vec<(&str, &str)> {
    line.split("crate::")
        .skip(1)
        .map(|rest| {
            let mut parts = rest.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let first = parts.next().unwrap_or("");
            let second = rest.strip_prefix(first).and_then(|rest| rest.strip_prefix("::")).unwrap_or("");
            let second = second.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
            (first, second)
        })
        .collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn offences(file: &SourceFile) -> Vec<String> {
    let layer = layer(file);
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == layer) else {
        return if matches!(layer, "lib" | "main") {
            Vec::new()
        } else {
            vec![format!("src/{}: no such layer", file.name)]
        };
    };
    let mut found = Vec::new();
    for (number, line) in file.product_lines().filter(|(_, line)| !is_comment(line)) {
        let at = format!("src/{}:{number}: {}", file.name, line.trim());
        for (module, part) in modules_named(line) {
            if module != layer && !allowed.contains(&module) {
                found.push(format!("{at}\n    {layer} may not use {module}"));
            }
            let own_part = file.name.split('/').nth(1).unwrap_or("").trim_end_matches(".rs");
            let foreign = layer == "adapters" && module == "adapters" && part != own_part;
            if foreign && !SHARED_ADAPTERS.contains(&part) {
                found.push(format!("{at}\n    adapters do not know each other"));
            }
        }
        for (name, layers) in CRATES {
            if !layers.contains(&layer)
                && (line.contains(&format!(" {name}::")) || line.contains(&format!("({name}::")))
            {
                found.push(format!("{at}\n    {name} is for {} only", layers.join(" and ")));
            }
        }
    }
    found
}

#[test]
fn every_layer_uses_only_what_is_below_it() {
    let found: Vec<String> = source_files().iter().filter(|file| !file.is_test).flat_map(offences).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_check_sees_an_offence() {
    let file =
        |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned(), is_test: false };
    assert_eq!(offences(&file("domain/scope.rs", "use crate::adapters::store::Store;")).len(), 1);
    assert_eq!(offences(&file("domain/scope.rs", "    let x: sqlx::Error = y;")).len(), 1);
    assert_eq!(offences(&file("adapters/argon2/mod.rs", "use crate::adapters::store::Store;")).len(), 1);
    assert_eq!(
        offences(&file("adapters/argon2/mod.rs", "use crate::adapters::system::SystemClock;")).len(),
        0
    );
    assert_eq!(
        offences(&file("web/token.rs", "// crate::adapters is not used here\nuse crate::app::explain;"))
            .len(),
        0
    );
}

/// Longest file, without its own tests.
const MOST_LINES: usize = 320;

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = source_files()
        .iter()
        .filter(|file| !file.is_test)
        .map(|file| (file.product_lines().count(), file))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, file)| format!("src/{} has {lines} lines; at most {MOST_LINES}", file.name))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = source_files()
        .iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| format!("src/{} does not begin with //!", file.name))
        .collect();
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}
