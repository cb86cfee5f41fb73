//! A client that costs little, because it shares the cores with what it measures: one thread, connections
//! that stay open, requests put together from ready parts, and of each answer only status and length read.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use auth_service::adapters::system::SystemClock;
use auth_service::ports::system::Clock as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::requests::Requests;

/// What is sent to whom.
#[derive(Clone)]
pub(crate) struct Load {
    /// The server.
    pub(crate) server: SocketAddr,
    /// The address that connections come from.
    pub(crate) source: Ipv4Addr,
    /// How many connections; each sends its next request when it has the last answer.
    pub(crate) connections: usize,
    /// A pause of this length from one request of a connection to its next, if there is one.
    pub(crate) pace: Option<Duration>,
    /// For how long.
    pub(crate) duration: Duration,
    /// How many requests are left to be sent, if their number is limited.
    pub(crate) left: Option<Rc<Cell<usize>>>,
    /// The requests.
    pub(crate) requests: Rc<dyn Requests>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How long each answer with status 200 took, in microseconds.
    pub(crate) latencies: Vec<u32>,
    /// How many answers had another status.
    pub(crate) refused: usize,
    /// How long all of it took.
    pub(crate) took: Duration,
}

impl Outcome {
    /// Answers with status 200 in a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.latencies.len()) / self.took.as_secs_f64()
    }
}

/// How long ago a moment of the clock is.
pub(crate) fn since(began: Duration) -> Duration {
    SystemClock.elapsed().saturating_sub(began)
}

/// A number of things, for calculating with it.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The latency that this share of `latencies` stays within, in milliseconds.
pub(crate) fn percentile(latencies: &mut [u32], percent: usize) -> f64 {
    if latencies.is_empty() {
        return f64::NAN;
    }
    let index = (latencies.len() - 1) * percent / 100;
    f64::from(*latencies.select_nth_unstable(index).1) / 1000.0
}

impl Load {
    /// As many connections as fast as they get answers.
    pub(crate) fn closed(server: SocketAddr, duration: Duration, requests: Rc<dyn Requests>) -> Self {
        Self {
            server,
            source: Ipv4Addr::LOCALHOST,
            connections: 32,
            pace: None,
            duration,
            left: None,
            requests,
        }
    }

    /// So many requests, as fast as they are answered.
    pub(crate) fn once(server: SocketAddr, number: usize, requests: Rc<dyn Requests>) -> Self {
        let left = Some(Rc::new(Cell::new(number)));
        Self { left, ..Self::closed(server, Duration::from_mins(1), requests) }
    }

    /// Whether one more request is to be sent.
    fn goes_on(&self) -> bool {
        let Some(left) = &self.left else { return true };
        let now_left = left.get();
        left.set(now_left.saturating_sub(1));
        now_left > 0
    }

    /// Sends it.
    pub(crate) async fn run(&self) -> anyhow::Result<Outcome> {
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            streams.push(connect(self.server, self.source).await?);
        }
        let began = SystemClock.elapsed();
        let mut connections = JoinSet::new();
        for stream in streams {
            connections.spawn_local(self.clone().one_connection(stream, began));
        }
        let mut all = Outcome::default();
        while let Some(one) = connections.join_next().await {
            let one = one??;
            all.latencies.extend(one.latencies);
            all.refused += one.refused;
        }
        all.took = since(began);
        Ok(all)
    }

    async fn one_connection(self, stream: TcpStream, began: Duration) -> anyhow::Result<Outcome> {
        let mut connection = Connection::new(stream);
        let mut outcome = Outcome::default();
        loop {
            let sent = SystemClock.elapsed();
            if sent.saturating_sub(began) >= self.duration || !self.goes_on() {
                return Ok(outcome);
            }
            let status = connection.exchange(|buffer| self.requests.write_next(buffer)).await?;
            let took = since(sent);
            match status {
                200 => outcome.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)),
                _ => outcome.refused += 1,
            }
            if let Some(pace) = self.pace {
                tokio::time::sleep(pace.saturating_sub(took)).await;
            }
        }
    }
}

async fn connect(server: SocketAddr, source: Ipv4Addr) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection with its buffers.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// Opens one from the usual address.
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self::new(connect(server, Ipv4Addr::LOCALHOST).await?))
    }

    fn new(stream: TcpStream) -> Self {
        Self { stream, request: Vec::with_capacity(1024), answer: vec![0; 64 * 1024] }
    }

    /// Sends one request and reads its answer; the answer's status.
    pub(crate) async fn exchange(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> anyhow::Result<u16> {
        self.request.clear();
        write(&mut self.request);
        self.stream.write_all(&self.request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.answer[filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            filled += read;
            if let Some((status, length)) = status_and_length(&self.answer[..filled])? {
                while filled < length {
                    filled += self.stream.read(&mut self.answer[filled..]).await?;
                }
                return Ok(status);
            }
        }
    }
}

/// Status and whole length of the answer that begins in `bytes`; `None` while its head is not complete.
fn status_and_length(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head])?;
    let status = text.get(9..12).and_then(|digits| digits.parse().ok()).context("no status")?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    Ok(Some((status, head + 4 + length.context("no content-length")?)))
}
