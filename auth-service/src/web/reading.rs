//! What is read of a request: a head of limited length, and a body of limited length in limited time, of which only so
//! much is held at once as there is room for.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use zeroize::Zeroizing;

use super::connection::Flow;
use super::quota::{OverQuota, Permit, Quota};
use crate::domain::network::ClientNetwork;

/// A body that is not longer than this is always read, as the forms of logins are: under a flood of large ones people
/// can still log in. What these come to is bounded by the number of connections.
const ALWAYS: usize = 4096;

/// How long the body of a client may take to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The reason of what is refused for lack of room. It is counted, and has no line of its own in the log.
pub(super) const OVER_QUOTA: &str = "no_room";

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is encoded in a way that is not understood here.
    Encoded,
    /// It is longer than is allowed.
    TooLong,
    /// It did not arrive in time.
    Late,
    /// The connection broke.
    Broken,
    /// Too much is being read at once.
    OverQuota,
}

impl From<OverQuota> for Unread {
    fn from(OverQuota: OverQuota) -> Self {
        Self::OverQuota
    }
}

/// About how many bytes the head of a request has. The server reads longer heads than people are allowed to send, so
/// that they can be told.
pub(super) fn head_bytes(request: &HttpRequest) -> usize {
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    headers + request.uri().path().len() + request.query_string().len()
}

/// What a body may take.
pub(super) struct BodyLimits<'a> {
    /// Most bytes.
    pub(super) bytes: usize,
    /// How long it may take to arrive.
    pub(super) time: Duration,
    /// What else is held.
    pub(super) in_flight: &'a Arc<Quota>,
    /// Who sends it.
    pub(super) network: ClientNetwork,
}

/// What becomes of the bytes beyond the limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Refused,
    Discarded,
}

/// A body, or as much of it as has come. It may hold a password, and is wiped from memory when dropped.
pub(super) struct Body {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    /// How long it says that it is.
    told: usize,
    permit: Permit,
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a body, whatever it says about its length: some clients send it in chunks. One that says that it is too long is
/// not waited for.
pub(super) async fn read_body(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &BodyLimits<'_>,
) -> Result<Body, Unread> {
    let mut body = Body::of(request, limits);
    if body.told > limits.bytes {
        return Err(Unread::TooLong);
    }
    body.read(request, payload, limits.time, Beyond::Refused).await?;
    Ok(body)
}

/// Reads a body to its end, and keeps the first bytes of one that is too long: for a sender that would take a connection
/// which is closed while it still writes for a failure, and send the same again for ever.
pub(super) async fn read_to_the_end(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &BodyLimits<'_>,
) -> (Body, Result<(), Unread>) {
    let mut body = Body::of(request, limits);
    let outcome = body.read(request, payload, limits.time, Beyond::Discarded).await;
    (body, outcome)
}

impl Body {
    fn of(request: &HttpRequest, limits: &BodyLimits<'_>) -> Self {
        let told = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        Self {
            bytes: Zeroizing::default(),
            limit: limits.bytes,
            told: told.and_then(|told| told.parse().ok()).unwrap_or(0),
            permit: Arc::clone(limits.in_flight).permit(Some(limits.network)),
        }
    }

    async fn read(
        &mut self,
        request: &HttpRequest,
        payload: web::Payload,
        time: Duration,
        beyond: Beyond,
    ) -> Result<(), Unread> {
        if is_encoded(request) {
            return Err(Unread::Encoded);
        }
        let flow = request.conn_data::<Rc<Flow>>().map(Rc::as_ref);
        let filling = self.fill(payload, beyond, flow);
        tokio::time::timeout(time, filling).await.map_err(|_| Unread::Late)?
    }

    async fn fill(
        &mut self,
        mut payload: web::Payload,
        beyond: Beyond,
        flow: Option<&Flow>,
    ) -> Result<(), Unread> {
        let mut outcome = Ok(());
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Unread::Broken)?;
            if let Some(flow) = flow {
                flow.body_was_read(chunk.len());
            }
            let kept = chunk.len().min(self.limit - self.bytes.len());
            self.make_room(self.bytes.len() + kept)?;
            self.bytes.extend_from_slice(&chunk[..kept]);
            if kept < chunk.len() {
                outcome = Err(Unread::TooLong);
                if beyond == Beyond::Refused {
                    return outcome;
                }
            }
        }
        if let Some(flow) = flow {
            flow.body_has_ended();
        }
        outcome
    }

    /// Makes room for so many bytes: a vector that grows by itself would leave copies of what it held.
    fn make_room(&mut self, bytes: usize) -> Result<(), OverQuota> {
        if bytes <= self.bytes.capacity() {
            return Ok(());
        }
        let capacity = if bytes <= ALWAYS { ALWAYS } else { bytes.next_power_of_two().max(self.told) };
        let capacity = capacity.min(self.limit);
        if capacity > ALWAYS {
            self.permit.grow_to(capacity)?;
        }
        let mut grown = Zeroizing::new(Vec::with_capacity(capacity));
        grown.extend_from_slice(&self.bytes);
        self.bytes = grown;
        Ok(())
    }
}

/// Whether a body is packed in some way (RFC 9110, section 8.4). No client of a token service packs its body, and to
/// unpack one could take any amount of memory.
fn is_encoded(request: &HttpRequest) -> bool {
    let is_plain = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            let text = text.trim();
            text.is_empty() || text.eq_ignore_ascii_case("identity")
        })
    };
    !request.headers().get_all(CONTENT_ENCODING).all(is_plain)
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest as _;
    use actix_web::error::PayloadError;
    use actix_web::http::header::HeaderName;
    use actix_web::test::TestRequest;
    use actix_web::web::Bytes;

    use super::*;
    use crate::domain::network::UNKNOWN_ADDRESS;
    use crate::web::quota_refusals::QuotaRefusals;

    /// Reads a body that arrives in pieces, with room for one of 16 KiB.
    struct Reading {
        in_flight: Arc<Quota>,
        headers: Vec<(HeaderName, String)>,
    }

    impl Reading {
        fn new() -> Self {
            let refusals = QuotaRefusals::of("limits.in_flight_bytes");
            Self { in_flight: Quota::new(16_384, 16_384, refusals), headers: Vec::new() }
        }

        fn with(mut self, name: HeaderName, value: &str) -> Self {
            self.headers.push((name, value.to_owned()));
            self
        }

        async fn parts(
            &self,
            pieces: impl IntoIterator<Item = Result<Bytes, PayloadError>>,
        ) -> (HttpRequest, web::Payload) {
            let mut request = TestRequest::post();
            for header in &self.headers {
                request = request.append_header(header.clone());
            }
            let request = request.to_http_request();
            let pieces: Vec<_> = pieces.into_iter().collect();
            let stream: std::pin::Pin<Box<dyn futures_util::Stream<Item = _>>> =
                Box::pin(futures_util::stream::iter(pieces));
            let payload = web::Payload::from_request(&request, &mut actix_web::dev::Payload::from(stream))
                .await
                .unwrap();
            (request, payload)
        }

        fn limits(&self, bytes: usize) -> BodyLimits<'_> {
            let network = ClientNetwork::of(UNKNOWN_ADDRESS);
            BodyLimits { bytes, time: BODY_TIMEOUT, in_flight: &self.in_flight, network }
        }

        async fn body(
            &self,
            limit: usize,
            pieces: impl IntoIterator<Item = Result<Bytes, PayloadError>>,
        ) -> Result<Body, Unread> {
            let (request, payload) = self.parts(pieces).await;
            read_body(&request, payload, &self.limits(limit)).await
        }
    }

    fn piece(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    #[tokio::test]
    async fn a_body_is_read_whole_in_pieces_of_any_size() {
        let reading = Reading::new();
        for sizes in [vec![], vec![1], vec![4096], vec![4097], vec![1; 300], vec![5000, 1, 4999]] {
            let body = reading.body(10_000, sizes.iter().map(|size| Ok(piece(*size)))).await.unwrap();
            assert_eq!(body.len(), sizes.iter().sum::<usize>());
            assert!(body.iter().all(|byte| *byte == b'x'));
        }
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused_and_so_is_one_that_is_only_told_of() {
        let reading = Reading::new();
        assert_eq!(reading.body(5000, [Ok(piece(5000))]).await.map(|body| body.len()), Ok(5000));
        assert_eq!(reading.body(5000, [Ok(piece(5000)), Ok(piece(1))]).await.err(), Some(Unread::TooLong));
        let told = Reading::new().with(CONTENT_LENGTH, "5001");
        assert_eq!(told.body(5000, [Ok(piece(1))]).await.err(), Some(Unread::TooLong));
    }

    #[tokio::test]
    async fn while_large_bodies_fill_the_room_the_form_of_a_login_is_still_read() {
        let reading = Reading::new();
        let large = reading.body(16_384, [Ok(piece(10_000))]).await.unwrap();
        assert_eq!(reading.body(16_384, [Ok(piece(5000))]).await.err(), Some(Unread::OverQuota));
        assert_eq!(reading.body(16_384, [Ok(piece(300))]).await.map(|body| body.len()), Ok(300));
        drop(large);
        assert_eq!(reading.body(16_384, [Ok(piece(5000))]).await.map(|body| body.len()), Ok(5000));
    }

    #[tokio::test]
    async fn what_breaks_off_is_no_body() {
        let broken = || Err(PayloadError::Incomplete(None));
        let reading = Reading::new();
        assert_eq!(reading.body(5000, [Ok(piece(10)), broken()]).await.err(), Some(Unread::Broken));
        let (request, payload) = reading.parts([Ok(piece(10)), broken()]).await;
        let (_, outcome) = read_to_the_end(&request, payload, &reading.limits(5000)).await;
        assert_eq!(outcome, Err(Unread::Broken));
    }

    #[tokio::test]
    async fn of_a_delivery_that_is_too_long_the_beginning_is_kept() {
        let reading = Reading::new();
        let (request, payload) = reading.parts([Ok(piece(4000)), Ok(piece(4000)), Ok(piece(4000))]).await;
        let (body, outcome) = read_to_the_end(&request, payload, &reading.limits(5000)).await;
        assert_eq!((body.len(), outcome), (5000, Err(Unread::TooLong)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_arrive_in_time_is_refused() {
        let reading = Reading::new();
        let (request, _) = reading.parts([]).await;
        let endless: std::pin::Pin<Box<dyn futures_util::Stream<Item = _>>> =
            Box::pin(futures_util::stream::pending());
        let mut payload = actix_web::dev::Payload::from(endless);
        let payload = web::Payload::from_request(&request, &mut payload).await.unwrap();
        let read = read_body(&request, payload, &reading.limits(5000)).await;
        assert_eq!(read.err(), Some(Unread::Late));
    }

    #[tokio::test]
    async fn a_body_that_is_packed_is_refused() {
        for coding in ["gzip", "identity, gzip", "x", "GZIP"] {
            let reading = Reading::new().with(CONTENT_ENCODING, coding);
            assert_eq!(reading.body(5000, [Ok(piece(1))]).await.err(), Some(Unread::Encoded), "{coding}");
        }
        for coding in ["identity", "Identity", ""] {
            let reading = Reading::new().with(CONTENT_ENCODING, coding);
            assert_eq!(reading.body(5000, [Ok(piece(1))]).await.map(|body| body.len()), Ok(1), "{coding}");
        }
        let twice = Reading::new().with(CONTENT_ENCODING, "identity").with(CONTENT_ENCODING, "br");
        assert_eq!(twice.body(5000, [Ok(piece(1))]).await.err(), Some(Unread::Encoded));
    }
}
