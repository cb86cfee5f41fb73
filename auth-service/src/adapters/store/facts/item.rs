//! Reading facts about a caller and the project or repository with a number, in one statement.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

use super::super::{Store, corrupt};
use super::rows::ItemRow;
use super::{
    FROM_ROBOT, FROM_SUBJECT, FROM_TOKEN, FROM_USER, PROJECT, REPOSITORY, TOKEN, USER, bind_identity,
};
use crate::domain::facts::{Facts, ItemFacts};
use crate::domain::login::Identity;
use crate::domain::project::EntityId;
use crate::domain::repository::RepositoryName;
use crate::ports::StorageError;
use crate::ports::facts::{At, Revision};

pub(super) async fn snapshot(
    store: &Store,
    identity: &Identity,
    entity: EntityId,
) -> Result<At<Facts>, StorageError> {
    let statement = store.read(AssertSqlSafe(statement(identity)))?;
    let row: ItemRow = bind_identity(statement, identity).bind(entity.number()).fetch_one().await?;
    let user = row.login.user.facts()?.map(Arc::new);
    let token = user.as_ref().map(|user| row.login.token.facts(user.id)).transpose()?.flatten().map(Arc::new);
    let project = row.login.project.facts()?.map(Arc::new);
    let item = match (project, &row.path) {
        (None, _) => None,
        (Some(project), None) => Some(ItemFacts::of_project(project)),
        (Some(project), Some(path)) => {
            let text = format!("{}/{path}", project.id);
            let name = RepositoryName::parse(&text).ok_or_else(|| corrupt("a repository's name", text))?;
            let stored = row.login.repository.stored()?;
            stored.and_then(|stored| ItemFacts::of_repository(name, project, stored.facts))
        }
    };
    let value = Facts { user, token, repositories: Vec::new(), item };
    Ok(At { revision: Revision(row.login.revision), value })
}

/// One statement for whoever asks (`$1`, of a subject also `$2`) and for the number (the next).
fn statement(identity: &Identity) -> String {
    let (columns, from, next) = match identity {
        Identity::Nobody | Identity::User(_) => ("", FROM_USER, 2),
        Identity::Token(_) => (TOKEN, FROM_TOKEN, 2),
        Identity::Subject(_) => ("", FROM_SUBJECT, 3),
        Identity::Robot(_) => ("", FROM_ROBOT, 2),
    };
    format!(
        "{USER}{columns}{PROJECT}{REPOSITORY}, repositories.path AS path{from} \
         LEFT JOIN repositories ON repositories.id = ${next} AND state IN ('live', 'trashed') \
         LEFT JOIN projects ON projects.id = COALESCE(repositories.project_id, ${next})"
    )
}
