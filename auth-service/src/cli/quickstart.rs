//! `auth-service quickstart`, and the command that it starts the registry through.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};

use super::output::{Failure, Report};
use crate::quickstart::{Ports, Quickstart, become_registry};

/// `quickstart …`
#[derive(Debug, Args)]
pub struct QuickstartArguments {
    /// Keep everything in this folder
    #[arg(long, value_name = "DIR", default_value = "./auth-service-data")]
    pub data: PathBuf,
    /// The service's port [default: that of the last start, at first 5001]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The registry's port, which becomes part of image names [default: that of the last start, at first 5000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    pub registry_port: Option<u16>,
    /// The stock registry's program [default: what deploy/quickstart.sh unpacked, else docker-registry or
    /// registry on the search path]
    #[arg(long, value_name = "FILE")]
    pub registry_binary: Option<PathBuf>,
}

/// `registry-guard …`
#[derive(Debug, Args)]
pub struct GuardArguments {
    /// The quickstart's process
    pub parent: u32,
    /// The registry
    pub program: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

pub(super) fn run(
    arguments: QuickstartArguments,
    config: Option<&Path>,
    json: bool,
) -> Result<Report, Failure> {
    if config.is_some() {
        let text = "quickstart keeps its configuration in the folder that --data names; leave out --config";
        return Err(Failure::Usage(text.to_owned()));
    }
    let quickstart = Quickstart {
        data: arguments.data,
        ports: Ports { service: arguments.port, registry: arguments.registry_port },
        registry: arguments.registry_binary,
        json,
    };
    super::in_runtime(async {
        quickstart.run().await.map_err(|error| Failure::Failed(format!("{error:#}")))
    })?;
    Ok(Report::silent())
}

pub(super) fn guard(arguments: &GuardArguments) -> Result<Report, Failure> {
    let Err(error) = become_registry(arguments.parent, &arguments.program, &arguments.arguments);
    Err(Failure::Failed(format!("cannot start {}: {error}", arguments.program.display())))
}
