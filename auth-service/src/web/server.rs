//! The two listeners: binding, serving, and draining on the way down.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, web};
use rustls::ServerConfig;

use super::metrics::Metrics;
use super::registry::events::Webhook;
use super::registry::token::TokenEndpoint;
use super::rest::RestApi;
use super::{operations_routes, public_routes};
use crate::app::readiness::Readiness;

/// How long a client may take to send a request's head. Docker's own limit for a whole token is 15 s.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What both listeners need.
#[derive(Clone)]
pub struct Endpoints {
    /// The token endpoint.
    pub token: web::Data<TokenEndpoint>,
    /// The REST interface.
    pub rest: web::Data<RestApi>,
    /// The webhook.
    pub webhook: web::Data<Webhook>,
    /// Health.
    pub readiness: web::Data<Readiness>,
    /// Counters.
    pub metrics: web::Data<Arc<Metrics>>,
}

/// How to serve.
pub struct ServerOptions {
    /// Threads for the public listener; one for each core when not given.
    pub workers: Option<usize>,
    /// How long requests under way may take to end.
    pub drain: Duration,
    /// TLS for the public listener.
    pub tls: Option<ServerConfig>,
}

/// The running listeners.
pub struct Listeners {
    /// Where the public one listens.
    pub public: SocketAddr,
    /// Where the operations one listens.
    pub operations: SocketAddr,
    servers: [Server; 2],
}

impl Listeners {
    /// Starts to accept connections on two sockets that are bound already.
    pub fn start(
        endpoints: &Endpoints,
        public: TcpListener,
        operations: TcpListener,
        options: ServerOptions,
    ) -> std::io::Result<Self> {
        let addresses = (public.local_addr()?, operations.local_addr()?);
        let drain = options.drain.as_secs();
        let of_public = endpoints.clone();
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(of_public.token.clone())
                .app_data(of_public.rest.clone())
                .app_data(of_public.readiness.clone())
                .configure(public_routes)
        })
        .client_request_timeout(HEAD_PATIENCE)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(drain)
        .disable_signals();
        if let Some(workers) = options.workers {
            server = server.workers(workers);
        }
        let public_server = match options.tls {
            Some(tls) => server.listen_rustls_0_23(public, tls)?,
            None => server.listen(public)?,
        }
        .run();
        let of_operations = endpoints.clone();
        let operations_server = HttpServer::new(move || {
            App::new()
                .app_data(of_operations.webhook.clone())
                .app_data(of_operations.readiness.clone())
                .app_data(of_operations.metrics.clone())
                .configure(operations_routes)
        })
        .workers(1)
        .client_request_timeout(HEAD_PATIENCE)
        .shutdown_timeout(drain)
        .disable_signals()
        .listen(operations)?
        .run();
        Ok(Self { public: addresses.0, operations: addresses.1, servers: [public_server, operations_server] })
    }

    /// Serves until `stop` resolves, then lets what is under way end. The webhook goes last: a push that
    /// ends now is still told of.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let [public, operations] = self.servers;
        let handles: [ServerHandle; 2] = [public.handle(), operations.handle()];
        let stopping = async {
            stop.await;
            for handle in &handles {
                handle.stop(true).await;
            }
        };
        let (public, operations, ()) = tokio::join!(public, operations, stopping);
        public.and(operations)
    }
}
