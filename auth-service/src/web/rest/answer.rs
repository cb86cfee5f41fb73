//! What programs are answered: the one place where outcomes become statuses and bodies. A refusal is a JSON object with
//! a string `reason`; anything else makes the Synapse client fail in a way that hides it. It repeats a request for half
//! an hour on 429 and 5xx, and on any other refusal whose reason holds one of a few phrases (`docs/REST.md`).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::contact::Contact;
use crate::domain::decision::ItemRefusal;
use crate::domain::foreign::IssuerName;
use crate::domain::login_rejection::LoginRejection;
use crate::domain::login_scope::LoginScopes;
use crate::domain::project::{EntityId, ProjectId};
use crate::domain::reason::Refusal;
use crate::domain::reason::{ReasonCode, with_code};
use crate::domain::service_token::ServiceTokenKind;
use crate::ports::StorageError;
use crate::ports::login_error::LoginError;
use crate::web::reading::{OVER_QUOTA, Unread};

/// A request that was carried out.
pub(super) enum Answer {
    /// With something to tell.
    Json(StatusCode, Value),
    /// With nothing to tell.
    Done,
}

impl Answer {
    /// Anything that can be written as JSON.
    pub(super) fn of(value: &impl Serialize) -> Result<Self, RestError> {
        let value = serde_json::to_value(value).map_err(|error| RestError::Unavailable(error.to_string()))?;
        Ok(Self::Json(StatusCode::OK, value))
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Json(status, _) => *status,
            Self::Done => StatusCode::NO_CONTENT,
        }
    }

    pub(super) fn render(self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        answer.insert_header((CACHE_CONTROL, "no-store"));
        match self {
            Self::Json(_, value) => answer.json(value),
            Self::Done => answer.finish(),
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug)]
pub(super) enum RestError {
    /// No token came, and one is needed.
    NotLoggedIn,
    /// What came as a token has not even the shape of one.
    NoToken,
    /// The login is refused.
    Refused(Refusal),
    /// The login does not have these scopes.
    MissingScopes(LoginScopes),
    /// The token is good for this project only.
    BoundTo(ProjectId),
    /// The caller may not do this with the item.
    OfItem(ItemRefusal, EntityId),
    /// The user may not do this.
    Forbidden(String),
    /// The request cannot be understood, or asks for what cannot be.
    BadRequest(String),
    /// There is no such thing.
    NotFound(String),
    /// There is such a path, and something else can be done with it.
    MethodNotAllowed,
    /// The body is not said to be JSON.
    NotJson,
    /// The head is longer than so many bytes.
    HeadTooLong(usize),
    /// The body, which can have so many bytes, was not read.
    Unread(Unread, usize),
    /// Too many passwords wait to be checked.
    Busy,
    /// The issuer of the token does not answer; the cause is for the log.
    IssuerDown(IssuerName, String),
    /// It cannot be done just now; the cause is for the log.
    Unavailable(String),
}

impl From<StorageError> for RestError {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<LoginError> for RestError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Rejected(refused) => Self::Refused(refused.refusal()),
            LoginError::Busy => Self::Busy,
            LoginError::IssuerDown { issuer, cause } => Self::IssuerDown(issuer, cause),
            LoginError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl RestError {
    /// The session that the login was good for has ended since.
    pub(super) fn session_ended() -> Self {
        let ended = LoginRejection::UnknownToken(ServiceTokenKind::Session);
        Self::Refused(ended.refusal())
    }

    /// What the decision on an item refused.
    pub(super) fn of_item(refusal: ItemRefusal, id: EntityId) -> Self {
        match refusal {
            ItemRefusal::Anonymous => Self::NotLoggedIn,
            ItemRefusal::TokenScope { needs, .. } => Self::MissingScopes(LoginScopes::NONE.with(needs)),
            other => Self::OfItem(other, id),
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::OfItem(ItemRefusal::NotVisible { .. } | ItemRefusal::InTrash, _) => {
                StatusCode::NOT_FOUND
            }
            Self::Refused(Refusal { code: ReasonCode::LockedOut, .. }) => StatusCode::LOCKED,
            Self::NotLoggedIn | Self::NoToken | Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::MissingScopes(_) | Self::BoundTo(_) | Self::OfItem(..) | Self::Forbidden(_) => {
                StatusCode::FORBIDDEN
            }
            Self::BadRequest(_) | Self::Unread(Unread::Broken, _) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson | Self::Unread(Unread::Encoded, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadTooLong(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unread(Unread::TooLong, _) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread(Unread::Late, _) => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Unread(Unread::OverQuota, _) => StatusCode::TOO_MANY_REQUESTS,
            Self::IssuerDown(..) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The reason in the log and the metrics.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NotLoggedIn => ReasonCode::Anonymous.name(),
            Self::NoToken => ReasonCode::WrongCredentials.name(),
            Self::Refused(refusal) => refusal.code.name(),
            Self::MissingScopes(_) | Self::BoundTo(_) => ReasonCode::TokenScope.name(),
            Self::Unread(Unread::OverQuota, _) => OVER_QUOTA,
            Self::OfItem(refusal, _) => match refusal.code() {
                Some(code) => code.name(),
                None => "forbidden",
            },
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::BadRequest(_)
            | Self::MethodNotAllowed
            | Self::NotJson
            | Self::HeadTooLong(_)
            | Self::Unread(..) => "bad_request",
            Self::Busy | Self::IssuerDown(..) | Self::Unavailable(_) => ReasonCode::Unavailable.name(),
        }
    }

    /// What failed, for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::IssuerDown(_, cause) | Self::Unavailable(cause) => Some(cause),
            _ => None,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::NotLoggedIn => {
                let text = "you are not logged in; send a personal access token or a session as bearer token";
                with_code(ReasonCode::Anonymous, text)
            }
            Self::NoToken => {
                let text =
                    "this is not an access token; send 'Authorization: Bearer' with a personal access token";
                with_code(ReasonCode::WrongCredentials, text)
            }
            Self::Refused(refusal) => refusal.message.clone(),
            Self::MissingScopes(missing) => {
                let text = format!(
                    "insufficient_scope. Request lacks scope(s) required by this service: {}",
                    missing.names().join(",")
                );
                with_code(ReasonCode::TokenScope, &text)
            }
            Self::BoundTo(project) => {
                let text =
                    format!("this token is for project {project} only, and this is about your account");
                with_code(ReasonCode::TokenScope, &text)
            }
            Self::OfItem(refusal, id) => refusal.sentence(*id),
            Self::Forbidden(text) | Self::BadRequest(text) | Self::NotFound(text) => text.clone(),
            Self::MethodNotAllowed => "this cannot be done with this path".to_owned(),
            Self::NotJson => "send the body as application/json".to_owned(),
            Self::HeadTooLong(limit) => format!("the request's head is longer than {limit} bytes"),
            Self::Unread(Unread::OverQuota, _) => "too much is being sent at once".to_owned(),
            Self::Unread(Unread::Encoded, _) => "send the body without a Content-Encoding".to_owned(),
            Self::Unread(Unread::TooLong, limit) => format!("the body is longer than {limit} bytes"),
            Self::Unread(Unread::Late, _) => "the body did not arrive in time".to_owned(),
            Self::Unread(Unread::Broken, _) => "the body did not arrive whole".to_owned(),
            Self::Busy => "too many logins are waiting to be checked".to_owned(),
            Self::IssuerDown(issuer, _) => {
                format!("the identity provider '{issuer}' does not answer; nothing is wrong with your login")
            }
            Self::Unavailable(_) => "the service cannot reach what it needs just now".to_owned(),
        }
    }

    /// Renders it.
    pub(super) fn render(&self, host: &str, contact: Option<&Contact>) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        answer.insert_header((CACHE_CONTROL, "no-store"));
        // RFC 6750, section 3: without a token, no error is named.
        let challenge = match self {
            Self::NotLoggedIn => Some(format!("Bearer realm=\"{host}\"")),
            Self::NoToken | Self::Refused(_) => {
                Some(format!("Bearer realm=\"{host}\", error=\"invalid_token\""))
            }
            Self::MissingScopes(missing) => {
                Some(format!("Bearer realm=\"{host}\", error=\"insufficient_scope\", scope=\"{missing}\""))
            }
            _ => None,
        };
        if let Some(challenge) = challenge {
            answer.insert_header((WWW_AUTHENTICATE, challenge));
        }
        match self {
            Self::Busy | Self::Unread(Unread::OverQuota, _) | Self::IssuerDown(..) | Self::Unavailable(_) => {
                answer.insert_header((RETRY_AFTER, "3"));
            }
            // RFC 9110, section 15.5.16: what would be understood.
            Self::Unread(Unread::Encoded, _) => {
                answer.insert_header((ACCEPT_ENCODING, "identity"));
            }
            _ => {}
        }
        answer.json(self.body(contact))
    }

    fn body(&self, contact: Option<&Contact>) -> Value {
        let reason = Contact::added_to(contact, &self.reason());
        match self {
            Self::MissingScopes(_) => json!({
                "concreteType": "org.sagebionetworks.repo.model.OAuthErrorResponse",
                "error": "insufficient_scope",
                "error_description": reason.trim_start_matches("insufficient_scope. "),
                "reason": reason,
            }),
            _ => json!({
                "concreteType": "org.sagebionetworks.repo.model.ErrorResponse",
                "reason": reason,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::login_scope::LoginScope;

    /// What makes the client repeat a request whatever its status (`docs/REST.md`).
    const RETRIED: [&str; 9] = [
        "proxy error",
        "slow down",
        "slowdown",
        "timeout",
        "timed out",
        "connection reset by peer",
        "unknown ssl protocol error",
        "couldn't connect to host",
        "try again",
    ];

    /// Whether the client repeats a request because of the status alone.
    fn is_retried(error: &RestError) -> bool {
        matches!(error.status().as_u16(), 429 | 500 | 502 | 503 | 504)
    }

    #[test]
    fn a_refusal_that_is_the_clients_own_is_never_repeated() {
        for (error, status) in [
            (RestError::NotLoggedIn, 401),
            (RestError::NoToken, 401),
            (RestError::session_ended(), 401),
            (RestError::Refused(Refusal::of(ReasonCode::LockedOut, "wait")), 423),
            (RestError::MissingScopes(LoginScopes::USUAL), 403),
            (RestError::BoundTo(ProjectId::new(5)), 403),
            (RestError::MethodNotAllowed, 405),
            (RestError::NotJson, 415),
            (RestError::HeadTooLong(9), 431),
            (RestError::Unread(Unread::TooLong, 9), 413),
            (RestError::Unread(Unread::Late, 9), 408),
            (RestError::Unread(Unread::Broken, 9), 400),
            (RestError::Unread(Unread::Encoded, 9), 415),
        ] {
            let answer = error.render("hub.example.org", None);
            assert_eq!(answer.status().as_u16(), status, "{error:?}");
            assert!(!is_retried(&error) && !answer.headers().contains_key(RETRY_AFTER), "{error:?}");
            let reason = error.reason().to_lowercase();
            assert!(!reason.is_empty() && !RETRIED.iter().any(|phrase| reason.contains(phrase)), "{reason}");
        }
    }

    #[test]
    fn a_refusal_that_will_pass_is_repeated_and_says_when() {
        let issuer = || IssuerName::new("campus");
        for (error, status) in [
            (RestError::Busy, 429),
            (RestError::Unread(Unread::OverQuota, 9), 429),
            (RestError::IssuerDown(issuer(), String::new()), 503),
            (RestError::Unavailable(String::new()), 503),
        ] {
            let answer = error.render("hub.example.org", None);
            assert_eq!(answer.status().as_u16(), status, "{error:?}");
            assert!(is_retried(&error) && answer.headers().contains_key(RETRY_AFTER), "{error:?}");
            assert!(error.body(None)["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
        }
    }

    #[test]
    fn a_missing_scope_is_told_as_rfc_6750_has_it() {
        let error =
            RestError::MissingScopes([LoginScope::Modify, LoginScope::Authorize].into_iter().collect());
        let answer = error.render("hub.example.org", None);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            answer.headers().get(WWW_AUTHENTICATE).unwrap(),
            "Bearer realm=\"hub.example.org\", error=\"insufficient_scope\", scope=\"modify authorize\""
        );
        assert_eq!(
            error.body(None)["reason"],
            "insufficient_scope. Request lacks scope(s) required by this service: modify,authorize [token_scope]"
        );
    }
}
