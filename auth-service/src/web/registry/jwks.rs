//! `GET /.well-known/jwks.json`: the public keys, for verifiers other than the registry.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};

use crate::app::readiness::Readiness;

/// The public keys as a JWK set (RFC 7517).
pub async fn public_keys(readiness: web::Data<Readiness>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/jwk-set+json")
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .body(readiness.public_keys().to_string())
}
