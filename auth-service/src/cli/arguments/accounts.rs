//! `user …` and `team …`

use clap::{Args, Subcommand};

use crate::domain::account::{AccountName, EmailAddress};

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
    Unlock(NamedUser),
    /// Remove an account with everything that it was granted
    Remove(NamedUser),
    /// Show every account
    List,
}

/// The user that a command is about.
#[derive(Debug, Args)]
pub struct NamedUser {
    /// The user's name
    #[arg(value_parser = AccountName::parse)]
    pub name: AccountName,
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
