//! Requests that leave this process: to addresses of one issuer only, over TLS (plain only to this machine), without
//! redirects, bounded in time, size and number, tried twice, and not at all while nobody answers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Request, StatusCode, redirect};
use url::Url;

use super::circuit::Circuit;
use super::fair_limiter::{FairLimiter, Permit};
use super::request_context::{RequestContext, Unreachable};
use crate::adapters::http_responses::{error_chain, read_bounded};
use crate::domain::network::is_private;
use crate::ports::system::Clock;

/// Most bytes of one answer: key sets of large issuers have some dozen kilobytes.
const MOST_BYTES: usize = 512 << 10;

/// How long an issuer may take to accept a connection.
const CONNECTING: Duration = Duration::from_secs(2);

/// How long no answer is enough for a failure, however long the operator would have it waited for: shorter than a
/// token waits, because nothing may be left of that when the request begins.
const ENOUGH: Duration = Duration::from_millis(7500);

/// Why nobody is asked while the circuit is open.
const LEFT_ALONE: &str = "it did not answer a moment ago";

/// An answer.
pub(super) enum Reply<T> {
    /// What it tells.
    Told(T),
    /// It is a refusal of some kind, with what it says.
    Status(StatusCode, Vec<u8>),
}

/// HTTP clients, made when the first is needed: making one reads the system's certificates.
#[derive(Default)]
pub(super) struct Clients {
    over_tls: OnceLock<Client>,
    to_this_machine: OnceLock<Client>,
}

impl Clients {
    /// A proxy of the environment is for what goes outside.
    fn client(&self, url: &Url) -> Result<&Client, Unreachable> {
        let is_secure = url.scheme() == "https";
        let permit = if is_secure { &self.over_tls } else { &self.to_this_machine };
        if let Some(client) = permit.get() {
            return Ok(client);
        }
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECTING)
            .user_agent(concat!("auth-service/", env!("CARGO_PKG_VERSION")));
        let builder = if is_secure { builder.https_only(true) } else { builder.no_proxy() };
        let client = builder.build().map_err(|error| error_chain(&error))?;
        Ok(permit.get_or_init(|| client))
    }
}

/// The way to one issuer.
pub(super) struct Outgoing {
    clients: Arc<Clients>,
    timeout: Duration,
    circuit: Circuit,
    limiter: FairLimiter,
}

impl Outgoing {
    pub(super) fn new(clients: &Arc<Clients>, clock: &Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            clients: Arc::clone(clients),
            timeout,
            circuit: Circuit::new(clock, timeout.min(ENOUGH)),
            limiter: FairLimiter::new(),
        }
    }

    /// Gets a document that everybody needs: nobody's network is counted for it, and whoever keeps it gets it once
    /// for all that wait.
    pub(super) async fn get<T>(
        &self,
        url: &Url,
        read: impl FnOnce(&[u8]) -> Result<T, Unreachable> + Send,
    ) -> Result<Reply<T>, Unreachable> {
        self.attempt(Request::new(reqwest::Method::GET, url.clone()), read).await
    }

    /// Sends a request about one token when the limiter permits it, and reads the answer with `read`. That others of
    /// this service are before it is no failure of the issuer.
    pub(super) async fn send<T>(
        &self,
        request: Request,
        request_context: RequestContext,
        read: impl FnOnce(&[u8]) -> Result<T, Unreachable> + Send,
    ) -> Result<Reply<T>, Unreachable> {
        if self.circuit.is_open() {
            return Err(LEFT_ALONE.to_owned());
        }
        let _place = self.permit(request_context).await?;
        self.attempt(request, read).await
    }

    pub(super) async fn permit(&self, request_context: RequestContext) -> Result<Permit<'_>, Unreachable> {
        let waiting =
            tokio::time::timeout_at(request_context.until, self.limiter.enter(request_context.network)).await;
        waiting.unwrap_or_else(|_| Err("too many requests to it are under way".to_owned()))
    }

    /// A request that fails, or is answered with a server's error, is sent once more. Nonsense is as bad as no answer.
    /// A client's error is not, because the text of a token may be what the server complains of, and anybody may bring
    /// any text.
    async fn attempt<T>(
        &self,
        mut request: Request,
        read: impl FnOnce(&[u8]) -> Result<T, Unreachable> + Send,
    ) -> Result<Reply<T>, Unreachable> {
        require_safe(request.url())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.timeout_mut() = Some(self.timeout);
        let leave = self.circuit.enter().ok_or_else(|| LEFT_ALONE.to_owned())?;
        let outcome = match self.send_twice(request).await {
            Ok((status, body)) if status.is_success() => read(&body).map(Reply::Told),
            Ok((status, body)) => Ok(Reply::Status(status, body)),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(_) => leave.succeeded(),
            Err(_) => leave.failed(),
        }
        outcome
    }

    async fn send_twice(&self, request: Request) -> Result<(StatusCode, Vec<u8>), Unreachable> {
        let again = request.try_clone();
        match (self.send_once(request).await, again) {
            (Err(_), Some(again)) => self.send_once(again).await,
            (outcome, _) => outcome,
        }
    }

    async fn send_once(&self, request: Request) -> Result<(StatusCode, Vec<u8>), Unreachable> {
        let client = self.clients.client(request.url())?;
        let response = client.execute(request).await.map_err(|error| error_chain(&error.without_url()))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(format!("it answers with status {status}"));
        }
        Ok((status, read_bounded(response, MOST_BYTES).await?))
    }
}

/// Only TLS, or this machine.
pub(super) fn require_safe(url: &Url) -> Result<(), Unreachable> {
    match is_private(url) {
        true => Ok(()),
        false => Err(format!("{} is not reached over TLS", url.origin().ascii_serialization())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine_is_safe() {
        for (url, safe) in [
            ("https://hub.example.org/x", true),
            ("http://localhost:15082/x", true),
            ("http://127.0.0.9/", true),
            ("http://[::1]:1/", true),
            ("http://hub.example.org/", false),
            ("http://localhost.example.org/", false),
            ("http://10.0.0.1/", false),
            ("ftp://localhost/", false),
        ] {
            assert_eq!(require_safe(&url.parse().unwrap()).is_ok(), safe, "{url}");
        }
    }
}
