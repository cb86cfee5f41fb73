//! A connection as the HTTP server reads and writes it. Left to itself, the server would read 128 KiB ahead of what is
//! asked of it on each connection, wait for ever for the rest of a second head, and for a client to read its answer. Here
//! it gets only as much as somebody uses, and only in limited time.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::quota::{OverQuota, Permit};
use super::timer::Timer;

/// How long a client may take to send a request's head. Docker's own limit for a whole token is 15 s.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The server closes idle connections itself; this is for those that it takes for busy.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// How long the rest of a body that nobody reads may take: it is thrown away, because a connection that is closed while
/// the client still sends takes the answer with it (RFC 9112, section 9.6).
const LEFTOVER_TIME: Duration = Duration::from_secs(5);

/// How many bytes are read in a row before the server looks at them.
const IN_A_ROW: usize = 8192;
/// A head that is not longer than this needs no room of its own.
const SHORT_HEAD: usize = 8192;
/// How many bytes of a body are read ahead of whoever reads it.
const AHEAD: usize = 16_384;

/// What somebody is told for whom there is no room, in the shapes that docker and the REST interface have.
pub(super) static TOO_MUCH_AT_ONCE: LazyLock<String> = LazyLock::new(|| {
    let text = "the token service is being sent too much at once; nothing is wrong with your login; try again in a few \
                seconds";
    let body = format!(
        "{{\"errors\":[{{\"code\":\"TOOMANYREQUESTS\",\"message\":\"{text} [unavailable]\"}}],\"reason\":\"too much is being \
         sent at once\"}}"
    );
    format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 3\r\nconnection: \
         close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
});

const LATE_HEAD: &str = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Where the exchange over a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A head is awaited, or has come in part.
    Head,
    /// A request is being answered.
    Request,
    /// It has been answered, and its body, or what else came with it, is thrown away.
    Leftover,
}

/// What the connection and those who work on its requests tell each other.
pub(super) struct Flow {
    phase: Cell<Phase>,
    /// How many phases there were before this one.
    phases: Cell<u64>,
    /// Bytes that the server got in this phase.
    taken: Cell<usize>,
    /// Bytes of the body that somebody has used.
    used: Cell<usize>,
    /// Bytes that the server got without having looked at any.
    in_a_row: Cell<usize>,
    body_ended: Cell<bool>,
    /// The room that a long head takes.
    long_head: RefCell<Permit>,
    /// Whether nothing is read until more of the body is used.
    is_full: Cell<bool>,
    /// Who reads.
    reader: Cell<Option<Waker>>,
}

impl Flow {
    fn new(long_head: Permit) -> Self {
        Self {
            phase: Cell::new(Phase::Head),
            phases: Cell::default(),
            taken: Cell::default(),
            used: Cell::default(),
            in_a_row: Cell::default(),
            body_ended: Cell::default(),
            long_head: RefCell::new(long_head),
            is_full: Cell::default(),
            reader: Cell::default(),
        }
    }

    /// A request has arrived.
    pub(super) fn request_begins(&self) {
        self.body_ended.set(false);
        self.used.set(0);
        self.enter(Phase::Request);
    }

    /// Somebody has read so many bytes of the body.
    pub(super) fn body_was_read(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_add(bytes));
        if self.is_full.get() {
            self.wake();
        }
    }

    /// Somebody has read the body to its end.
    pub(super) fn body_has_ended(&self) {
        self.body_ended.set(true);
    }

    /// Whether somebody has read the body to its end.
    pub(super) fn has_body_ended(&self) -> bool {
        self.body_ended.get()
    }

    /// The request is answered, perhaps without anybody having read what came with it.
    pub(super) fn request_ends(&self, is_leftover: bool) {
        self.long_head.borrow_mut().give_back();
        self.enter(if is_leftover { Phase::Leftover } else { Phase::Head });
        // Otherwise it goes on reading by itself.
        if is_leftover || self.is_full.get() {
            self.wake();
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.phases.set(self.phases.get() + 1);
        self.taken.set(0);
    }

    fn wake(&self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn took(&self, bytes: usize) {
        self.taken.set(self.taken.get().saturating_add(bytes));
        self.in_a_row.set(self.in_a_row.get().saturating_add(bytes));
    }

    /// Whether more may be read now; if not, the task is woken when it may be.
    fn is_open(&self, context: &Context<'_>) -> bool {
        if self.in_a_row.get() >= IN_A_ROW {
            context.waker().wake_by_ref();
            return false;
        }
        let ahead = self.taken.get().saturating_sub(self.used.get());
        self.is_full.set(self.phase.get() == Phase::Request && ahead >= AHEAD);
        !self.is_full.get()
    }

    /// Whether more of a leftover has come than the server gets: it would keep 128 KiB of it.
    fn is_to_be_discarded(&self) -> bool {
        self.phase.get() == Phase::Leftover && self.taken.get() >= AHEAD
    }

    fn make_room_for_head(&self) -> Result<(), OverQuota> {
        let taken = self.taken.get();
        if self.phase.get() != Phase::Head || taken < SHORT_HEAD {
            return Ok(());
        }
        self.long_head.borrow_mut().grow_to((taken + 1).next_power_of_two())
    }

    /// How long the present state may last.
    fn limit(&self) -> Option<Duration> {
        match self.phase.get() {
            Phase::Head if self.taken.get() == 0 => Some(IDLE_TIMEOUT),
            Phase::Head => Some(HEAD_TIMEOUT),
            Phase::Request => None,
            Phase::Leftover => Some(LEFTOVER_TIME),
        }
    }
}

/// A connection.
pub(super) struct Connection<T> {
    io: T,
    flow: Rc<Flow>,
    reading: Timer,
    writing: Timer,
    /// What came was refused, and no more of it is read.
    refused: bool,
    _permit: Permit,
}

impl<T> Connection<T> {
    pub(super) fn new(io: T, permit: Permit, long_head: Permit) -> Self {
        let (reading, writing) = (Timer::default(), Timer::default());
        Self { io, flow: Rc::new(Flow::new(long_head)), reading, writing, refused: false, _permit: permit }
    }

    pub(super) fn flow(&self) -> Rc<Flow> {
        Rc::clone(&self.flow)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// Answers what has not even become a request, and reads nothing more: the server takes it for the client's end.
    fn refuse(&mut self, context: &mut Context<'_>, answer: &str) -> Poll<io::Result<()>> {
        self.refused = true;
        // Nothing is on its way to this client; if it cannot take a few bytes, it does without.
        let _ = Pin::new(&mut self.io).poll_write(context, answer.as_bytes());
        Poll::Ready(Ok(()))
    }

    /// Reads and drops what comes, until the client ends or the time is over.
    fn discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; IN_A_ROW];
        let mut dropped = ReadBuf::new(&mut bytes);
        match Pin::new(&mut self.io).poll_read(context, &mut dropped) {
            Poll::Ready(Ok(())) if !dropped.filled().is_empty() => {
                context.waker().wake_by_ref();
                self.wait(context)
            }
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.wait(context),
        }
    }

    /// Waits, though not for ever.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flow.in_a_row.set(0);
        self.flow.reader.set(Some(context.waker().clone()));
        let phase = self.flow.phase.get();
        match self.reading.poll(context, self.flow.phases.get(), self.flow.limit()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if phase == Phase::Head && self.flow.taken.get() > 0 => {
                self.refuse(context, LATE_HEAD)
            }
            Poll::Ready(()) => {
                self.refused = true;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refused {
            return Poll::Ready(Ok(()));
        }
        if !this.flow.is_open(context) {
            return this.wait(context);
        }
        if this.flow.is_to_be_discarded() {
            return this.discard(context);
        }
        if this.flow.make_room_for_head().is_err() {
            return this.refuse(context, &TOO_MUCH_AT_ONCE);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.io).poll_read(context, buffer) {
            Poll::Ready(outcome) => {
                this.flow.took(buffer.filled().len() - before);
                Poll::Ready(outcome)
            }
            Poll::Pending => this.wait(context),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_write(context, bytes);
        this.writing.limit(context, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_flush(context);
        this.writing.limit(context, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.io).poll_shutdown(context);
        this.writing.limit(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::IpAddr;
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;
    use crate::domain::network::ClientNetwork;
    use crate::web::quota::Quota;
    use crate::web::quota_refusals::QuotaRefusals;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    fn connection() -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = tokio::io::duplex(1024);
        let quota = Quota::new(100_000, 100_000, QuotaRefusals::of("limits.connections"));
        let permit = || Arc::clone(&quota).permit(Some(ClientNetwork::of(IpAddr::from([192, 0, 2, 1]))));
        (client, Connection::new(server, permit(), permit()))
    }

    /// Reads as the server does: until nothing more is there, and before it looks at what it has got.
    async fn read_what_is_there(connection: &mut Connection<DuplexStream>) -> usize {
        let mut bytes = [0; 1024];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| {
            loop {
                let before = buffer.filled().len();
                match Pin::new(&mut *connection).poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) if buffer.filled().len() > before => {}
                    _ => return Poll::Ready(buffer.filled().len()),
                }
            }
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_connection_stays_however_long_it_is_busy() {
        let (mut client, mut connection) = connection();
        for _ in 0..50 {
            client.write_all(HEAD).await.unwrap();
            assert_eq!(read_what_is_there(&mut connection).await, HEAD.len());
            connection.flow().request_begins();
            connection.flow().request_ends(false);
            // The next head is there already when the server looks again.
            tokio::time::advance(HEAD_TIMEOUT / 3).await;
        }
        assert!(!connection.refused);
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_waited_for_no_longer_because_bytes_keep_coming() {
        let (mut client, mut connection) = connection();
        for _ in 0..3 {
            client.write_all(b"G").await.unwrap();
            read_what_is_there(&mut connection).await;
            assert!(!connection.refused);
            tokio::time::advance(HEAD_TIMEOUT / 3 + Duration::from_millis(1)).await;
        }
        read_what_is_there(&mut connection).await;
        assert!(connection.refused);
        drop(connection);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, LATE_HEAD);
    }

    /// The server keeps what it gets of a body that nobody reads; 1,500 connections would take 200 MiB.
    #[tokio::test(start_paused = true)]
    async fn of_a_body_that_nobody_reads_the_server_gets_little_and_the_client_can_send_all() {
        let (mut client, mut connection) = connection();
        connection.flow().request_begins();
        connection.flow().request_ends(true);
        let mut got = 0;
        for _ in 0..200 {
            client.write_all(&[b'x'; 1024]).await.unwrap();
            got += read_what_is_there(&mut connection).await;
        }
        assert!((AHEAD..2 * AHEAD).contains(&got), "{got}");
    }
}
