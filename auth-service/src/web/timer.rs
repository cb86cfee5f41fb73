//! The time limits of one direction of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take to read anything of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A timer that is set again and again: it is cheaper to move than to make.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    set_for: Option<(u64, Duration)>,
}

impl Timer {
    /// Whether `limit` has passed since it was first asked for in this phase; `None` never does.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        phase: u64,
        limit: Option<Duration>,
    ) -> Poll<()> {
        let requested = limit.map(|limit| (phase, limit));
        let is_new = self.set_for != requested;
        self.set_for = requested;
        let Some(limit) = limit else { return Poll::Pending };
        let timer = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        if is_new {
            timer.as_mut().reset(Instant::now() + limit);
        }
        timer.as_mut().poll(context)
    }

    /// An error in place of waiting for longer than a client may take.
    pub(super) fn limit<R>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.set_for = None;
            return polled;
        }
        ready!(self.poll(context, 0, Some(WRITE_TIMEOUT)));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}
