//! The programs that are measured: starting them, asking the kernel about them, ending them.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Issuer, service and registry host, for the service and the bare server.
pub(crate) const SERVICE_NAME: &str = "registry.example.org";

/// A server that runs until this is dropped.
pub(crate) struct Program {
    child: Child,
    /// Where it answers.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts a program that prints where it listens; what it logs goes to a file.
    pub(crate) fn start(program: &Path, arguments: &[String], log: &Path) -> anyhow::Result<Self> {
        // However the benchmark ends, what it started ends with it.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = serde_json::from_str::<Value>(&line)
            .ok()
            .and_then(|value| value.get("http")?.as_str()?.parse().ok());
        let Some(address) = address else {
            let _ = child.wait();
            bail!("{} does not start; see {}", program.display(), log.display());
        };
        Ok(Self { child, address })
    }

    fn proc_file(&self, name: &str) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id()))?)
    }

    /// Processor time that it has used.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let stat = self.proc_file("stat")?;
        // The name in parentheses can hold spaces; utime and stime are the 14th and 15th field.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Ok(Duration::from_millis((ticks(11) + ticks(12)) * 1000 / rustix::param::clock_ticks_per_second()))
    }

    /// Anonymous resident memory in KiB.
    pub(crate) fn anonymous_kib(&self) -> anyhow::Result<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.context("the kernel does not report RssAnon")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the service is configured for one measurement.
pub(crate) struct Service<'a> {
    /// Distinguishes its files from those of other runs.
    pub(crate) name: &'a str,
    /// `database.url`.
    pub(crate) database: &'a str,
    /// `keys.directory`.
    pub(crate) keys: &'a Path,
    /// Whether decisions read the database each time.
    pub(crate) direct: bool,
    /// `login.hash_threads`.
    pub(crate) hash_threads: usize,
    /// `http.workers`.
    pub(crate) workers: usize,
    /// Further lines of the configuration, about logging in.
    pub(crate) login: &'a str,
}

/// How many connections the service opens at most: the preset of `database.connections`.
pub(crate) const POOL: usize = 8;

impl Service<'_> {
    /// Starts it with files in `folder`.
    pub(crate) fn start(&self, program: &Path, folder: &Path) -> anyhow::Result<Program> {
        let file = self.write_configuration(folder)?;
        let arguments = ["--config", &file.display().to_string(), "--json", "serve"].map(str::to_owned);
        Program::start(program, &arguments, &folder.join(format!("{}.log", self.name)))
    }

    /// Strings and numbers look in TOML as they do in Rust. Nothing listens at the registry's address: no
    /// request of the benchmark is a first push.
    pub(crate) fn write_configuration(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let Self { database, keys, hash_threads, workers, login, .. } = self;
        let cache = if self.direct { "limits.facts_cache_bytes = 0" } else { "" };
        let text = format!(
            "{cache}\n\
             http.listen = \"127.0.0.1:0\"\nhttp.workers = {workers}\nops.listen = \"127.0.0.1:0\"\n\
             database.url = {database:?}\ndatabase.connections = {POOL}\nkeys.directory = {:?}\n\
             token.issuer = {SERVICE_NAME:?}\ntoken.service = {SERVICE_NAME:?}\n\
             registry.host = {SERVICE_NAME:?}\nregistry.url = \"http://127.0.0.1:9\"\n\
             webhook.secret = \"a-secret-that-nothing-in-the-benchmark-uses\"\n\
             login.hash_threads = {hash_threads}\nlogin.cache_seconds = 3600\n{login}\n",
            keys.display().to_string()
        );
        let file = folder.join(format!("{}.toml", self.name));
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    }
}
