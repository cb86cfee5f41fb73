//! One request, as the operations see it.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::answer::{Answer, RestError};
use crate::app::give_tokens::Requester;
use crate::app::log_in::{Admitted, Origin};
use crate::domain::facts::UserFacts;
use crate::domain::login::{Caller, Proof};
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind};
use crate::web::reading::Body;

/// How many rows a page has.
const PAGE: usize = 50;

pub(super) struct Call {
    /// Whoever was let in; `None` where nobody was asked.
    pub(super) admitted: Option<Admitted>,
    pub(super) origin: Origin,
    pub(super) requester: Requester,
    pub(super) request: HttpRequest,
    pub(super) body: Body,
}

impl Call {
    /// The user who is logged in.
    pub(super) fn user(&self) -> Result<&UserFacts, RestError> {
        match self.admitted.as_ref().map(Admitted::caller) {
            Some(Caller::User(user, _)) => Ok(user),
            _ => Err(RestError::NotLoggedIn),
        }
    }

    /// The session that the user has logged in with: what lasts longer than a session is made in one that has not
    /// ended by then.
    pub(super) fn session(&self) -> Result<ServiceTokenId, RestError> {
        match self.admitted.as_ref().map(|admitted| &admitted.proof) {
            Some(Proof::Token(token)) if token.kind == ServiceTokenKind::Session => Ok(token.id),
            _ => Err(RestError::NotLoggedIn),
        }
    }

    /// A part of the path.
    pub(super) fn part(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or("")
    }

    /// The number of a token in the path; one that cannot be a number names nothing.
    pub(super) fn token_id(&self) -> Result<ServiceTokenId, RestError> {
        ServiceTokenId::parse(self.part("id"))
            .ok_or_else(|| RestError::NotFound("there is no such token".to_owned()))
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body. Members that are not known are passed over, as programs send more than is needed here.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, RestError> {
        let media_type = self.request.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or(""));
        let media_type = media_type.unwrap_or("application/json").split(';').next().unwrap_or("").trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(RestError::NotJson);
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error may quote what was sent, which may be a secret; line and column are enough.
            let (line, column) = (error.line(), error.column());
            let what = if error.is_data() { "is not of the right shape" } else { "is no JSON" };
            RestError::BadRequest(format!("the body {what}, at line {line} column {column}"))
        })
    }

    /// The page of `rows` that is asked for, with the token for the next one.
    pub(super) fn page<T, R: Serialize>(
        &self,
        rows: &[T],
        render: impl Fn(&T) -> R,
    ) -> Result<Answer, RestError> {
        let wrong = || RestError::BadRequest("nextPageToken is none that was given".to_owned());
        let offset = match self.query("nextPageToken").filter(|token| !token.is_empty()) {
            Some(token) => {
                token.strip_prefix("50a").and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?
            }
            None => 0_usize,
        };
        let page: Vec<R> = rows.iter().skip(offset).take(PAGE).map(render).collect();
        let next = offset.saturating_add(PAGE);
        let next = (next < rows.len()).then(|| format!("{PAGE}a{next}"));
        Answer::of(&json!({"results": page, "nextPageToken": next}))
    }
}
