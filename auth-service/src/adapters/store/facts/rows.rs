//! The rows of a facts statement, and what they say.

use std::collections::HashMap;
use std::sync::Arc;

use super::corrupt;
use crate::domain::access::AccessSet;
use crate::domain::account::AccountState;
use crate::domain::facts::{LifeState, ProjectFacts, RepositoryFacts, Sharing, UserFacts};
use crate::domain::principal::{PrincipalId, TeamId, UserId};
use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::facts::{ProjectContents, Revision, StoredRepository};

/// One row; what the columns mean depends on the kind.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    kind: String,
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    s: String,
    t: String,
}

/// Rows of one statement, sorted by kind.
pub(super) struct Found {
    pub(super) revision: Revision,
    user: Option<Row>,
    teams: Vec<TeamId>,
    projects: Vec<Row>,
    sharing: HashMap<i64, Vec<(PrincipalId, AccessSet)>>,
    repositories: Vec<Row>,
    plain: Vec<Box<str>>,
}

impl Found {
    pub(super) fn read(rows: Vec<Row>) -> Result<Self, StorageError> {
        let mut found = Self {
            revision: Revision(0),
            user: None,
            teams: Vec::new(),
            projects: Vec::new(),
            sharing: HashMap::new(),
            repositories: Vec::new(),
            plain: Vec::new(),
        };
        for row in rows {
            match row.kind.as_str() {
                "revision" => found.revision = Revision(row.a),
                "user" => found.user = Some(row),
                "team" => found.teams.push(TeamId::new(row.a)),
                "project" => found.projects.push(row),
                "access" => found.add_access(&row)?,
                "repository" => found.repositories.push(row),
                "plain" => found.plain.extend(row.t.split_whitespace().map(Box::from)),
                other => return Err(corrupt("the kind of a row", other)),
            }
        }
        found.teams.sort_unstable();
        Ok(found)
    }

    fn add_access(&mut self, row: &Row) -> Result<(), StorageError> {
        let kinds = AccessSet::from_bits(row.c).ok_or_else(|| corrupt("access.kinds", row.c))?;
        let rows = self.sharing.entry(row.a).or_default();
        let principal = PrincipalId::new(row.b);
        if !rows.iter().any(|(present, _)| *present == principal) {
            rows.push((principal, kinds));
        }
        Ok(())
    }

    fn sharing_of(&self, item: i64) -> Sharing {
        Sharing::new(self.sharing.get(&item).into_iter().flatten().copied())
    }

    pub(super) fn user(&self) -> Option<UserFacts> {
        let row = self.user.as_ref()?;
        Some(UserFacts {
            id: UserId::new(row.a),
            certified: row.b & 1 != 0,
            administrator: row.b & 2 != 0,
            state: if row.b & 4 == 0 { AccountState::Active } else { AccountState::Disabled },
            generation: row.c,
            teams: self.teams.as_slice().into(),
        })
    }

    pub(super) fn projects(&self) -> impl Iterator<Item = ProjectFacts> {
        self.projects.iter().map(|row| self.project(row))
    }

    fn project(&self, row: &Row) -> ProjectFacts {
        ProjectFacts {
            id: ProjectId::new(row.a),
            state: if row.b & 1 == 0 { LifeState::Live } else { LifeState::Trashed },
            open_data: row.b & 2 != 0,
            sharing: self.sharing_of(row.a),
        }
    }

    pub(super) fn repository(&self, name: &RepositoryName) -> Result<Option<StoredRepository>, StorageError> {
        let row =
            self.repositories.iter().find(|row| row.b == name.project().number() && row.t == name.path());
        row.map(|row| self.stored(row)).transpose()
    }

    fn stored(&self, row: &Row) -> Result<StoredRepository, StorageError> {
        let known = |state| RepositoryFacts::Known {
            state,
            open_data: row.c & 2 != 0,
            local_sharing: (row.c & 1 != 0).then(|| Arc::new(self.sharing_of(row.a))),
        };
        let facts = match row.s.as_str() {
            "reserved" => {
                let reserved_until = Some(Timestamp::from_millis(row.e));
                let facts = RepositoryFacts::Reserved { by: UserId::new(row.d) };
                return Ok(StoredRepository { facts, reserved_until });
            }
            "fenced" => RepositoryFacts::Fenced,
            "live" => known(LifeState::Live),
            "trashed" => known(LifeState::Trashed),
            other => return Err(corrupt("repositories.state", other)),
        };
        Ok(StoredRepository { facts, reserved_until: None })
    }

    /// The project with what is in it; lists longer than `limit` are not given, nor is anything when there
    /// are `local_limit` rows of local sharing, so that some may be missing.
    pub(super) fn contents(
        &self,
        limit: usize,
        local_limit: usize,
    ) -> Result<Option<ProjectContents>, StorageError> {
        let Some(row) = self.projects.first() else { return Ok(None) };
        let project = Arc::new(self.project(row));
        let local_rows: usize =
            self.sharing.iter().filter(|(item, _)| **item != row.a).map(|(_, rows)| rows.len()).sum();
        if self.plain.len() > limit || self.repositories.len() > limit || local_rows >= local_limit {
            return Ok(Some(ProjectContents { project, unusual: HashMap::new(), plain: None }));
        }
        let mut unusual = HashMap::with_capacity(self.repositories.len());
        for row in &self.repositories {
            unusual.insert(row.t.as_str().into(), self.stored(row)?);
        }
        Ok(Some(ProjectContents { project, unusual, plain: Some(self.plain.clone()) }))
    }
}
