//! `cargo xtask tidy`: what the house style asks and no compiler checks.
//!
//! * Each `.rs` file opens with `//!`; those in a folder `ui`, `golden` or `compile_fail` are
//!   inputs and outputs of macro tests, and need not.
//! * No file is longer than 600 lines, and none is called `mod.rs`.
//! * The files with unsafe code are exactly those that ARCHITECTURE.md lists: below the heading that
//!   contains the word `unsafe`, each list item or table row begins with a path in backticks; one that
//!   ends with `/` is a folder.
//! * Each file is declared by a `mod` of its parent: one that is not is never compiled, and its tests
//!   never run.
//! * Each package of the workspace takes its lints from the workspace.
//!
//! The rules are functions of texts; [`check`] reads the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use proc_macro2::{TokenStream, TokenTree};

use crate::shell;

/// The most lines of a file.
const MOST_LINES: usize = 600;

/// Folders of inputs and outputs of macro tests, which follow no rule.
const INPUTS: [&str; 3] = ["ui", "golden", "compile_fail"];

/// Folders that are not looked into.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// Reads all files and reports every mistake.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md"));
    let mut mistakes = Vec::new();
    let listed = match &architecture {
        Ok(text) => listed_unsafe(text),
        Err(error) => {
            mistakes.push(format!("ARCHITECTURE.md: cannot be read: {error}"));
            BTreeSet::new()
        }
    };
    mistakes.extend(judge(&files, &listed));
    for mistake in &mistakes {
        shell::complain(mistake);
    }
    ensure!(mistakes.is_empty(), "{} mistakes", mistakes.len());
    shell::say(&format!("{} files are tidy", files.len()));
    Ok(())
}

/// A file by its path from the root, with `/` on every system.
struct SourceFile {
    path: String,
    text: String,
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read `{shown}`"))?;
            files.push(SourceFile { path: shown, text });
        }
    }
    Ok(())
}

/// All mistakes, a line each.
fn judge(files: &[SourceFile], listed: &BTreeSet<String>) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut used = BTreeSet::new();
    for SourceFile { path, text } in files {
        if path.ends_with("Cargo.toml") {
            if text.contains(".workspace = true") && !text.contains("[lints]\nworkspace = true") {
                mistakes.push(format!("{path}: does not take its lints from the workspace"));
            }
            continue;
        }
        let fixture = path.split('/').any(|part| INPUTS.contains(&part));
        if !fixture && !text.starts_with("//!") {
            mistakes.push(format!(
                "{path}:1: does not open with `//!`: what it does, what it must not do"
            ));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            mistakes.push(format!("{path}: has {lines} lines, and {MOST_LINES} are the most"));
        }
        if !fixture && is_orphan(path, files) {
            mistakes.push(format!("{path}: no `mod` declares it, so it is never compiled"));
        }
        if path.ends_with("/mod.rs") {
            mistakes.push(format!("{path}: belongs beside its folder, under the folder's name"));
        }
        if fixture || !has_unsafe(text) {
            continue;
        }
        match listed.iter().find(|entry| covers(entry, path)) {
            Some(entry) => {
                used.insert(entry);
            }
            None => mistakes
                .push(format!("{path}: has unsafe code, and ARCHITECTURE.md does not list it")),
        }
    }
    for stale in listed.iter().filter(|entry| !used.contains(entry)) {
        mistakes.push(format!("ARCHITECTURE.md: lists `{stale}`, which has no unsafe code"));
    }
    mistakes
}

/// Whether a file is none that cargo finds by itself, and no file above declares it as a module.
fn is_orphan(path: &str, files: &[SourceFile]) -> bool {
    let text_of = |path: &str| files.iter().find(|file| file.path == path).map(|file| &file.text);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (package, kind) = folder.rsplit_once('/').unwrap_or(("", folder));
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let by_cargo = ["lib.rs", "main.rs", "build.rs", "mod.rs"].contains(&name)
        || manifests.into_iter().any(|manifest| manifest.text.contains(&format!("/{name}\"")))
        || (["tests", "examples", "benches"].contains(&kind)
            && text_of(&format!("{package}/Cargo.toml")).is_some());
    let declaration = format!("mod {};", name.trim_end_matches(".rs"));
    let above = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
    let mut above = above.iter().filter_map(|path| text_of(path));
    !by_cargo && !above.any(|text| text.contains(&declaration))
}

fn covers(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with('/') && path.starts_with(entry))
}

/// Whether a file says `unsafe` or lifts the lint, in code or in what a macro is given. Comments and
/// strings do not count. A file that cannot be read as Rust counts: it may hide anything.
fn has_unsafe(text: &str) -> bool {
    fn within(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => within(group.stream()),
            TokenTree::Ident(ident) => ident == "unsafe" || ident == "unsafe_code",
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    TokenStream::from_str(text).map_or(true, within)
}

/// The paths that ARCHITECTURE.md lists below its heading about unsafe code.
fn listed_unsafe(architecture: &str) -> BTreeSet<String> {
    let heading = |line: &str| line.starts_with('#');
    let about = |line: &str| heading(line) && line.to_lowercase().contains("unsafe");
    let lines = architecture.lines().skip_while(|line| !about(line)).skip(1);
    let items = lines.take_while(|line| !heading(line)).map(str::trim_start);
    let items = items
        .filter_map(|line| ["* `", "- `", "| `"].iter().find_map(|mark| line.strip_prefix(mark)));
    items.filter_map(|item| item.split('`').next()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests;
