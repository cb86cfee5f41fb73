//! What holds for every request, whatever it asks for: HEAD is answered like GET (RFC 9110, section 9.3.2), and an answer
//! after which the connection ends says so (RFC 9112, section 9.6).

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::http::{ConnectionType, Method};

use super::connection::Flow;

/// Set when the server is about to stop: every answer is its connection's last one.
pub(super) type Stopping = Arc<AtomicBool>;

/// Has a request answered.
pub(super) fn serve<S, B>(
    mut request: ServiceRequest,
    service: &S,
    stopping: &Stopping,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    // The server leaves the body out, and the routes need not know of it.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let flow = request.conn_data::<Rc<Flow>>().cloned();
    // The server would answer an offer of another protocol, which nothing here speaks, as if it were taken up.
    let offers_upgrade = request.head().connection_type() == ConnectionType::Upgrade;
    let has_body = has_body(request.headers());
    let stopping = Arc::clone(stopping);
    if let Some(flow) = &flow {
        flow.request_begins();
    }
    let answering = service.call(request);
    async move {
        let mut answered = answering.await;
        let is_last = offers_upgrade || stopping.load(Ordering::Relaxed);
        if let (true, Ok(answer)) = (is_last, &mut answered) {
            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        if let Some(flow) = &flow {
            flow.request_ends(offers_upgrade || (has_body && !flow.has_body_ended()));
        }
        answered
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}
