//! No two files of one layer use each other, directly or through others: a reader of one of them would have to
//! understand both at once.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{SourceFile, source_files};

/// A module as its path, such as `["domain", "foreign", "rules"]`.
type Module = Vec<String>;

fn module(file: &SourceFile) -> Module {
    let mut path: Module = file.name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// The code of a file without its tests and its comments.
fn code(file: &SourceFile) -> String {
    let lines = file.product_lines().map(|(_, line)| line);
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every path that the code names from `crate`, `super` or `self`, with the braces of `use` resolved.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for root in ["crate", "super", "self"] {
        for (at, _) in code.match_indices(&format!("{root}::")) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                expand(&[], &code[at..], &mut found);
            }
        }
    }
    found
}

/// Reads one path, or what stands in its braces, and returns the rest of the text.
fn expand<'t>(prefix: &[String], text: &'t str, found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = prefix.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inside) = rest.strip_prefix('{') {
            while !inside.is_empty() && !inside.starts_with('}') {
                inside =
                    expand(&path, inside, found).trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            }
            return inside.strip_prefix('}').unwrap_or("");
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '*')).unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(next) => rest = next,
            None => break,
        }
    }
    found.push(path);
    // An alias, as in `Storage as _`, names nothing.
    let end = rest.find([',', '}', ';', '\n']).unwrap_or(rest.len());
    if rest.starts_with(" as ") { &rest[end..] } else { rest }
}

/// A path from the root of the package.
fn absolute(module: &Module, path: &[String]) -> Vec<String> {
    let mut base = if path[0] == "crate" { Vec::new() } else { module.clone() };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    base
}

/// Which modules use which others of their own layer.
///
/// A module may use what its parents declare: the folder is one unit, of which the parent holds the part that the
/// children have in common, and it sees its parents' private items in any case. So the way up is not counted; that
/// of a parent to its children is, and that between the children.
fn uses(files: &[SourceFile]) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeSet<Module> = files.iter().map(module).collect();
    let uses_of = |file: &SourceFile| {
        let own = module(file);
        let used = paths(&code(file)).into_iter().filter_map(|path| {
            let path = absolute(&own, &path);
            (1..=path.len()).rev().find_map(|end| modules.get(&path[..end]).cloned())
        });
        let used = used.filter(|used| used[0] == own[0] && !own.starts_with(used)).collect();
        (own, used)
    };
    files.iter().map(uses_of).collect()
}

/// Modules that are left when those that use nothing, or are used by nothing, are taken away again and again.
fn circles(files: &[SourceFile]) -> Vec<String> {
    let mut uses = uses(files);
    loop {
        let targets: BTreeSet<Module> = uses.values().flatten().cloned().collect();
        let before = uses.len();
        uses.retain(|module, others| !others.is_empty() && targets.contains(module));
        let left: BTreeSet<Module> = uses.keys().cloned().collect();
        for others in uses.values_mut() {
            others.retain(|other| left.contains(other));
        }
        if uses.len() == before {
            break;
        }
    }
    let named = |module: &Module| module.join("::");
    let line = |(module, others): (&Module, &BTreeSet<Module>)| {
        format!("{} uses {}", named(module), others.iter().map(named).collect::<Vec<_>>().join(", "))
    };
    uses.iter().map(line).collect()
}

#[test]
fn no_files_of_a_layer_use_each_other_in_a_circle() {
    let files: Vec<SourceFile> = source_files().into_iter().filter(|file| !file.is_test).collect();
    let found = circles(&files);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_check_sees_a_circle() {
    let file = |(name, text): (&str, &str)| SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
        is_test: false,
    };
    let circles = |files: &[(&str, &str)]| circles(&files.iter().copied().map(file).collect::<Vec<_>>());
    let forwards = ("app/a.rs", "use super::b::{B, C};");
    assert_eq!(circles(&[forwards, ("app/b.rs", "use crate::ports::a::A;")]), [""; 0]);
    for back in [
        "use super::a::A;",
        "use crate::app::{a, other};",
        "use crate::{app::{other::X as _, a::A}, ports};",
        "fn b() -> super::a::A {}",
        "pub use self::super::a::A;",
    ] {
        assert_eq!(circles(&[forwards, ("app/b.rs", back)]).len(), 2, "{back}");
    }
    assert_eq!(circles(&[forwards, ("app/b.rs", "// super::a\n#[cfg(test)]\nuse super::a::A;")]), [""; 0]);
    let third = ("app/c.rs", "use super::a::A;");
    assert_eq!(circles(&[forwards, ("app/b.rs", "use super::c::C;"), third, ("app/d.rs", "")]).len(), 3);
    let parent = ("app/x.rs", "mod one;\nmod two;\nuse self::one::One;");
    let children = [("app/x/one.rs", "use super::X;\nuse super::two::Two;"), ("app/x/two.rs", "")];
    assert_eq!(circles(&[parent, children[0], children[1]]), [""; 0]);
    assert_eq!(circles(&[parent, children[0], ("app/x/two.rs", "use super::one::One;")]).len(), 2);
}
