//! The stock registry as a child process that never outlives this one.
//!
//! It leads a process group of its own, so that Ctrl-C in a terminal reaches this process alone, which stops
//! both in the right order. Against being left behind by `kill -9` it starts as a guard: this very program,
//! which asks the kernel to be killed together with its parent and then becomes the registry. (Between fork
//! and exec nothing of ours could run without unsafe code.)

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::log::RegistryLog;
use super::probe::{get, wait_until};

/// This program, whatever has become of its file meanwhile.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long the registry may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long uploads under way may take to end: `http.draintimeout` of the registry's configuration, and a
/// little more.
const STOP_TIMEOUT: Duration = Duration::from_secs(65);
/// How long the last log lines may take; they are in the pipe already.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// A running registry. Dropping it kills it.
pub(super) struct Registry {
    child: Child,
    logs: Vec<JoinHandle<()>>,
}

impl Registry {
    /// Starts `program`. To be called on the main thread: the kernel ties the child to the thread that
    /// started it, not to the process.
    pub(super) fn start(program: &Path, configuration: &Path, log: &RegistryLog) -> anyhow::Result<Self> {
        let mut command = std::process::Command::new(THIS_PROGRAM);
        command
            .arg0("auth-service")
            .args(["registry-guard", &std::process::id().to_string()])
            .arg(program)
            .arg("serve")
            .arg(configuration)
            // REGISTRY_… variables would change the configuration, podman's REGISTRY_AUTH_FILE among them.
            .env_clear()
            // 3.x otherwise sends traces to a collector that is not there, and complains for ever.
            .env("OTEL_TRACES_EXPORTER", "none")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child =
            Command::from(command).kill_on_drop(true).spawn().context("the registry cannot be started")?;
        let mut logs = Vec::new();
        if let Some(stream) = child.stdout.take() {
            logs.push(tokio::spawn(log.clone().forward(stream)));
        }
        if let Some(stream) = child.stderr.take() {
            logs.push(tokio::spawn(log.clone().forward(stream)));
        }
        Ok(Self { child, logs })
    }

    /// Resolves when the registry answers and sends clients to `realm`; fails when it ends or is too slow.
    pub(super) async fn answers(&mut self, address: SocketAddr, realm: &str) -> anyhow::Result<()> {
        let challenge = format!("realm=\"{realm}\"");
        let asks_for_tokens = async || {
            get(address, "/v2/")
                .await
                .is_ok_and(|answer| answer.starts_with("HTTP/1.1 401 ") && answer.contains(&challenge))
        };
        tokio::select! {
            error = self.death() => Err(error),
            answered = wait_until(START_TIMEOUT, asks_for_tokens) => match answered {
                true => Ok(()),
                false => Err(anyhow!("the registry does not answer on {address}; its lines above say more")),
            },
        }
    }

    /// Resolves when the registry has ended without being told to, with a sentence about it; its last lines
    /// have been handed on by then.
    pub(super) async fn death(&mut self) -> anyhow::Error {
        match self.ended().await {
            Ok(status) => anyhow!("the registry has ended by itself ({status}); its last lines are above"),
            Err(error) => anyhow!("the registry is lost: {error}"),
        }
    }

    /// Asks the registry to end and waits until it has.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        if let Ok(ended) = timeout(STOP_TIMEOUT, self.ended()).await {
            return ended.map(drop);
        }
        tracing::warn!("the registry does not end; killing it");
        self.kill().await
    }

    /// Ends the registry at once.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.child.start_kill()?;
        self.ended().await.map(drop)
    }

    async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        for log in self.logs.drain(..) {
            // Only a child of the registry could hold the pipe open; it has none.
            let _ = timeout(LOG_TIMEOUT, log).await;
        }
        Ok(status)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        match pid {
            // Not waited for yet, so that the number is not anybody else's.
            Some(pid) => Ok(kill_process(pid, signal)?),
            None => Ok(()),
        }
    }
}

/// Becomes `program`, to be killed when `parent` ends; returns only when that fails.
pub fn become_registry(parent: u32, program: &Path, arguments: &[OsString]) -> io::Result<Infallible> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the kernel was asked; then no signal is going to come.
    let is_parent = |pid: Pid| u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|pid| pid == parent);
    if !getppid().is_some_and(is_parent) {
        return Err(io::Error::other("this is for quickstart's own use, and its quickstart has ended"));
    }
    Err(std::process::Command::new(program).args(arguments).exec())
}
