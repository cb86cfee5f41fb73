//! `user …`, `robot …` and `team …`

use std::net::IpAddr;

use clap::{Args, Subcommand};

use super::items::parse_project;
use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::project::ProjectId;

/// `user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create an account
    Add {
        /// The name: a-z, 0-9, '.', '_' and '-'
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
        /// The e-mail address, which can be used in place of the name at login
        #[arg(long, value_parser = EmailAddress::parse)]
        email: EmailAddress,
        /// Certify the user, which pushing needs
        #[arg(long)]
        certified: bool,
        /// Make the user an administrator
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input; other users could see one on the command line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Certify a user, which pushing needs
    Certify(NamedUser),
    /// Withdraw the certification; the user can no longer push
    Uncertify(NamedUser),
    /// Disable an account, and end its sessions and docker logins
    Disable(NamedUser),
    /// Enable an account again
    Enable(NamedUser),
    /// Make a user an administrator
    Promote(NamedUser),
    /// Make an administrator an ordinary user
    Demote(NamedUser),
    /// Set a new password, and end the sessions and docker logins made with the old one
    Password {
        /// The account.
        #[command(flatten)]
        user: NamedUser,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Remove the temporary lock that wrong passwords caused
    Unlock {
        /// The account.
        #[command(flatten)]
        user: NamedUser,
        /// Also unlock this client address, and the networks that contain it (the log names the address)
        #[arg(long, value_name = "ADDRESS")]
        network: Option<IpAddr>,
    },
    /// Link an external identity to an account, so that its tokens act for the account
    Link {
        /// The account, the issuer and the subject.
        #[command(flatten)]
        link: Link,
    },
    /// Remove the link between an account and an external identity. Only `user link` can restore it, and
    /// only to the same account
    Unlink {
        /// The account, the issuer and the subject.
        #[command(flatten)]
        link: Link,
    },
    /// List the external identities that are linked to an account
    Links(NamedUser),
    /// Delete an account and everything granted to it
    Remove(NamedUser),
    /// List all accounts
    List,
}

/// An account and an external identity.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Link {
    /// The account's name
    #[arg(value_parser = AccountName::parse)]
    pub name: AccountName,
    /// The issuer: its name in the configuration, or its URL
    pub issuer: String,
    /// The subject: the exact value of the claim 'sub' (or subject_claim) of its tokens
    pub subject: String,
}

/// The account that a command is about.
#[derive(Debug, Args)]
pub struct NamedUser {
    /// The account's name
    #[arg(value_parser = AccountName::parse)]
    pub name: AccountName,
}

/// `robot …`
#[derive(Debug, Subcommand)]
pub enum RobotCommand {
    /// Create a robot account for CI jobs and OAuth clients. It has no password
    Add {
        /// The name: a-z, 0-9, '.', '_' and '-'
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
        /// The project that it belongs to; it can be granted nothing outside of it
        #[arg(long, value_parser = parse_project, value_name = "synN")]
        project: ProjectId,
        /// Certify it, which pushing needs
        #[arg(long)]
        certified: bool,
    },
    /// List all robot accounts
    List,
}

/// `team …`
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Create a team
    Add {
        /// The name; users and teams share one set of names
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
    },
    /// Delete a team and everything granted to it
    Remove {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        name: AccountName,
    },
    /// Add a user to a team
    Join {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        team: AccountName,
        /// The user
        #[arg(value_parser = AccountName::parse)]
        user: AccountName,
    },
    /// Remove a user from a team
    Leave {
        /// The team
        #[arg(value_parser = AccountName::parse)]
        team: AccountName,
        /// The user
        #[arg(value_parser = AccountName::parse)]
        user: AccountName,
    },
    /// List all teams with their members
    List,
}
