//! `cargo xtask soak`: builds the program that uses the bus at random, and runs it. What it does and
//! checks stands in its own documentation: `tests/soak/src/main.rs`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::shell;

/// The program.
const PROGRAM: &str = "lifespan-soak";

/// Builds for release, and takes over the exit code.
pub(crate) fn soak(words: &[OsString]) -> Result<ExitCode> {
    shell::must(&mut shell::cargo(["build", "--release", "--package", PROGRAM]))?;
    let program = shell::profile_dir(true)?.join(PROGRAM);
    shell::pass_on(Command::new(program).args(words))
}
