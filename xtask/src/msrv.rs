//! The oldest Rust that each side promises to build with: the `rust-version` of its `Cargo.toml` is
//! held against that very toolchain.
//!
//! Installs nothing: where a toolchain is missing, that check is skipped, and it is said.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// The two sides of the boundary: the package, and its folder.
const SIDES: [(&str, &str); 2] = [("lifespan-plugin-api", "plugin-api"), ("lifespan", "host")];

/// Checks each side with the oldest Rust that it names.
pub(crate) fn msrv() -> Result<()> {
    for (package, folder) in SIDES {
        let manifest = shell::root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let version = rust_version(&text)
            .with_context(|| format!("{} has no rust-version", manifest.display()))?;
        let Some(toolchain) = installed(version) else {
            shell::say(&format!("msrv: {package} skipped: Rust {version} is not installed"));
            shell::say(&format!(
                "msrv: `rustup toolchain install {version} --profile minimal` installs it"
            ));
            continue;
        };
        // Through rustup: the cargo that runs this task knows no other toolchain. In a folder of its
        // own, so that what the usual toolchain has built stays.
        let target = shell::profile_dir(false)?.with_file_name("msrv");
        let mut check = Command::new("rustup");
        check.args(["run", &toolchain, "cargo", "check", "--locked", "--package", package]);
        check.arg("--target-dir").arg(target).current_dir(shell::root());
        shell::must(&mut check)?;
        shell::say(&format!("msrv: {package} builds with Rust {version}"));
    }
    Ok(())
}

/// The toolchain of a version, by one of the names that it may be installed under.
fn installed(version: &str) -> Option<String> {
    [version.to_owned(), format!("{version}.0")].into_iter().find(|toolchain| {
        let asked =
            shell::ask(Command::new("rustup").args(["run", toolchain, "cargo", "--version"]));
        asked.is_ok_and(|(ok, _)| ok)
    })
}

/// What a manifest names as the oldest Rust.
fn rust_version(manifest: &str) -> Option<&str> {
    let value = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \""))?;
    value.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_is_read_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\nrust-version = \"1.85\"\n\n[dependencies]\n";
        assert_eq!(rust_version(manifest), Some("1.85"));
        assert_eq!(rust_version("[package]\nrust-version.workspace = true\n"), None);
    }
}
