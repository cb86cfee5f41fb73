//! What is measured, in which order.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;

use crate::attack::{Warm, attack};
use crate::bare;
use crate::compare::{Rounds, compare};
use crate::load::Load;
use crate::program::{POOL, Program, Service};
use crate::requests::{ManyScopes, Popularity, Pulls, WrongPasswords};
use crate::signing::{compare_signers, private_key_file};
use crate::table::{Tables, note};
use crate::{database, startup};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The service's program.
    #[arg(long)]
    service: PathBuf,
    /// Where databases and keys are kept from run to run.
    #[arg(long)]
    cache: PathBuf,
    /// Where configurations and logs of this run go.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// An empty PostgreSQL database, or one that was filled by an earlier run.
    #[arg(long)]
    postgres: String,
    /// Measures less and shorter.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these parts: warm, direct, rsa, tokens, attack, start.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// How long requests are sent before a measurement, so that what can be kept in memory is.
pub(crate) const FILLING: Duration = Duration::from_secs(5);

/// What all measurements share.
pub(crate) struct Bench<'o> {
    pub(crate) options: &'o Options,
    pub(crate) program: PathBuf,
    pub(crate) sqlite: String,
    workers: usize,
    pub(crate) users: usize,
    pub(crate) rounds: Rounds,
    pub(crate) tables: Tables,
}

/// Runs everything and prints the tables.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    use std::io::Write as _;
    let file = options.cache.join("full-size-2.db");
    database::prepare_sqlite(&options.service, &options.cache, &file).await?;
    database::prepare_postgres(&options.service, &options.cache, &options.postgres).await?;
    let rounds = match options.quick {
        true => Rounds { count: 2, turn: Duration::from_millis(700) },
        false => Rounds { count: 6, turn: Duration::from_millis(1500) },
    };
    let mut bench = Bench {
        options,
        program: std::env::current_exe()?,
        sqlite: format!("sqlite:{}", file.display()),
        workers: std::thread::available_parallelism()?.get(),
        users: if options.quick { 100 } else { 1000 },
        rounds,
        tables: Tables::default(),
    };
    bench.starts().await?;
    bench.warm_and_attack().await?;
    bench.direct().await?;
    bench.rsa().await?;
    bench.tokens().await?;
    write!(std::io::stdout(), "{}", bench.tables.render())?;
    Ok(())
}

impl Bench<'_> {
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|one| one == part)
    }

    /// The folder of keys of one algorithm, which is made when it is not there.
    pub(crate) fn keys(&self, algorithm: &str) -> anyhow::Result<PathBuf> {
        let keys = self.options.cache.join(format!("keys-{algorithm}"));
        if !keys.exists() {
            let service = self.service("keys", &self.sqlite, &keys);
            let file = service.write_configuration(&self.options.folder)?;
            let made = Command::new(&self.options.service)
                .arg("--config")
                .arg(&file)
                .args(["key", "init", "--algorithm", algorithm])
                .output()?;
            ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(keys)
    }

    pub(crate) fn service<'a>(&self, name: &'a str, database: &'a str, keys: &'a Path) -> Service<'a> {
        Service { name, database, keys, direct: false, hash_threads: 1, workers: self.workers, login: "" }
    }

    pub(crate) fn start(&self, service: &Service<'_>) -> anyhow::Result<Program> {
        service.start(&self.options.service, &self.options.folder)
    }

    pub(crate) fn start_bare(
        &self,
        name: &str,
        keys: &Path,
        parse: Option<&Path>,
    ) -> anyhow::Result<Program> {
        let arguments = bare::Options::arguments(keys, parse, self.workers);
        Program::start(&self.program, &arguments, &self.options.folder.join(format!("{name}.log")))
    }

    /// Each user logs in once, so that every later login is a warm one.
    pub(crate) async fn warm_up(&self, service: &Program, users: usize) -> anyhow::Result<()> {
        let requests = Rc::new(Pulls::new(0..users, Popularity::Even(1000)));
        let mut left = users;
        let mut load = Load::closed(service.address, Duration::from_secs(1), requests);
        load.connections = 8;
        while left > 0 {
            let outcome = load.run().await?;
            ensure!(outcome.refused == 0, "a right login is refused");
            left = left.saturating_sub(outcome.latencies.len());
        }
        Ok(())
    }

    async fn starts(&mut self) -> anyhow::Result<()> {
        if !self.wants("start") {
            return Ok(());
        }
        let keys = self.keys("ES256")?;
        let times = if self.options.quick { 3 } else { 9 };
        for (engine, url) in [("SQLite", &self.sqlite), ("PostgreSQL", &self.options.postgres)] {
            let service = self.service("start", url, &keys);
            let folder = &self.options.folder;
            let started = startup::measure(&service, &self.options.service, folder, times).await?;
            self.tables.start(engine, &started);
            self.tables.memory("after the first token", engine, started.anonymous_kib, 1);
        }
        Ok(())
    }

    async fn warm_and_attack(&mut self) -> anyhow::Result<()> {
        if !self.wants("warm") && !self.wants("attack") {
            return Ok(());
        }
        let keys = self.keys("ES256")?;
        // Everybody may guess on: who has to wait is refused, and what is measured is what guessing costs.
        let login = "login.free_tries = 0";
        let service = self.start(&Service { login, ..self.service("sqlite", &self.sqlite, &keys) })?;
        note(&format!("{} users log in", self.users));
        self.warm_up(&service, self.users).await?;
        if self.wants("warm") {
            let bare = self.start_bare("bare", &keys, None)?;
            self.curve(&bare, &service).await?;
        }
        if self.wants("attack") {
            self.attacks(&service).await?;
            drop(service);
            self.attack_on_locks(&keys).await?;
        }
        Ok(())
    }

    async fn curve(&mut self, bare: &Program, service: &Program) -> anyhow::Result<()> {
        let points = [
            (Popularity::Even(1_000), "warm logins, 10³ repositories in use", Some(0.8)),
            (Popularity::Even(10_000), "warm logins, 10⁴ repositories in use", Some(0.8)),
            (Popularity::Even(100_000), "warm logins, 10⁵ repositories in use", None),
            (Popularity::Zipf, "warm logins, 10⁶ repositories by Zipf's law", Some(0.7)),
            (Popularity::Even(1_000_000), "warm logins, 10⁶ repositories evenly", Some(0.4)),
        ];
        for (popularity, what, target) in points {
            let requests = Rc::new(Pulls::new(0..self.users, popularity));
            let filling = Load::closed(service.address, FILLING, requests.clone());
            filling.run().await?;
            let compared = compare(bare, service, requests, self.rounds).await?;
            self.tables.rate(what, &format!("SQLite, {POOL}"), &compared, target);
        }
        self.tables.memory("after 10⁶ repositories were asked for", "SQLite", service.anonymous_kib()?, 1);
        Ok(())
    }

    async fn attacks(&mut self, service: &Program) -> anyhow::Result<()> {
        let duration = Duration::from_secs(if self.options.quick { 8 } else { 20 });
        let pace = Warm::Paced(Duration::from_millis(20));
        let here = Ipv4Addr::LOCALHOST;
        let runs = [
            ("1,600 warm logins a second, all from one address", pace, here),
            (
                "warm logins without pause, attack from another address",
                Warm::Closed,
                Ipv4Addr::new(127, 0, 0, 2),
            ),
        ];
        for (what, warm, from) in runs {
            let wrong = Rc::new(WrongPasswords::default());
            let seen = attack(service, self.users, from, wrong, warm, duration).await?;
            self.tables.attack(what, &seen);
        }
        let what = "warm logins without pause, requests of nobody with 64 scopes from another address";
        let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
        let scopes = Rc::new(ManyScopes::new());
        let seen = attack(service, self.users, elsewhere, scopes, Warm::Closed, duration).await?;
        self.tables.attack(what, &seen);
        self.tables.memory("after the wrong passwords", "SQLite", service.anonymous_kib()?, 1);
        Ok(())
    }

    /// The defaults: clients that guess passwords have to wait, and no others.
    async fn attack_on_locks(&mut self, keys: &Path) -> anyhow::Result<()> {
        let duration = Duration::from_secs(if self.options.quick { 8 } else { 20 });
        let service = self.start(&self.service("locks", &self.sqlite, keys))?;
        self.warm_up(&service, self.users).await?;
        let wrong = Rc::new(WrongPasswords::default());
        let seen =
            attack(&service, self.users, Ipv4Addr::new(127, 0, 0, 2), wrong, Warm::Closed, duration).await?;
        self.tables.attack("the same with the lock-out on", &seen);
        Ok(())
    }

    /// Decisions that read their facts from the database; for PostgreSQL also ones that do not.
    async fn direct(&mut self) -> anyhow::Result<()> {
        if !self.wants("direct") {
            return Ok(());
        }
        let keys = self.keys("ES256")?;
        let bare = self.start_bare("bare", &keys, None)?;
        let (sqlite, postgres) = (self.sqlite.clone(), self.options.postgres.clone());
        let what = "each decision reads the database, 10⁴ repositories";
        let runs = [
            ("SQLite", &sqlite, true, what, 0.35),
            ("PostgreSQL", &postgres, true, what, 0.15),
            ("PostgreSQL", &postgres, false, "warm logins, 10⁴ repositories in use", 0.8),
        ];
        for (engine, url, direct, what, target) in runs {
            let name = format!("{}-{direct}", engine.to_lowercase());
            let service = Service { direct, hash_threads: self.workers, ..self.service(&name, url, &keys) };
            let service = self.start(&service)?;
            self.warm_up(&service, self.users).await?;
            let requests = Rc::new(Pulls::new(0..self.users, Popularity::Even(10_000)));
            Load::closed(service.address, FILLING, requests.clone()).run().await?;
            let compared = compare(&bare, &service, requests, self.rounds).await?;
            self.tables.rate(what, &format!("{engine}, {POOL}"), &compared, Some(target));
        }
        Ok(())
    }

    async fn rsa(&mut self) -> anyhow::Result<()> {
        if !self.wants("rsa") {
            return Ok(());
        }
        let keys = self.keys("RS256")?;
        let key_file = private_key_file(&keys)?;
        self.tables.signers(&compare_signers(&keys, &key_file, self.rounds)?);
        let service = self.start(&self.service("rsa", &self.sqlite, &keys))?;
        let users = self.users.min(100);
        self.warm_up(&service, users).await?;
        let requests = Rc::new(Pulls::new(0..users, Popularity::Even(1000)));
        let runs = [
            ("RS256, to bare that parses the key for each token", Some(key_file.as_path()), None),
            ("RS256, to bare that keeps the key", None, None),
        ];
        for (what, parse, target) in runs {
            let bare = self.start_bare("bare-rsa", &keys, parse)?;
            let compared = compare(&bare, &service, requests.clone(), self.rounds).await?;
            self.tables.rate(what, &format!("SQLite, {POOL}"), &compared, target);
        }
        Ok(())
    }
}
