//! What a role tells of its run: a message to the collector, over a topic like any other.
//!
//! All times are the host's clock. They are taken before the message is made, so that telling is not
//! measured.

use lifespan_plugin_api::Context;
use lifespan_plugin_api::bus::{BusError, Messages, PublishError, Topic};
use lifespan_plugin_api::message::{DecodeError, Encoded};
use serde::{Deserialize, Serialize};

/// The topic's name.
const TOPIC: &str = "bench/figures";

/// One thing that a role tells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Figure {
    /// A publisher is about to publish its first message.
    Began {
        /// When.
        at: u64,
    },
    /// A subscriber has received all that it is to receive.
    Ended {
        /// When.
        at: u64,
        /// Messages that did not come.
        lost: u64,
        /// Messages that came twice, late or damaged.
        wrong: u64,
    },
    /// One of many waits, in nanoseconds: the median, and what one of a hundred exceeds.
    Waits {
        /// The median.
        p50: f64,
        /// The slowest of a hundred.
        p99: f64,
    },
}

/// All that was told, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// From the first publisher's beginning to the last subscriber's end, in nanoseconds.
    pub nanos: u64,
    /// Messages that did not come, over all subscribers.
    pub lost: u64,
    /// Messages that came twice, late or damaged.
    pub wrong: u64,
    /// The median of many waits.
    pub p50: f64,
    /// The slowest of a hundred.
    pub p99: f64,
}

/// Where a role tells.
pub fn topic(ctx: &Context) -> Result<Topic<Encoded<Figure>>, BusError> {
    ctx.topic(TOPIC)
}

/// Tells one.
pub async fn tell(topic: &Topic<Encoded<Figure>>, figure: Figure) -> Result<(), PublishError> {
    topic.publish(Encoded(figure)).await
}

/// Adds up so many figures; `None` if the topic ends before.
///
/// # Errors
///
/// Something else was told.
pub async fn collect(
    figures: &mut Messages<Encoded<Figure>>,
    count: u64,
) -> Result<Option<Summary>, DecodeError> {
    let mut all = Vec::new();
    for _ in 0..count {
        let Some(figure) = figures.recv().await else { return Ok(None) };
        all.push(figure.decode()?);
    }
    Ok(Some(summary(all)))
}

/// Adds up what was told.
pub fn summary(figures: impl IntoIterator<Item = Figure>) -> Summary {
    let (mut summary, mut first, mut last) = (Summary::default(), u64::MAX, 0);
    for figure in figures {
        match figure {
            Figure::Began { at } => first = first.min(at),
            Figure::Ended { at, lost, wrong } => {
                last = last.max(at);
                summary.lost += lost;
                summary.wrong += wrong;
            }
            Figure::Waits { p50, p99 } => (summary.p50, summary.p99) = (p50, p99),
        }
    }
    summary.nanos = last.saturating_sub(first);
    summary
}

/// Median and ninety-ninth percentile of many waits.
pub fn waits(mut samples: Vec<u64>) -> Figure {
    samples.sort_unstable();
    let at = |percent: usize| {
        let place = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
        samples.get(place).map_or(0.0, |nanos| *nanos as f64)
    };
    Figure::Waits { p50: at(50), p99: at(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_from_the_first_beginning_to_the_last_end() {
        let ended = |at, lost| Figure::Ended { at, lost, wrong: 1 };
        let figures =
            [ended(20, 0), Figure::Began { at: 7 }, Figure::Began { at: 5 }, ended(30, 2)];
        let expected = Summary { nanos: 25, lost: 2, wrong: 2, ..Summary::default() };
        assert_eq!(summary(figures), expected);
    }

    #[test]
    fn percentiles_of_waits() {
        assert_eq!(waits((0..1000).rev().collect()), Figure::Waits { p50: 500.0, p99: 990.0 });
        assert_eq!(waits(vec![3]), Figure::Waits { p50: 3.0, p99: 3.0 });
        assert_eq!(waits(Vec::new()), Figure::Waits { p50: 0.0, p99: 0.0 });
    }
}
