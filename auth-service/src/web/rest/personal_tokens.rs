//! Personal access tokens: made once a password was shown, listed and revoked.

use serde::Deserialize;
use serde_json::json;

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use crate::app::give_tokens::{GiveTokenError, PersonalTokenRequest};
use crate::app::list_tokens::TokenDescription;
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::project::ProjectId;
use crate::domain::service_token::ServiceTokenKind::Personal;
use crate::domain::time::Timestamp;
use crate::domain::token_name::TokenName;
use crate::ports::tokens::AddTokenError;

/// Scopes of Synapse that mean nothing here, and `authorize`, which no token has; who asks for all gets the rest.
const LEFT_OUT: [&str; 5] = ["openid", "email", "profile", "offline_access", "authorize"];

#[derive(Deserialize)]
struct NewTokenRequest {
    name: Option<String>,
    scope: Option<Vec<String>>,
    project: Option<String>,
    #[serde(rename = "expiresOn")]
    expires_on: Option<String>,
}

/// `POST /auth/v1/personalAccessToken`
pub(super) async fn make(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let request = understand(call.json()?, call, api.clock.now())?;
    let given = api.give_tokens.personal(request).await?;
    Answer::of(&json!({"token": given.text.as_str()}))
}

fn understand(
    asked: NewTokenRequest,
    call: &Call,
    now: Timestamp,
) -> Result<PersonalTokenRequest, RestError> {
    let name = asked.name.map(|name| TokenName::parse(&name)).transpose();
    let project =
        asked.project.map(|text| ProjectId::parse(&text).ok_or("project must be one, such as syn123"));
    let expires_at = asked.expires_on.map(|text| {
        let end = Timestamp::parse_rfc3339(&text).filter(|end| *end > now);
        end.ok_or("expiresOn must be a time to come, such as 2030-01-31T00:00:00.000Z")
    });
    let bad = |text: &str| RestError::BadRequest(text.to_owned());
    Ok(PersonalTokenRequest {
        user: call.user()?.id,
        name: name.map_err(|error| bad(&error.to_string()))?,
        scopes: scopes(&asked.scope.unwrap_or_default())?,
        project: project.transpose().map_err(bad)?,
        expires_at: expires_at.transpose().map_err(bad)?,
        made_in: Some(call.session()?),
    })
}

/// The scopes that are asked for; nothing is the usual ones.
fn scopes(words: &[String]) -> Result<LoginScopes, RestError> {
    let known = words.iter().filter(|word| !LEFT_OUT.contains(&word.as_str()));
    let known: Result<Vec<LoginScope>, RestError> = known
        .map(|word| {
            LoginScopes::scope(word).ok_or_else(|| {
                RestError::BadRequest(
                    "scope holds a word that is none of view, download, modify, delete, admin".to_owned(),
                )
            })
        })
        .collect();
    let scopes = if words.is_empty() { LoginScopes::USUAL } else { known?.into_iter().collect() };
    match scopes == LoginScopes::NONE {
        true => Err(RestError::BadRequest("none of these scopes means anything for a token here".to_owned())),
        false => Ok(scopes),
    }
}

impl From<GiveTokenError> for RestError {
    fn from(error: GiveTokenError) -> Self {
        match error {
            GiveTokenError::Add(AddTokenError::Storage(error)) => error.into(),
            GiveTokenError::Add(AddTokenError::NoSuchUser) => Self::NotLoggedIn,
            GiveTokenError::Add(AddTokenError::SessionEnded) => Self::session_ended(),
            GiveTokenError::Add(
                error @ (AddTokenError::NotAdministrator
                | AddTokenError::NameTaken
                | AddTokenError::TooMany(_)
                | AddTokenError::NoSuchProject(_)
                | AddTokenError::RobotOf(_)),
            ) => Self::BadRequest(error.to_string()),
            GiveTokenError::Randomness(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// `GET /auth/v1/personalAccessToken`
pub(super) async fn list(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let records = api.list_tokens.list(Personal, call.user()?.id).await?;
    let now = api.clock.now();
    call.page(&records, |record| TokenDescription::of(record, now))
}

/// `GET /auth/v1/personalAccessToken/{id}`
pub(super) async fn show(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let record = api.list_tokens.find(Personal, call.token_id()?, call.user()?.id).await?;
    let record = record.ok_or_else(|| RestError::NotFound("there is no such token".to_owned()))?;
    Answer::of(&TokenDescription::of(&record, api.clock.now()))
}

/// `DELETE /auth/v1/personalAccessToken/{id}`
pub(super) async fn revoke(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    match api.list_tokens.revoke(Personal, call.token_id()?, call.user()?.id).await? {
        true => Ok(Answer::Done),
        false => Err(RestError::NotFound("there is no such token".to_owned())),
    }
}
