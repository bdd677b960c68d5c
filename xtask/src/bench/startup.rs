//! `cargo xtask bench startup`: from process start to the first set-up, and resident memory, against
//! the Python package that this project carries over, with the same two plugins.
//!
//! Both programs tell on stderr when they set up the first instance. Rounds are interleaved, so that
//! whatever else the machine does falls on both; what is reported are medians and their ratio.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::bench::{python, without_python};
use crate::{run, shell};

/// How many rounds are measured.
pub(crate) const ROUNDS: usize = 15;

/// The seed's demo with its package; see the file.
const SEED: &str = "xtask/src/bench/seed.py";

/// The line that both programs run.
pub(super) const CHAIN: [&str; 5] = ["countdown", "--from", "3", "echo", "--immediately"];

/// The first set-up is told by a line that has these words and the instance's name.
const SETTING_UP: &str = "setting up";

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
    // One round to warm the caches, which does not count.
    measure(&mut ours)?;
    theirs.as_mut().map(measure).transpose()?;
    let (mut our_samples, mut their_samples) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_samples.push(measure(&mut ours)?);
        if let Some(theirs) = &mut theirs {
            their_samples.push(measure(theirs)?);
        }
    }
    let ours = Sample::median(&our_samples).context("no rounds were asked for")?;
    shell::say(&format!("medians of {rounds} rounds, `{}`", CHAIN.join(" ")));
    shell::say(&format!("{:22} {:>12} {:>12}", "", "first set-up", "memory"));
    shell::say(&ours.row("lifespan"));
    if let Some(theirs) = Sample::median(&their_samples) {
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

/// One run of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    /// From process start until the first set-up is told.
    first_setup: Duration,
    /// Resident memory thereafter; 0 where the system does not tell.
    resident_kib: u64,
}

impl Sample {
    /// The median of each value by itself.
    fn median(samples: &[Sample]) -> Option<Sample> {
        let mut times: Vec<_> = samples.iter().map(|sample| sample.first_setup).collect();
        let mut sizes: Vec<_> = samples.iter().map(|sample| sample.resident_kib).collect();
        times.sort();
        sizes.sort();
        let middle = samples.len() / 2;
        Some(Sample { first_setup: *times.get(middle)?, resident_kib: *sizes.get(middle)? })
    }

    fn row(&self, name: &str) -> String {
        let millis = self.first_setup.as_secs_f64() * 1e3;
        let mib = self.resident_kib as f64 / 1024.0;
        format!("{name:22} {millis:>9.1} ms {mib:>8.1} MiB")
    }
}

/// Starts a program, waits for its first set-up, looks at its memory, and ends it.
fn measure(command: &mut Command) -> Result<Sample> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
    let told = first_setup(&mut child, start);
    if told.is_ok() {
        thread::sleep(SETTLED);
    }
    let resident_kib = resident_kib(child.id());
    child.kill().context("cannot end the program")?;
    child.wait()?;
    Ok(Sample { first_setup: told?, resident_kib })
}

/// How long after `start` it tells of its first set-up.
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
        let sample = |millis, resident_kib| Sample {
            first_setup: Duration::from_millis(millis),
            resident_kib,
        };
        let samples = [sample(5, 10), sample(1, 30), sample(3, 20)];
        assert_eq!(Sample::median(&samples), Some(sample(3, 20)));
        assert_eq!(Sample::median(&[]), None);
    }
}
