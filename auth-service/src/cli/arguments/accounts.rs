//! `user …`, `robot …` and `team …`

use std::net::IpAddr;

use clap::{Args, Subcommand};

use super::items::parse_project;
use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::project::ProjectId;

/// `user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account
    Add {
        /// The name: a-z, 0-9, '.', '_' and '-'
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
        /// The e-mail address, which can be used in place of the name at login
        #[arg(long, value_parser = EmailAddress::parse)]
        email: EmailAddress,
        /// The user may push
        #[arg(long)]
        certified: bool,
        /// The user is an administrator
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input (there is no other way: arguments can be seen by others)
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Let a user push
    Certify(NamedUser),
    /// Do not let a user push any more
    Uncertify(NamedUser),
    /// Close an account, and end every login
    Disable(NamedUser),
    /// Open an account again
    Enable(NamedUser),
    /// Make a user an administrator
    Promote(NamedUser),
    /// Make an administrator an ordinary user
    Demote(NamedUser),
    /// Set a new password, and end every login with the old one
    Password {
        /// Whose.
        #[command(flatten)]
        user: NamedUser,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Lift the lock that wrong passwords have put on an account
    Unlock {
        /// Whose.
        #[command(flatten)]
        user: NamedUser,
        /// Lift the lock of a whole network too, by an address in it (the log tells the network)
        #[arg(long, value_name = "ADDRESS")]
        network: Option<IpAddr>,
    },
    /// Let tokens of another issuer act for an account
    Link {
        /// Whose account, and for which subject of which issuer.
        #[command(flatten)]
        link: Link,
    },
    /// Do not let them any more; only 'user link' can link the subject again, and only to the same account
    Unlink {
        /// Whose account, and for which subject of which issuer.
        #[command(flatten)]
        link: Link,
    },
    /// Show which subjects of which issuers act for an account
    Links(NamedUser),
    /// Remove an account with everything that it was granted
    Remove(NamedUser),
    /// Show every account
    List,
}

/// An account, and somebody as an issuer knows them.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Link {
    /// The account's name
    #[arg(value_parser = AccountName::parse)]
    pub name: AccountName,
    /// The issuer: its name in the configuration, or its URL
    pub issuer: String,
    /// The issuer's name for the subject, letter by letter: the claim 'sub' of its tokens
    pub subject: String,
}

/// The user that a command is about.
#[derive(Debug, Args)]
pub struct NamedUser {
    /// The user's name
    #[arg(value_parser = AccountName::parse)]
    pub name: AccountName,
}

/// `robot …`
#[derive(Debug, Subcommand)]
pub enum RobotCommand {
    /// Make a robot account, which jobs of a CI system act for and nobody logs in to
    Add {
        /// The name: a-z, 0-9, '.', '_' and '-'
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
        /// The project that it belongs to
        #[arg(long, value_parser = parse_project, value_name = "synN")]
        project: ProjectId,
        /// The robot may push
        #[arg(long)]
        certified: bool,
    },
    /// Show every robot account
    List,
}

/// `team …`
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Make a team
    Add {
        /// The name, which no user may have
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
    },
    /// Remove a team with everything that it was granted
    Remove {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
    },
    /// Put a user into a team
    Join {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        team: AccountName,
        /// The user
        #[arg(value_parser = AccountName::parse)]
        user: AccountName,
    },
    /// Take a user out of a team
    Leave {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        team: AccountName,
        /// The user
        #[arg(value_parser = AccountName::parse)]
        user: AccountName,
    },
    /// Show every team with its members
    List,
}
