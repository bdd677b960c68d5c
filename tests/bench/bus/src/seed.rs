//! The same work on the bus of the Python package that this project carries over.
//!
//! Eight subscribers that only count, and eight that each let others run three times for each update.
//! The package keeps the latest value only, so a subscriber that does any work loses updates: its
//! deliveries are what was received, in the time that it took. Ours is run with the same subscribers,
//! each of which gets every message and checks it.
//!
//! `LIFESPAN_BENCH_PYTHON=… cargo xtask bench bus --only Python` measures it. On a virtual machine with two
//! cores of x86-64 Linux, 2026-11-25, medians of 5 rounds, CPython 3.13, deliveries a second:
//!
//! | | that count | that await three times |
//! |---|---|---|
//! | the package | 275 thousand | 180 thousand, 67 % lost |
//! | ours, in process, one thread | 483 million, 1753× | 272 million, none lost, 1513× |
//! | ours, over the ABI, two workers | 243 million, 881× | 150 million, none lost, 834× |

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use lifespan_bench_work::figures::Summary;
use lifespan_bench_work::payload::{Payload, Small};
use lifespan_bench_work::spread::Spread;
use serde_json::{Value, json};

use crate::ours::{IN_PROCESS, InProcess, OVER_ABI, OverAbi};
use crate::stats::median;
use crate::suite::spread_of;

/// How its tables begin.
pub(crate) const TITLE: &str = "beside the Python package";

/// What the Python does.
const SCRIPT: &str = include_str!("seed.py");

const SUBSCRIBERS: u64 = 8;

/// How often a subscriber lets others run, in the two works.
const WORKS: [(u32, &str); 2] = [(0, "that count"), (3, "that each await three times an update")];

const ROUNDS: usize = 5;

/// Both works, by all.
pub(crate) struct Seed {
    works: Vec<Work>,
}

struct Work {
    what: &'static str,
    /// The Python, then ours.
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    runtime: &'static str,
    /// Deliveries in a second.
    rate: f64,
    /// The part of what was published that did not come.
    lost: f64,
}

impl Seed {
    /// Runs both works in turn.
    pub(crate) fn measure(
        python: &Path,
        in_process: &InProcess,
        over_abi: &OverAbi,
    ) -> Result<Seed> {
        let mut works = Vec::new();
        for (yields, what) in WORKS {
            let messages = if yields == 0 { 1 << 17 } else { 1 << 14 };
            let run = Spread { messages, yields, ..spread_of(Small::BYTES, SUBSCRIBERS) };
            let (mut theirs, mut lost, mut linked, mut loaded) =
                (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let (rate, part) = seeds(python, yields)?;
                theirs.push(rate);
                lost.push(part);
                linked.push(rate_of(&run, in_process.spread::<Small>(&run)?)?);
                loaded.push(rate_of(&run, over_abi.spread(&run)?)?);
            }
            let row = |name, runtime, rates: Vec<f64>, lost| {
                anyhow::Ok(Row { name, runtime, rate: median(rates).context("no rounds")?, lost })
            };
            let lost = median(lost).context("no rounds")?;
            works.push(Work {
                what,
                rows: vec![
                    row("click-async-plugins", "asyncio", theirs, lost)?,
                    row(IN_PROCESS, "current thread", linked, 0.0)?,
                    row(OVER_ABI, "2 workers", loaded, 0.0)?,
                ],
            });
        }
        Ok(Seed { works })
    }

    /// As tables.
    pub(crate) fn tables(&self) -> Vec<String> {
        let table = |work: &Work| {
            let mut lines = vec![
                format!("{TITLE}: {SUBSCRIBERS} subscribers {}", work.what),
                format!("  {:39}{:>14}{:>8}{:>10}", "", "deliveries/s", "lost", "ratio"),
            ];
            let first = work.rows.first().map_or(0.0, |row| row.rate);
            for Row { name, runtime, rate, lost } in &work.rows {
                let (name, lost) = (format!("{name}, {runtime}"), 100.0 * lost);
                lines.push(format!("{name:41}{rate:>14.0}{lost:>7.0}%{:>9.0}x", rate / first));
            }
            lines.join("\n")
        };
        self.works.iter().map(table).collect()
    }

    pub(crate) fn json(&self) -> Value {
        let rows = self.works.iter().flat_map(|work| {
            let first = work.rows.first().map_or(0.0, |row| row.rate);
            work.rows.iter().map(move |row| {
                json!({
                    "measure": format!("{SUBSCRIBERS} subscribers {}", work.what),
                    "name": row.name,
                    "runtime": row.runtime,
                    "deliveries_per_second": row.rate,
                    "lost_part": row.lost,
                    "ratio_to_python": row.rate / first,
                })
            })
        });
        rows.collect()
    }
}

/// Deliveries in a second. Ours loses nothing, or it is an error.
fn rate_of(run: &Spread, summary: Summary) -> Result<f64> {
    ensure!(summary.lost == 0 && summary.wrong == 0, "messages were lost: {summary:?}");
    Ok(run.deliveries() as f64 * 1e9 / summary.nanos as f64)
}

/// The Python's deliveries in a second, and the part that it lost.
fn seeds(python: &Path, yields: u32) -> Result<(f64, f64)> {
    let output = Command::new(python)
        .args(["-c", SCRIPT, &SUBSCRIBERS.to_string(), &yields.to_string()])
        .output()
        .with_context(|| format!("cannot run `{}`", python.display()))?;
    if !output.status.success() {
        bail!("the Python failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    read(&String::from_utf8_lossy(&output.stdout)).context("the Python answered something else")
}

/// Seconds, messages published, and messages received over all subscribers.
fn read(answer: &str) -> Option<(f64, f64)> {
    let mut numbers = answer.split_whitespace().map(str::parse::<f64>);
    let mut number = || numbers.next()?.ok();
    let (seconds, published, received) = (number()?, number()?, number()?);
    Some((received / seconds, 1.0 - received / (published * SUBSCRIBERS as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_come_is_lost() {
        assert_eq!(read("2.0 100 400\n"), Some((200.0, 0.5)));
        assert_eq!(read("Traceback"), None);
    }
}
