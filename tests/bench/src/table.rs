//! The tables that are printed, in Markdown.

use std::fmt::Write as _;

use crate::attack::Seen;
use crate::compare::{Compared, Figures};
use crate::signing::Signers;
use crate::startup::Started;

/// What 40 MB and 19 MiB for each hash thread are, in KiB.
const fn memory_limit_kib(hash_threads: u64) -> u64 {
    40_000_000 / 1024 + hash_threads * 19 * 1024
}

/// Warm logins alone and beside something slow: the latencies that 50 and 99 of 100 stay within, in milliseconds.
pub(crate) struct Beside {
    pub(crate) alone: (f64, f64),
    pub(crate) together: (f64, f64),
    /// How many of the slow ones had a token.
    pub(crate) slow_answered: usize,
    /// How many were refused with 429.
    pub(crate) slow_refused: usize,
}

/// Everything measured so far.
#[derive(Default)]
pub(crate) struct Tables {
    rates: String,
    signers: String,
    first_requests: String,
    attacks: String,
    beside: String,
    starts: String,
    memory: String,
}

fn figures(figures: &Figures) -> String {
    let Figures { rate, p50, p99, processor } = figures;
    format!("{rate:.0} | {p50:.2} / {p99:.2} | {processor:.0}")
}

const fn verdict(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

impl Tables {
    /// A ratio of rates; a target is given where there is one.
    pub(crate) fn rate(&mut self, what: &str, engine: &str, compared: &Compared, target: Option<f64>) {
        let Compared { base, service, ratio } = compared;
        let (target, met) = match target {
            Some(target) => (format!("≥ {target}"), verdict(*ratio >= target)),
            None => (String::new(), ""),
        };
        let (base, service) = (figures(base), figures(service));
        let line = format!("| {what} | {engine} | {base} | {service} | **{ratio:.2}** | {target} | {met} |");
        note(&line);
        let _ = writeln!(self.rates, "{line}");
    }

    /// Two signers without a server.
    pub(crate) fn signers(&mut self, signers: &Signers) {
        let Signers { parsed, kept, ratio } = signers;
        let met = verdict(*ratio >= 2.5);
        let line =
            format!("| RS256, one thread | {parsed:.0} | {kept:.0} | **{ratio:.2}** | ≥ 2.5 | {met} |");
        note(&line);
        let _ = writeln!(self.signers, "{line}");
    }

    /// Tokens that were never seen before.
    pub(crate) fn first_requests(&mut self, base: f64, rate: f64, ratio: f64) {
        let met = verdict(ratio >= 0.35);
        let line = format!(
            "| the first request of each of 10⁴ personal access tokens | {base:.0} | {rate:.0} | **{ratio:.2}** | \
             ≥ 0.35 | {met} |"
        );
        note(&line);
        let _ = writeln!(self.first_requests, "{line}");
    }

    /// Warm logins beside a slow issuer.
    pub(crate) fn beside(&mut self, seen: &Beside) {
        let Beside { alone, together, slow_answered, slow_refused } = seen;
        // A tenth of a millisecond is what two runs of the same differ by.
        let met = verdict(together.1 <= alone.1.mul_add(1.25, 0.1));
        let line = format!(
            "| {:.2} / {:.2} | {:.2} / {:.2} | {slow_answered} | {slow_refused} | {met} |",
            alone.0, alone.1, together.0, together.1
        );
        note(&line);
        let _ = writeln!(self.beside, "{line}");
    }

    /// A run with wrong passwords.
    pub(crate) fn attack(&mut self, what: &str, seen: &Seen) {
        let Seen { warm_rate, p50, p99, attack_rate, slowest_cold, cold, cold_refused } = seen;
        let slowest = slowest_cold.as_secs_f64();
        let met = verdict(*p99 < 10.0 && *cold_refused == 0 && slowest < 5.0);
        let line = format!(
            "| {what} | {attack_rate:.0} | {warm_rate:.0} | {p50:.2} / {p99:.2} | {cold}, {cold_refused} refused | \
             {slowest:.2} | {met} |"
        );
        note(&line);
        let _ = writeln!(self.attacks, "{line}");
    }

    /// Starts with a database of full size.
    pub(crate) fn start(&mut self, engine: &str, started: &Started) {
        let (ready, token) = (started.ready.as_secs_f64() * 1e3, started.token.as_secs_f64() * 1e3);
        let line = format!("| {engine} | {ready:.0} | {token:.0} | {} |", verdict(ready < 100.0));
        note(&line);
        let _ = writeln!(self.starts, "{line}");
    }

    /// Anonymous resident memory at some moment.
    pub(crate) fn memory(&mut self, when: &str, engine: &str, kib: u64, hash_threads: u64) {
        let limit = memory_limit_kib(hash_threads);
        let mib = |kib: u64| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024);
        let line = format!(
            "| {when} | {engine} | {hash_threads} | {} | {} | {} |",
            mib(kib),
            mib(limit),
            verdict(kib <= limit)
        );
        note(&line);
        let _ = writeln!(self.memory, "{line}");
    }

    /// All of it.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let heads = [
            (
                "| | engine, pool | bare req/s | p50 / p99 ms | CPU µs | service req/s | p50 / p99 ms | CPU µs | \
                 ratio | target | met |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
                &self.rates,
            ),
            (
                "| signers without a server | key parsed for each token, tokens/s | key kept, tokens/s | ratio | \
                 target | met |\n|---|--:|--:|--:|--:|---|",
                &self.signers,
            ),
            (
                "| SQLite, a service that was just started | bare req/s | service req/s | ratio | target | met |\n\
                 |---|--:|--:|--:|---|---|",
                &self.first_requests,
            ),
            (
                "| warm logins alone, p50 / p99 ms | beside an issuer that takes 2 s | its tokens answered | \
                 refused with 429 | met |\n|--:|--:|--:|--:|---|",
                &self.beside,
            ),
            (
                "| 64 connections send wrong passwords, 32 have warm logins | refused/s | warm req/s | \
                 warm p50 / p99 ms | right cold logins | slowest s | met |\n|---|--:|--:|--:|--:|--:|---|",
                &self.attacks,
            ),
            (
                "| start, full size | first answer ms | first token ms | met |\n|---|--:|--:|---|",
                &self.starts,
            ),
            (
                "| anonymous resident memory | engine | hash threads | MiB | limit MiB | met |\n\
                 |---|---|--:|--:|--:|---|",
                &self.memory,
            ),
        ];
        for (head, rows) in heads.iter().filter(|(_, rows)| !rows.is_empty()) {
            let _ = writeln!(text, "{head}\n{rows}");
        }
        text
    }
}

/// Prints on standard error how far the run has come.
pub(crate) fn note(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}
