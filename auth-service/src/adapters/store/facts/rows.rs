//! The rows of the facts statements, and what they say.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use super::corrupt;
use crate::domain::access::AccessSet;
use crate::domain::account::AccountState;
use crate::domain::facts::{LifeState, ProjectFacts, RepositoryFacts, Sharing, TokenFacts, UserFacts};
use crate::domain::login_scope::LoginScopes;
use crate::domain::principal::{PrincipalId, TeamId, UserId};
use crate::domain::project::ProjectId;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenDigest};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::facts::{ProjectContents, StoredRepository};

/// One repository asked about, with everything that decides about it.
#[derive(sqlx::FromRow)]
pub(super) struct SnapshotRow {
    pub(super) revision: i64,
    #[sqlx(flatten)]
    pub(super) user: UserColumns,
    #[sqlx(flatten)]
    pub(super) token: TokenColumns,
    #[sqlx(flatten)]
    pub(super) project: ProjectColumns,
    #[sqlx(flatten)]
    pub(super) repository: RepositoryColumns,
}

/// One project or repository asked about by its number; without a path, a project.
#[derive(sqlx::FromRow)]
pub(super) struct ItemRow {
    #[sqlx(flatten)]
    pub(super) login: SnapshotRow,
    pub(super) path: Option<String>,
}

/// A whole project: the first row has its usual repositories, each other one an unusual one.
#[derive(sqlx::FromRow)]
pub(super) struct ContentsRow {
    pub(super) revision: i64,
    #[sqlx(flatten)]
    project: ProjectColumns,
    plain: Option<String>,
    path: Option<String>,
    #[sqlx(flatten)]
    repository: RepositoryColumns,
}

/// A user, or nobody.
#[derive(sqlx::FromRow)]
pub(super) struct UserColumns {
    user_id: Option<i64>,
    user_flags: i64,
    generation: Option<i64>,
    robot_of: Option<i64>,
    teams: Option<String>,
}

/// A token, or none; the columns are there only when a token was asked with.
#[derive(Default, sqlx::FromRow)]
#[sqlx(default)]
pub(super) struct TokenColumns {
    #[sqlx(rename = "token_id")]
    id: Option<i64>,
    #[sqlx(rename = "token_kind")]
    kind: Option<String>,
    #[sqlx(rename = "token_digest")]
    digest: Option<Vec<u8>>,
    #[sqlx(rename = "token_scopes")]
    scopes: Option<i64>,
    #[sqlx(rename = "token_project")]
    project: Option<i64>,
    #[sqlx(rename = "token_generation")]
    generation: Option<i64>,
    #[sqlx(rename = "token_service")]
    service: Option<String>,
    #[sqlx(rename = "token_end")]
    end: Option<i64>,
}

/// A project, or none.
#[derive(sqlx::FromRow)]
pub(super) struct ProjectColumns {
    #[sqlx(rename = "project_id")]
    id: Option<i64>,
    #[sqlx(rename = "project_flags")]
    flags: i64,
    #[sqlx(rename = "project_sharing")]
    sharing: Option<String>,
}

/// A repository, or none.
#[derive(sqlx::FromRow)]
pub(super) struct RepositoryColumns {
    state: Option<String>,
    flags: i64,
    reserved_by: Option<i64>,
    reserved_until: Option<i64>,
    sharing: Option<String>,
}

impl UserColumns {
    pub(super) fn facts(&self) -> Result<Option<UserFacts>, StorageError> {
        let Some(id) = self.user_id else { return Ok(None) };
        let mut teams = Vec::new();
        for team in self.teams.iter().flat_map(|teams| teams.split(' ')) {
            teams.push(TeamId::new(number(team, "team_members.team_id")?));
        }
        teams.sort_unstable();
        Ok(Some(UserFacts {
            id: UserId::new(id),
            certified: self.user_flags & 1 != 0,
            administrator: self.user_flags & 2 != 0,
            state: if self.user_flags & 4 == 0 { AccountState::Active } else { AccountState::Disabled },
            generation: self.generation.unwrap_or(0),
            robot_of: self.robot_of.map(ProjectId::new),
            teams: teams.into(),
        }))
    }
}

impl TokenColumns {
    pub(super) fn facts(&self, user: UserId) -> Result<Option<TokenFacts>, StorageError> {
        let Some(id) = self.id else { return Ok(None) };
        let kind = self.kind.as_deref().unwrap_or_default();
        let digest = self.digest.as_deref().and_then(TokenDigest::from_bytes);
        Ok(Some(TokenFacts {
            id: ServiceTokenId::new(id),
            kind: ServiceTokenKind::parse(kind).ok_or_else(|| corrupt("tokens.kind", kind))?,
            user,
            digest: digest.ok_or_else(|| corrupt("tokens.digest", "of another length"))?,
            scopes: login_scopes(self.scopes.unwrap_or(-1))?,
            project: self.project.map(ProjectId::new),
            ends_with_generation: self.generation,
            service: self.service.as_deref().map(Box::from),
            expires_at: self.end.map(Timestamp::from_millis),
        }))
    }
}

impl ProjectColumns {
    pub(super) fn facts(&self) -> Result<Option<ProjectFacts>, StorageError> {
        let Some(id) = self.id else { return Ok(None) };
        Ok(Some(ProjectFacts {
            id: ProjectId::new(id),
            state: if self.flags & 1 == 0 { LifeState::Live } else { LifeState::Trashed },
            open_data: self.flags & 2 != 0,
            sharing: sharing(self.sharing.as_deref())?,
        }))
    }
}

impl RepositoryColumns {
    pub(super) fn stored(&self) -> Result<Option<StoredRepository>, StorageError> {
        let facts = match self.state.as_deref() {
            None => return Ok(None),
            Some("reserved") => RepositoryFacts::Reserved { by: UserId::new(self.reserved_by.unwrap_or(0)) },
            Some("quarantined") => RepositoryFacts::Quarantined,
            Some("live") => self.known(LifeState::Live)?,
            Some("trashed") => self.known(LifeState::Trashed)?,
            Some(other) => return Err(corrupt("repositories.state", other)),
        };
        Ok(Some(StoredRepository { facts, reserved_until: self.reserved_until.map(Timestamp::from_millis) }))
    }

    fn known(&self, state: LifeState) -> Result<RepositoryFacts, StorageError> {
        let is_local = self.flags & 1 != 0;
        let local_sharing = is_local.then(|| sharing(self.sharing.as_deref())).transpose()?.map(Arc::new);
        Ok(RepositoryFacts::Known { state, open_data: self.flags & 2 != 0, local_sharing })
    }
}

/// Reads `principal:kinds principal:kinds …`.
fn sharing(text: Option<&str>) -> Result<Sharing, StorageError> {
    let mut rows = Vec::new();
    for row in text.iter().flat_map(|text| text.split(' ')) {
        let (principal, kinds) = row.split_once(':').ok_or_else(|| corrupt("a row of access", row))?;
        let kinds = AccessSet::from_bits(number(kinds, "access.kinds")?)
            .ok_or_else(|| corrupt("access.kinds", kinds))?;
        rows.push((PrincipalId::new(number(principal, "access.principal_id")?), kinds));
    }
    Ok(Sharing::new(rows))
}

/// Reads `tokens.scopes`.
pub(in crate::adapters::store) fn login_scopes(bits: i64) -> Result<LoginScopes, StorageError> {
    LoginScopes::from_bits(bits).ok_or_else(|| corrupt("tokens.scopes", bits))
}

fn number<N: FromStr>(text: &str, column: &str) -> Result<N, StorageError> {
    text.parse().map_err(|_| corrupt(column, text))
}

/// The project with what is in it, unless there is more than `limit` of a kind; `None` without a project.
pub(super) fn contents(rows: &[ContentsRow], limit: usize) -> Result<Option<ProjectContents>, StorageError> {
    let Some((first, others)) = rows.split_first() else { return Ok(None) };
    let Some(project) = first.project.facts()?.map(Arc::new) else { return Ok(None) };
    let plain =
        first.plain.as_deref().map(|paths| paths.split_whitespace().map(Box::from).collect::<Vec<_>>());
    let listed = plain.filter(|plain| plain.len() <= limit && others.len() <= limit);
    let mut unusual = HashMap::new();
    for row in others.iter().filter(|_| listed.is_some()) {
        let path = row.path.as_deref().ok_or_else(|| corrupt("repositories.path", "empty"))?;
        if let Some(stored) = row.repository.stored()? {
            unusual.insert(path.into(), stored);
        }
    }
    Ok(Some(ProjectContents { project, unusual, plain: listed }))
}
