//! `cargo xtask bench isolation`: how late a plugin's messages come while another one blocks a thread,
//! beside how late they come without it.
//!
//! One plugin sends 1,000 messages a second to another, both on the host's workers. For 5 seconds a
//! third one blocks a thread: of a tokio runtime of its own, or, to compare, of the host's. Rounds are
//! interleaved, so that whatever else the machine does falls on all; what is reported are medians of
//! each round's percentiles, and of their ratio within a round.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::median;
use crate::shell;

/// How many rounds are measured.
pub(crate) const ISOLATION_ROUNDS: usize = 5;

/// What blocks meanwhile.
const ROWS: [(&str, &str); 3] = [
    ("nobody blocks", ""),
    ("a tokio plugin blocks its thread", "hog"),
    ("a plugin blocks a worker", "hog-worker"),
];

/// The latencies of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Late {
    half: Duration,
    ninety_nine: Duration,
    most: Duration,
}

/// Measures and reports.
pub(crate) fn isolation(rounds: usize) -> Result<()> {
    ensure!(rounds > 0, "no rounds were asked for");
    for package in ["lifespan-bench-isolation", "lifespan"] {
        shell::must(&mut shell::cargo(["build", "--release", "--package", package]))?;
    }
    let mut late = [const { Vec::new() }; ROWS.len()];
    for _ in 0..rounds {
        for ((_, hog), late) in ROWS.iter().zip(&mut late) {
            late.push(measure(hog)?);
        }
    }
    shell::say(&format!("latency of a message, medians of {rounds} rounds"));
    shell::say(&format!("{:34} {:>10} {:>10} {:>10} {:>8}", "", "50 %", "99 %", "most", "ratio"));
    for ((name, _), row) in ROWS.iter().zip(&late) {
        let of = |part: fn(&Late) -> Duration| {
            median(row.iter().map(part).collect()).unwrap_or_default()
        };
        let ratios = row.iter().zip(&late[0]).map(|(with, without)| {
            with.ninety_nine.as_secs_f64() / without.ninety_nine.as_secs_f64().max(1e-9)
        });
        let ratio = median(ratios.collect()).unwrap_or(f64::NAN);
        let [half, ninety_nine, most] =
            [of(|it| it.half), of(|it| it.ninety_nine), of(|it| it.most)].map(micros);
        shell::say(&format!("{name:34} {half:>10} {ninety_nine:>10} {most:>10} {ratio:>7.2}x"));
    }
    Ok(())
}

/// One run, with that plugin beside the two.
fn measure(hog: &str) -> Result<Late> {
    let folder = shell::profile_dir(true)?;
    let file = folder.join(format!("bench-isolation-{}.txt", std::process::id()));
    let mut host = Command::new(folder.join("lifespan"));
    host.arg("--plugin-dir").arg(&folder).args(["--log", "off", "--until", "listen", "pace"]);
    host.args(["listen", "--to"]).arg(&file);
    if !hog.is_empty() {
        host.arg(hog);
    }
    shell::must(host.stdin(Stdio::null()))?;
    let text = fs::read_to_string(&file).context("the host has written no latencies")?;
    fs::remove_file(&file)?;
    let late: Result<Vec<u64>, _> = text.lines().map(str::parse).collect();
    percentiles(late?).context("there are no latencies")
}

fn percentiles(mut nanos: Vec<u64>) -> Option<Late> {
    nanos.sort_unstable();
    let at = |percent: usize| {
        let place = (nanos.len() * percent).div_ceil(100).saturating_sub(1);
        nanos.get(place).copied().map(Duration::from_nanos)
    };
    Some(Late { half: at(50)?, ninety_nine: at(99)?, most: at(100)? })
}

fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let late = percentiles((1..=200).rev().collect()).unwrap();
        let nanos = [late.half, late.ninety_nine, late.most].map(|it| it.as_nanos());
        assert_eq!(nanos, [100, 198, 200]);
        assert_eq!(percentiles(vec![7]).map(|it| it.ninety_nine.as_nanos()), Some(7));
        assert_eq!(percentiles(Vec::new()), None);
    }
}
