//! One listener: who gets a connection, and how the server runs on it.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, HEAD_TIMEOUT, KEEP_ALIVE, TOO_MUCH_AT_ONCE};
use super::quota::{Permit, Quota};
use crate::domain::network::ClientNetwork;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the server waits for a client that goes.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How much of an answer is written before it is sent.
const WRITE_BUFFER: usize = 8192;
/// How many of those for whom there is no room are told so at once; the others find the connection closed.
const TURNED_AWAY_AT_ONCE: usize = 256;

/// Whether many clients stand behind an address.
pub type IsProxy = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Who may come in.
#[derive(Clone)]
pub struct Admission {
    /// The connections that there may be at once.
    pub connections: Arc<Quota>,
    /// The bytes of long heads that are held at once.
    pub in_flight: Arc<Quota>,
    /// Whose connections are not one network's.
    pub is_proxy: IsProxy,
    turned_away: Arc<Semaphore>,
}

impl Admission {
    /// Lets in as many as there is room for.
    #[must_use]
    pub fn new(connections: Arc<Quota>, in_flight: Arc<Quota>, is_proxy: IsProxy) -> Self {
        Self { connections, in_flight, is_proxy, turned_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)) }
    }

    /// A permit for a connection, and room for long heads on it.
    async fn admit(&self, mut io: TcpStream) -> Result<(TcpStream, Permit, Permit), DispatchError> {
        let peer = io.peer_addr().map_err(DispatchError::Io)?.ip();
        let network = (!(self.is_proxy)(peer.to_canonical())).then(|| ClientNetwork::of(peer));
        let mut permit = Arc::clone(&self.connections).permit(network);
        if permit.grow_to(1).is_ok() {
            return Ok((io, permit, Arc::clone(&self.in_flight).permit(network)));
        }
        if let Ok(_permit) = self.turned_away.try_acquire() {
            // Whether the client hears it is up to the client.
            let _ = tokio::time::timeout(DISCONNECT_TIMEOUT, turn_away(&mut io)).await;
        }
        Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
    }
}

/// Says that there is no room. A connection that is closed while the client still sends would take the answer with it.
async fn turn_away(io: &mut TcpStream) -> io::Result<()> {
    io.write_all(TOO_MUCH_AT_ONCE.as_bytes()).await?;
    io.shutdown().await?;
    let mut sent = [0; 1024];
    while io.read(&mut sent).await? > 0 {}
    Ok(())
}

/// Adds a listener to a server.
pub(super) fn add<F, I, S, B>(
    server: ServerBuilder,
    socket: TcpListener,
    tls: Option<ServerConfig>,
    admission: &Admission,
    app: F,
) -> io::Result<ServerBuilder>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let stop = server.graceful_shutdown_signal();
    let admission = admission.clone();
    let Some(mut tls) = tls else {
        return server.listen("http", socket, move || {
            let admission = admission.clone();
            let admit = fn_service(move |io: TcpStream| {
                let admission = admission.clone();
                async move {
                    let (io, permit, long_head) = admission.admit(io).await?;
                    let peer = io.peer_addr().ok();
                    Ok((Connection::new(io, permit, long_head), peer))
                }
            });
            admit.and_then(http(&stop, app()))
        });
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(tls));
    server.listen("https", socket, move || {
        let (admission, tls) = (admission.clone(), tls.clone());
        let admit = fn_service(move |io: TcpStream| {
            let (admission, tls) = (admission.clone(), tls.clone());
            async move {
                let (io, permit, long_head) = admission.admit(io).await?;
                let peer = io.peer_addr().ok();
                let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(io)).await;
                let io = handshake.unwrap_or_else(|late| Err(late.into())).map_err(DispatchError::Io)?;
                Ok((Connection::new(io, permit, long_head), peer))
            }
        });
        admit.and_then(http(&stop, app()))
    })
}

fn http<T, I, S, B>(
    stop: &GracefulShutdownSignal,
    app: I,
) -> impl ServiceFactory<
    (Connection<T>, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<T, I, S, B>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let stop = stop.clone();
    let app = app.into_factory().map_err(|error: Error| error.error_response());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stop = stop.clone();
            async move { stop.notified().await }
        })
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .h1_write_buffer_size(WRITE_BUFFER)
        .on_connect_ext(|connection: &Connection<T>, data| {
            data.insert::<Rc<_>>(connection.flow());
        })
        .h1(map_config(app, |()| AppConfig::default()))
}
