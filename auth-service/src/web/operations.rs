//! What operators and orchestrators ask: is it alive, is it ready, how much has it done.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::metrics::Metrics;
use crate::app::readiness::{Purpose, Readiness, Writing};

/// `GET /healthz`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({"status": "ok"}))
}

/// `GET /readyz`: 200 when the database can be read and the key is usable; `GET /readyz?for=writing`: and the
/// database can be written to. What exactly failed is for the log.
pub async fn readiness(request: HttpRequest, readiness: web::Data<Readiness>) -> HttpResponse {
    let purpose = if request.query_string() == "for=writing" { Purpose::Writing } else { Purpose::Reading };
    let report = readiness.check(purpose).await;
    if let Err(cause) = &report.reading {
        tracing::warn!(cause, "not ready: the database does not answer");
    }
    let writing = match &report.writing {
        Writing::Works => "ok",
        Writing::Unknown => "unknown",
        Writing::Fails(cause) => {
            tracing::warn!(cause, "nothing can be written to the database");
            "failing"
        }
    };
    let mut answer = if report.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((CACHE_CONTROL, "no-store")).json(json!({
        "status": if report.is_ready() { "ready" } else { "not ready" },
        "database": if report.reading.is_ok() { "ok" } else { "unavailable" },
        "writing": writing,
        "key": report.key.to_string(),
    }))
}

/// `GET /metrics`, in the text format of Prometheus.
pub async fn scrape(metrics: web::Data<Arc<Metrics>>, readiness: web::Data<Readiness>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics.render(readiness.key_condition()))
}

/// Whose addresses may use the operations listener.
pub type AllowedClients = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Any path of the operations listener, asked for by somebody who may not use it.
pub async fn not_allowed(request: HttpRequest) -> HttpResponse {
    let peer = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    tracing::warn!(peer, "refused on the operations listener: the address is not in ops.allowed_networks");
    let text =
        "this listener is for the registry and for monitoring; list your network in ops.allowed_networks";
    HttpResponse::Forbidden().json(json!({"errors": [{"code": "DENIED", "message": text}], "reason": text}))
}

/// Any other path. The Synapse client asks whether something is there, and breaks without a `reason`.
pub async fn not_found() -> HttpResponse {
    let text = "nothing is served under this path";
    let errors = json!([{"code": "NOT_FOUND", "message": text}]);
    HttpResponse::NotFound().json(json!({"errors": errors, "reason": text}))
}
