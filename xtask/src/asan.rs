//! `cargo xtask asan`: the tests of the ring and of the bus under AddressSanitizer, which sees what is
//! read after it was freed, and what is never freed. Unlike Miri it may run threads at full speed.

use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// Tests that are run.
struct Part {
    package: &'static str,
    /// Those whose names contain one of these; with none, all of the package's.
    tests: &'static [&'static str],
    /// What the sanitizer is told.
    options: &'static str,
}

const PARTS: [Part; 2] = [
    Part { package: "lifespan-ring", tests: &[], options: "" },
    // The host of these tests holds what it has spawned, and that holds the host: it leaks by itself.
    Part { package: "lifespan", tests: &["bus::"], options: "detect_leaks=0" },
];

/// Runs them with the nightly toolchain, and says so where that is missing: elsewhere the option is
/// not known.
pub(crate) fn asan() -> Result<()> {
    let rustc = shell::ask(Command::new("rustup").args(["run", "nightly", "rustc", "-vV"]));
    let host = match rustc {
        Ok((true, text)) => host(&text).context("rustc does not say what it runs on")?,
        Ok((false, text)) => return skip(text.lines().next().unwrap_or("nightly does not run")),
        Err(error) => return skip(&format!("{error:#}")),
    };
    for Part { package, tests, options } in PARTS {
        let mut run = Command::new("rustup");
        run.args(["run", "nightly", "cargo", "test", "--package", package, "--lib"]);
        // With a target, so that macros and build scripts are built without.
        run.args(["--target", &host, "--"]).args(tests).current_dir(shell::root());
        shell::build_apart(&mut run, "asan", &["-Zsanitizer=address"])?;
        shell::must(run.env("ASAN_OPTIONS", options))?;
    }
    Ok(())
}

fn skip(why: &str) -> Result<()> {
    shell::say(&format!("asan: skipped, {why}"));
    shell::say("asan: `rustup toolchain install nightly` installs it");
    Ok(())
}

/// The target that a compiler runs on.
fn host(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_read_from_what_the_compiler_says() {
        let version =
            "rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\n";
        assert_eq!(host(version).as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.95.0"), None);
    }
}
