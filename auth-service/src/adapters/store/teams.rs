//! Teams, and the names of users and teams together.

use async_trait::async_trait;

use super::owners::require_another_owner;
use super::users::{NOTE_PROJECTS_NAMING, account_name, forget_principal, take_name, user_number};
use super::{Store, change, is_taken, list, next_number, note_change, read};
use crate::domain::account::AccountName;
use crate::domain::principal::{PrincipalId, TeamId};
use crate::ports::StorageError;
use crate::ports::accounts::{AccountError, Principals, Team, Teams};

/// The number of the team called `$name`, inside a transaction.
macro_rules! team_number {
    ($transaction:ident, $name:expr) => {{
        let found: Option<(i64,)> = sqlx::query_as(
            "SELECT teams.id FROM teams JOIN principals ON principals.id = teams.id WHERE name = $1",
        )
        .bind($name.as_str())
        .fetch_optional(&mut *$transaction)
        .await
        .map_err(StorageError::from)?;
        found.ok_or_else(|| AccountError::NoSuchTeam($name.clone()))?.0
    }};
}

#[async_trait]
impl Teams for Store {
    async fn add_team(&self, name: &AccountName) -> Result<TeamId, AccountError> {
        let created_at = self.clock.now().as_millis();
        change!(self, transaction => {
            let number = take_name!(transaction, name, "team");
            sqlx::query("INSERT INTO teams (id, created_at) VALUES ($1, $2)")
                .bind(number)
                .bind(created_at)
                .execute(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            Ok(TeamId::new(number))
        })
    }

    async fn remove_team(&self, name: &AccountName) -> Result<(), AccountError> {
        change!(self, transaction => {
            let number = team_number!(transaction, name);
            require_another_owner!(transaction, number, name);
            let members: Vec<(i64,)> = sqlx::query_as("SELECT user_id FROM team_members WHERE team_id = $1")
                .bind(number)
                .fetch_all(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            forget_principal!(transaction, number);
            for (member,) in members {
                note_change!(transaction, "user", member);
            }
            Ok(())
        })
    }

    async fn set_member(
        &self,
        team: &AccountName,
        user: &AccountName,
        member: bool,
    ) -> Result<(), AccountError> {
        change!(self, transaction => {
            let team = team_number!(transaction, team);
            let user = user_number!(transaction, user);
            let statement = if member {
                "INSERT INTO team_members (user_id, team_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            } else {
                "DELETE FROM team_members WHERE user_id = $1 AND team_id = $2"
            };
            sqlx::query(statement)
                .bind(user)
                .bind(team)
                .execute(&mut *transaction)
                .await
                .map_err(StorageError::from)?;
            note_change!(transaction, "user", user);
            Ok(())
        })
    }

    async fn teams(&self) -> Result<Vec<Team>, StorageError> {
        let rows: Vec<(i64, String, Option<String>)> = list!(self, connection => {
            sqlx::query_as(
                "SELECT teams.id, principals.name, member.name FROM teams \
                 JOIN principals ON principals.id = teams.id \
                 LEFT JOIN team_members ON team_members.team_id = teams.id \
                 LEFT JOIN principals AS member ON member.id = team_members.user_id \
                 ORDER BY principals.name, member.name",
            )
            .fetch_all(connection)
            .await?
        });
        let mut teams: Vec<Team> = Vec::new();
        for (id, name, member) in rows {
            if teams.last().map(|team| team.id) != Some(TeamId::new(id)) {
                teams.push(Team { id: TeamId::new(id), name: account_name(&name)?, members: Vec::new() });
            }
            if let (Some(team), Some(member)) = (teams.last_mut(), member) {
                team.members.push(account_name(&member)?);
            }
        }
        Ok(teams)
    }
}

#[async_trait]
impl Principals for Store {
    async fn principal(&self, name: &AccountName) -> Result<Option<PrincipalId>, StorageError> {
        let row: Option<(i64,)> = read!(self, connection => {
            sqlx::query_as("SELECT id FROM principals WHERE name = $1").bind(name.as_str()).fetch_optional(connection).await?
        });
        Ok(row.map(|(id,)| PrincipalId::new(id)))
    }

    async fn principal_names(
        &self,
        ids: &[PrincipalId],
    ) -> Result<Vec<(PrincipalId, AccountName)>, StorageError> {
        let mut names = Vec::with_capacity(ids.len());
        for id in ids {
            let row: Option<(String,)> = read!(self, connection => {
                sqlx::query_as("SELECT name FROM principals WHERE id = $1").bind(id.number()).fetch_optional(connection).await?
            });
            if let Some((name,)) = row {
                names.push((*id, account_name(&name)?));
            }
        }
        Ok(names)
    }
}
