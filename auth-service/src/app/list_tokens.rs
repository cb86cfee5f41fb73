//! The tokens that somebody has: listed and revoked by their owner.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::principal::UserId;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::facts::FactsReader;
use crate::ports::tokens::{TokenRecord, Tokens};

/// A token as its owner is told of it: everything but the token itself, under the names of the Synapse client. What is
/// absent is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDescription {
    id: String,
    user_id: String,
    user_name: String,
    scopes: Vec<&'static str>,
    created_on: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

impl TokenDescription {
    /// Describes a record as it is at `now`.
    #[must_use]
    pub fn of(record: &TokenRecord, now: Timestamp) -> Self {
        Self {
            id: record.id.to_string(),
            user_id: record.user.to_string(),
            user_name: record.user_name.to_string(),
            scopes: record.scopes.names(),
            created_on: record.created_at.to_string(),
            state: if record.is_over(now) { "EXPIRED" } else { "ACTIVE" },
            name: record.name.as_ref().map(ToString::to_string),
            project: record.project.map(|project| project.to_string()),
            client_id: record.client.as_ref().map(ToString::to_string),
            address: record.address.clone(),
            expires_on: record.expires_at.map(|end| end.to_string()),
            last_used: record.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// Looks after tokens for their owners.
pub struct ListTokens {
    /// Where they are kept.
    pub tokens: Arc<dyn Tokens>,
    /// Is told of changes, so that they hold for the next request.
    pub facts: Arc<dyn FactsReader>,
}

impl ListTokens {
    /// Those of a kind, the newest first.
    pub async fn list(
        &self,
        kind: ServiceTokenKind,
        owner: UserId,
    ) -> Result<Vec<TokenRecord>, StorageError> {
        self.tokens.tokens(kind, Some(owner)).await
    }

    /// One of them; that of somebody else is none.
    pub async fn find(
        &self,
        kind: ServiceTokenKind,
        id: ServiceTokenId,
        owner: UserId,
    ) -> Result<Option<TokenRecord>, StorageError> {
        Ok(self.list(kind, owner).await?.into_iter().find(|record| record.id == id))
    }

    /// Ends one of them; whether there was one.
    pub async fn revoke(
        &self,
        kind: ServiceTokenKind,
        id: ServiceTokenId,
        owner: UserId,
    ) -> Result<bool, StorageError> {
        let was_there = self.tokens.revoke_token(kind, id, Some(owner)).await?;
        self.facts.catch_up().await?;
        Ok(was_there)
    }
}
