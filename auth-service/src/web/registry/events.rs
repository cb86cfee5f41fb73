//! `POST /events`: the registry's webhook. Anything but 204 makes the registry send the same again for ever
//! and hold back what comes after it, so that only a wrong secret and storage that fails are answered
//! otherwise.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;

use super::answer::ErrorAnswer;
use crate::app::record_events::{Delivery, RecordEvents};
use crate::ports::StorageError;
use crate::web::metrics::Metrics;

/// How long a delivery may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether some bytes are the shared secret; compares in constant time.
pub type SecretCheck = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// How long storing may take. What is stored after all is known when the registry sends it again.
const STORING_PATIENCE: Duration = Duration::from_secs(4);

/// What the webhook works with.
pub struct Webhook {
    /// The use case.
    pub record_events: Arc<RecordEvents>,
    /// Knows the shared secret.
    pub is_secret: SecretCheck,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Most bytes of a delivery that are kept.
    pub body_bytes: usize,
}

/// `POST /events`.
pub async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    webhook: web::Data<Webhook>,
) -> HttpResponse {
    if !webhook.is_authorized(request.headers().get(AUTHORIZATION)) {
        webhook.metrics.delivery_refused();
        tracing::warn!(target: "events", peer = ?request.peer_addr(), "a delivery came without the webhook's secret");
        return ErrorAnswer::wrong_secret().render("auth-service", false);
    }
    match webhook.take(payload).await {
        Ok(delivery) => {
            webhook.metrics.delivered(&delivery);
            log(&delivery);
            HttpResponse::NoContent().finish()
        }
        Err(error) => {
            webhook.metrics.delivery_failed();
            tracing::error!(target: "events", %error, "a delivery could not be stored; the registry sends it again");
            ErrorAnswer::not_stored().render("auth-service", false)
        }
    }
}

fn log(delivery: &Delivery) {
    let receipts: Vec<&str> = delivery.receipts.iter().map(|receipt| receipt.name()).collect();
    if delivery.dead_letters > 0 {
        tracing::warn!(target: "events", dead_letters = delivery.dead_letters, "a delivery was put aside");
    } else {
        tracing::info!(target: "events", receipts = receipts.join(","), "delivery stored");
    }
}

impl Webhook {
    /// Bearer with the secret, or Basic with the secret as password and any name.
    fn is_authorized(&self, header: Option<&HeaderValue>) -> bool {
        let Some(text) = header.and_then(|header| header.to_str().ok()) else { return false };
        let Some((scheme, value)) = text.split_once(' ') else { return false };
        if scheme.eq_ignore_ascii_case("bearer") {
            return (self.is_secret)(value.trim().as_bytes());
        }
        let decoded = STANDARD.decode(value.trim()).unwrap_or_default();
        let password = decoded.iter().position(|byte| *byte == b':').map(|colon| &decoded[colon + 1..]);
        scheme.eq_ignore_ascii_case("basic") && password.is_some_and(|password| (self.is_secret)(password))
    }

    async fn take(&self, payload: web::Payload) -> Result<Delivery, StorageError> {
        let (body, whole) = read(payload, self.body_bytes).await;
        let storing = async {
            match whole {
                Ok(()) => self.record_events.receive(&body).await,
                Err(reason) => self.record_events.keep_dead_letter(&body, reason).await,
            }
        };
        let late = |_| StorageError::Unavailable("it took too long".to_owned());
        tokio::time::timeout(STORING_PATIENCE, storing).await.map_err(late)?
    }
}

/// Reads a body to its end, keeping the first `limit` bytes: a connection that is closed while the registry
/// still writes would look to it like a delivery that failed.
async fn read(mut payload: web::Payload, limit: usize) -> (Vec<u8>, Result<(), &'static str>) {
    let mut body = Vec::new();
    let mut whole = Ok(());
    let reading = async {
        while let Some(chunk) = payload.next().await {
            let Ok(chunk) = chunk else {
                whole = Err("the body did not arrive whole");
                return;
            };
            let room = limit.saturating_sub(body.len());
            if chunk.len() > room {
                whole = Err("the body is too long");
            }
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
    };
    if tokio::time::timeout(PATIENCE, reading).await.is_err() {
        whole = Err("the body did not arrive in time");
    }
    (body, whole)
}
