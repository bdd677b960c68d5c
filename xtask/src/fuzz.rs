//! `cargo xtask fuzz`: the descriptor reader under cargo-fuzz, from the corpus in the repository.
//!
//! What it finds on the way stays below `target/fuzz`: the corpus is kept small by hand
//! (`cargo fuzz cmin`), since every test run judges all of it.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// How long it is fuzzed where nobody says it.
pub(crate) const MINUTES: u64 = 10;

/// The one target.
const TARGET: &str = "descriptor";

/// Fuzzes for so many minutes where nightly and cargo-fuzz are installed, and says so where they are
/// not.
pub(crate) fn fuzz(minutes: u64) -> Result<()> {
    let asked = shell::ask(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
    if !asked.is_ok_and(|(ok, _)| ok) {
        shell::say("fuzz: skipped, nightly does not run");
        shell::say("fuzz: `rustup toolchain install nightly` installs it");
        return Ok(());
    }
    let asked = shell::ask(Command::new("cargo-fuzz").arg("--version"));
    if !asked.is_ok_and(|(ok, _)| ok) {
        shell::say("fuzz: skipped, cargo-fuzz is not installed");
        shell::say("fuzz: `cargo install --locked cargo-fuzz` installs it");
        return Ok(());
    }
    let package = shell::root().join("host/fuzz");
    let kept = package.join("corpus").join(TARGET);
    let apart = shell::profile_dir(false)?.with_file_name("fuzz");
    let found = apart.join("corpus");
    let artifacts = apart.join("artifacts");
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut fuzz = Command::new("rustup");
    fuzz.args(["run", "nightly", "cargo", "fuzz", "run", TARGET]);
    fuzz.arg("--fuzz-dir").arg(&package).arg("--target-dir").arg(apart.join("build"));
    // What is found is put into the first folder; the others are read.
    fuzz.arg(&found).arg(&kept);
    fuzz.args(["--", &format!("-max_total_time={}", minutes * 60), "-max_len=65536"]);
    // 1 GiB for one file is far more than anything that is read needs, and so is a minute; a machine
    // that has other things to do may well take ten seconds.
    fuzz.args(["-timeout=60", "-rss_limit_mb=1024"]);
    fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
    shell::must(fuzz.current_dir(shell::root()))
}
