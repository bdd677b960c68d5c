//! One cell of what is measured: its contenders, run in turn, round by round.
//!
//! Each contender is given as many messages as it needs to take about the same time, found before the
//! first round. In each round every contender of a cell runs once, one after the other, so that
//! whatever else the machine does falls on all; every other round goes the other way round.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lifespan_bench_work::CAPACITY;
use lifespan_bench_work::figures::Summary;

use crate::runtime::Kind;
use crate::stats::{median, ratio};

/// Messages come in halves of the capacity: the paced peer counts them so.
const STEP: u64 = CAPACITY as u64 / 2;

/// The same of messages that are waited for.
const FEW: u64 = 16;

const MOST: u64 = 1 << 24;

/// What a cell's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// From first publish to last receive, by the number of deliveries.
    Delivery,
    /// From first publish to last receive, by the number of publishes.
    Publish,
    /// The waits of the run: median, and the slowest of a hundred.
    Wait,
}

/// One cell.
pub(crate) struct Cell {
    /// The table that it belongs to.
    pub(crate) title: String,
    /// Its column in the table.
    pub(crate) column: String,
    /// Whether it is one of those that the floors are promised for.
    pub(crate) is_primary: bool,
    pub(crate) unit: Unit,
    pub(crate) runtime: Kind,
    pub(crate) publishers: u64,
    pub(crate) subscribers: u64,
    pub(crate) bytes: u32,
    pub(crate) contenders: Vec<Contender>,
}

/// One who is measured.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    run: Box<dyn FnMut(u64) -> Result<Summary>>,
    /// For each publisher; a multiple of `step`.
    messages: u64,
    step: u64,
    samples: Vec<Sample>,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Ours, with one call a message.
    Ours,
    /// Ours in another way, which is shown but is not what is promised.
    Variant,
    Peer,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    nanos: f64,
    p99: f64,
    lost: u64,
}

/// What came of a contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// The median.
    pub(crate) nanos: f64,
    /// The median of the rounds' slowest of a hundred; only of waits.
    pub(crate) p99: Option<f64>,
    /// How many times faster than the best peer of the cell.
    pub(crate) ratio: Option<f64>,
    /// In all rounds together.
    pub(crate) lost: u64,
}

impl Contender {
    pub(crate) fn new(
        name: &'static str,
        side: Side,
        run: impl FnMut(u64) -> Result<Summary> + 'static,
    ) -> Contender {
        let (run, samples) = (Box::new(run), Vec::new());
        Contender { name, side, run, messages: 2 * STEP, step: STEP, samples }
    }

    /// Few messages are enough: each is waited for.
    pub(crate) fn few(self) -> Contender {
        Contender { messages: 2 * FEW, step: FEW, ..self }
    }

    /// Finds how many messages take that time.
    fn calibrate(&mut self, time: Duration) -> Result<()> {
        for _ in 0..4 {
            let start = Instant::now();
            self.once()?;
            let taken = start.elapsed();
            if taken >= time / 2 {
                break;
            }
            let factor = (time.as_secs_f64() / taken.as_secs_f64().max(1e-6)).min(32.0);
            self.messages = fitting((self.messages as f64 * factor) as u64, self.step);
        }
        Ok(())
    }

    fn once(&mut self) -> Result<Summary> {
        let summary = (self.run)(self.messages).with_context(|| self.name.to_owned())?;
        ensure!(summary.wrong == 0, "{}: {} messages are wrong", self.name, summary.wrong);
        Ok(summary)
    }

    fn measure(&mut self, unit: Unit, publishers: u64, subscribers: u64) -> Result<()> {
        let Summary { nanos, lost, p50, p99, .. } = self.once()?;
        let publishes = (self.messages * publishers) as f64;
        let nanos = match unit {
            Unit::Delivery => nanos as f64 / (publishes * subscribers as f64),
            Unit::Publish => nanos as f64 / publishes,
            Unit::Wait => p50,
        };
        self.samples.push(Sample { nanos, p99, lost });
        Ok(())
    }
}

impl Cell {
    /// Finds how many messages each contender needs.
    pub(crate) fn calibrate(&mut self, time: Duration) -> Result<()> {
        self.contenders.iter_mut().try_for_each(|contender| contender.calibrate(time))
    }

    /// One round.
    pub(crate) fn round(&mut self, number: u32) -> Result<()> {
        let (unit, publishers, subscribers) = (self.unit, self.publishers, self.subscribers);
        let measure = |contender: &mut Contender| contender.measure(unit, publishers, subscribers);
        if number.is_multiple_of(2) {
            self.contenders.iter_mut().try_for_each(measure)
        } else {
            self.contenders.iter_mut().rev().try_for_each(measure)
        }
    }

    /// What came of it, in the order of the contenders.
    pub(crate) fn scores(&self) -> Vec<(&'static str, Side, Score)> {
        let nanos = |contender: &Contender| median(contender.samples.iter().map(|it| it.nanos));
        let peers = self.contenders.iter().filter(|contender| contender.side == Side::Peer);
        let best = peers.filter_map(nanos).min_by(f64::total_cmp);
        let score = |contender: &Contender| {
            let nanos = nanos(contender)?;
            let p99 = (self.unit == Unit::Wait)
                .then(|| median(contender.samples.iter().map(|it| it.p99)))
                .flatten();
            let lost = contender.samples.iter().map(|it| it.lost).sum();
            let score = Score { nanos, p99, ratio: ratio(best, nanos), lost };
            Some((contender.name, contender.side, score))
        };
        self.contenders.iter().filter_map(score).collect()
    }
}

/// The next number that every contender can be given.
fn fitting(messages: u64, step: u64) -> u64 {
    messages.div_ceil(step).saturating_mul(step).clamp(2 * step, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(name: &'static str, side: Side, nanos: u64) -> Contender {
        Contender::new(name, side, move |messages| {
            Ok(Summary { nanos: nanos * messages * 2, lost: 1, ..Summary::default() })
        })
    }

    #[test]
    fn ratios_are_to_the_best_peer() {
        let contenders = vec![
            contender("ours", Side::Ours, 10),
            contender("slow", Side::Peer, 40),
            contender("fast", Side::Peer, 20),
        ];
        let mut cell = Cell {
            title: String::new(),
            column: String::new(),
            is_primary: true,
            unit: Unit::Delivery,
            runtime: Kind::TwoWorkers,
            publishers: 1,
            subscribers: 2,
            bytes: 16,
            contenders,
        };
        (0..3).for_each(|number| cell.round(number).unwrap());
        let scores: Vec<_> =
            cell.scores().into_iter().map(|(name, _, score)| (name, score)).collect();
        let score = |nanos, ratio| Score { nanos, p99: None, ratio: Some(ratio), lost: 3 };
        assert_eq!(
            scores,
            [("ours", score(10.0, 2.0)), ("slow", score(40.0, 0.5)), ("fast", score(20.0, 1.0))]
        );
    }

    #[test]
    fn a_wrong_message_is_an_error() {
        let wrong = Summary { wrong: 1, ..Summary::default() };
        let mut contender = Contender::new("bad", Side::Peer, move |_| Ok(wrong));
        assert!(contender.once().is_err());
    }

    #[test]
    fn messages_come_in_halves_of_the_capacity() {
        assert_eq!(
            [0, 1024, 1025, u64::MAX].map(|messages| fitting(messages, STEP)),
            [1024, 1024, 1536, MOST]
        );
    }
}
