//! `project …`, `repository …`, and what they have in common.

use clap::{Subcommand, ValueEnum};

use crate::domain::account::AccountName;
use crate::domain::project::{ProjectId, ProjectName};
use crate::domain::repository::RepositoryName;

/// `project …`
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Create a project and print its number, such as syn123
    Add {
        /// A title, for people
        #[arg(value_parser = ProjectName::parse)]
        name: ProjectName,
        /// The user who gets all permissions on it
        #[arg(long, value_parser = AccountName::parse)]
        owner: AccountName,
    },
    /// List all projects
    List,
}

/// `repository …`
#[derive(Debug, Subcommand)]
pub enum RepositoryCommand {
    /// List the repositories of a project, or all of them
    List {
        /// syn123
        #[arg(value_parser = parse_project)]
        project: Option<ProjectId>,
    },
    /// List the tags of a repository and the digests that they point to. Tags of signatures and other
    /// attachments (`sha256-…`), which programs create by themselves, are left out
    Tags {
        /// syn123/name
        #[arg(value_parser = parse_repository)]
        repository: RepositoryName,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes
    On,
    /// No
    Off,
}

pub(super) fn parse_project(text: &str) -> Result<ProjectId, &'static str> {
    ProjectId::parse(text).ok_or("write syn123")
}

fn parse_repository(text: &str) -> Result<RepositoryName, &'static str> {
    RepositoryName::parse(text).ok_or("write syn123/name")
}
