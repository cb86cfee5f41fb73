//! Reading facts: each method is one statement, so that what it gives was true at one moment.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::{CHANGES_KEPT, Store, corrupt, read};
use crate::domain::facts::{Facts, RepositoryFacts, RepositorySituation};
use crate::domain::principal::UserId;
use crate::domain::project::ProjectId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{At, Changes, FactsStore, ProjectContents, Revision, Subject};

mod rows;

use rows::{Found, Row};

/// The numbers are wide in the first part, because `PostgreSQL` would read a column of small literals as one of
/// small numbers.
const REVISION: &str = "SELECT 'revision' AS kind, revision AS a, CAST(0 AS BIGINT) AS b, \
     CAST(0 AS BIGINT) AS c, CAST(0 AS BIGINT) AS d, CAST(0 AS BIGINT) AS e, '' AS s, '' AS t \
     FROM facts_revision";
const USER: &str = " UNION ALL SELECT 'user', id, \
     CASE WHEN certified THEN 1 ELSE 0 END + CASE WHEN administrator THEN 2 ELSE 0 END \
     + CASE WHEN disabled THEN 4 ELSE 0 END, generation, 0, 0, '', '' FROM users WHERE id = $1 \
     UNION ALL SELECT 'team', team_id, 0, 0, 0, 0, '', '' FROM team_members WHERE user_id = $1";
const PROJECT: &str = " UNION ALL SELECT 'project', id, \
     CASE WHEN trashed_at IS NULL THEN 0 ELSE 1 END + CASE WHEN open_data THEN 2 ELSE 0 END, 0, 0, 0, '', '' \
     FROM projects WHERE id IN ";
const ACCESS: &str = " UNION ALL SELECT 'access', item_id, principal_id, kinds, 0, 0, '', '' FROM access \
     WHERE item_id IN ";
const REPOSITORY: &str = "SELECT 'repository', id, project_id, \
     CASE WHEN local_sharing THEN 1 ELSE 0 END + CASE WHEN open_data THEN 2 ELSE 0 END, \
     COALESCE(reserved_by, 0), COALESCE(reserved_until, 0), state, repositories.path FROM ";
const LOCAL_ACCESS: &str = "SELECT 'access', item_id, principal_id, kinds, 0, 0, '', '' FROM ";
/// The repositories asked about, found one by one: `CROSS JOIN` keeps `SQLite` from turning the order round.
const ASKED_FOR: &str = "asked CROSS JOIN repositories WHERE repositories.project_id = asked.project \
     AND repositories.path = asked.path";
const ASKED_FOR_ACCESS: &str = "asked CROSS JOIN repositories CROSS JOIN access \
     WHERE repositories.project_id = asked.project AND repositories.path = asked.path AND local_sharing \
     AND item_id = repositories.id";
/// Exactly the condition of the index `unusual_repositories`.
const UNUSUAL: &str = "(local_sharing OR open_data OR state <> 'live')";
/// The paths, which hold no spaces, in one row: a hundred rows would take ten times as long to fetch.
const PLAIN: &str = "SELECT 'plain', 0, 0, 0, 0, 0, '', COALESCE(string_agg(path, ' '), '') FROM (SELECT path \
     FROM repositories WHERE NOT local_sharing AND NOT open_data AND state = 'live' AND project_id = ";

/// A repository of a project that is read as a whole has on average at most so many rows of local sharing.
const LOCAL_ROWS_EACH: usize = 16;

#[async_trait]
impl FactsStore for Store {
    async fn snapshot(
        &self,
        user: Option<UserId>,
        names: &[RepositoryName],
    ) -> Result<At<Facts>, StorageError> {
        let now = self.clock.now();
        let statement = snapshot_statement(names);
        let rows: Vec<Row> = read!(self, pool => {
            let mut query = sqlx::query_as(AssertSqlSafe(statement)).bind(user.map_or(0, UserId::number));
            for name in names {
                query = query.bind(name.project().number()).bind(name.path());
            }
            query.fetch_all(pool).await?
        });
        let found = Found::read(rows)?;
        let projects: HashMap<ProjectId, _> =
            found.projects().map(|project| (project.id, Arc::new(project))).collect();
        let mut repositories = Vec::with_capacity(names.len());
        for name in names {
            repositories.push(RepositorySituation {
                name: name.clone(),
                project: projects.get(&name.project()).cloned(),
                repository: found.repository(name)?.map_or(RepositoryFacts::Unknown, |stored| stored.at(now)),
            });
        }
        let value = Facts { user: found.user().map(Arc::new), repositories };
        Ok(At { revision: found.revision, value })
    }

    async fn project(
        &self,
        id: ProjectId,
        limit: usize,
    ) -> Result<At<Option<ProjectContents>>, StorageError> {
        let local_limit = limit.saturating_add(1).saturating_mul(LOCAL_ROWS_EACH);
        let bound = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<Row> = read!(self, pool => {
            sqlx::query_as(AssertSqlSafe(contents_statement()))
                .bind(id.number())
                .bind(bound(limit.saturating_add(1)))
                .bind(bound(local_limit))
                .fetch_all(pool)
                .await?
        });
        let found = Found::read(rows)?;
        let value = found.contents(limit, local_limit)?;
        Ok(At { revision: found.revision, value })
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        let (revision,): (i64,) =
            read!(self, pool => sqlx::query_as("SELECT revision FROM facts_revision").fetch_one(pool).await?);
        Ok(Revision(revision))
    }

    async fn changes(&self, since: Revision, until: Revision) -> Result<Changes, StorageError> {
        // A smaller number than before means that the database was restored from a copy.
        if until < since || until.0 - since.0 > CHANGES_KEPT {
            return Ok(Changes::Everything);
        }
        let rows: Vec<(String, i64)> = read!(self, pool => {
            sqlx::query_as("SELECT subject, number FROM facts_changes WHERE revision > $1 AND revision <= $2")
                .bind(since.0)
                .bind(until.0)
                .fetch_all(pool)
                .await?
        });
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

/// One statement for a user (`$1`) and any number of repositories (`$2` project, `$3` path, and so on).
fn snapshot_statement(names: &[RepositoryName]) -> String {
    if names.is_empty() {
        return format!("{REVISION}{USER}");
    }
    let mut text = String::with_capacity(2_000 + names.len() * 20);
    text.push_str("WITH asked (project, path) AS (VALUES ");
    for index in 0..names.len() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}(${}, ${})", index * 2 + 2, index * 2 + 3);
    }
    let projects = "(SELECT project FROM asked)";
    let _ = write!(
        text,
        ") {REVISION}{USER}{PROJECT}{projects}{ACCESS}{projects} UNION ALL {REPOSITORY}{ASKED_FOR} \
         UNION ALL {LOCAL_ACCESS}{ASKED_FOR_ACCESS}"
    );
    text
}

/// One statement for all of project `$1`, at most `$2` rows of each kind of repository and `$3` of their
/// local sharing.
fn contents_statement() -> String {
    format!(
        "{REVISION}{PROJECT}($1){ACCESS}($1) \
         UNION ALL SELECT * FROM ({REPOSITORY}repositories WHERE project_id = $1 AND {UNUSUAL} LIMIT $2) AS unusual \
         UNION ALL SELECT * FROM ({LOCAL_ACCESS}repositories CROSS JOIN access WHERE project_id = $1 \
         AND item_id = repositories.id AND local_sharing AND {UNUSUAL} LIMIT $3) AS shared \
         UNION ALL {PLAIN}$1 LIMIT $2) AS plain"
    )
}
