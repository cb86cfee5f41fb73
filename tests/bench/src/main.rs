//! The benchmark: `tests/bench/run.sh` calls it, `docs/PERFORMANCE.md` shows what it prints.
//!
//! Every rate is compared with that of a bare server in the same run, the two taking turns, because a rate
//! alone says more about the machine than about the service.

mod attack;
mod bare;
mod compare;
mod database;
mod issuer;
mod load;
mod plan;
mod program;
mod requests;
mod signing;
mod startup;
mod table;
mod tokens;

use clap::Parser;

#[derive(Parser)]
enum Command {
    /// Serves tokens and does nothing else.
    Bare(bare::Options),
    /// Stands in for an OAuth server.
    Issuer(issuer::Options),
    /// Runs every measurement and prints the table.
    Run(plan::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bare(options) => bare::serve(&options),
        Command::Issuer(options) => issuer::serve(&options),
        Command::Run(options) => {
            // One thread: the machine's cores are for the servers.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let everything = tokio::task::LocalSet::new();
            everything.block_on(&runtime, plan::run(&options))
        }
    }
}
