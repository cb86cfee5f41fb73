//! `token …` and `login …`

use std::time::Duration;

use clap::Subcommand;

use super::items::parse_project;
use super::parse_scopes;
use crate::domain::account::AccountName;
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::project::ProjectId;
use crate::domain::service_token::ServiceTokenId;
use crate::domain::token_name::TokenName;

/// `token …`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a personal access token and print it; it cannot be shown again
    Add {
        /// Its owner
        #[arg(long, value_parser = AccountName::parse)]
        user: AccountName,
        /// A name, unique among the owner's tokens
        #[arg(long, value_parser = TokenName::parse)]
        name: Option<TokenName>,
        /// Its token scopes: some of view,download,modify,delete,admin [default: view,download,modify]
        #[arg(long, value_parser = parse_token_scopes, value_name = "SCOPES")]
        scope: Option<LoginScopes>,
        /// Bind it to this project
        #[arg(long, value_parser = parse_project, value_name = "synN")]
        project: Option<ProjectId>,
        /// Its lifetime, such as 90d or 12h [default: until it is revoked]
        #[arg(long, value_parser = parse_life, value_name = "LIFE")]
        expires: Option<Duration>,
    },
    /// List the tokens of a user, or all of them
    List {
        /// The owner
        #[arg(long, value_parser = AccountName::parse)]
        user: Option<AccountName>,
    },
    /// Revoke a token
    Revoke {
        /// Its id, as `token list` shows it
        #[arg(value_parser = parse_token_id)]
        id: ServiceTokenId,
    },
}

/// `login …`
#[derive(Debug, Subcommand)]
pub enum LoginCommand {
    /// List the docker logins of a user
    List {
        /// The user
        #[arg(long, value_parser = AccountName::parse)]
        user: AccountName,
    },
    /// End a docker login
    Revoke {
        /// Its id, as `login list` shows it
        #[arg(value_parser = parse_token_id)]
        id: ServiceTokenId,
    },
}

fn parse_token_id(text: &str) -> Result<ServiceTokenId, &'static str> {
    ServiceTokenId::parse(text).ok_or("write the number that the list shows")
}

/// Reads `90d` or `12h`; at most ten years, so that no date overflows.
fn parse_life(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "write a number of days or hours, such as 90d or 12h, at most 3650d";
    let (number, hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => (days, 24),
        (_, Some(hours)) => (hours, 1),
        _ => return Err(WRONG),
    };
    let hours = number.parse::<u64>().ok().and_then(|number| number.checked_mul(hours));
    hours.filter(|hours| (1..=3650 * 24).contains(hours)).map(Duration::from_hours).ok_or(WRONG)
}

pub(super) fn parse_token_scopes(text: &str) -> Result<LoginScopes, String> {
    let scopes = parse_scopes(text)?;
    match scopes.has(LoginScope::Authorize) {
        true => Err("no token can have 'authorize': it is for logins with a password".to_owned()),
        false => Ok(scopes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_days_or_hours_and_not_for_ever() {
        assert_eq!(parse_life("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(parse_life("12h"), Ok(Duration::from_hours(12)));
        for wrong in ["", "d", "0d", "-1d", "90", "90m", "3651d", "99999999999999999999d", "1.5d"] {
            assert!(parse_life(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_cannot_be_allowed_to_make_tokens() {
        assert!(parse_token_scopes("view,admin").is_ok());
        assert!(parse_token_scopes("view,authorize").is_err());
        assert!(parse_token_scopes("view,fly").is_err());
    }
}
