//! `auth-service db …`

use serde_json::json;

use super::arguments::DatabaseCommand;
use super::output::{Failure, Report};
use crate::bootstrap::create_store;
use crate::config::{DatabaseUrl, Settings};

pub(super) async fn run(settings: &Settings, command: DatabaseCommand) -> Result<Report, Failure> {
    let DatabaseCommand::Init = command;
    let place = match &settings.database.url {
        DatabaseUrl::Sqlite(path) => path.display().to_string(),
        DatabaseUrl::Postgres(_) => "the PostgreSQL database".to_owned(),
    };
    if create_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))? {
        return Ok(Report::new(format!("Made an empty database in {place}."), json!({"database": place})));
    }
    Err(Failure::Failed(format!("{place} already holds a database of this program; it is left as it is")))
}
