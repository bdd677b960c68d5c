//! `cargo xtask bench …`: what is compared with others. Each comparison is a module.

mod bus;
mod isolation;
mod folder;
mod startup;

use std::env;
use std::process::Command;

use anyhow::{Result, bail};

pub(crate) use self::bus::bus;
pub(crate) use self::folder::folder;
pub(crate) use self::isolation::{ISOLATION_ROUNDS, isolation};
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

/// Says that the part with the Python package is left out.
fn without_python(error: &anyhow::Error) {
    shell::say(&format!("without the Python package: {error:#}"));
    shell::say(&format!("`pip install click-async-plugins`, and name that Python in {PYTHON}"));
}
