//! `auth-service user …`, `auth-service robot …` and `auth-service team …`

use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::{RobotCommand, TeamCommand, UserCommand};
use super::links;
use super::output::{Failure, Report};
use crate::adapters::store::Store;
use crate::app::manage_accounts::{AccountRequest, ManageAccounts};
use crate::bootstrap::{hashing_threads, open_store, token_shapes};
use crate::config::Settings;
use crate::domain::account::{AccountName, AccountState, CountedName, EmailAddress};
use crate::domain::credential::NewPassword;
use crate::domain::network::ClientNetwork;
use crate::ports::accounts::{AccountError, NewUser, Team, Teams as _, User, UserChange, Users};
use crate::ports::login_failures::LoginFailures as _;

pub(super) async fn user(settings: &Settings, command: UserCommand) -> Result<Report, Failure> {
    let users = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let accounts = || -> Result<ManageAccounts, Failure> {
        let hasher = hashing_threads(settings, 1).map_err(|error| Failure::Failed(error.to_string()))?;
        let users: Arc<dyn Users> = Arc::<Store>::clone(&users);
        Ok(ManageAccounts { users, hasher, min_password_length: settings.login.min_password_length })
    };
    let (name, change, done) = match command {
        UserCommand::Add { name, email, certified, admin, password_stdin: _ } => {
            let password = read_password(settings)?;
            let request =
                AccountRequest { name: name.clone(), email, password, certified, administrator: admin };
            let id = accounts()?.add(request).await?;
            return Ok(Report::new(
                format!("Added {name}."),
                json!({"ownerId": id.to_string(), "userName": name.as_str()}),
            ));
        }
        UserCommand::Password { user, password_stdin: _ } => {
            accounts()?.set_password(&user.name, &read_password(settings)?).await?;
            return Ok(told(&user.name, "has a new password; logins with the old one have ended"));
        }
        UserCommand::Remove(user) => {
            users.remove_user(&user.name).await?;
            return Ok(told(&user.name, "is removed"));
        }
        UserCommand::Unlock { user, network } => {
            unlock(&users, &user.name).await?;
            if let Some(address) = network {
                users.unlock_network(ClientNetwork::of(address)).await?;
            }
            return Ok(told(&user.name, "can log in again"));
        }
        UserCommand::Link { link } => return links::link(settings, &users, &link).await,
        UserCommand::Unlink { link } => return links::unlink(settings, &users, &link).await,
        UserCommand::Links(user) => return links::list(settings, &users, &user.name).await,
        UserCommand::List => return Ok(listed(&users.users().await?)),
        UserCommand::Certify(user) => (user.name, UserChange::Certified(true), "may push"),
        UserCommand::Uncertify(user) => (user.name, UserChange::Certified(false), "may not push any more"),
        UserCommand::Disable(user) => {
            (user.name, UserChange::State(AccountState::Disabled), "is disabled and every login has ended")
        }
        UserCommand::Enable(user) => (user.name, UserChange::State(AccountState::Active), "may log in"),
        UserCommand::Promote(user) => (user.name, UserChange::Administrator(true), "is an administrator"),
        UserCommand::Demote(user) => {
            (user.name, UserChange::Administrator(false), "is not an administrator any more")
        }
    };
    users.change_user(&name, &change).await?;
    Ok(told(&name, done))
}

/// Forgets what was counted for an account, under its name and under its address.
async fn unlock(store: &Store, name: &AccountName) -> Result<(), Failure> {
    let user = store.user(name).await?.ok_or_else(|| AccountError::NoSuchUser(name.clone()))?;
    for typed in [Some(user.name.as_str()), email(&user)].into_iter().flatten() {
        store.unlock(&CountedName::of(typed)).await?;
    }
    Ok(())
}

fn told(name: &AccountName, what: &str) -> Report {
    Report::new(format!("{name} {what}."), json!({"userName": name.as_str()}))
}

/// Reads a password from standard input, with one line ending cut off.
fn read_password(settings: &Settings) -> Result<NewPassword, Failure> {
    let limit = settings.limits.credential_bytes;
    let mut text = String::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(3);
    std::io::stdin().lock().take(most).read_to_string(&mut text)?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let shapes = token_shapes(settings);
    Ok(NewPassword::parse(text.to_owned(), limit, &shapes)?)
}

fn email(user: &User) -> Option<&str> {
    user.email.as_ref().map(EmailAddress::as_str)
}

fn listed(users: &[User]) -> Report {
    let line = |user: &User| {
        let marks = [
            (user.administrator, "administrator"),
            (user.certified, "certified"),
            (user.state == AccountState::Disabled, "disabled"),
        ];
        let marks = marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark.to_owned());
        let robot = user.robot_of.map(|project| format!("robot of {project}"));
        let marks: Vec<String> = marks.chain(robot).collect();
        format!("{}\t{}\t{}\t{}", user.id, user.name, email(user).unwrap_or("-"), marks.join(","))
    };
    let json = |user: &User| {
        json!({
            "ownerId": user.id.to_string(),
            "userName": user.name.as_str(),
            "emails": email(user).into_iter().collect::<Vec<_>>(),
            "certified": user.certified,
            "administrator": user.administrator,
            "disabled": user.state == AccountState::Disabled,
            "robotOf": user.robot_of.map(|project| project.to_string()),
        })
    };
    let lines: Vec<String> = users.iter().map(line).collect();
    Report::new(lines.join("\n"), Value::Array(users.iter().map(json).collect()))
}

pub(super) async fn robot(settings: &Settings, command: RobotCommand) -> Result<Report, Failure> {
    let users = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    match command {
        RobotCommand::Add { name, project, certified } => {
            let robot = NewUser {
                name: name.clone(),
                email: None,
                password: None,
                certified,
                administrator: false,
                robot_of: Some(project),
            };
            let id = users.add_user(&robot).await?;
            Ok(Report::new(
                format!("Added robot account {name} of {project}."),
                json!({"ownerId": id.to_string(), "userName": name.as_str(), "robotOf": project.to_string()}),
            ))
        }
        RobotCommand::List => {
            let robots = users.users().await?.into_iter().filter(|user| user.robot_of.is_some());
            Ok(listed(&robots.collect::<Vec<_>>()))
        }
    }
}

pub(super) async fn team(settings: &Settings, command: TeamCommand) -> Result<Report, Failure> {
    let teams = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    match command {
        TeamCommand::Add { name } => {
            let id = teams.add_team(&name).await?;
            Ok(Report::new(
                format!("Added team {name}."),
                json!({"id": id.to_string(), "name": name.as_str()}),
            ))
        }
        TeamCommand::Remove { name } => {
            teams.remove_team(&name).await?;
            Ok(Report::new(format!("Team {name} is removed."), json!({"name": name.as_str()})))
        }
        TeamCommand::Join { team, user } => {
            teams.set_member(&team, &user, true).await?;
            Ok(membership(&team, &user, "is in"))
        }
        TeamCommand::Leave { team, user } => {
            teams.set_member(&team, &user, false).await?;
            Ok(membership(&team, &user, "is not in"))
        }
        TeamCommand::List => {
            let teams = teams.teams().await?;
            let names = |team: &Team| team.members.iter().map(AccountName::to_string).collect::<Vec<_>>();
            let lines: Vec<String> = teams
                .iter()
                .map(|team| format!("{}\t{}\t{}", team.id, team.name, names(team).join(",")))
                .collect();
            let json = |team: &Team| json!({"id": team.id.to_string(), "name": team.name.as_str(), "members": names(team)});
            Ok(Report::new(lines.join("\n"), Value::Array(teams.iter().map(json).collect())))
        }
    }
}

fn membership(team: &AccountName, user: &AccountName, how: &str) -> Report {
    Report::new(format!("{user} {how} team {team}."), json!({"team": team.as_str(), "user": user.as_str()}))
}
