//! The REST interface for programs, in the shapes that the Synapse client knows (`docs/REST.md`). Every endpoint is a
//! row of one table, which says what a login needs for it; what is not in the table cannot be reached.

mod answer;
mod bearer;
mod call;
mod endpoints;
mod entities;
mod identity_tokens;
mod linked_identities;
mod personal_tokens;
mod profile;
mod sessions;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use self::answer::{Answer, RestError};
use self::call::{Call, entity_id};
use self::endpoints::{ENDPOINTS, Endpoint, Needs};
use super::authorization::only_header;
use super::reading::{Body, OVER_QUOTA, head_bytes, read_body};
use super::shared::SharedState;
use crate::app::browse_items::BrowseItems;
use crate::app::give_tokens::{GiveTokens, Requester};
use crate::app::link_accounts::LinkAccounts;
use crate::app::list_tokens::ListTokens;
use crate::app::log_in::{Admitted, LogIn};
use crate::app::sessions::Sessions;
use crate::domain::decision::AccessPolicy;
use crate::domain::login::{Caller, CredentialUse, LoginOrigin};
use crate::domain::login_scope::LoginScopes;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::ports::accounts::Users;
use crate::ports::facts::Target;
use crate::ports::system::Clock;

/// How long an answer may take, the arrival of the body included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Paths below which everything is this interface's: a program reads the reason of a refusal there.
const PREFIXES: [&str; 3] = ["/repo/v1", "/auth/v1", "/file/v1"];

/// What the interface works with.
pub struct RestApi {
    /// Admits people.
    pub log_in: Arc<LogIn>,
    /// Opens and ends sessions.
    pub sessions: Sessions,
    /// Makes tokens.
    pub give_tokens: Arc<GiveTokens>,
    /// Lists and revokes tokens.
    pub list_tokens: ListTokens,
    /// Links accounts.
    pub link_accounts: LinkAccounts,
    /// Reads projects and repositories.
    pub browse_items: BrowseItems,
    /// The operator's choices that decisions depend on.
    pub policy: AccessPolicy,
    /// Users.
    pub users: Arc<dyn Users>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What it shares with the token endpoint.
    pub public: Arc<SharedState>,
}

/// Adds a route for each row of the table, and the answer for everything else.
pub fn routes(routes: &mut web::ServiceConfig) {
    for endpoint in ENDPOINTS {
        let of_this_path = ENDPOINTS.iter().filter(|other| other.path == endpoint.path);
        let is_first = ENDPOINTS.iter().find(|other| other.path == endpoint.path);
        if !is_first.is_some_and(|first| std::ptr::eq(first, endpoint)) {
            continue;
        }
        let resource = of_this_path.fold(web::resource(endpoint.path), |resource, endpoint| {
            let serve = move |request, payload, api: web::Data<RestApi>| async move {
                api.serve(endpoint, request, payload).await
            };
            resource.route(web::method(endpoint.method.clone()).to(serve))
        });
        routes.service(resource.default_service(web::to(wrong_method)));
    }
    for prefix in PREFIXES {
        routes.service(web::scope(prefix).default_service(web::to(unknown_path)));
    }
}

async fn wrong_method(api: web::Data<RestApi>) -> HttpResponse {
    RestError::MethodNotAllowed.render(&api.public.host, api.public.contact.as_ref())
}

async fn unknown_path(api: web::Data<RestApi>) -> HttpResponse {
    RestError::NotFound("nothing is served under this path".to_owned())
        .render(&api.public.host, api.public.contact.as_ref())
}

impl RestApi {
    async fn serve(
        &self,
        endpoint: &'static Endpoint,
        request: HttpRequest,
        payload: web::Payload,
    ) -> HttpResponse {
        let address = self.public.proxies.client_address(&request);
        let mut entry = LogEntry { endpoint, identifier: self.public.identifiers.next(), address, user: 0 };
        let answering = self.answer(&mut entry, request, payload);
        let outcome = tokio::time::timeout(TIMEOUT, answering)
            .await
            .unwrap_or_else(|_| Err(RestError::Unavailable("no answer was found in time".to_owned())));
        match outcome {
            Ok(answer) => {
                self.public.metrics.rest_answered("none");
                entry.log(answer.status().as_u16(), "none", None);
                answer.render()
            }
            Err(error) => {
                self.public.metrics.rest_answered(error.code());
                if error.code() != OVER_QUOTA {
                    entry.log(error.status().as_u16(), error.code(), error.cause());
                }
                error.render(&self.public.host, self.public.contact.as_ref())
            }
        }
    }

    async fn answer(
        &self,
        entry: &mut LogEntry,
        request: HttpRequest,
        payload: web::Payload,
    ) -> Result<Answer, RestError> {
        if head_bytes(&request) > self.public.head_bytes {
            return Err(RestError::HeadTooLong(self.public.head_bytes));
        }
        let origin = LoginOrigin { network: ClientNetwork::of(entry.address), by_form: false };
        // Before the body is read, so that it has to be held for nobody who is not let in.
        let mut admitted = self.admit(entry.endpoint.needs, &request, origin).await?;
        let body = self.read_body(&request, payload, origin.network).await?;
        if !body.is_empty() {
            // Once more: who sends one slowly must still be logged in when it is there.
            admitted = self.admit(entry.endpoint.needs, &request, origin).await?;
        }
        entry.user = admitted.as_ref().and_then(Admitted::user).map_or(0, UserId::number);
        let requester = Requester { client: None, address: Some(entry.address.to_string()) };
        let call = Call { admitted, origin, requester, request, body };
        (entry.endpoint.operation)(self, &call).await
    }

    async fn read_body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        network: ClientNetwork,
    ) -> Result<Body, RestError> {
        let limits = self.public.body_limits(self.public.body_bytes, network);
        let read = read_body(request, payload, &limits).await;
        read.map_err(|unread| RestError::Unread(unread, self.public.body_bytes))
    }

    /// The caller, if the login and the rights are good for what the endpoint needs. Facts about the caller and the item
    /// are of one moment.
    async fn admit(
        &self,
        needs: Needs,
        request: &HttpRequest,
        origin: LoginOrigin,
    ) -> Result<Option<Admitted>, RestError> {
        let (scopes, target) = match needs {
            Needs::Nothing => return Ok(None),
            Needs::Anybody(scopes) | Needs::Account(scopes) => (scopes, Target::Repositories(&[])),
            Needs::Item(_, scopes) => (scopes, Target::Item(entity_id(request)?)),
        };
        let header = only_header(request).map_err(|error| RestError::BadRequest(error.to_string()))?;
        let credential = bearer::from_header(header, self.public.credential_bytes, &self.public.shapes)?;
        let admitted = self.log_in.run(&credential, CredentialUse::Rest, origin, target).await?;
        let bound_to = match admitted.caller() {
            Caller::Anonymous => None,
            Caller::User(_, powers) => {
                let missing: LoginScopes = scopes.iter().filter(|scope| !powers.scopes.has(*scope)).collect();
                if missing != LoginScopes::NONE {
                    return Err(RestError::MissingScopes(missing));
                }
                powers.only_in
            }
        };
        match (needs, target) {
            (Needs::Account(_), _) if admitted.user().is_none() => Err(RestError::NotLoggedIn),
            (Needs::Account(_), _) => {
                bound_to.map_or(Ok(Some(admitted)), |project| Err(RestError::BoundTo(project)))
            }
            (Needs::Item(access, _), Target::Item(id)) => {
                let decided = admitted.rights(self.policy).and_then(|rights| rights.require(access));
                decided.map_err(|refusal| RestError::of_item(refusal, id))?;
                Ok(Some(admitted))
            }
            _ => Ok(Some(admitted)),
        }
    }
}

/// What the one log line of a request says (`docs/OPERATIONS.md`).
struct LogEntry {
    endpoint: &'static Endpoint,
    identifier: String,
    address: IpAddr,
    user: i64,
}

impl LogEntry {
    fn log(&self, status: u16, reason: &str, cause: Option<&str>) {
        tracing::info!(
            target: "rest",
            request = self.identifier,
            user = self.user,
            address = %self.address,
            method = %self.endpoint.method,
            path = self.endpoint.path,
            status,
            reason,
            cause,
            "answered"
        );
    }
}

#[cfg(test)]
mod tests;
