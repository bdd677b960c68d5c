//! `cargo xtask run`: the host with the bundled plugins, built and run.
//!
//! On Unix this program replaces itself by the host, so that a signal reaches the host once.

use std::ffi::OsString;
use std::fs;
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::shell;

/// Builds the host and all plugins, then runs the host where the user stands.
pub(crate) fn run(words: &[OsString]) -> Result<ExitCode> {
    let (release, words) = match words.split_first() {
        Some((first, rest)) if first == "--release" => (true, rest),
        _ => (false, words),
    };
    build(release)?;
    let mut host = host(release)?;
    host.args(words);
    replace(&mut host)
}

/// Builds the host's program and every package in `plugins/`.
pub(crate) fn build(release: bool) -> Result<()> {
    let mut cargo = shell::cargo(["build", "--package", "lifespan"]);
    for package in plugins(&shell::root())? {
        cargo.args(["--package", &package]);
    }
    if release {
        cargo.arg("--release");
    }
    shell::must(&mut cargo)
}

/// The host, told where the plugins lie.
pub(crate) fn host(release: bool) -> Result<Command> {
    let folder = shell::profile_dir(release)?;
    let mut host = Command::new(folder.join("lifespan"));
    // What was just built is the developer's own, whoever else may write to where it was built.
    host.arg("--allow-unsafe-permissions").arg("--plugin-dir").arg(folder);
    Ok(host)
}

/// The names of the packages in `plugins/`.
fn plugins(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("plugins");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let manifest = entry?.path().join("Cargo.toml");
        if let Ok(text) = fs::read_to_string(&manifest) {
            let name = package_name(&text);
            names.push(name.with_context(|| format!("`{}` has no name", manifest.display()))?);
        }
    }
    names.sort();
    Ok(names)
}

/// The first `name = "…"` of a manifest, which in ours is the package's.
fn package_name(manifest: &str) -> Option<String> {
    let value = manifest.lines().find_map(|line| line.strip_prefix("name = \""))?;
    value.split('"').next().map(ToOwned::to_owned)
}

#[cfg(unix)]
fn replace(host: &mut Command) -> Result<ExitCode> {
    Err(host.exec()).context("cannot run the host")
}

#[cfg(not(unix))]
fn replace(host: &mut Command) -> Result<ExitCode> {
    shell::pass_on(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packages_name_is_read_from_its_manifest() {
        let manifest = "[package]\nname = \"echo\"\nversion = \"1.0.0\"\n[[bin]]\nname = \"x\"\n";
        assert_eq!(package_name(manifest).as_deref(), Some("echo"));
        assert_eq!(package_name("[workspace]\n"), None);
    }
}
