//! `cargo xtask bench bus`: builds the program that compares the bus with other channels, and the two
//! plugin libraries that it loads, and runs it. What it measures, and how, stands in its own
//! documentation: `tests/bench/bus/src/main.rs`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::bench::{python, without_python};
use crate::shell;

/// The program.
const PROGRAM: &str = "lifespan-bench-bus";

/// What it loads.
const LIBRARIES: [&str; 2] = ["lifespan-bench-publisher", "lifespan-bench-subscriber"];

/// Builds for release, runs where the user stands, and takes over the exit code.
pub(crate) fn bus(words: &[OsString]) -> Result<ExitCode> {
    let packages = LIBRARIES.into_iter().chain([PROGRAM]);
    // Apart, so that neither is built with features that only the other asks for.
    for package in packages {
        shell::must(&mut shell::cargo(["build", "--release", "--package", package]))?;
    }
    let folder = shell::profile_dir(true)?;
    let mut program = Command::new(folder.join(PROGRAM));
    program.arg("--plugins").arg(folder);
    match python() {
        Ok(python) => drop(program.args(["--python", &python])),
        Err(error) => without_python(&error),
    }
    shell::pass_on(program.args(words))
}
