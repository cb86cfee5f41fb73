//! What can be said on the command line. Outside scripts rely on these names.
#![expect(clippy::doc_markdown, reason = "these comments are the help texts that people read in a terminal")]

mod accounts;
mod items;
mod tokens;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::items::parse_project;
use self::tokens::parse_token_scopes;
use super::key::KeyCommand;
use super::quickstart::{GuardArguments, QuickstartArguments};
use crate::app::explain::AssumedLogin;
use crate::app::manage_items::PrincipalName;
use crate::domain::access::AccessSet;
use crate::domain::login_scope::LoginScopes;
use crate::domain::project::ProjectId;
use crate::domain::repository::Item;

pub use self::accounts::{Link, RobotCommand, TeamCommand, UserCommand};
pub use self::items::{ProjectCommand, RepositoryCommand, Switch};
pub use self::tokens::{LoginCommand, TokenCommand};

/// The token server of a container registry: decides who may pull and push what, and says why not.
///
/// Commands work on the database directly and need no login: run them where the configuration and the
/// database are, as the user that the service runs as. Documentation: docs/README.md of the source.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Read this configuration file [default: $AUTH_SERVICE_CONFIG, ./auth-service.toml or
    /// /etc/auth-service/auth-service.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON value; errors are plain text on standard error all the same
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Shown below the list of commands.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused or failed
  2  wrong usage or configuration
  3  `explain`: something was refused";

const USER_EXAMPLES: &str = "\
Examples:
  printf '%s\\n' \"$PASSWORD\" | auth-service user add alice --email alice@example.org --password-stdin
  auth-service user certify alice
  auth-service user unlock alice --network 192.0.2.7
  auth-service user link alice keycloak 0f6c7d1e-6f55-4a13-9f4b-0d6a4c3f0e11";

const ROBOT_EXAMPLES: &str = "\
Example: a robot account that can push new images to its project
  auth-service robot add ci-tool --project syn123 --certified
  auth-service grant syn123 ci-tool READ,DOWNLOAD,CREATE,UPDATE";

const TEAM_EXAMPLES: &str = "\
Example:
  auth-service team add imaging
  auth-service team join imaging alice
  auth-service grant syn123 imaging READ,DOWNLOAD";

const GRANT_EXAMPLES: &str = "\
Examples:
  auth-service grant syn123 alice READ,DOWNLOAD                 # pull
  auth-service grant syn123 alice READ,DOWNLOAD,CREATE,UPDATE   # pull and push
  auth-service grant syn123/tool imaging READ,DOWNLOAD          # one repository (see `sharing --local`)
  auth-service grant syn123 PUBLIC READ                         # to everybody";

const TOKEN_EXAMPLES: &str = "\
Examples:
  auth-service token add --user alice --name laptop --scope download --expires 90d
  auth-service token add --user ci --project syn123
  auth-service token list --user alice
  auth-service token revoke 17";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  auth-service explain --user alice repository:syn123/tool:pull,push
  auth-service explain --user ci --login token --scopes download repository:syn123/tool:pull
  auth-service explain --user anonymous repository:syn123/tool:pull";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it out: create keys, an administrator and a project, start a registry, and serve
    Quickstart(QuickstartArguments),
    /// Become the registry that a quickstart has started (for its own use)
    #[command(hide = true)]
    RegistryGuard(GuardArguments),
    /// Run the service
    Serve,
    /// Check or show the configuration
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Create, rotate and show signing keys
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Create the database
    Db {
        /// What to do with it.
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Create and change user accounts
    #[command(after_help = USER_EXAMPLES)]
    User {
        /// What to do with them.
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Create robot accounts; certify, disable, link and remove them with `user`
    #[command(after_help = ROBOT_EXAMPLES)]
    Robot {
        /// What to do with them.
        #[command(subcommand)]
        command: RobotCommand,
    },
    /// Create and change teams of users
    #[command(after_help = TEAM_EXAMPLES)]
    Team {
        /// What to do with them.
        #[command(subcommand)]
        command: TeamCommand,
    },
    /// Create projects: the syn123 of an image name
    Project {
        /// What to do with them.
        #[command(subcommand)]
        command: ProjectCommand,
    },
    /// Grant permissions on a project or repository
    #[command(after_help = GRANT_EXAMPLES)]
    Grant {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// A user, a team, AUTHENTICATED_USERS, or PUBLIC (READ only)
        #[arg(value_parser = PrincipalName::parse)]
        principal: PrincipalName,
        /// Some of READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE
        access: AccessSet,
    },
    /// Withdraw permissions
    Revoke {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// A user, a team, AUTHENTICATED_USERS or PUBLIC
        #[arg(value_parser = PrincipalName::parse)]
        principal: PrincipalName,
        /// The permissions to withdraw [default: all]
        access: Option<AccessSet>,
    },
    /// Show the access list of a project or repository; give a repository one of its own, or make it
    /// inherit its project's again
    Sharing {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// Give the repository its own access list, which starts as a copy of its project's
        #[arg(long, conflicts_with = "inherit")]
        local: bool,
        /// Delete the repository's own access list
        #[arg(long)]
        inherit: bool,
    },
    /// List repositories and tags
    Repository {
        /// What to show.
        #[command(subcommand)]
        command: RepositoryCommand,
    },
    /// Put a project or repository into the trash: nobody can pull, push or delete there
    Trash {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
    },
    /// Take a project or repository out of the trash; its access list is as before
    Restore {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
    },
    /// Set whether READ is enough to pull (open data)
    OpenData {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// on or off
        state: Switch,
    },
    /// Create, list and revoke personal access tokens: passwords for scripts and programs
    #[command(after_help = TOKEN_EXAMPLES)]
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// List and end docker logins: the identity tokens that docker stores instead of a password
    Login {
        /// What to do with them.
        #[command(subcommand)]
        command: LoginCommand,
    },
    /// Show what a user would be granted, and why not the rest
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
}

/// `config …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, certificates, keys and database, and report all errors
    Check,
    /// Show the value of every setting and where it comes from, with secrets hidden
    Show,
}

/// `db …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum DatabaseCommand {
    /// Create an empty database where there is none; no other command does
    Init,
}

/// `explain …`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The user, or 'anonymous'
    #[arg(long)]
    pub user: String,
    /// How the user logs in [default: docker; token if --scopes or --project is given]
    #[arg(long, value_enum, value_name = "LOGIN")]
    pub login: Option<LoginKind>,
    /// The token's scopes [default: view,download,modify]
    #[arg(long, value_parser = parse_token_scopes, value_name = "SCOPES")]
    pub scopes: Option<LoginScopes>,
    /// The project that the token is bound to
    #[arg(long, value_parser = parse_project, value_name = "synN")]
    pub project: Option<ProjectId>,
    /// The access to ask about, such as repository:syn123/name:pull,push
    #[arg(required = true, value_name = "SCOPE")]
    pub requested: Vec<String>,
}

/// Ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoginKind {
    /// With the password; docker then stores an identity token
    Docker,
    /// With the password each time, as podman does
    Password,
    /// With a personal access token, or a token from an identity provider
    Token,
}

impl ExplainArguments {
    /// How the user is taken to log in, if that is said.
    pub fn assumed_login(&self) -> Result<Option<AssumedLogin>, &'static str> {
        let of_token = self.scopes.is_some() || self.project.is_some();
        let token =
            AssumedLogin::Token { scopes: self.scopes.unwrap_or(LoginScopes::USUAL), project: self.project };
        match self.login {
            Some(LoginKind::Token) => Ok(Some(token)),
            None => Ok(of_token.then_some(token)),
            Some(_) if of_token => Err("--scopes and --project are those of a token; write --login token"),
            Some(LoginKind::Docker) => Ok(Some(AssumedLogin::Docker)),
            Some(LoginKind::Password) => Ok(Some(AssumedLogin::Password)),
        }
    }
}

fn parse_scopes(text: &str) -> Result<LoginScopes, String> {
    LoginScopes::parse(text)
        .map_err(|word| format!("'{word}' is none of view, download, modify, delete, admin"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_two_arguments_are_in_each_others_way() {
        Arguments::command().debug_assert();
    }
}
