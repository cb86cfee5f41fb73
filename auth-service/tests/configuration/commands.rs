//! The page of commands is what `--help` says.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use auth_service::cli::arguments::Arguments;
use clap::{Arg, Command, CommandFactory as _};

const BEGIN: &str = "<!-- begin of what UPDATE_DOCS=1 cargo test --test configuration writes -->\n";
const END: &str = "<!-- end of what it writes -->";

/// Every command with its arguments, in the order of `--help`.
fn reference() -> String {
    let mut page = String::new();
    let root = Arguments::command();
    for command in shown(&root) {
        write!(page, "\n### `{}`\n\n{}.\n", command.get_name(), about(command)).unwrap();
        if let Some(examples) = command.get_after_help() {
            let examples = examples.to_string();
            let (title, lines) = examples.split_once('\n').unwrap();
            let lines: Vec<&str> =
                lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
            write!(page, "\n{title}\n\n```sh\n{}\n```\n", lines.join("\n")).unwrap();
        }
        describe(&mut page, "auth-service", command);
    }
    page
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

fn describe(page: &mut String, above: &str, command: &Command) {
    let name = format!("{above} {}", command.get_name());
    if command.has_subcommands() {
        shown(command).for_each(|command| describe(page, &name, command));
        return;
    }
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .collect();
    let usage: Vec<String> = arguments.iter().map(|argument| usage(argument)).collect();
    let what = if above == "auth-service" { String::new() } else { format!(" – {}.", about(command)) };
    writeln!(page, "\n`{}`{what}", [&[name][..], &usage].concat().join(" ")).unwrap();
    if !arguments.is_empty() {
        page.push('\n');
    }
    for argument in arguments {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let values: Vec<String> =
            argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        let values = match argument.get_action().takes_values() && !values.is_empty() {
            true => format!(" ({})", values.join(" or ")),
            false => String::new(),
        };
        writeln!(page, "* `{}`: {help}{values}", name_of(argument)).unwrap();
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn name_of(argument: &Arg) -> String {
    let value = argument.get_value_names().map(|names| names[0].to_string()).unwrap_or_default();
    match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None if value.is_empty() => argument.get_id().as_str().to_uppercase(),
        None => value,
    }
}

fn usage(argument: &Arg) -> String {
    match argument.is_required_set() {
        true => name_of(argument),
        false => format!("[{}]", name_of(argument)),
    }
}

#[test]
fn the_page_of_commands_says_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/CLI.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let expected = format!("{before}{BEGIN}{}\n{END}{after}", reference());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        // In one step, since other tests read the page at the same time.
        let renewed = path.with_extension("md.new");
        fs::write(&renewed, expected).unwrap();
        fs::rename(renewed, path).unwrap();
    } else {
        assert_eq!(page, expected, "renew it with UPDATE_DOCS=1 cargo test --test configuration");
    }
}
