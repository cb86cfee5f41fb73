//! Logins at other issuers whose tokens act for the caller's account.

use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use crate::app::link_accounts::NoLink;
use crate::domain::foreign::ForeignSubject;
use crate::ports::linked_subjects::{LinkError, LinkRecord};
use crate::ports::login_error::LoginError;

#[derive(Deserialize)]
struct LinkRequest {
    token: Option<Zeroizing<String>>,
}

/// `POST /auth/v1/linkedIdentity`: links the account to the subject of a token, which is shown to its issuer.
pub(super) async fn link(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let request: LinkRequest = call.json()?;
    let token = request.token.filter(|token| token.len() <= api.public.credential_bytes);
    let token = token.and_then(|token| api.public.shapes.read(&token)).ok_or_else(|| {
        RestError::BadRequest("token must be an access token of an issuer that is configured here".to_owned())
    })?;
    let (owner, session, network) = (call.user()?.id, call.session()?, call.origin.network);
    let subject = api.link_accounts.link(owner, session, network, &token).await?;
    let linked = json!({"issuer": &*subject.issuer, "subject": &*subject.subject});
    Ok(Answer::Json(StatusCode::CREATED, linked))
}

impl From<NoLink> for RestError {
    fn from(error: NoLink) -> Self {
        let text = match error {
            // The login of the caller is good, so that this is no 401.
            NoLink::Token(LoginError::Rejected(rejection)) => {
                return Self::BadRequest(rejection.refusal().message);
            }
            NoLink::Token(error) => return error.into(),
            NoLink::OfNobody => {
                "a token of a program or a job stands for nobody; an administrator can link a program to a robot account"
                    .to_owned()
            }
            NoLink::OfNoUse => {
                "the token has no scope that allows anything here; get one with view, download or modify, or what the operator \
                 has mapped to them"
                    .to_owned()
            }
            NoLink::Link(LinkError::Storage(error)) => return error.into(),
            NoLink::Link(LinkError::NoSuchUser) => return Self::NotLoggedIn,
            NoLink::Link(LinkError::SessionEnded) => return Self::session_ended(),
            NoLink::Link(error) => error.to_string(),
        };
        Self::BadRequest(text)
    }
}

/// `GET /auth/v1/linkedIdentity`
pub(super) async fn list(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let links = api.link_accounts.list(call.user()?.id).await?;
    call.page(&links, rendered)
}

fn rendered(link: &LinkRecord) -> Value {
    json!({
        "issuer": &*link.subject.issuer,
        "subject": &*link.subject.subject,
        "linkedOn": link.linked_at.to_string(),
    })
}

/// `DELETE /auth/v1/linkedIdentity?issuer=…&subject=…`
pub(super) async fn unlink(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let (issuer, subject) = (call.query("issuer"), call.query("subject"));
    let (Some(issuer), Some(subject)) = (issuer, subject) else {
        return Err(RestError::BadRequest("issuer and subject are needed in the query".to_owned()));
    };
    let no_such_link = || RestError::NotFound("there is no such link".to_owned());
    let subject = ForeignSubject::new(&issuer.as_str().into(), &subject).ok_or_else(no_such_link)?;
    match api.link_accounts.unlink(call.user()?.id, &subject).await? {
        true => Ok(Answer::Done),
        false => Err(no_such_link()),
    }
}
