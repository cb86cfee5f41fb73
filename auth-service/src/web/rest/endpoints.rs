//! The table of endpoints: what is served, what a login needs for it, and what answers.

use actix_web::http::Method;
use futures_util::future::LocalBoxFuture;

use super::answer::{Answer, RestError};
use super::call::Call;
use super::{RestApi, entities, identity_tokens, linked_identities, personal_tokens, profile, sessions};
use crate::domain::access::AccessKind;
use crate::domain::login_scope::{LoginScope, LoginScopes};

/// What a request needs to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: what comes as bearer token is not looked at.
    Nothing,
    /// Whoever is logged in needs these scopes; others may come too.
    Anybody(LoginScopes),
    /// A login with these scopes that is not bound to one project: it is about the account itself.
    Account(LoginScopes),
    /// This access to the project or repository whose number is the part `{id}` of the path, and, of a caller who is
    /// logged in, these scopes.
    Item(AccessKind, LoginScopes),
}

/// What answers.
pub(super) type Operation =
    for<'c> fn(&'c RestApi, &'c Call) -> LocalBoxFuture<'c, Result<Answer, RestError>>;

/// One row.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) operation: Operation,
}

const VIEW: LoginScopes = LoginScopes::NONE.with(LoginScope::View);
const AUTHORIZE: LoginScopes = LoginScopes::NONE.with(LoginScope::Authorize);
const MODIFY_AUTHORIZE: LoginScopes = AUTHORIZE.with(LoginScope::Modify);

macro_rules! row {
    ($method:ident $path:literal, $needs:expr, $operation:path) => {
        Endpoint {
            method: Method::$method,
            path: $path,
            needs: $needs,
            operation: |api, call| Box::pin($operation(api, call)),
        }
    };
}

/// Every endpoint. `docs/REST.md` has the same rows.
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row!(POST "/auth/v1/login2", Needs::Nothing, sessions::open),
    row!(DELETE "/auth/v1/sessionAccessToken", Needs::Account(AUTHORIZE), sessions::end),
    row!(DELETE "/auth/v1/user/{id}/sessionAccessToken/all", Needs::Account(AUTHORIZE), sessions::end_all),
    row!(GET "/repo/v1/userProfile", Needs::Anybody(VIEW), profile::own),
    row!(GET "/repo/v1/userProfile/", Needs::Anybody(VIEW), profile::own),
    row!(GET "/repo/v1/entity/{id}", Needs::Item(AccessKind::Read, VIEW), entities::show),
    row!(GET "/repo/v1/entity/{id}/permissions", Needs::Item(AccessKind::Read, VIEW), entities::permissions),
    row!(GET "/repo/v1/entity/{id}/dockerTag", Needs::Item(AccessKind::Read, VIEW), entities::tags),
    row!(POST "/auth/v1/personalAccessToken", Needs::Account(AUTHORIZE), personal_tokens::make),
    row!(GET "/auth/v1/personalAccessToken", Needs::Account(VIEW), personal_tokens::list),
    row!(GET "/auth/v1/personalAccessToken/{id}", Needs::Account(VIEW), personal_tokens::show),
    row!(DELETE "/auth/v1/personalAccessToken/{id}", Needs::Account(MODIFY_AUTHORIZE), personal_tokens::revoke),
    row!(GET "/auth/v1/identityToken", Needs::Account(VIEW), identity_tokens::list),
    row!(DELETE "/auth/v1/identityToken/{id}", Needs::Account(MODIFY_AUTHORIZE), identity_tokens::revoke),
    row!(GET "/auth/v1/linkedIdentity", Needs::Account(VIEW), linked_identities::list),
    row!(POST "/auth/v1/linkedIdentity", Needs::Account(AUTHORIZE), linked_identities::link),
    row!(DELETE "/auth/v1/linkedIdentity", Needs::Account(MODIFY_AUTHORIZE), linked_identities::unlink),
];
