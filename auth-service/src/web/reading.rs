//! What is read of a request: a head of limited length, and a body of limited length in limited time.

use std::time::Duration;

use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than is allowed.
    TooLong,
    /// It did not arrive in time.
    Late,
    /// The connection broke.
    Broken,
}

/// About how many bytes the head of a request has. The server reads longer heads than people are allowed to send, so
/// that they can be told.
pub(super) fn head_bytes(request: &HttpRequest) -> usize {
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    headers + request.uri().path().len() + request.query_string().len()
}

/// Reads a body of at most `limit` bytes, whatever it says about its length: some clients send it in chunks.
pub(super) async fn read_body(payload: web::Payload, limit: usize) -> Result<Vec<u8>, Unread> {
    tokio::time::timeout(PATIENCE, read(payload, limit)).await.map_err(|_| Unread::Late)?
}

async fn read(mut payload: web::Payload, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if body.len() + chunk.len() > limit {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
