//! `cargo xtask abi`: the surface of the ABI against its version.
//!
//! `surface` reads what crosses from the sources of `lifespan-abi`, `change` judges what is new in it.
//! The recorded surfaces are the files of `plugin-api/abi/surfaces`, one a version; the rules are in
//! `plugin-api/ABI.md`. Only [`check`] and [`bless`] touch files.

mod change;
mod surface;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::abi::change::{Change, Version};
use crate::abi::surface::{Module, Surface, SurfaceItem};
use crate::shell;

/// Crates whose own types cross too.
const CRATES: [&str; 2] = ["abi_stable", "async-ffi"];

/// What else may be done where the version is the one that is recorded.
const UNRELEASED: &str = " As long as that version is not released, its file in \
                          plugin-api/abi/surfaces may be deleted and recorded anew.";

/// Fails if the surface is not what is recorded for this version.
pub(crate) fn check(root: &Path) -> Result<()> {
    let surface = read(root)?;
    judge(&recorded(root)?, &surface)?;
    shell::say(&format!("ABI {}: {} items, as recorded", surface.version, surface.items.len()));
    Ok(())
}

/// The version of the surface as it is now, and the text that is recorded of it.
pub(crate) fn record_of_now(root: &Path) -> Result<(String, String)> {
    let surface = read(root)?;
    judge(&recorded(root)?, &surface)?;
    Ok((surface.version.clone(), surface.to_text()))
}

/// Records the surface, if its version has moved as far as its changes ask.
pub(crate) fn bless(root: &Path) -> Result<()> {
    let surface = read(root)?;
    may_follow(&recorded(root)?, &surface)?;
    let folder = records(root);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let path = folder.join(format!("{}.txt", surface.version));
    fs::write(&path, surface.to_text())
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    shell::say(&format!("ABI {}: {} items recorded", surface.version, surface.items.len()));
    Ok(())
}

/// Whether the surface is what is recorded of its version.
fn judge(recorded: &[Surface], now: &Surface) -> Result<()> {
    may_follow(recorded, now)?;
    if recorded.contains(now) {
        return Ok(());
    }
    bail!(
        "ABI {} is not recorded yet: `cargo xtask abi --bless` does it, and CHANGELOG.md says what is new",
        now.version
    );
}

/// Whether the version has moved as far as the changes ask since the newest that is recorded.
fn may_follow(recorded: &[Surface], now: &Surface) -> Result<()> {
    recorded.last().map_or(Ok(()), |newest| may_replace(newest, now))
}

/// Whether the version has moved as far as the changes ask.
fn may_replace(recorded: &Surface, now: &Surface) -> Result<()> {
    let (before, after) = (Version::parse(&recorded.version)?, Version::parse(&now.version)?);
    ensure!(
        before <= after,
        "the ABI's version is {after}, and {before} is recorded: a version is never taken back"
    );
    let changes = change::changes(recorded, now);
    let Some(worst) = changes.iter().map(|(change, _)| *change).max() else { return Ok(()) };
    let needed = before.after(worst);
    if after >= needed {
        return Ok(());
    }
    let lines: Vec<_> =
        changes.iter().map(|(change, line)| format!("  {change}: {line}")).collect();
    bail!(
        "the ABI's surface has changed and its version has not moved far enough: it is {}, and must be \
         {needed} or later\n{}\nEither undo the change, or set `version` in plugin-api/abi/Cargo.toml \
         (and that of `lifespan-abi` in Cargo.toml), then run `cargo xtask abi --bless`. \
         plugin-api/ABI.md says which changes are which.{}",
        now.version,
        lines.join("\n"),
        if before == after { UNRELEASED } else { "" },
    );
}

fn records(root: &Path) -> PathBuf {
    root.join("plugin-api/abi/surfaces")
}

/// The surfaces that are recorded, the oldest first.
fn recorded(root: &Path) -> Result<Vec<Surface>> {
    let folder = records(root);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut surfaces = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        let surface = Surface::from_text(&text).with_context(|| format!("`{}`", path.display()))?;
        let named = path.file_stem().is_some_and(|name| *name == *surface.version);
        ensure!(named, "`{}` is of version {}", path.display(), surface.version);
        surfaces.push((Version::parse(&surface.version)?, surface));
    }
    surfaces.sort_by_key(|(version, _)| *version);
    Ok(surfaces.into_iter().map(|(_, surface)| surface).collect())
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
    let mut surface = surface::read(version, &modules)?;
    let workspace = fs::read_to_string(root.join("Cargo.toml"))
        .context("cannot read the workspace's manifest")?;
    for name in CRATES {
        let pinned = pinned(&workspace, name);
        let pinned = pinned.with_context(|| format!("Cargo.toml does not pin `{name}` by `=`"))?;
        surface.items.push(SurfaceItem { head: format!("crate {name}"), parts: vec![pinned] });
    }
    Ok(surface)
}

/// What a manifest requires of a crate, if that is one version.
fn pinned(manifest: &str, name: &str) -> Option<String> {
    let required = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(" = ")?.to_owned());
    manifest.lines().find_map(required).filter(|required| required.contains("\"="))
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
