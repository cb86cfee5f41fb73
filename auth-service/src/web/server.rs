//! The two listeners: binding, serving, and draining on the way down.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, web};
use rustls::ServerConfig;
use tokio::time::Instant;

use super::exchange::{self, Stopping};
use super::listener::{self, Admission};
use super::metrics::Metrics;
use super::operations::AllowedClients;
use super::quota::Quota;
use super::registry::events::Webhook;
use super::registry::token::TokenEndpoint;
use super::rest::RestApi;
use super::{operations_routes, public_routes};
use crate::app::readiness::Readiness;

/// How long those who are connected have to hear, with the answer to their next request, that the connection ends; an idle
/// one that is closed at once can cross a request.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often it is looked whether anybody is still connected.
const FAREWELL_LOOKS: Duration = Duration::from_millis(20);

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
    /// Who may use the operations listener.
    pub allowed: AllowedClients,
    /// Counters.
    pub metrics: web::Data<Arc<Metrics>>,
    /// Who gets a connection to the public listener.
    pub public: Admission,
    /// Who gets a connection to the operations listener.
    pub operations: Admission,
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
    stopping: Stopping,
    /// The connections of the public one.
    connections: Arc<Quota>,
    drain: Duration,
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
        let stopping = Stopping::default();
        let mut server = Server::build().disable_signals().shutdown_timeout(options.drain.as_secs());
        if let Some(workers) = options.workers {
            server = server.workers(workers);
        }
        let (of_public, is_stopping) = (endpoints.clone(), Arc::clone(&stopping));
        let app = move || {
            let is_stopping = Arc::clone(&is_stopping);
            App::new()
                .app_data(of_public.token.clone())
                .app_data(of_public.rest.clone())
                .app_data(of_public.readiness.clone())
                .configure(public_routes)
                .wrap_fn(move |request, service| exchange::serve(request, service, &is_stopping))
        };
        let public_server = listener::add(server, public, options.tls, &endpoints.public, app)?.run();
        let server = Server::build().disable_signals().shutdown_timeout(options.drain.as_secs()).workers(1);
        let (of_operations, is_stopping) = (endpoints.clone(), Arc::clone(&stopping));
        let app = move || {
            let is_stopping = Arc::clone(&is_stopping);
            App::new()
                .app_data(of_operations.webhook.clone())
                .app_data(of_operations.readiness.clone())
                .app_data(of_operations.metrics.clone())
                .configure(|routes| operations_routes(routes, &of_operations.allowed))
                .wrap_fn(move |request, service| exchange::serve(request, service, &is_stopping))
        };
        let operations_server = listener::add(server, operations, None, &endpoints.operations, app)?.run();
        Ok(Self {
            public: addresses.0,
            operations: addresses.1,
            servers: [public_server, operations_server],
            stopping,
            connections: Arc::clone(&endpoints.public.connections),
            drain: options.drain,
        })
    }

    /// Serves until `stop` resolves, then lets what is under way end. The webhook goes last: a push that
    /// ends now is still told of.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let [public, operations] = self.servers;
        let handles: [ServerHandle; 2] = [public.handle(), operations.handle()];
        let stopping = async {
            stop.await;
            self.stopping.store(true, Ordering::Relaxed);
            let end = Instant::now() + FAREWELL.min(self.drain);
            while self.connections.taken() > 0 && Instant::now() < end {
                tokio::time::sleep(FAREWELL_LOOKS).await;
            }
            for handle in &handles {
                handle.stop(true).await;
            }
        };
        let (public, operations, ()) = tokio::join!(public, operations, stopping);
        public.and(operations)
    }
}
