//! Docker logins: the identity tokens that docker stores in place of a password, listed and revoked.

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use crate::app::list_tokens::TokenDescription;
use crate::domain::service_token::ServiceTokenKind::Identity;

/// `GET /auth/v1/identityToken`
pub(super) async fn list(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let records = api.list_tokens.list(Identity, call.user()?.id).await?;
    let now = api.clock.now();
    call.page(&records, |record| TokenDescription::of(record, now))
}

/// `DELETE /auth/v1/identityToken/{id}`
pub(super) async fn revoke(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    match api.list_tokens.revoke(Identity, call.token_id()?, call.user()?.id).await? {
        true => Ok(Answer::Done),
        false => Err(RestError::NotFound("there is no such docker login".to_owned())),
    }
}
