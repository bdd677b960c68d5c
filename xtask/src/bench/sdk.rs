//! `cargo xtask bench sdk`: what the SDK costs whoever writes a plugin.
//!
//! * **Size**: the bundled `countdown`, built for release by itself and stripped. It must be below
//!   [`MOST`].
//! * **Time**: the same plugin from nothing: a fresh target folder, with what it depends on downloaded
//!   already; as `cargo build`, and for release.
//! * **A poll** of a plugin's task through the ABI, beside a boxed future with the same body:
//!   `tests/bench/sdk/src/main.rs` measures it, and says how.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::machine;
use crate::shell;

/// How many rounds of polls are measured.
const SDK_ROUNDS: usize = 15;

/// The plugin that is built.
const PLUGIN: [&str; 2] = ["lifespan-countdown", "countdown"];

/// The program that polls.
const PROGRAM: &str = "lifespan-bench-sdk";

/// The most bytes that the stripped library may have.
const MOST: u64 = 1_500_000;

/// The builds from nothing: what they are called, and what they are given.
const BUILDS: [(&str, &[&str]); 2] = [("debug", &[]), ("release", &["--release"])];

/// Measures and reports; the same as JSON into a file, if one is named.
pub(crate) fn sdk(options: &[&str]) -> Result<()> {
    let (mut rounds, mut file) = (SDK_ROUNDS, None);
    for option in options.chunks(2) {
        match option {
            ["--rounds", number] => rounds = number.parse().context("no number of rounds")?,
            ["--json", name] => file = Some(Path::new(name)),
            _ => {
                bail!("the options are `--rounds N` and `--json FILE`, not `{}`", option.join(" "))
            }
        }
    }
    ensure!(rounds > 0, "no rounds were asked for");
    shell::must(&mut shell::cargo(["fetch", "--locked", "--quiet"]))?;
    let polls = polls(rounds)?;
    let mut seconds = Vec::new();
    let mut size = 0;
    for (name, options) in BUILDS {
        let (time, bytes) = from_nothing(name, options)?;
        seconds.push(time);
        size = bytes;
    }
    let machine = machine();
    let today = shell::today();
    shell::say(&format!("the SDK, on {machine}, {today}"));
    shell::say(&format!("{:50} {size:>10} bytes", "`countdown`, release, stripped"));
    for ((name, _), seconds) in BUILDS.iter().zip(&seconds) {
        let what = format!("`countdown` from nothing, {name}");
        shell::say(&format!("{what:50} {seconds:>10.1} s"));
    }
    for row in rows(&polls) {
        let body = if row["keeps_waker"] == true { ", its waker kept" } else { "" };
        let what = format!("a poll: {}{body}", row["name"].as_str().unwrap_or_default());
        let nanos = row["ns_per_poll"].as_f64().unwrap_or(f64::NAN);
        shell::say(&format!("{what:50} {nanos:>10.1} ns"));
    }
    if let Some(file) = file {
        let builds: Vec<_> = BUILDS
            .iter()
            .zip(seconds)
            .map(|((profile, _), seconds)| json!({ "profile": profile, "seconds": seconds }))
            .collect();
        let result = json!({
            "machine": machine,
            "date": today,
            "library_bytes": size,
            "builds": builds,
            "polls": polls,
        });
        fs::write(file, format!("{result:#}\n"))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    ensure!(size < MOST, "the stripped library has {size} bytes, and must have less than {MOST}");
    Ok(())
}

/// Builds the plugin into a folder that has nothing in it: the time in seconds, and the library's size.
fn from_nothing(name: &str, options: &[&str]) -> Result<(f64, u64)> {
    let target = shell::profile_dir(false)?.with_file_name("bench-sdk");
    if target.exists() {
        fs::remove_dir_all(&target)
            .with_context(|| format!("cannot empty `{}`", target.display()))?;
    }
    let mut build = shell::cargo(["build", "--offline", "--locked", "--quiet", "--package"]);
    build.arg(PLUGIN[0]).args(options).env("CARGO_TARGET_DIR", &target);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    let start = Instant::now();
    shell::must(&mut build)?;
    let seconds = start.elapsed().as_secs_f64();
    let library = target.join(name).join(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", PLUGIN[1]));
    let facts = fs::metadata(&library)
        .with_context(|| format!("the build has left no `{}`", library.display()))?;
    fs::remove_dir_all(&target).with_context(|| format!("cannot empty `{}`", target.display()))?;
    Ok((seconds, facts.len()))
}

/// What the program tells.
fn polls(rounds: usize) -> Result<Value> {
    shell::must(&mut shell::cargo(["build", "--release", "--package", PROGRAM]))?;
    let mut program = Command::new(shell::profile_dir(true)?.join(PROGRAM));
    program.args(["--rounds", &rounds.to_string()]);
    let (ok, text) = shell::ask(&mut program)?;
    ensure!(ok, "`{PROGRAM}` failed: {text}");
    let polls = serde_json::from_str(&text).with_context(|| format!("`{PROGRAM}` told {text}"))?;
    ensure!(!rows(&polls).is_empty(), "`{PROGRAM}` has measured nothing: {text}");
    Ok(polls)
}

fn rows(polls: &Value) -> &[Value] {
    polls["rows"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_is_none_is_told_before_anything_is_built() {
        for (options, told) in [
            (&["--quick", "1"][..], "not `--quick 1`"),
            (&["--json"], "not `--json`"),
            (&["--rounds", "many"], "no number of rounds"),
            (&["--rounds", "0"], "no rounds were asked for"),
        ] {
            let error = sdk(options).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
