//! HTTP: reads requests, calls one use case each, renders the outcome. The route table is here.

mod authorization;
pub mod client;
mod connection;
mod exchange;
pub mod listener;
pub mod metrics;
pub mod operations;
pub mod quota;
pub mod quota_refusals;
mod reading;
pub mod registry;
pub mod rest;
pub mod server;
pub mod shared;
mod timer;

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::web;

use self::operations::{AllowedClients, health, not_allowed, not_found, readiness, scrape};
use self::registry::{events, jwks, token};

/// Where tokens are asked for: `/token`, the same as some write it, and the path of Synapse's own service.
pub const TOKEN_PATHS: [&str; 3] = ["/token", "/token/", "/docker/v1/bearerToken"];

/// Routes of the public listener.
pub fn public_routes(routes: &mut web::ServiceConfig) {
    for path in TOKEN_PATHS {
        routes.service(
            web::resource(path).route(web::get().to(token::by_query)).route(web::post().to(token::by_form)),
        );
    }
    routes
        .route("/.well-known/jwks.json", web::get().to(jwks::public_keys))
        .route("/healthz", web::get().to(health))
        .route("/readyz", web::get().to(readiness))
        .configure(rest::routes)
        .default_service(web::to(not_found));
}

/// Routes of the operations listener, which is never public, for those who may use it.
pub fn operations_routes(routes: &mut web::ServiceConfig, allowed: &AllowedClients) {
    let allowed = AllowedClients::clone(allowed);
    let is_allowed = move |context: &GuardContext<'_>| {
        context.head().peer_addr.is_some_and(|peer| allowed(peer.ip().to_canonical()))
    };
    let all = web::scope("").guard(fn_guard(is_allowed)).configure(routes_for_operations);
    routes.service(all).default_service(web::to(not_allowed));
}

fn routes_for_operations(routes: &mut web::ServiceConfig) {
    for path in ["/events", "/dockerRegistryListener/v1/events"] {
        routes.route(path, web::post().to(events::receive));
    }
    routes
        .route("/metrics", web::get().to(scrape))
        .route("/healthz", web::get().to(health))
        .route("/readyz", web::get().to(readiness))
        .default_service(web::to(not_found));
}
