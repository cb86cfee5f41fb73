//! `auth-service token …` and `auth-service login …`

use std::sync::Arc;

use serde_json::json;

use super::arguments::{LoginCommand, TokenCommand};
use super::output::{Failure, Report};
use super::users::number_of;
use crate::adapters::store::Store;
use crate::adapters::system::SystemClock;
use crate::app::give_tokens::PersonalTokenRequest;
use crate::app::list_tokens::TokenDescription;
use crate::bootstrap::{give_tokens, open_store};
use crate::config::Settings;
use crate::domain::client_id::ClientId;
use crate::domain::login_scope::LoginScopes;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind};
use crate::domain::time::Timestamp;
use crate::ports::system::Clock as _;
use crate::ports::tokens::{TokenRecord, Tokens as _};

pub(super) async fn token(settings: &Settings, command: TokenCommand) -> Result<Report, Failure> {
    let store = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    match command {
        TokenCommand::Add { user, name, scope, project, expires } => {
            let request = PersonalTokenRequest {
                user: number_of(&store, &user).await?,
                name,
                scopes: scope.unwrap_or(LoginScopes::USUAL),
                project,
                expires_at: expires.map(|life| SystemClock.now().plus(life)),
                made_in: None,
            };
            let given = give_tokens(settings, &store).personal(request).await?;
            let json = json!({
                "id": given.id.to_string(),
                "token": given.text.as_str(),
                "scopes": given.scopes.names(),
                "expiresOn": given.expires_at.map(|end| end.to_string()),
            });
            Ok(Report::new(given.text.as_str(), json))
        }
        TokenCommand::List { user } => {
            let user = match user {
                Some(user) => Some(number_of(&store, &user).await?),
                None => None,
            };
            listed(&store.tokens(ServiceTokenKind::Personal, user).await?)
        }
        TokenCommand::Revoke { id } => revoke(&store, ServiceTokenKind::Personal, id).await,
    }
}

pub(super) async fn login(settings: &Settings, command: LoginCommand) -> Result<Report, Failure> {
    let store = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    match command {
        LoginCommand::List { user } => {
            let user = number_of(&store, &user).await?;
            listed(&store.tokens(ServiceTokenKind::Identity, Some(user)).await?)
        }
        LoginCommand::Revoke { id } => revoke(&store, ServiceTokenKind::Identity, id).await,
    }
}

async fn revoke(store: &Arc<Store>, kind: ServiceTokenKind, id: ServiceTokenId) -> Result<Report, Failure> {
    if store.revoke_token(kind, id, None).await? {
        Ok(Report::new(format!("{id} is revoked."), json!({"id": id.to_string()})))
    } else {
        Err(Failure::Failed(format!("there is no {} token {id}", kind.name())))
    }
}

fn listed(records: &[TokenRecord]) -> Result<Report, Failure> {
    let now = SystemClock.now();
    let lines: Vec<String> = records.iter().map(|record| line(record, now)).collect();
    let described: Vec<TokenDescription> =
        records.iter().map(|record| TokenDescription::of(record, now)).collect();
    Report::of(lines.join("\n"), &described)
}

fn line(record: &TokenRecord, now: Timestamp) -> String {
    let when = |moment: Option<Timestamp>| moment.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let what = match (&record.name, &record.client) {
        (Some(name), _) => name.to_string(),
        (None, client) => {
            format!(
                "{} at {}",
                client.as_ref().map_or("?", ClientId::as_str),
                record.address.as_deref().unwrap_or("?")
            )
        }
    };
    format!(
        "{}\t{}\t{what}\t{}{}\tused {}\t{} {}",
        record.id,
        record.user_name,
        record.scopes.names().join(","),
        record.project.map(|project| format!(" in {project}")).unwrap_or_default(),
        when(record.last_used_at),
        if record.is_over(now) { "ended" } else { "ends" },
        when(record.expires_at),
    )
}
