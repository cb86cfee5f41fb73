//! Two servers under the same load, in turns, so that whatever else the machine does meets both.

use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;

use crate::load::{Load, count, percentile};
use crate::program::Program;
use crate::requests::Requests;

/// How long is measured.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    /// How often each of the two has its turn.
    pub(crate) count: usize,
    /// How long a turn is.
    pub(crate) turn: Duration,
}

/// What one side did.
pub(crate) struct Figures {
    /// The median of the turns' rates, answers in a second.
    pub(crate) rate: f64,
    /// Half of the answers took at most this long, in milliseconds.
    pub(crate) p50: f64,
    /// 99 of 100 answers took at most this long, in milliseconds.
    pub(crate) p99: f64,
    /// Processor time for one answer, in microseconds.
    pub(crate) processor: f64,
}

/// Both sides of one comparison.
pub(crate) struct Compared {
    pub(crate) base: Figures,
    pub(crate) service: Figures,
    /// The median, over pairs of neighbouring turns, of the service's rate as a part of the base's.
    pub(crate) ratio: f64,
}

#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    latencies: Vec<u32>,
    processor: Duration,
}

impl Side {
    async fn turn(&mut self, program: &Program, load: &Load) -> anyhow::Result<()> {
        let before = program.processor_time()?;
        let outcome = load.run().await?;
        ensure!(outcome.refused == 0, "{} of the answers are no tokens", outcome.refused);
        self.processor += program.processor_time()?.saturating_sub(before);
        self.rates.push(outcome.rate());
        self.latencies.extend(outcome.latencies);
        Ok(())
    }

    fn figures(mut self) -> Figures {
        let answers = count(self.latencies.len());
        Figures {
            rate: median(&self.rates),
            p50: percentile(&mut self.latencies, 50),
            p99: percentile(&mut self.latencies, 99),
            processor: self.processor.as_secs_f64() * 1e6 / answers,
        }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// Measures both with the same requests, after a turn for each that does not count.
pub(crate) async fn compare(
    base: &Program,
    service: &Program,
    requests: Rc<dyn Requests>,
    rounds: Rounds,
) -> anyhow::Result<Compared> {
    let load = |program: &Program| Load::closed(program.address, rounds.turn, Rc::clone(&requests));
    let (base_load, service_load) = (load(base), load(service));
    base_load.run().await?;
    service_load.run().await?;
    let (mut base_side, mut service_side) = (Side::default(), Side::default());
    for _ in 0..rounds.count {
        base_side.turn(base, &base_load).await?;
        service_side.turn(service, &service_load).await?;
    }
    let pairs = base_side.rates.iter().zip(&service_side.rates);
    let ratios: Vec<f64> = pairs.map(|(base, service)| service / base).collect();
    Ok(Compared { base: base_side.figures(), service: service_side.figures(), ratio: median(&ratios) })
}
