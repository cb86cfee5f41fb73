//! The signals that stop a server: the first lets what is under way end, the second does not wait for it.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// For how long a signal is taken for the echo of the first one: `timeout` and others send it to a process
/// and to its group.
const ECHO: Duration = Duration::from_millis(500);

/// Where the kernel tells which signals a process ignores.
const STATUS: &str = "/proc/self/status";
/// The bit of SIGHUP in what it tells.
const HANGUP_BIT: u64 = 1;

/// Ctrl-C, SIGTERM, and SIGHUP, which comes when the terminal is closed.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// Not there under `nohup`.
    hangup: Option<Signal>,
}

impl StopSignals {
    /// From now on the signals are noted instead of ending the process.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Resolves with the next one, and its name.
    pub async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = hangup => "SIGHUP",
        }
    }

    /// Resolves when, after a first signal, somebody insists.
    pub async fn again(&mut self) -> &'static str {
        let echoes = async {
            loop {
                self.next().await;
            }
        };
        // It ends in no other way than by its time.
        let _: Result<std::convert::Infallible, _> = timeout(ECHO, echoes).await;
        self.next().await
    }
}

/// Whether this process was started by `nohup` or the like.
fn ignores_hangup() -> bool {
    std::fs::read_to_string(STATUS).is_ok_and(|status| is_hangup_ignored(&status))
}

fn is_hangup_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP_BIT != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_seen_in_the_mask_of_ignored_signals() {
        assert!(is_hangup_ignored("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n"));
        assert!(!is_hangup_ignored("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"));
        assert!(!is_hangup_ignored(""));
    }
}
