//! Logins with tokens in place of passwords: those of the service itself, and those of another issuer.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;

use crate::compare::{compare, median};
use crate::database::{TOKENS, personal_token};
use crate::issuer::{ISSUER, OPAQUE, Options, web_tokens};
use crate::load::{Load, percentile};
use crate::plan::{Bench, FILLING};
use crate::program::{POOL, Program, SERVICE_NAME, Service};
use crate::requests::{FreshOpaqueTokens, Popularity, Pulls, Requests, TokenPulls};
use crate::table::Beside;

/// How many tokens are in use.
const IN_USE: usize = 1000;
const REPOSITORIES: Popularity = Popularity::Even(10_000);

fn personal_tokens(numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    numbers.map(|number| personal_token(number).1.to_string())
}

/// How an issuer is configured whose keys and introspection are at this stub.
fn issuer_lines(stub: &Program, verify: &str, cache_seconds: u64) -> String {
    let address = stub.address;
    let prefix = if verify == "introspection" { OPAQUE } else { "" };
    format!(
        "[login.issuer.bench]\nurl = {ISSUER:?}\nverify = {verify:?}\naudience = {SERVICE_NAME:?}\n\
         jwks_url = \"http://{address}/jwks\"\nintrospection_url = \"http://{address}/introspect\"\n\
         client_id = \"bench\"\nclient_secret = \"of-the-bench\"\nopaque_prefix = {prefix:?}\n\
         cache_seconds = {cache_seconds}\n"
    )
}

impl Bench<'_> {
    pub(crate) async fn tokens(&mut self) -> anyhow::Result<()> {
        if !self.wants("tokens") {
            return Ok(());
        }
        let keys = self.keys("ES256")?;
        let bare = self.start_bare("bare", &keys, None)?;
        self.personal(&keys, &bare).await?;
        self.first_requests(&keys, &bare).await?;
        self.foreign(&keys, &bare).await?;
        self.beside_a_slow_issuer(&keys).await
    }

    async fn personal(&mut self, keys: &Path, bare: &Program) -> anyhow::Result<()> {
        let service = self.start(&self.service("personal", &self.sqlite, keys))?;
        let requests = Rc::new(TokenPulls::new(personal_tokens(0..IN_USE), REPOSITORIES));
        self.measure(bare, &service, requests, "10³ personal access tokens in use", Some(0.8)).await
    }

    async fn measure(
        &mut self,
        bare: &Program,
        service: &Program,
        requests: Rc<dyn Requests>,
        what: &str,
        target: Option<f64>,
    ) -> anyhow::Result<()> {
        Load::closed(service.address, FILLING, Rc::clone(&requests)).run().await?;
        let compared = compare(bare, service, requests, self.rounds).await?;
        self.tables.rate(what, &format!("SQLite, {POOL}"), &compared, target);
        Ok(())
    }

    /// Each turn has a service that has not seen these tokens, but knows the repositories.
    async fn first_requests(&mut self, keys: &Path, bare: &Program) -> anyhow::Result<()> {
        let tokens: Vec<String> = personal_tokens(IN_USE..TOKENS).collect();
        let known = Rc::new(TokenPulls::new(personal_tokens(0..IN_USE), REPOSITORIES));
        let (mut base_rates, mut rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds.count {
            let fresh = || Rc::new(TokenPulls::new(tokens.clone(), REPOSITORIES));
            let unburdened = Load::once(bare.address, tokens.len(), fresh()).run().await?;
            let service = self.start(&self.service("first", &self.sqlite, keys))?;
            Load::closed(service.address, FILLING, known.clone()).run().await?;
            let outcome = Load::once(service.address, tokens.len(), fresh()).run().await?;
            ensure!(outcome.refused == 0, "{} of the answers are no tokens", outcome.refused);
            ensure!(outcome.latencies.len() == tokens.len(), "not every token was used");
            base_rates.push(unburdened.rate());
            rates.push(outcome.rate());
            ratios.push(outcome.rate() / unburdened.rate());
        }
        let (base_rate, rate, ratio) = (median(&base_rates), median(&rates), median(&ratios));
        self.tables.first_requests(base_rate, rate, ratio);
        Ok(())
    }

    async fn foreign(&mut self, keys: &Path, bare: &Program) -> anyhow::Result<()> {
        let issuer_keys = self.keys("RS256")?;
        let stub = self.start_issuer(&issuer_keys, Duration::ZERO)?;
        let web = web_tokens(&issuer_keys, 0..IN_USE)?;
        let opaque = (0..IN_USE).map(|number| format!("{OPAQUE}{number}")).collect();
        let runs: [(&str, u64, &str, &Vec<String>, f64); 3] = [
            ("jwt", 0, "10³ foreign JWTs (RS256), each verified anew for each request", &web, 0.5),
            ("jwt", 60, "10³ foreign JWTs (RS256) in use", &web, 0.5),
            ("introspection", 300, "10³ foreign opaque tokens in use, introspected once", &opaque, 0.7),
        ];
        for (verify, cache_seconds, what, tokens, target) in runs {
            let login = issuer_lines(&stub, verify, cache_seconds);
            let service = Service { login: &login, ..self.service("foreign", &self.sqlite, keys) };
            let service = self.start(&service)?;
            let requests = Rc::new(TokenPulls::new(tokens.clone(), REPOSITORIES));
            self.measure(bare, &service, requests, what, Some(target)).await?;
        }
        Ok(())
    }

    fn start_issuer(&self, keys: &Path, pause: Duration) -> anyhow::Result<Program> {
        Program::start(
            &self.program,
            &Options::arguments(keys, pause),
            &self.options.folder.join("issuer.log"),
        )
    }

    /// Warm logins by password, first alone, then beside 64 connections whose tokens have to be introspected by
    /// somebody who takes two seconds for it.
    async fn beside_a_slow_issuer(&mut self, keys: &Path) -> anyhow::Result<()> {
        let stub = self.start_issuer(&self.keys("RS256")?, Duration::from_secs(2))?;
        let login = issuer_lines(&stub, "introspection", 60);
        let service = self.start(&Service { login: &login, ..self.service("slow", &self.sqlite, keys) })?;
        self.warm_up(&service, self.users).await?;
        let duration = Duration::from_secs(if self.options.quick { 5 } else { 15 });
        let warm = Load {
            pace: Some(Duration::from_millis(20)),
            ..Load::closed(service.address, duration, Rc::new(Pulls::new(0..self.users, REPOSITORIES)))
        };
        let slow = Load {
            connections: 64,
            ..Load::closed(service.address, duration, Rc::new(FreshOpaqueTokens::default()))
        };
        let mut alone = warm.run().await?;
        let (beside, slow) = tokio::join!(warm.run(), slow.run());
        let (mut beside, slow) = (beside?, slow?);
        ensure!(alone.refused + beside.refused == 0, "warm logins are refused");
        self.tables.beside(&Beside {
            alone: (percentile(&mut alone.latencies, 50), percentile(&mut alone.latencies, 99)),
            together: (percentile(&mut beside.latencies, 50), percentile(&mut beside.latencies, 99)),
            slow_answered: slow.latencies.len(),
            slow_refused: slow.refused,
        });
        Ok(())
    }
}
