//! `GET` and `POST /token`: reads the request, calls the use case, renders and logs the outcome.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{self, ErrorAnswer};
use super::basic_auth::from_basic;
use super::form::{BadForm, Form, TokenQuery, from_form};
use super::programs::push_meaning;
use crate::app::give_tokens::Requester;
use crate::app::issue_token::{IssueToken, IssuedToken, TokenAnswer, TokenRequest};
use crate::domain::client_id::ClientId;
use crate::domain::login::{CredentialUse, LoginOrigin};
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::web::authorization::only_header;
use crate::web::reading::{OVER_QUOTA, Unread, head_bytes, read_body};
use crate::web::shared::SharedState;

/// How long an answer may take. Docker gives up after 15 s, and then shows no reason.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// Scopes in the log are cut after this many characters.
const LOGGED_SCOPE: usize = 500;

/// What the token endpoint works with.
pub struct TokenEndpoint {
    /// The use case.
    pub issue_token: IssueToken,
    /// What it shares with the REST interface.
    pub public: Arc<SharedState>,
}

/// `GET /token`.
pub async fn by_query(request: HttpRequest, endpoint: web::Data<TokenEndpoint>) -> HttpResponse {
    let read = endpoint.read_query(&request);
    endpoint.answer(&request, read, false).await
}

/// `POST /token`.
pub async fn by_form(
    request: HttpRequest,
    body: web::Payload,
    endpoint: web::Data<TokenEndpoint>,
) -> HttpResponse {
    let read = endpoint.read_form(&request, body).await;
    endpoint.answer(&request, read, true).await
}

impl TokenEndpoint {
    async fn answer(
        &self,
        request: &HttpRequest,
        read: Result<Form, ErrorAnswer>,
        to_form: bool,
    ) -> HttpResponse {
        let address = self.public.proxies.client_address(request);
        let identifier = self.public.identifiers.next();
        let Form { asked, credential, credential_use } = match read {
            Ok(form) => form,
            Err(error) => {
                let entry = LogEntry { identifier, address, user: None, scopes: Vec::new() };
                return self.refuse(&entry, &error, None, to_form);
            }
        };
        let requester = || Requester {
            client: asked.client.as_deref().and_then(ClientId::read),
            address: Some(address.to_string()),
        };
        let token_request = TokenRequest {
            credential,
            credential_use,
            service: asked.service,
            scopes: asked.scopes,
            origin: LoginOrigin { network: ClientNetwork::of(address), by_form: to_form },
            push: push_meaning(request),
            stores_token: asked.offline.then(requester),
            identifier,
        };
        let answering = self.issue_token.run(&token_request);
        let outcome =
            tokio::time::timeout(ANSWER_TIMEOUT, answering).await.unwrap_or_else(|_| TokenAnswer::late());
        let TokenRequest { identifier, scopes, .. } = token_request;
        let entry = LogEntry { identifier, address, user: outcome.user, scopes };
        match outcome.outcome {
            Ok(issued) => {
                self.public.metrics.token_issued();
                entry.log_grant(&issued);
                answer::token(&issued, to_form)
            }
            Err(refusal) => self.refuse(&entry, &ErrorAnswer::of_refusal(&refusal), refusal.cause(), to_form),
        }
    }

    fn refuse(
        &self,
        entry: &LogEntry,
        error: &ErrorAnswer,
        cause: Option<&str>,
        to_form: bool,
    ) -> HttpResponse {
        self.public.metrics.token_refused(error.reason);
        if error.reason != OVER_QUOTA {
            entry.log_refusal(error, cause);
        }
        error.render(&self.public.host, self.public.contact.as_ref(), to_form)
    }

    fn require_short_head(&self, request: &HttpRequest) -> Result<(), ErrorAnswer> {
        if head_bytes(request) <= self.public.head_bytes {
            return Ok(());
        }
        let text = format!("the request's head is longer than {} bytes", self.public.head_bytes);
        Err(ErrorAnswer::bad_request(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text))
    }

    fn read_query(&self, request: &HttpRequest) -> Result<Form, ErrorAnswer> {
        self.require_short_head(request)?;
        let asked = TokenQuery::from_query(request.query_string())
            .map_err(|error| ErrorAnswer::contradiction(&error))?;
        let header = only_header(request).map_err(|error| ErrorAnswer::contradiction(&error))?;
        let credential = from_basic(header, self.public.credential_bytes, &self.public.shapes)
            .map_err(|error| ErrorAnswer::bad_credential(&error.to_string()))?;
        Ok(Form { asked, credential, credential_use: CredentialUse::Registry })
    }

    async fn read_form(&self, request: &HttpRequest, body: web::Payload) -> Result<Form, ErrorAnswer> {
        self.require_short_head(request)?;
        if request.headers().contains_key(AUTHORIZATION) {
            // RFC 6749, section 2.3: one way to log in for each request.
            return Err(ErrorAnswer::contradiction(
                "a form holds the login; send no Authorization header with it",
            ));
        }
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = content_type.split(';').next().unwrap_or("").trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let text = "send the form as application/x-www-form-urlencoded".to_owned();
            return Err(ErrorAnswer::bad_request(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let network = ClientNetwork::of(self.public.proxies.client_address(request));
        let limits = self.public.body_limits(self.public.form_bytes, network);
        let body = read_body(request, body, &limits).await.map_err(|unread| self.unread(unread))?;
        let (limit, shapes) = (self.public.credential_bytes, &self.public.shapes);
        from_form(request.query_string(), &body, limit, shapes).map_err(|error| match error {
            BadForm::NoGrantType | BadForm::Repeated(_) | BadForm::TwoLogins => {
                ErrorAnswer::contradiction(&error)
            }
            BadForm::UnknownGrantType => ErrorAnswer::unknown_grant_type(&error),
            BadForm::Credential(_) => ErrorAnswer::bad_credential(&error.to_string()),
            BadForm::NoIdentityToken => ErrorAnswer::unknown_identity_token(),
        })
    }

    fn unread(&self, unread: Unread) -> ErrorAnswer {
        let (status, text) = match unread {
            Unread::OverQuota => return ErrorAnswer::over_quota(),
            Unread::Encoded => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the form without a Content-Encoding".to_owned())
            }
            Unread::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the form is longer than {} bytes", self.public.form_bytes),
            ),
            Unread::Late => (StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time".to_owned()),
            Unread::Broken => (StatusCode::BAD_REQUEST, "the form did not arrive whole".to_owned()),
        };
        ErrorAnswer::bad_request(status, text)
    }
}

/// What the one log line of a decision says (`docs/OPERATIONS.md`).
struct LogEntry {
    identifier: String,
    address: IpAddr,
    user: Option<UserId>,
    scopes: Vec<String>,
}

impl LogEntry {
    fn user(&self) -> i64 {
        self.user.map_or(0, UserId::number)
    }

    /// The scopes as asked. They come from the client, so that everything that could end a line or drive a
    /// terminal is replaced.
    fn scope(&self) -> Cow<'_, str> {
        let scope = match &self.scopes[..] {
            [one] => Cow::Borrowed(one.as_str()),
            scopes => Cow::Owned(scopes.join(" ")),
        };
        let is_clean = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if scope.len() <= LOGGED_SCOPE && scope.bytes().all(is_clean) {
            return scope;
        }
        let clean = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '\u{fffd}' };
        scope.chars().take(LOGGED_SCOPE).map(clean).collect()
    }

    fn log_grant(&self, issued: &IssuedToken) {
        tracing::info!(
            target: "decision",
            request = self.identifier,
            user = self.user(),
            address = %self.address,
            scope = &*self.scope(),
            granted = issued.scope,
            "token issued"
        );
    }

    fn log_refusal(&self, error: &ErrorAnswer, cause: Option<&str>) {
        tracing::info!(
            target: "decision",
            request = self.identifier,
            user = self.user(),
            address = %self.address,
            scope = &*self.scope(),
            granted = "",
            status = error.status.as_u16(),
            reason = error.reason,
            cause,
            "token refused"
        );
    }
}
