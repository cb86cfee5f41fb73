//! One request, as the operations see it.

use std::ops::RangeInclusive;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Answer, RestError};
use crate::app::give_tokens::Requester;
use crate::app::log_in::Admitted;
use crate::domain::decision::{AccessPolicy, ItemRights};
use crate::domain::facts::UserFacts;
use crate::domain::login::{Caller, LoginOrigin, Proof};
use crate::domain::project::EntityId;
use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind};
use crate::web::reading::Body;

/// How many rows a page has.
const PAGE: usize = 50;

/// A part of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<R> {
    results: Vec<R>,
    /// What asks for the next part; `null` in the last one.
    next_page_token: Option<String>,
}

pub(super) struct Call {
    /// Whoever was let in; `None` where nobody was asked.
    pub(super) admitted: Option<Admitted>,
    pub(super) origin: LoginOrigin,
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

    /// The number of a project or repository in the path; the endpoint's row says that it has one.
    pub(super) fn entity_id(&self) -> Result<EntityId, RestError> {
        entity_id(&self.request)
    }

    /// The caller's rights to the item of the path.
    pub(super) fn rights(&self, policy: AccessPolicy) -> Result<ItemRights<'_>, RestError> {
        let admitted = self.admitted.as_ref().ok_or(RestError::NotLoggedIn)?;
        let id = self.entity_id()?;
        admitted.rights(policy).map_err(|refusal| RestError::of_item(refusal, id))
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

    /// A number of the query that must be within a range.
    pub(super) fn number(
        &self,
        name: &str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, RestError> {
        let Some(text) = self.query(name) else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            RestError::BadRequest(format!(
                "{name} must be a number from {} to {}",
                range.start(),
                range.end()
            ))
        })
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
        Answer::of(&PageBody { results: page, next_page_token: next })
    }
}

/// The number of a project or repository in the path of a request.
pub(super) fn entity_id(request: &HttpRequest) -> Result<EntityId, RestError> {
    let text = request.match_info().get("id").unwrap_or("");
    EntityId::parse(text)
        .ok_or_else(|| RestError::NotFound("a project or repository has a number such as syn123".to_owned()))
}
