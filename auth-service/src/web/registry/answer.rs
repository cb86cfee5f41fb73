//! What the registry's clients are answered: the one place where outcomes of the token endpoint and the
//! webhook become statuses and bodies. Every status here was chosen for what clients make of it
//! (`docs/PROTOCOL.md`): 401 with an `errors` body is the only refusal whose text reaches every terminal.

use std::fmt::{Display, Write as _};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};

use crate::app::issue_token::IssuedToken;
use crate::app::token_refusal::TokenRefusal;
use crate::domain::contact::Contact;
use crate::domain::login_rejection::LoginRejection;
use crate::domain::reason::Refusal;
use crate::domain::reason::{ReasonCode, with_code};
use crate::domain::service_token::ServiceTokenKind;
use crate::ports::login_error::LoginError;
use crate::web::reading::{OVER_QUOTA, Unread};

/// Renders a token, under both of its names, because clients differ in which one they read; an answer to a form
/// also names its type and what was granted.
pub(super) fn token(issued: &IssuedToken, to_form: bool) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(token_body(issued, to_form))
}

/// Put together by hand: tokens are letters, digits, `-`, `_` and dots (RFC 7515, section 3.1; `service_token.rs`), of
/// which JSON escapes nothing, and
/// a serializer that looks at each of its bytes twice took a tenth of the whole request.
fn token_body(issued: &IssuedToken, to_form: bool) -> String {
    let IssuedToken { token, issued_at, expires_in, scope, refresh_token } = issued;
    let mut body = String::with_capacity(2 * token.len() + scope.len() + 150);
    body.extend(["{\"token\":\"", token, "\",\"access_token\":\"", token]);
    // Writing to a string does not fail.
    let _ = write!(body, "\",\"expires_in\":{expires_in},\"issued_at\":\"{issued_at}\"");
    if to_form {
        // RFC 6749, section 5.1.
        let _ =
            write!(body, ",\"token_type\":\"Bearer\",\"scope\":{}", serde_json::Value::from(scope.as_str()));
    }
    if let Some(refresh_token) = refresh_token {
        body.extend([",\"refresh_token\":\"", refresh_token, "\""]);
    }
    body.push('}');
    body
}

/// An error as the distribution API has it: one code, one line.
pub(super) struct ErrorAnswer {
    pub(super) status: StatusCode,
    code: &'static str,
    pub(super) message: String,
    /// The reason in the log and the metrics.
    pub(super) reason: &'static str,
    phrase: Option<&'static str>,
    oauth: Option<OAuthError>,
}

/// What OAuth calls an error of the token endpoint (RFC 6749, section 5.2). `invalid_client` and
/// `unauthorized_client` are not among them: here clients prove nothing about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OAuthError {
    InvalidRequest,
    InvalidGrant,
    UnsupportedGrantType,
    InvalidScope,
}

impl OAuthError {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }

    /// Of a request that was understood and is refused for a reason.
    const fn of(code: ReasonCode) -> Option<Self> {
        match code {
            ReasonCode::WrongCredentials | ReasonCode::AccountDisabled | ReasonCode::LockedOut => {
                Some(Self::InvalidGrant)
            }
            // No login, or a service that is not this one: what is missing is in the request.
            ReasonCode::Anonymous | ReasonCode::ForeignService => Some(Self::InvalidRequest),
            ReasonCode::NotCertified
            | ReasonCode::NoDownload
            | ReasonCode::NoUpdate
            | ReasonCode::NoCreate
            | ReasonCode::NoDelete
            | ReasonCode::InTrash
            | ReasonCode::BadName
            | ReasonCode::TokenScope
            | ReasonCode::NotVisible => Some(Self::InvalidScope),
            ReasonCode::Unavailable => None,
        }
    }
}

impl ErrorAnswer {
    pub(super) fn of_refusal(refusal: &TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Login(LoginError::Rejected(rejection)) => {
                Self::refused("UNAUTHORIZED", &rejection.refusal())
            }
            TokenRefusal::NotLoggedIn(refusal) => Self::refused("UNAUTHORIZED", refusal),
            TokenRefusal::Denied(refusal) => Self::refused("DENIED", refusal),
            TokenRefusal::TooManyScopes(error) => Self {
                oauth: Some(OAuthError::InvalidScope),
                ..Self::bad_request(StatusCode::BAD_REQUEST, error.to_string())
            },
            TokenRefusal::Login(LoginError::Busy) => {
                let text = "too many logins are waiting to be checked; come back in a few seconds";
                Self::unavailable(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", text)
            }
            // Not 503: docker shows nothing of that, and 429 is read (`docs/PROTOCOL.md`).
            TokenRefusal::Login(LoginError::IssuerDown { issuer, .. }) => {
                let text = format!(
                    "the identity provider '{issuer}' does not answer; nothing is wrong with your login; try again in a minute"
                );
                Self::unavailable(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", &text)
            }
            TokenRefusal::Login(LoginError::Unavailable(_)) | TokenRefusal::Unavailable(_) => {
                let text = "the token service cannot reach what it needs just now; nothing is wrong with your \
                            login; if it lasts, tell an administrator";
                Self::unavailable(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text)
            }
        }
    }

    /// A login that cannot be one.
    pub(super) fn bad_credential(text: &str) -> Self {
        let code = ReasonCode::WrongCredentials;
        Self::refused("UNAUTHORIZED", &Refusal::of(code, text))
    }

    /// A refresh token that this service cannot have given.
    pub(super) fn unknown_identity_token() -> Self {
        let unknown = LoginRejection::UnknownToken(ServiceTokenKind::Identity);
        Self::refused("UNAUTHORIZED", &unknown.refusal())
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(status: StatusCode, message: String) -> Self {
        let oauth = Some(OAuthError::InvalidRequest);
        Self { status, code: "UNSUPPORTED", message, reason: "bad_request", phrase: None, oauth }
    }

    /// A request of which it cannot be told what it means.
    pub(super) fn contradiction(error: &(impl Display + ?Sized)) -> Self {
        Self::bad_request(StatusCode::BAD_REQUEST, error.to_string())
    }

    /// A form with a grant type that is none of those here.
    pub(super) fn unknown_grant_type(error: &impl Display) -> Self {
        Self { oauth: Some(OAuthError::UnsupportedGrantType), ..Self::contradiction(error) }
    }

    /// A webhook delivery without the shared secret.
    pub(super) fn wrong_secret() -> Self {
        let message =
            "the webhook's secret is missing or wrong; compare webhook.secret with the Authorization \
                       header in the registry's notifications settings"
                .to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "UNAUTHORIZED",
            message,
            reason: "wrong_secret",
            phrase: None,
            oauth: None,
        }
    }

    /// Storage that failed while a delivery was to be stored: the registry sends it again.
    pub(super) fn not_stored() -> Self {
        let text = "the event could not be stored";
        Self::unavailable(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text)
    }

    /// A body for which there is no room just now. Docker shows the text of a 429 and not of a 503.
    pub(super) fn over_quota() -> Self {
        let text = "the token service is being sent too much at once; nothing is wrong with your login; try again \
                    in a few seconds";
        Self {
            reason: OVER_QUOTA,
            ..Self::unavailable(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", text)
        }
    }

    /// A delivery that did not arrive whole, or could not be read: the registry sends it again.
    pub(super) fn delivery_not_read(unread: Unread) -> Self {
        let (status, text) = match unread {
            Unread::OverQuota => {
                let text = "too many deliveries are being read; send it again";
                return Self {
                    reason: OVER_QUOTA,
                    ..Self::unavailable(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text)
                };
            }
            Unread::Encoded => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send deliveries without a Content-Encoding")
            }
            Unread::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "the delivery is too long"),
            Unread::Late => (StatusCode::REQUEST_TIMEOUT, "the delivery did not arrive in time"),
            Unread::Broken => (StatusCode::BAD_REQUEST, "the delivery did not arrive whole"),
        };
        Self::bad_request(status, text.to_owned())
    }

    fn refused(code: &'static str, refusal: &Refusal) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code,
            message: refusal.message.clone(),
            reason: refusal.code.name(),
            phrase: Some(refusal.phrase),
            oauth: OAuthError::of(refusal.code),
        }
    }

    fn unavailable(status: StatusCode, code: &'static str, text: &str) -> Self {
        let reason = ReasonCode::Unavailable;
        Self {
            status,
            code,
            message: with_code(reason, text),
            reason: reason.name(),
            phrase: Some(reason.phrase()),
            oauth: None,
        }
    }

    /// Renders it; for a form with the word that OAuth has for it. The reason phrase of the status line is what
    /// containerd and Kubernetes print.
    pub(super) fn render(&self, host: &str, contact: Option<&Contact>, to_form: bool) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((CACHE_CONTROL, "no-store"));
        match self.status {
            // RFC 9110, section 15.5.2: a 401 names a scheme. Basic is harmless to every client.
            StatusCode::UNAUTHORIZED => {
                let challenge = format!("Basic realm=\"{host}\", charset=\"UTF-8\"");
                answer.insert_header((WWW_AUTHENTICATE, challenge));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                answer.insert_header((RETRY_AFTER, "3"));
            }
            // RFC 9110, section 15.5.16: what would be understood.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                answer.insert_header((ACCEPT_ENCODING, "identity"));
            }
            _ => {}
        }
        let message = Contact::added_to(contact, &self.message);
        let mut body = serde_json::json!({"errors": [{"code": self.code, "message": message}]});
        if let Some(oauth) = self.oauth.filter(|_| to_form) {
            body["error"] = oauth.name().into();
        }
        let mut answer = answer.json(body);
        if let Some(phrase) = self.phrase {
            answer.head_mut().reason = Some(phrase);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_token_stands_under_both_names_and_a_form_is_told_the_type_and_the_scope() {
        let issued = IssuedToken {
            token: "eyJh.eyJz.c2ln-_".to_owned(),
            issued_at: Timestamp::from_millis(0),
            expires_in: 300,
            scope: "repository:syn1/a:pull,push".to_owned(),
            refresh_token: None,
        };
        let read = |to_form| serde_json::from_str::<Value>(&token_body(&issued, to_form)).unwrap();
        let mut expected = json!({
            "token": "eyJh.eyJz.c2ln-_", "access_token": "eyJh.eyJz.c2ln-_", "expires_in": 300,
            "issued_at": "1970-01-01T00:00:00.000Z",
        });
        assert_eq!(read(false), expected);
        expected["scope"] = json!("repository:syn1/a:pull,push");
        expected["token_type"] = json!("Bearer");
        assert_eq!(read(true), expected);
        let with_identity_token =
            IssuedToken { refresh_token: Some(String::from("asi_1_x").into()), ..issued };
        let read: Value = serde_json::from_str(&token_body(&with_identity_token, true)).unwrap();
        expected["refresh_token"] = json!("asi_1_x");
        assert_eq!(read, expected);
    }
}
