//! The rows of the facts statements, and what they say.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::FromRow;

use super::super::sql::Columns;
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
pub(super) struct SnapshotRow {
    pub(super) revision: i64,
    pub(super) user: UserColumns,
    pub(super) token: TokenColumns,
    pub(super) project: ProjectColumns,
    pub(super) repository: RepositoryColumns,
}

/// One project or repository asked about by its number; without a path, a project.
pub(super) struct ItemRow {
    pub(super) login: SnapshotRow,
    pub(super) path: Option<String>,
}

/// A whole project: the row with a revision has the project and its usual repositories, each other row an unusual one.
pub(super) struct ContentsRow {
    pub(super) revision: Option<i64>,
    project: ProjectColumns,
    plain: Option<String>,
    path: Option<String>,
    repository: RepositoryColumns,
}

/// A user, or nobody.
pub(super) struct UserColumns {
    user_id: Option<i64>,
    user_flags: i64,
    generation: Option<i64>,
    robot_of: Option<i64>,
    teams: Option<String>,
}

/// A token, or none; the columns are there only when a token was asked with.
#[derive(Default)]
pub(super) struct TokenColumns {
    id: Option<i64>,
    kind: Option<String>,
    digest: Option<Vec<u8>>,
    scopes: Option<i64>,
    project: Option<i64>,
    generation: Option<i64>,
    service: Option<String>,
    end: Option<i64>,
}

/// A project, or none; the columns are there only when a repository was asked for.
#[derive(Default)]
pub(super) struct ProjectColumns {
    id: Option<i64>,
    flags: Option<i64>,
    sharing: Option<String>,
}

/// A repository, or none; the columns are there only when one was asked for.
#[derive(Default)]
pub(super) struct RepositoryColumns {
    state: Option<String>,
    flags: Option<i64>,
    reserved_by: Option<i64>,
    reserved_until: Option<i64>,
    sharing: Option<String>,
}

impl<'r, R: Columns> FromRow<'r, R> for SnapshotRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            revision: row.value("revision")?,
            user: UserColumns::from_row(row)?,
            token: TokenColumns::from_row(row)?,
            project: ProjectColumns::from_row(row)?,
            repository: RepositoryColumns::from_row(row)?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for ItemRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self { login: SnapshotRow::from_row(row)?, path: row.value("path")? })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for ContentsRow {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            revision: row.value("revision")?,
            project: ProjectColumns::from_row(row)?,
            plain: row.value("plain")?,
            path: row.value("path")?,
            repository: RepositoryColumns::from_row(row)?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for UserColumns {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user_id: row.value("user_id")?,
            user_flags: row.value("user_flags")?,
            generation: row.value("generation")?,
            robot_of: row.value("robot_of")?,
            teams: row.value("teams")?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for TokenColumns {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        if !row.has_column("token_id") {
            return Ok(Self::default());
        }
        Ok(Self {
            id: row.value("token_id")?,
            kind: row.value("token_kind")?,
            digest: row.value("token_digest")?,
            scopes: row.value("token_scopes")?,
            project: row.value("token_project")?,
            generation: row.value("token_generation")?,
            service: row.value("token_service")?,
            end: row.value("token_end")?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for ProjectColumns {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        if !row.has_column("project_id") {
            return Ok(Self::default());
        }
        Ok(Self {
            id: row.value("project_id")?,
            flags: row.value("project_flags")?,
            sharing: row.value("project_sharing")?,
        })
    }
}

impl<'r, R: Columns> FromRow<'r, R> for RepositoryColumns {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        if !row.has_column("state") {
            return Ok(Self::default());
        }
        Ok(Self {
            state: row.value("state")?,
            flags: row.value("flags")?,
            reserved_by: row.value("reserved_by")?,
            reserved_until: row.value("reserved_until")?,
            sharing: row.value("sharing")?,
        })
    }
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
        let flags = self.flags.unwrap_or(0);
        Ok(Some(ProjectFacts {
            id: ProjectId::new(id),
            state: if flags & 1 == 0 { LifeState::Live } else { LifeState::Trashed },
            open_data: flags & 2 != 0,
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
        let flags = self.flags.unwrap_or(0);
        let is_local = flags & 1 != 0;
        let local_sharing = is_local.then(|| sharing(self.sharing.as_deref())).transpose()?.map(Arc::new);
        Ok(RepositoryFacts::Known { state, open_data: flags & 2 != 0, local_sharing })
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
    let (unusual_rows, project_rows): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.revision.is_none());
    let Some(of_project) = project_rows.first() else { return Ok(None) };
    let Some(project) = of_project.project.facts()?.map(Arc::new) else { return Ok(None) };
    let plain =
        of_project.plain.as_deref().map(|paths| paths.split_whitespace().map(Box::from).collect::<Vec<_>>());
    let listed = plain.filter(|plain| plain.len() <= limit && unusual_rows.len() <= limit);
    let mut unusual = HashMap::new();
    for row in unusual_rows.iter().filter(|_| listed.is_some()) {
        let path = row.path.as_deref().ok_or_else(|| corrupt("repositories.path", "empty"))?;
        if let Some(stored) = row.repository.stored()? {
            unusual.insert(path.into(), stored);
        }
    }
    Ok(Some(ProjectContents { project, unusual, plain: listed }))
}
