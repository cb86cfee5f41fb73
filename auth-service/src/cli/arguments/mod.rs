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
use crate::domain::login::LoginScopes;
use crate::domain::project::ProjectId;
use crate::domain::repository::Item;

pub use self::accounts::{Link, RobotCommand, TeamCommand, UserCommand};
pub use self::items::{ProjectCommand, RepositoryCommand, Switch};
pub use self::tokens::{LoginCommand, TokenCommand};

/// Who may pull and push what from the container registry, and why not.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true)]
pub struct Arguments {
    /// Read this configuration file [default: $AUTH_SERVICE_CONFIG, ./auth-service.toml or
    /// /etc/auth-service/auth-service.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON value
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it out: make keys, an administrator and a project, start the registry, and serve
    Quickstart(QuickstartArguments),
    /// Become the registry that a quickstart has started (for its own use)
    #[command(hide = true)]
    RegistryGuard(GuardArguments),
    /// Answer token requests and take the registry's events
    Serve,
    /// Check or show the configuration
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Signing keys
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// The database
    Db {
        /// What to do with it.
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// User accounts
    User {
        /// What to do with them.
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Robot accounts; certify, disable, link and remove them with `user`
    Robot {
        /// What to do with them.
        #[command(subcommand)]
        command: RobotCommand,
    },
    /// Teams of users
    Team {
        /// What to do with them.
        #[command(subcommand)]
        command: TeamCommand,
    },
    /// Projects: the syn123 of an image name
    Project {
        /// What to do with them.
        #[command(subcommand)]
        command: ProjectCommand,
    },
    /// Let a user, a team or everybody do something with a project or repository
    Grant {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// A user, a team, AUTHENTICATED_USERS or PUBLIC
        #[arg(value_parser = PrincipalName::parse)]
        principal: PrincipalName,
        /// Some of READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE
        access: AccessSet,
    },
    /// Take away what was granted
    Revoke {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// A user, a team, AUTHENTICATED_USERS or PUBLIC
        #[arg(value_parser = PrincipalName::parse)]
        principal: PrincipalName,
        /// What to take away; everything when not given
        access: Option<AccessSet>,
    },
    /// Show who may do what; give a repository its own settings, or make it follow its project again
    Sharing {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// Give the repository settings of its own, beginning with a copy of its project's
        #[arg(long, conflicts_with = "inherit")]
        local: bool,
        /// Drop the repository's own settings
        #[arg(long)]
        inherit: bool,
    },
    /// What is known of the registry's contents
    Repository {
        /// What to show.
        #[command(subcommand)]
        command: RepositoryCommand,
    },
    /// Put a project or repository into the trash: closed to docker for everybody
    Trash {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
    },
    /// Take a project or repository out of the trash, with the sharing that it had
    Restore {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
    },
    /// Set whether READ is enough to pull
    OpenData {
        /// syn123 or syn123/name
        #[arg(value_parser = Item::parse)]
        item: Item,
        /// on or off
        state: Switch,
    },
    /// Personal access tokens: passwords for scripts and programs
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Docker logins: the identity tokens that docker stores in place of a password
    Login {
        /// What to do with them.
        #[command(subcommand)]
        command: LoginCommand,
    },
    /// Tell what somebody would be granted, and why not the rest
    Explain(ExplainArguments),
}

/// `config …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name all faults at once
    Check,
    /// Show every setting and where it comes from, secrets hidden
    Show,
}

/// `db …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum DatabaseCommand {
    /// Make an empty database where none is; no other command does
    Init,
}

/// `explain …`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The user who asks; 'anonymous' for nobody
    #[arg(long)]
    pub user: String,
    /// How the user logs in [default: docker, or token where a token's scopes or project are given]
    #[arg(long, value_enum, value_name = "LOGIN")]
    pub login: Option<LoginKind>,
    /// What the token may be used for [default: view,download,modify]
    #[arg(long, value_parser = parse_token_scopes, value_name = "SCOPES")]
    pub scopes: Option<LoginScopes>,
    /// The only project that the token is good for
    #[arg(long, value_parser = parse_project, value_name = "synN")]
    pub project: Option<ProjectId>,
    /// What is asked, such as repository:syn123/name:pull,push
    #[arg(required = true, value_name = "SCOPE")]
    pub requested: Vec<String>,
}

/// Ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoginKind {
    /// With the password, in place of which docker stores an identity token
    Docker,
    /// With the password each time, as podman does
    Password,
    /// With a personal access token, or one of another issuer
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
