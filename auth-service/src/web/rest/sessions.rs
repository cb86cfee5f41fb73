//! Logging in with a password, and out.

use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use crate::app::give_tokens::GiveTokenError;
use crate::app::sessions::NoSession;
use crate::domain::credential::{Credential, Password};
use crate::domain::login::Caller;
use crate::domain::login_scope::LoginScope;
use crate::domain::principal::UserId;
use crate::domain::reason::ReasonCode;
use crate::domain::reason::Refusal;

#[derive(Deserialize)]
struct LoginRequest {
    username: Option<String>,
    password: Option<Zeroizing<String>>,
}

/// `POST /auth/v1/login2`: a session for a password.
pub(super) async fn open(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let request: LoginRequest = call.json()?;
    let missing = |what: &str| RestError::BadRequest(format!("{what} is missing"));
    let name = request.username.ok_or_else(|| missing("username"))?;
    let password = request.password.ok_or_else(|| missing("password"))?;
    if name.len() > api.public.credential_bytes || password.len() > api.public.credential_bytes {
        let limit = api.public.credential_bytes;
        return Err(RestError::BadRequest(format!(
            "user name and password can have at most {limit} bytes each"
        )));
    }
    let credential = Credential::of(name, Password::new(password.to_string()), &api.public.shapes);
    let session = api.sessions.open(&credential, call.origin, call.requester.clone()).await?;
    Ok(Answer::Json(
        StatusCode::CREATED,
        json!({"accessToken": session.text.as_str(), "acceptsTermsOfUse": true, "authenticationReceipt": ""}),
    ))
}

impl From<NoSession> for RestError {
    fn from(error: NoSession) -> Self {
        match error {
            NoSession::Login(error) => error.into(),
            NoSession::NotAPassword => {
                let code = ReasonCode::WrongCredentials;
                let text = "a session is for a password; send a token as bearer token instead";
                Self::Refused(Refusal::of(code, text))
            }
            NoSession::Give(GiveTokenError::Add(error)) => Self::Unavailable(error.to_string()),
            NoSession::Give(GiveTokenError::Randomness(error)) => Self::Unavailable(error.to_string()),
        }
    }
}

/// `DELETE /auth/v1/sessionAccessToken`: ends this session.
pub(super) async fn end(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let admitted = call.admitted.as_ref().ok_or(RestError::NotLoggedIn)?;
    api.sessions.end(&admitted.proof).await?;
    Ok(Answer::Done)
}

/// `DELETE /auth/v1/user/{id}/sessionAccessToken/all`: ends every session and every docker login of oneself, or, for
/// an administrator, of anybody.
pub(super) async fn end_all(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let caller = call.admitted.as_ref().ok_or(RestError::NotLoggedIn)?.caller();
    let Caller::User(user, powers) = caller else { return Err(RestError::NotLoggedIn) };
    let asked = call.part("id").parse().ok().map(UserId::new);
    if asked != Some(user.id) && !(user.administrator && powers.scopes.has(LoginScope::Admin)) {
        let text = "only an administrator can end somebody else's logins";
        return Err(RestError::Forbidden(text.to_owned()));
    }
    let no_such_user = || RestError::NotFound("there is no such user".to_owned());
    let id = asked.ok_or_else(no_such_user)?;
    api.users.user_numbered(id).await?.ok_or_else(no_such_user)?;
    api.sessions.end_all(id).await?;
    Ok(Answer::Done)
}
