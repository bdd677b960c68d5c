//! `cargo xtask miri`: the unsafe code that needs no dlopen, interpreted.

use std::process::Command;

use anyhow::Result;

use crate::shell;

/// Tests that run under Miri.
struct Part {
    package: &'static str,
    /// Those whose names contain one of these; with none, all of the package's.
    tests: &'static [&'static str],
}

/// What is run, each by a command of its own. Of the host and the SDK, tests with threads and property
/// tests are left out: interpreted, they would take hours. Those of the ring shrink.
const PARTS: [Part; 4] = [
    Part { package: "lifespan-abi", tests: &[] },
    Part { package: "lifespan-ring", tests: &[] },
    Part { package: "lifespan-plugin-api", tests: &["message::"] },
    Part {
        package: "lifespan",
        tests: &[
            "bus::tests::lifecycle::",
            "bus::tests::modes::",
            "bus::tests::overwriting::",
            "bus::tests::publishing::",
        ],
    },
];

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
    for part in &PARTS {
        let mut miri = Command::new("rustup");
        miri.args(["run", "nightly", "cargo", "miri"]).args(part.arguments());
        shell::must(miri.current_dir(shell::root()))?;
    }
    Ok(())
}

impl Part {
    /// What comes behind `cargo miri`. Without documentation tests, which need programs of their own.
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec!["test", "--package", self.package, "--lib", "--"];
        arguments.extend(self.tests);
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_there() {
        let folders = ["plugin-api/abi/src", "host/ring/src", "plugin-api/src", "host/src"];
        for (part, folder) in PARTS.iter().zip(folders) {
            let folder = shell::root().join(folder);
            assert!(folder.join("lib.rs").is_file(), "{}", folder.display());
            for tests in part.tests {
                // A filter that meets nothing would pass.
                let module = tests.trim_end_matches("::").replace("::", "/");
                let file = folder.join(format!("{module}.rs"));
                assert!(file.is_file(), "{}", file.display());
            }
        }
    }

    #[test]
    fn filters_stand_behind_the_dashes() {
        assert_eq!(PARTS[0].arguments().join(" "), "test --package lifespan-abi --lib --");
        let expected = "test --package lifespan-plugin-api --lib -- message::";
        assert_eq!(PARTS[2].arguments().join(" "), expected);
    }
}
