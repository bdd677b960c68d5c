//! `cargo xtask abi`: the surface of the ABI against its version.
//!
//! `surface` reads what crosses from the sources of `lifespan-abi`, `change` judges what is new in it.
//! The recorded surface is `plugin-api/abi/surface.txt`; the rules are in `plugin-api/ABI.md`. Only
//! [`check`] and [`bless`] touch files.

mod change;
mod surface;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::abi::change::{Change, Version};
use crate::abi::surface::{Module, Surface};
use crate::shell;

/// Fails if the surface is not what is recorded for this version.
pub(crate) fn check(root: &Path) -> Result<()> {
    let surface = read(root)?;
    let path = record(root);
    let recorded = fs::read_to_string(&path).with_context(|| {
        format!("cannot read `{}`; `cargo xtask abi --bless` makes it", path.display())
    })?;
    judge(&Surface::from_text(&recorded)?, &surface)?;
    shell::say(&format!("ABI {}: {} items, as recorded", surface.version, surface.items.len()));
    Ok(())
}

/// Records the surface, if its version has moved as far as its changes ask.
pub(crate) fn bless(root: &Path) -> Result<()> {
    let surface = read(root)?;
    let path = record(root);
    if let Ok(recorded) = fs::read_to_string(&path) {
        may_replace(&Surface::from_text(&recorded)?, &surface)?;
    }
    fs::write(&path, surface.to_text())
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    shell::say(&format!("ABI {}: {} items recorded", surface.version, surface.items.len()));
    Ok(())
}

/// Whether the surface is what is recorded.
fn judge(recorded: &Surface, now: &Surface) -> Result<()> {
    if recorded == now {
        return Ok(());
    }
    may_replace(recorded, now)?;
    bail!(
        "ABI {} is not recorded yet: `cargo xtask abi --bless` does it, and CHANGELOG.md says what is new",
        now.version
    );
}

/// Whether the version has moved as far as the changes ask.
fn may_replace(recorded: &Surface, now: &Surface) -> Result<()> {
    let changes = change::changes(recorded, now);
    let Some(worst) = changes.iter().map(|(change, _)| *change).max() else { return Ok(()) };
    let needed = Version::parse(&recorded.version)?.after(worst);
    if Version::parse(&now.version)? >= needed {
        return Ok(());
    }
    let lines: Vec<_> =
        changes.iter().map(|(change, line)| format!("  {change}: {line}")).collect();
    bail!(
        "the ABI's surface has changed and its version has not moved far enough: it is {}, and must be \
         {needed} or later\n{}\nEither undo the change, or set `version` in plugin-api/abi/Cargo.toml \
         (and that of `lifespan-abi` in Cargo.toml), then run `cargo xtask abi --bless`. \
         plugin-api/ABI.md says which changes are which.",
        now.version,
        lines.join("\n"),
    );
}

fn record(root: &Path) -> PathBuf {
    root.join("plugin-api/abi/surface.txt")
}

/// The surface as the sources say it. Anything on it that is not `StableAbi` is an error.
fn read(root: &Path) -> Result<Surface> {
    let package = root.join("plugin-api/abi");
    let manifest =
        fs::read_to_string(package.join("Cargo.toml")).context("cannot read the manifest")?;
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .context("plugin-api/abi/Cargo.toml has no version of its own")?;
    let mut modules = Vec::new();
    collect(&package.join("src"), "", &mut modules)?;
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    surface::read(version, &modules)
}

/// Reads the modules of a folder and of those in it, but their tests.
fn collect(folder: &Path, prefix: &str, modules: &mut Vec<Module>) -> Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{stem}");
        if path.is_dir() {
            collect(&path, &format!("{name}::"), modules)?;
        } else if stem != "tests" {
            modules.push(Module { name, text: fs::read_to_string(&path)? });
        }
    }
    Ok(())
}

/// How much a change asks of the version; see plugin-api/ABI.md.
impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Change::Additive => "additive",
            Change::Breaking => "breaking",
        })
    }
}

#[cfg(test)]
mod tests;
