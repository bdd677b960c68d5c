//! `cargo xtask bench startup`: from process start to the first set-up, and resident memory, against
//! the Python package that this project carries over, with the same two plugins.
//!
//! Both programs tell on stderr when they set up the first instance. In each round either is started
//! some times in a row, then once more to look at its memory, then the other: whatever else the machine
//! does falls on both, and neither finds the caches as the other has left them. What is reported are
//! medians and their ratio.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{median, python, without_python};
use crate::{run, shell};

/// How many rounds are measured.
pub(crate) const ROUNDS: usize = 15;

/// The seed's demo with its package; see the file.
const SEED: &str = "xtask/src/bench/seed.py";

/// The line that both programs run.
pub(super) const CHAIN: [&str; 5] = ["countdown", "--from", "3", "echo", "--immediately"];

/// The first set-up is told by a line that has these words and the instance's name.
const SETTING_UP: &str = "setting up";

/// How often a program is started in a row for its time.
const STARTS: usize = 5;

/// How long after it memory is looked at: both programs are counting then.
const SETTLED: Duration = Duration::from_millis(300);

/// Measures and reports.
pub(crate) fn startup(rounds: usize) -> Result<()> {
    run::build(true)?;
    let mut ours = Command::new(shell::profile_dir(true)?.join("lifespan"));
    ours.arg("--plugin-dir").arg(installed()?);
    ours.args(["--color", "never", "-v"]).args(CHAIN);
    let mut theirs = match seed() {
        Ok(command) => Some(command),
        Err(error) => {
            without_python(&error);
            None
        }
    };
    // One to begin with, which does not count.
    start(&mut ours, Duration::ZERO)?;
    theirs.as_mut().map(|theirs| start(theirs, Duration::ZERO)).transpose()?;
    let (mut our_samples, mut their_samples) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        our_samples.round(&mut ours)?;
        if let Some(theirs) = &mut theirs {
            their_samples.round(theirs)?;
        }
    }
    let ours = our_samples.median().context("no rounds were asked for")?;
    let line = CHAIN.join(" ");
    shell::say(&format!("medians of {rounds} rounds of {STARTS} starts each, `{line}`"));
    shell::say(&format!("{:22} {:>12} {:>12}", "", "first set-up", "memory"));
    shell::say(&ours.row("lifespan"));
    if let Some(theirs) = their_samples.median() {
        shell::say(&theirs.row("click-async-plugins"));
        let faster = theirs.first_setup.as_secs_f64() / ours.first_setup.as_secs_f64();
        let smaller = theirs.resident_kib as f64 / ours.resident_kib.max(1) as f64;
        shell::say(&format!("{:22} {faster:>11.1}x {smaller:>11.1}x", "ratio"));
    }
    Ok(())
}

/// A folder with the two plugins and nothing else, as an operator has it: what else has been built must
/// not count.
fn installed() -> Result<PathBuf> {
    let built = shell::profile_dir(true)?;
    let folder = built.join("bench-startup");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for plugin in ["countdown", "echo"] {
        let file = format!("{DLL_PREFIX}{plugin}{DLL_SUFFIX}");
        fs::copy(built.join(&file), folder.join(&file))
            .with_context(|| format!("cannot copy `{file}`"))?;
    }
    Ok(folder)
}

/// What was measured of a program.
#[derive(Debug, Default)]
struct Samples {
    first_setups: Vec<Duration>,
    resident_kib: Vec<u64>,
}

/// The medians of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    /// From process start until the first set-up is told.
    first_setup: Duration,
    /// Resident memory thereafter; 0 where the system does not tell.
    resident_kib: u64,
}

impl Samples {
    fn round(&mut self, command: &mut Command) -> Result<()> {
        for _ in 0..STARTS {
            self.first_setups.push(start(command, Duration::ZERO)?.first_setup);
        }
        self.resident_kib.push(start(command, SETTLED)?.resident_kib);
        Ok(())
    }

    fn median(self) -> Option<Sample> {
        Some(Sample {
            first_setup: median(self.first_setups)?,
            resident_kib: median(self.resident_kib)?,
        })
    }
}

impl Sample {
    fn row(&self, name: &str) -> String {
        let millis = self.first_setup.as_secs_f64() * 1e3;
        let mib = self.resident_kib as f64 / 1024.0;
        format!("{name:22} {millis:>9.1} ms {mib:>8.1} MiB")
    }
}

/// Starts a program, waits for its first set-up, looks at its memory after a while, and ends it.
fn start(command: &mut Command, settled: Duration) -> Result<Sample> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
    let told = first_setup(&mut child, start);
    thread::sleep(settled);
    let resident_kib = resident_kib(child.id());
    child.kill().context("cannot end the program")?;
    child.wait()?;
    Ok(Sample { first_setup: told?, resident_kib })
}

pub(super) fn first_setup(child: &mut Child, start: Instant) -> Result<Duration> {
    let mut lines = BufReader::new(child.stderr.take().context("the child has no stderr")?);
    let (mut line, mut seen) = (String::new(), String::new());
    while lines.read_line(&mut line)? > 0 {
        let time = start.elapsed();
        let low = line.to_lowercase();
        if low.contains(CHAIN[0]) && low.contains(SETTING_UP) {
            // What else the program writes has to go somewhere, until it is ended.
            thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return Ok(time);
        }
        seen.push_str(&line);
        line.clear();
    }
    bail!("the program ended and told of no set-up; it wrote:\n{seen}")
}

/// Resident memory of a process, on Linux.
fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The seed's demo.
fn seed() -> Result<Command> {
    let mut command = Command::new(python()?);
    command.arg(Path::new(&shell::root()).join(SEED)).args(CHAIN);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_of_each_value() {
        let first_setups = [5, 1, 3].map(Duration::from_millis).to_vec();
        let samples = Samples { first_setups, resident_kib: vec![10, 30, 20] };
        let median = Sample { first_setup: Duration::from_millis(3), resident_kib: 20 };
        assert_eq!(samples.median(), Some(median));
        assert_eq!(Samples::default().median(), None);
    }
}
