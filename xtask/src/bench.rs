//! `cargo xtask bench …`: what is compared with others. Each comparison is a module.

mod bus;
mod isolation;
mod folder;
mod sdk;
mod startup;

use std::cmp::Ordering;
use std::env;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Result, bail};

pub(crate) use self::bus::bus;
pub(crate) use self::folder::folder;
pub(crate) use self::isolation::{ISOLATION_ROUNDS, isolation};
pub(crate) use self::sdk::sdk;
pub(crate) use self::startup::{ROUNDS, startup};
use crate::shell;

/// Names a Python in which the package can be imported.
const PYTHON: &str = "LIFESPAN_BENCH_PYTHON";

/// The first Python that has the package that this project carries over: 3.13 where it is there.
fn python() -> Result<String> {
    let named = env::var(PYTHON).ok();
    let candidates = match &named {
        Some(named) => vec![named.as_str()],
        None => vec!["python3.13", "python3"],
    };
    for python in &candidates {
        let asked = shell::ask(Command::new(python).args(["-c", "import click_async_plugins"]));
        if asked.is_ok_and(|(ok, _)| ok) {
            return Ok((*python).to_owned());
        }
    }
    bail!("none of {} can import click_async_plugins", candidates.join(", "))
}

/// The value in the middle, or above it where there are two.
fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> Option<T> {
    // Nothing that is measured is not a number.
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    values.get(values.len() / 2).copied()
}

/// The processor, where the system tells, and how many of its cores there are.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor without a name", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {model}")
}

/// Says that the part with the Python package is left out.
fn without_python(error: &anyhow::Error) {
    shell::say(&format!("without the Python package: {error:#}"));
    shell::say(&format!("`pip install click-async-plugins`, and name that Python in {PYTHON}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_one_of_the_values() {
        assert_eq!(median(vec![5, 1, 3]), Some(3));
        assert_eq!(median(vec![2.5, 0.5, 1.5, 4.0]), Some(2.5));
        assert_eq!(median::<u8>(Vec::new()), None);
    }
}
