//! Lines on their way out. Whoever logs only adds to a buffer; one thread writes what has gathered. A line
//! for each decision is then a small part of the decision's cost, and a slow reader stops nobody.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most bytes that wait; what comes beyond is lost and counted, because a log that nobody reads must not
/// stop logins.
const MOST_BYTES: usize = 1 << 20;

/// How long lines gather: waking the writing thread and writing cost as much as a dozen lines.
const GATHERING: Duration = Duration::from_millis(10);

/// How long the end of the program waits for the last lines: nobody may be reading standard error.
const LAST_LINES: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    arrival: Condvar,
    end: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    lost: u64,
    closed: bool,
    written: bool,
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock left a line cut short at worst.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, which ends with a line feed.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.lines.len() + line.len() > MOST_BYTES {
            state.lost += 1;
            return;
        }
        let is_first = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if is_first {
            self.arrival.notify_one();
        }
    }

    /// Lets the writing thread end when it has written what waits.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrival.notify_one();
    }

    /// Waits until everything is written, but not for long.
    pub(super) fn wait_for_end(&self) {
        let _ = self.end.wait_timeout_while(self.state(), LAST_LINES, |state| !state.written);
    }

    /// Writes what comes until the end.
    pub(super) fn write_to(&self, output: &mut impl Write) {
        let mut batch = Vec::new();
        while let Some(lost) = self.next_batch(&mut batch) {
            // There is nowhere to complain that standard error cannot be written to.
            let _ = output.write_all(&batch);
            batch.clear();
            if lost > 0 {
                tracing::warn!(target: "auth_service", lost, "log lines were lost: nobody read standard error");
            }
        }
        self.state().written = true;
        self.end.notify_all();
    }

    /// Takes everything that waits, and says how many lines were lost before; `None` at the end.
    fn next_batch(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let is_idle = |state: &mut State| state.lines.is_empty() && !state.closed;
        let waited = self.arrival.wait_while(self.state(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let closed = waited.closed;
        drop(waited);
        if !closed {
            std::thread::sleep(GATHERING);
        }
        let mut state = self.state();
        if state.lines.is_empty() {
            return None;
        }
        std::mem::swap(&mut state.lines, batch);
        Some(std::mem::take(&mut state.lost))
    }
}

/// The backlog as something that lines are written to; each `write` is a whole line.
pub(super) struct LineWriter(pub(super) Arc<Backlog>);

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_in_order_and_the_end_waits_for_them() {
        let backlog = Arc::new(Backlog::default());
        let writing = Arc::clone(&backlog);
        let writer = std::thread::spawn(move || {
            let mut output = Vec::new();
            writing.write_to(&mut output);
            output
        });
        let lines: Vec<String> = (0..500).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            backlog.push(line.as_bytes());
        }
        backlog.close();
        assert_eq!(String::from_utf8(writer.join().unwrap()).unwrap(), lines.concat());
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_never_comes() {
        let backlog = Backlog::default();
        backlog.push(b"a line\n");
        backlog.close();
        backlog.wait_for_end();
        assert!(!backlog.state().written);
    }

    #[test]
    fn what_nobody_reads_is_lost_and_counted() {
        let backlog = Backlog::default();
        let line = vec![b'x'; MOST_BYTES / 4];
        (0..6).for_each(|_| backlog.push(&line));
        backlog.close();
        let mut batch = Vec::new();
        assert_eq!(backlog.next_batch(&mut batch), Some(2));
        assert_eq!(batch.len(), MOST_BYTES);
        assert_eq!(backlog.next_batch(&mut Vec::new()), None);
    }
}
