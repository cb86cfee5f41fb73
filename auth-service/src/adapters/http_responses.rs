//! Responses of other servers: bounded in size, and errors with their causes.

use reqwest::Response;

/// The body of a response of at most `most_bytes`; the error is for the log.
pub async fn read_bounded(mut response: Response, most_bytes: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error_chain(&error.without_url()))? {
        if body.len() + chunk.len() > most_bytes {
            return Err(format!("its answer is longer than {most_bytes} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes. The text of `reqwest` is general; what went wrong is in the sources.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
