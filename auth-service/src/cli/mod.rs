//! The command line: what there is to say, who carries it out, and how the outcome is printed.

pub mod arguments;
pub mod key;
pub mod quickstart;

mod accounts;
mod configuration;
mod database;
mod explain;
mod items;
mod links;
mod output;
mod serve;
mod tokens;
mod users;

use std::process::ExitCode;

use clap::Parser as _;

use self::arguments::{Arguments, Command};
use self::output::{Failure, Report};
use crate::adapters::system::SystemClock;
use crate::config::{Loaded, Purpose, Settings};
use crate::ports::system::Clock as _;

/// Reads the arguments, runs the command, prints what it has to say, and gives the exit code: 0 done,
/// 1 refused or failed, 2 usage or configuration, 3 `explain` refused something.
#[must_use]
pub fn main() -> ExitCode {
    // Everything that is written, the database above all, is for the owner's eyes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let arguments = Arguments::parse();
    let json = arguments.json;
    match run(arguments) {
        Ok(report) => output::print(&report, json),
        Err(failure) => output::fail(&failure),
    }
}

fn run(arguments: Arguments) -> Result<Report, Failure> {
    // These two do without the configuration of the others.
    let command = match arguments.command {
        Command::Quickstart(quickstart) => {
            return quickstart::run(quickstart, arguments.config.as_deref(), arguments.json);
        }
        Command::RegistryGuard(guard) => return quickstart::guard(&guard),
        command => command,
    };
    let purpose = match command {
        Command::Serve | Command::Config { .. } => Purpose::Serve,
        _ => Purpose::Command,
    };
    let loaded = Settings::load_for_process(arguments.config, purpose);
    match command {
        Command::Config { command } => configuration::run(command, loaded),
        Command::Key { command } => {
            let settings = settings(loaded)?;
            let report = key::run(&command, &settings.keys.directory, SystemClock.now())?;
            Ok(Report::new(report.human, report.json))
        }
        Command::Serve => serve::run(&settings(loaded)?, arguments.json),
        command => in_runtime(async {
            let settings = settings(loaded)?;
            match command {
                Command::Db { command } => database::run(&settings, command).await,
                Command::User { command } => accounts::user(&settings, command).await,
                Command::Robot { command } => accounts::robot(&settings, command).await,
                Command::Team { command } => accounts::team(&settings, command).await,
                Command::Token { command } => tokens::token(&settings, command).await,
                Command::Login { command } => tokens::login(&settings, command).await,
                Command::Explain(arguments) => explain::run(&settings, arguments).await,
                command => items::run(&settings, command).await,
            }
        }),
    }
}

fn settings(loaded: Result<Loaded, crate::config::Faults>) -> Result<Settings, Failure> {
    loaded.map(|loaded| loaded.settings).map_err(|faults| Failure::Usage(faults.to_string()))
}

/// Runs a command that waits for the database.
fn in_runtime<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}
