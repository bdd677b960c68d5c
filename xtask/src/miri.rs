//! `cargo xtask miri`: the unsafe code that needs no dlopen, interpreted.

use std::process::Command;

use anyhow::Result;

use crate::shell;

/// The packages whose tests run under Miri.
const PACKAGES: [&str; 1] = ["lifespan-abi"];

/// Runs Miri where it is installed, and says so where it is not.
pub(crate) fn miri() -> Result<()> {
    // Through rustup: the cargo that runs this task knows no other toolchain.
    let installed =
        shell::ask(Command::new("rustup").args(["run", "nightly", "cargo", "miri", "--version"]));
    match installed {
        Ok((true, _)) => {}
        Ok((false, text)) => {
            let why =
                text.lines().find(|line| line.starts_with("error")).unwrap_or("it does not run");
            shell::say(&format!("miri: skipped, {why}"));
            shell::say("miri: `rustup toolchain install nightly --component miri` installs it");
            return Ok(());
        }
        Err(error) => {
            shell::say(&format!("miri: skipped, {error:#}"));
            return Ok(());
        }
    }
    for package in PACKAGES {
        let mut miri = Command::new("rustup");
        miri.args(["run", "nightly", "cargo", "miri", "test", "--package", package]);
        shell::must(miri.current_dir(shell::root()))?;
    }
    Ok(())
}
