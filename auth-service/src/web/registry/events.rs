//! `POST /events`: the registry's webhook. Anything but 204 makes the registry send the same again for ever
//! and hold back what comes after it, so that only a wrong secret, what did not arrive whole, and storage that fails are
//! answered otherwise.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::ErrorAnswer;
use crate::app::record_events::{Delivery, RecordEvents};
use crate::domain::network::{ClientNetwork, UNKNOWN_ADDRESS};
use crate::ports::StorageError;
use crate::web::metrics::Metrics;
use crate::web::quota::Quota;
use crate::web::reading::{BodyLimits, Unread, read_to_the_end};

/// How long a delivery may take to arrive.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether some bytes are the shared secret; compares in constant time.
pub type SecretCheck = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// How long storing may take. What is stored after all is known when the registry sends it again.
const STORING_TIMEOUT: Duration = Duration::from_secs(4);

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
    /// The deliveries that are held at once.
    pub in_flight: Arc<Quota>,
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
        return ErrorAnswer::wrong_secret().render("auth-service", None, false);
    }
    let limits = BodyLimits {
        bytes: webhook.body_bytes,
        time: DELIVERY_TIMEOUT,
        in_flight: &webhook.in_flight,
        network: ClientNetwork::of(request.peer_addr().map_or(UNKNOWN_ADDRESS, |peer| peer.ip())),
    };
    let (body, read) = read_to_the_end(&request, payload, &limits).await;
    let too_long = match read {
        Ok(()) => false,
        Err(Unread::TooLong) => true,
        Err(unread) => {
            webhook.metrics.delivery_not_read();
            if unread != Unread::OverQuota {
                tracing::warn!(target: "events", ?unread, "a delivery was not read; the registry sends it again");
            }
            return ErrorAnswer::delivery_not_read(unread).render("auth-service", None, false);
        }
    };
    match webhook.store(&body, too_long).await {
        Ok(delivery) => {
            webhook.metrics.delivered(&delivery);
            log(&delivery);
            HttpResponse::NoContent().finish()
        }
        Err(error) => {
            webhook.metrics.delivery_failed();
            tracing::error!(target: "events", %error, "a delivery could not be stored; the registry sends it again");
            ErrorAnswer::not_stored().render("auth-service", None, false)
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

    async fn store(&self, body: &[u8], too_long: bool) -> Result<Delivery, StorageError> {
        let storing = async {
            if too_long {
                return self.record_events.keep_dead_letter(body, "the body is too long").await;
            }
            self.record_events.receive(body).await
        };
        let late = |_| StorageError::Unavailable("it took too long".to_owned());
        tokio::time::timeout(STORING_TIMEOUT, storing).await.map_err(late)?
    }
}
