//! Lines on their way out: one thread writes them, so that a slow reader of standard error delays no login.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// A handle that lines are written to; each `write` is a whole line.
pub type LineWriter = NonBlocking;

/// Most lines that wait; further ones are dropped and counted.
const WAITING_LINES: usize = 4_096;

/// How long lines are collected: waking the thread and calling the kernel cost as much as a dozen lines.
const COLLECTED_FOR: Duration = Duration::from_millis(10);

/// Bytes that one call of the kernel writes.
const BATCH_BYTES: usize = 64 << 10;

/// The thread that writes lines. Dropping it writes those that wait, for a little more than a second at most.
pub struct Lines {
    writer: LineWriter,
    _guard: WorkerGuard,
}

impl Lines {
    /// Writes lines to `output`.
    pub(super) fn to(output: impl Write + Send + 'static) -> Self {
        let dropped = Arc::new(OnceLock::new());
        let output = Batches {
            output: BufWriter::with_capacity(BATCH_BYTES, output),
            dropped: Arc::clone(&dropped),
            reported: 0,
        };
        let (writer, guard) =
            NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).finish(output);
        let _ = dropped.set(writer.error_counter());
        Self { writer, _guard: guard }
    }

    /// Another handle to write lines to.
    #[must_use]
    pub fn writer(&self) -> LineWriter {
        self.writer.clone()
    }
}

/// Lines that are written together. `flush` is called whenever no line waits.
struct Batches<W: Write> {
    output: BufWriter<W>,
    dropped: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
}

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.output.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.output.flush();
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if dropped > self.reported {
            let lost = dropped - self.reported;
            self.reported = dropped;
            tracing::warn!(target: "auth_service", lost, "log lines were lost: nobody read standard error");
        }
        std::thread::sleep(COLLECTED_FOR);
        flushed
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    pub(in crate::telemetry) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(in crate::telemetry) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that nobody reads until the test ends.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_in_order_and_the_end_waits_for_them() {
        let written = Written::default();
        let lines = Lines::to(written.clone());
        let expected: Vec<String> = (0..500).map(|number| format!("line {number}\n")).collect();
        for line in &expected {
            lines.writer().write_all(line.as_bytes()).unwrap();
        }
        drop(lines);
        assert_eq!(written.text(), expected.concat());
    }

    #[test]
    fn without_a_reader_the_end_does_not_wait_and_lines_are_lost_and_counted() {
        let (reader, stuck) = channel();
        let lines = Lines::to(Stuck(stuck));
        let mut writer = lines.writer();
        let line = vec![b'x'; BATCH_BYTES];
        for _ in 0..WAITING_LINES + 10 {
            assert_eq!(writer.write(&line).unwrap(), line.len());
        }
        let lost = writer.error_counter().dropped_lines();
        assert!((1..=10).contains(&lost), "{lost}");
        let (ended, end) = channel();
        std::thread::spawn(move || {
            drop(lines);
            let _ = ended.send(());
        });
        assert!(end.recv_timeout(Duration::from_secs(3)).is_ok());
        drop(reader);
    }
}
