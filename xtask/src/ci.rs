//! `cargo xtask ci`: everything that continuous integration checks, a step after the other.
//!
//! Cheap steps come first. A step that fails does not keep the others from being run: all mistakes
//! are reported. The last lines are those of the test runner.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::readme::{self, TEST_COMMAND};
use crate::{abi, loom, miri, msrv, newcomer, shell, tidy};

/// The version of cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// A step by its name.
type Step<'a> = (&'static str, &'a mut dyn FnMut() -> Result<()>);

/// Runs all steps, or those that are named.
pub(crate) fn ci(only: &[&str]) -> Result<()> {
    let mut closing = Tally::default();
    let root = shell::root();
    let steps: [Step<'_>; 12] = [
        ("format", &mut || shell::must(&mut shell::cargo(["fmt", "--all", "--check"]))),
        ("tidy", &mut || tidy::check(&root)),
        ("abi", &mut || abi::check(&root)),
        ("deny", &mut deny),
        ("clippy", &mut clippy),
        ("rustdoc", &mut || {
            let mut doc = shell::cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
            shell::must(doc.env("RUSTDOCFLAGS", "-D warnings"))
        }),
        ("msrv", &mut msrv::msrv),
        ("tests", &mut || tests(&mut closing)),
        ("readme", &mut readme::readme),
        ("newcomer", &mut newcomer::newcomer),
        ("loom", &mut loom::loom),
        ("miri", &mut miri::miri),
    ];
    known(only, &steps.each_ref().map(|(name, _)| *name))?;
    let mut times = Vec::new();
    let wanted = steps.into_iter().filter(|(name, _)| only.is_empty() || only.contains(name));
    for (name, step) in wanted {
        shell::say(&format!("\n=== {name}"));
        let start = Instant::now();
        let result = step();
        let time = start.elapsed();
        match &result {
            Ok(()) => shell::say(&format!("=== {name}: ok in {}", seconds(time))),
            Err(error) => {
                shell::say(&format!("=== {name}: FAILED in {}: {error:#}", seconds(time)))
            }
        }
        times.push((name, time, result.is_ok()));
    }
    shell::say("\n=== summary");
    for (name, time, ok) in &times {
        let verdict = if *ok { "ok" } else { "FAILED" };
        shell::say(&format!("{name:8} {:>8} {verdict}", seconds(*time)));
    }
    if only.is_empty() || only.contains(&"tests") {
        shell::say(&closing.line());
    }
    let failed: Vec<_> = times.iter().filter(|(_, _, ok)| !ok).map(|(name, ..)| *name).collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Whether all that is asked for are steps: one that is not would be a check that nobody made.
fn known(only: &[&str], steps: &[&str]) -> Result<()> {
    let unknown: Vec<_> = only.iter().filter(|name| !steps.contains(name)).copied().collect();
    ensure!(
        unknown.is_empty(),
        "there is no such step: {}; the steps are {}",
        unknown.join(", "),
        steps.join(", ")
    );
    Ok(())
}

fn clippy() -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    shell::must(shell::cargo(["clippy", "--workspace", "--all-targets"]).args(deny))?;
    // The host's library as an embedder without a command line builds it.
    let library = ["clippy", "--package", "lifespan", "--lib", "--no-default-features"];
    shell::must(shell::cargo(library).args(deny))?;
    // The SDK as most authors build it: in the workspace it has all of its features.
    let library = ["clippy", "--package", "lifespan-plugin-api", "--lib"];
    shell::must(shell::cargo(library).args(deny))
}

/// Advisories need the network's database: where it cannot be fetched they are skipped, and only they.
fn deny() -> Result<()> {
    let program = cargo_deny()?;
    let deny = |checks: &[&str]| {
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).arg("check").args(checks).current_dir(shell::root());
        command
    };
    shell::must(&mut deny(&["bans", "licenses", "sources"]))?;
    let (ok, text) = shell::ask(&mut deny(&["advisories"]))?;
    if ok {
        shell::say(&text);
    } else if text.contains("failed to fetch advisory database") {
        let why =
            text.lines().find(|line| line.starts_with("fatal:")).unwrap_or("it cannot be fetched");
        shell::say(&format!("advisories were skipped: no advisory database: {why}"));
    } else {
        bail!("cargo-deny has found advisories\n{text}");
    }
    Ok(())
}

/// The command that is cargo-deny, installed below `target/` where there is none.
fn cargo_deny() -> Result<Vec<String>> {
    let works = |words: &[String]| {
        let asked = shell::ask(Command::new(&words[0]).args(&words[1..]).arg("--version"));
        asked.is_ok_and(|(ok, _)| ok)
    };
    let everywhere = vec!["cargo".to_owned(), "deny".to_owned()];
    if works(&everywhere) {
        return Ok(everywhere);
    }
    let profile = shell::profile_dir(false)?;
    let tools = profile.with_file_name("tools");
    let ours = vec![tools.join("bin").join("cargo-deny").to_string_lossy().into_owned()];
    if !works(&ours) {
        let mut install = shell::cargo(["install", "--quiet", "--locked", "cargo-deny"]);
        install.args(["--version", CARGO_DENY, "--root"]).arg(&tools);
        shell::must(&mut install).context("cannot install cargo-deny")?;
    }
    Ok(ours)
}

fn tests(closing: &mut Tally) -> Result<()> {
    let words: Vec<_> = TEST_COMMAND.split(' ').skip(1).collect();
    let ok = shell::watch(shell::cargo(words).arg("--no-fail-fast"), |line| closing.read(line))?;
    ensure!(ok, "tests failed");
    Ok(())
}

/// The test runner's closing lines, added up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    runs: usize,
    failed_runs: usize,
    counts: [usize; 3],
}

/// What is counted in a closing line.
const COUNTED: [&str; 3] = ["passed", "failed", "ignored"];

impl Tally {
    fn read(&mut self, line: &str) {
        let Some(line) = line.strip_prefix("test result: ") else { return };
        self.runs += 1;
        self.failed_runs += usize::from(!line.starts_with("ok"));
        let parts = line.split(['.', ';']).map(str::trim);
        for (number, what) in parts.filter_map(|part| part.split_once(' ')) {
            let slot = COUNTED.iter().position(|counted| *counted == what);
            if let (Some(slot), Ok(number)) = (slot, number.parse::<usize>()) {
                self.counts[slot] += number;
            }
        }
    }

    fn line(&self) -> String {
        let Tally { runs, failed_runs, counts: [passed, failed, ignored] } = self;
        if *runs == 0 {
            return "test result: FAILED. no test was run".to_owned();
        }
        let verdict = if *failed_runs == 0 { "ok" } else { "FAILED" };
        format!(
            "test result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; in {runs} test runs"
        )
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_that_is_not_known_is_told() {
        assert!(known(&[], &["a"]).is_ok());
        assert!(known(&["a"], &["a", "b"]).is_ok());
        let error = known(&["fmt", "a", "x"], &["a", "b"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no such step: fmt, x; the steps are a, b");
    }

    #[test]
    fn closing_lines_are_added_up() {
        let mut tally = Tally::default();
        tally.read("running 3 tests");
        tally.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s");
        tally.read("test result: ok. 39 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s");
        assert_eq!(tally.line(), "test result: ok. 42 passed; 0 failed; 1 ignored; in 2 test runs");
        tally.read("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s");
        assert_eq!(
            tally.line(),
            "test result: FAILED. 43 passed; 2 failed; 1 ignored; in 3 test runs"
        );
        assert!(Tally::default().line().contains("FAILED"));
    }
}
