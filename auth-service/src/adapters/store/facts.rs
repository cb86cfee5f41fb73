//! Reading facts: each method is one statement, so that what it gives was true at one moment.

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::sql::Statement;
use super::{CHANGES_KEPT, Store, corrupt};
use crate::domain::facts::{Facts, ProjectFacts, RepositoryFacts, RepositorySituation};
use crate::domain::login::Identity;
use crate::domain::principal::UserId;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{At, Changes, FactsStore, ProjectContents, Revision, Subject};

mod item;
mod rows;

use rows::{ContentsRow, SnapshotRow, contents};

pub(super) use rows::login_scopes;

/// What a decision depends on, in one row for each repository asked about: a database takes much longer to
/// hand out ten short rows than to put ten short texts together. Flags are bits of one number.
const USER: &str = "SELECT revision, users.id AS user_id, CAST(CASE WHEN certified THEN 1 ELSE 0 END \
     + CASE WHEN administrator THEN 2 ELSE 0 END + CASE WHEN disabled THEN 4 ELSE 0 END \
     AS BIGINT) AS user_flags, users.generation, robot_of, (SELECT string_agg(CAST(team_id AS TEXT), ' ') FROM team_members \
     WHERE team_members.user_id = users.id) AS teams";
const TOKEN: &str = ", tokens.id AS token_id, tokens.kind AS token_kind, tokens.digest AS token_digest, \
     tokens.scopes AS token_scopes, tokens.project_id AS token_project, tokens.generation AS token_generation, \
     tokens.service AS token_service, \
     CASE WHEN idle_until < COALESCE(expires_at, idle_until + 1) THEN idle_until ELSE expires_at END AS token_end";
const PROJECT: &str = ", projects.id AS project_id, CAST(CASE WHEN projects.trashed_at IS NULL THEN 0 ELSE 1 END \
     + CASE WHEN projects.open_data THEN 2 ELSE 0 END AS BIGINT) AS project_flags, (SELECT \
     string_agg(principal_id || ':' || kinds, ' ') FROM access WHERE item_id = projects.id) AS project_sharing";
const REPOSITORY: &str = ", state, CAST(CASE WHEN local_sharing THEN 1 ELSE 0 END \
     + CASE WHEN repositories.open_data THEN 2 ELSE 0 END AS BIGINT) AS flags, reserved_by, reserved_until, \
     CASE WHEN local_sharing THEN (SELECT string_agg(principal_id || ':' || kinds, ' ') FROM access \
     WHERE item_id = repositories.id) END AS sharing";
const FROM_USER: &str = " FROM facts_revision LEFT JOIN users ON users.id = $1";
const FROM_TOKEN: &str =
    " FROM facts_revision LEFT JOIN tokens ON tokens.id = $1 LEFT JOIN users ON users.id = tokens.user_id";
const FROM_SUBJECT: &str = " FROM facts_revision LEFT JOIN linked_subjects ON issuer = $1 AND subject = $2 \
     AND removed_at IS NULL LEFT JOIN users ON users.id = linked_subjects.user_id";
const FROM_ROBOT: &str = " FROM facts_revision LEFT JOIN principals ON principals.name = $1 \
     LEFT JOIN users ON users.id = principals.id AND robot_of IS NOT NULL";
/// The repositories asked about are found one by one; the place keeps them in their order.
const FROM_ASKED: &str = " CROSS JOIN asked LEFT JOIN projects ON projects.id = asked.project \
     LEFT JOIN repositories ON repositories.project_id = asked.project AND repositories.path = asked.path \
     ORDER BY asked.place";
/// Exactly the condition of the index `unusual_repositories`.
const UNUSUAL: &str = "(local_sharing OR repositories.open_data OR state <> 'live')";
/// How many rows of local sharing there are in project `$1`, counted up to `$3`.
const SHARED: &str = "SELECT COUNT(*) AS counted FROM (SELECT 1 FROM repositories CROSS JOIN access \
     WHERE project_id = $1 AND item_id = repositories.id AND local_sharing AND ";
/// The paths, which hold no spaces, of the usual repositories of project `$1`, at most `$2`.
const PLAIN: &str = "SELECT COALESCE(string_agg(path, ' '), '') FROM (SELECT path FROM repositories \
     WHERE NOT local_sharing AND NOT open_data AND state = 'live' AND project_id = $1 LIMIT $2) AS plain";

/// A repository of a project that is read as a whole has on average at most so many rows of local sharing.
const LOCAL_ROWS_EACH: usize = 16;

#[async_trait]
impl FactsStore for Store {
    async fn snapshot(
        &self,
        identity: &Identity,
        names: &[RepositoryName],
    ) -> Result<At<Facts>, StorageError> {
        let now = self.clock.now();
        let statement = self.read(AssertSqlSafe(snapshot_statement(identity, names)))?;
        let mut statement = bind_identity(statement, identity);
        for name in names {
            statement = statement.bind(name.project().number()).bind(name.path());
        }
        let rows: Vec<SnapshotRow> = match names.len() {
            0 | 1 => vec![statement.fetch_one().await?],
            _ => statement.fetch_all().await?,
        };
        let Some(first) = rows.first() else { return Err(corrupt("facts_revision", "empty")) };
        let mut repositories = Vec::with_capacity(names.len());
        let mut project = None;
        for (name, row) in names.iter().zip(&rows) {
            // Most requests are about one project, or one after the other.
            if project.as_ref().map(|project: &Arc<ProjectFacts>| project.id) != Some(name.project()) {
                project = row.project.facts()?.map(Arc::new);
            }
            let repository =
                row.repository.stored()?.map_or(RepositoryFacts::Unknown, |stored| stored.at(now));
            repositories.push(RepositorySituation {
                name: name.clone(),
                project: project.clone(),
                repository,
            });
        }
        let user = first.user.facts()?.map(Arc::new);
        let token = user.as_ref().map(|user| first.token.facts(user.id)).transpose()?.flatten().map(Arc::new);
        let value = Facts { user, token, repositories, item: None };
        Ok(At { revision: Revision(first.revision), value })
    }

    async fn item_snapshot(&self, identity: &Identity, entity: EntityId) -> Result<At<Facts>, StorageError> {
        item::snapshot(self, identity, entity).await
    }

    async fn project(
        &self,
        id: ProjectId,
        limit: usize,
    ) -> Result<At<Option<ProjectContents>>, StorageError> {
        let local_limit = limit.saturating_add(1).saturating_mul(LOCAL_ROWS_EACH);
        let bound = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<ContentsRow> = self
            .read(AssertSqlSafe(contents_statement()))?
            .bind(id.number())
            .bind(bound(limit.saturating_add(1)))
            .bind(bound(local_limit))
            .fetch_all()
            .await?;
        let revision = rows.iter().find_map(|row| row.revision);
        let revision = Revision(revision.ok_or_else(|| corrupt("facts_revision", "empty"))?);
        Ok(At { revision, value: contents(&rows, limit)? })
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        let (revision,): (i64,) = self.read("SELECT revision FROM facts_revision")?.fetch_one().await?;
        Ok(Revision(revision))
    }

    async fn changes(&self, since: Revision, until: Revision) -> Result<Changes, StorageError> {
        // A smaller number than before means that the database was restored from a copy.
        if until < since || until.0 - since.0 > CHANGES_KEPT {
            return Ok(Changes::Everything);
        }
        let rows: Vec<(String, i64)> = self
            .read("SELECT subject, number FROM facts_changes WHERE revision > $1 AND revision <= $2")?
            .bind(since.0)
            .bind(until.0)
            .fetch_all()
            .await?;
        if i64::try_from(rows.len()).ok() != Some(until.0 - since.0) {
            return Ok(Changes::Everything);
        }
        let subject = |(subject, number): (String, i64)| match subject.as_str() {
            "user" => Ok(Subject::User(UserId::new(number))),
            "project" => Ok(Subject::Project(ProjectId::new(number))),
            other => Err(corrupt("facts_changes.subject", other)),
        };
        Ok(Changes::Of(rows.into_iter().map(subject).collect::<Result<_, _>>()?))
    }
}

/// Binds whose facts are read: `$1`, of a subject also `$2`.
fn bind_identity<'c>(statement: Statement<'c>, identity: &Identity) -> Statement<'c> {
    match identity {
        Identity::Nobody => statement.bind(0_i64),
        Identity::User(user) => statement.bind(user.number()),
        Identity::Token(token) => statement.bind(token.number()),
        Identity::Subject(subject) => statement.bind(&*subject.issuer).bind(&*subject.subject),
        Identity::Robot(robot) => statement.bind(robot.as_str()),
    }
}

/// One statement for whoever asks (`$1`, of a subject also `$2`) and any number of repositories (the next for the
/// project, the one after it for the path, and so on).
fn snapshot_statement(identity: &Identity, names: &[RepositoryName]) -> String {
    let (columns, from, next) = match identity {
        Identity::Nobody | Identity::User(_) => ("", FROM_USER, 2),
        Identity::Token(_) => (TOKEN, FROM_TOKEN, 2),
        Identity::Subject(_) => ("", FROM_SUBJECT, 3),
        Identity::Robot(_) => ("", FROM_ROBOT, 2),
    };
    if names.is_empty() {
        return format!("{USER}{columns}{from}");
    }
    let mut text = String::with_capacity(2_000 + names.len() * 24);
    text.push_str("WITH asked (place, project, path) AS (VALUES ");
    for index in 0..names.len() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}({index}, ${}, ${})", index * 2 + next, index * 2 + next + 1);
    }
    let _ = write!(text, ") {USER}{columns}{PROJECT}{REPOSITORY}{from}{FROM_ASKED}");
    text
}

/// One statement for all of project `$1`: a row for the project with its usual repositories, and one for each unusual one,
/// at most `$2` of each kind and `$3` rows of local sharing; if there is more local sharing, no repositories at all.
fn contents_statement() -> String {
    format!(
        "WITH shared AS ({SHARED}{UNUSUAL} LIMIT $3) AS local_rows), \
         project AS MATERIALIZED (SELECT revision{PROJECT}, CASE WHEN counted < $3 THEN ({PLAIN}) END AS plain \
         FROM facts_revision CROSS JOIN shared LEFT JOIN projects ON projects.id = $1), \
         unusual AS MATERIALIZED (SELECT path{REPOSITORY} FROM repositories CROSS JOIN shared \
         WHERE project_id = $1 AND counted < $3 AND {UNUSUAL} LIMIT $2) \
         SELECT project.*, unusual.* FROM project LEFT JOIN unusual ON FALSE \
         UNION ALL SELECT project.*, unusual.* FROM unusual LEFT JOIN project ON FALSE"
    )
}
