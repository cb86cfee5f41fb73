//! Teams, and the names of users and teams together.

use async_trait::async_trait;

use super::Store;
use super::owners::require_another_owner;
use super::transaction::Transaction;
use super::users::{account_name, forget_principal, take_name, user_number};
use crate::domain::account::AccountName;
use crate::domain::principal::{PrincipalId, TeamId};
use crate::ports::StorageError;
use crate::ports::accounts::{AccountError, Principals, Team, Teams};

/// The number of the team called `name`.
async fn team_number(transaction: &mut Transaction<'_>, name: &AccountName) -> Result<i64, AccountError> {
    let found: Option<(i64,)> = transaction
        .sql("SELECT teams.id FROM teams JOIN principals ON principals.id = teams.id WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional()
        .await?;
    found.map(|(number,)| number).ok_or_else(|| AccountError::NoSuchTeam(name.clone()))
}

#[async_trait]
impl Teams for Store {
    async fn add_team(&self, name: &AccountName) -> Result<TeamId, AccountError> {
        let created_at = self.clock.now().as_millis();
        let mut transaction = self.begin().await?;
        let number = take_name(&mut transaction, name, "team").await?;
        transaction
            .sql("INSERT INTO teams (id, created_at) VALUES ($1, $2)")
            .bind(number)
            .bind(created_at)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(TeamId::new(number))
    }

    async fn remove_team(&self, name: &AccountName) -> Result<(), AccountError> {
        let mut transaction = self.begin().await?;
        let number = team_number(&mut transaction, name).await?;
        require_another_owner(&mut transaction, number, name).await?;
        let members: Vec<(i64,)> = transaction
            .sql("SELECT user_id FROM team_members WHERE team_id = $1")
            .bind(number)
            .fetch_all()
            .await?;
        forget_principal(&mut transaction, number).await?;
        for (member,) in members {
            transaction.note_change("user", member).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn set_member(
        &self,
        team: &AccountName,
        user: &AccountName,
        member: bool,
    ) -> Result<(), AccountError> {
        let mut transaction = self.begin().await?;
        let team = team_number(&mut transaction, team).await?;
        let user = user_number(&mut transaction, user).await?;
        let statement = if member {
            "INSERT INTO team_members (user_id, team_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM team_members WHERE user_id = $1 AND team_id = $2"
        };
        transaction.sql(statement).bind(user).bind(team).execute().await?;
        transaction.note_change("user", user).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn teams(&self) -> Result<Vec<Team>, StorageError> {
        let rows: Vec<(i64, String, Option<String>)> = self
            .list(
                "SELECT teams.id, principals.name, member.name FROM teams \
                 JOIN principals ON principals.id = teams.id \
                 LEFT JOIN team_members ON team_members.team_id = teams.id \
                 LEFT JOIN principals AS member ON member.id = team_members.user_id \
                 ORDER BY principals.name, member.name",
            )?
            .fetch_all()
            .await?;
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
        let row: Option<(i64,)> = self
            .read("SELECT id FROM principals WHERE name = $1")?
            .bind(name.as_str())
            .fetch_optional()
            .await?;
        Ok(row.map(|(id,)| PrincipalId::new(id)))
    }

    async fn principal_names(
        &self,
        ids: &[PrincipalId],
    ) -> Result<Vec<(PrincipalId, AccountName)>, StorageError> {
        let mut names = Vec::with_capacity(ids.len());
        for id in ids {
            let row: Option<(String,)> = self
                .read("SELECT name FROM principals WHERE id = $1")?
                .bind(id.number())
                .fetch_optional()
                .await?;
            if let Some((name,)) = row {
                names.push((*id, account_name(&name)?));
            }
        }
        Ok(names)
    }
}
