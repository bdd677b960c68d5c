//! `plugin list`: what is in the plugins folders, and what of it cannot be used.

use std::borrow::Cow;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path, table};
use super::refusal::{ReasonResult, RefusalResult};
use crate::cli::check_folders;
use crate::cli::lines::plain;
use crate::discover::{Candidate, Catalog, RefusalReason, Refused};
use crate::error::Failures;
use crate::exit::Exit;

/// List the plugins, and what is refused with its reason
///
/// Nothing is read of a library that was read before and is as it was. So what a lock file approves is
/// compared by its name and size only, and of a signature that is demanded it is seen whether there is one;
/// `check`, `doctor` and `verify` compare its bytes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin list`.
#[derive(Debug, Serialize)]
struct ListResult {
    /// The plugins, in the order of their names; one that several libraries have, once for each.
    plugins: Vec<PluginResult>,
    /// All that is refused: folders, libraries, and single plugins of libraries; the claims of one name
    /// too, and libraries that have nothing to do with plugins.
    refused: Vec<RefusalResult>,
}

/// A plugin whose library may be loaded.
#[derive(Debug, Serialize)]
struct PluginResult {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// One line about it.
    summary: String,
    /// Its library's file; `null` for one that is built in.
    library: Option<String>,
    /// `usable`, or `claimed` where other libraries have a plugin of that name: none is used then.
    state: &'static str,
}

/// Does it.
pub(crate) fn cmd_list(context: &Context<'_>, args: ListArgs) -> Result<Exit, Failures> {
    let catalog = context.host.catalog();
    // All of it will be shown, so there is no use in asking for less before.
    let refused = catalog.refused();
    let columns = context.reporter.terminal.columns;
    let printed = context.reporter.data(&match args.format.format {
        Format::Text => text(catalog, columns, context.is_verbose),
        Format::Json => json(&ListResult {
            plugins: catalog.candidates().iter().map(|it| plugin(catalog, it)).collect(),
            refused: refused.iter().map(RefusalResult::of).collect(),
        }),
    });
    // What can be listed is, all the same.
    check_folders(catalog)?;
    Ok(printed)
}

fn plugin(catalog: &Catalog, candidate: &Candidate) -> PluginResult {
    let facts = candidate.facts();
    PluginResult {
        name: facts.name.clone(),
        version: facts.version.clone(),
        summary: facts.summary.clone(),
        library: candidate.file().map(path),
        state: if is_claimed(catalog, candidate) { "claimed" } else { "usable" },
    }
}

fn is_claimed(catalog: &Catalog, candidate: &Candidate) -> bool {
    catalog.named(candidate.name()).len() > 1
}

/// A table for each folder, then what is refused.
fn text(catalog: &Catalog, columns: u16, is_verbose: bool) -> String {
    let mut text = String::new();
    let mut folders: Vec<(Option<&Path>, Vec<_>)> = vec![(None, Vec::new())];
    for entry in catalog.search_path().entries() {
        if folders.iter().all(|(dir, _)| *dir != Some(entry.dir.as_path())) {
            folders.push((Some(&entry.dir), Vec::new()));
        }
    }
    for plugin in catalog.plugins() {
        let dir = plugin.file().and_then(Path::parent);
        if let Some((_, rows)) = folders.iter_mut().find(|(it, _)| *it == dir) {
            rows.push(row(plugin));
        }
    }
    for (dir, rows) in folders.iter().filter(|(_, rows)| !rows.is_empty()) {
        let heading = dir.map_or("built in".into(), path);
        text += &format!("{}\n{}\n", plain(&heading), table(rows, 2, columns));
    }
    if text.is_empty() {
        text += "no plugin is found\n\n";
    }
    let is_disabled = |it: &&Refused| matches!(it.reason, RefusalReason::Disabled { .. });
    let disabled = catalog.refused().iter().filter(is_disabled);
    text += &section("disabled", disabled, columns);
    // A library that has nothing to do with plugins may lie where it is.
    let refused = catalog.refused().iter().filter(|it| is_verbose || !it.is_bystander());
    text += &section("refused", refused.filter(|it| !is_disabled(it)), columns);
    text.trim_end().to_owned() + "\n"
}

fn row(candidate: &Candidate) -> [Cow<'_, str>; 4] {
    let facts = candidate.facts();
    let file = candidate.file().and_then(Path::file_name).unwrap_or_default();
    let file = match file.to_str() {
        Some(file) => plain(file),
        None => plain(&file.to_string_lossy()).into_owned().into(),
    };
    [facts.name.as_str().into(), facts.version.as_str().into(), file, facts.summary.as_str().into()]
}

/// What is refused, below a heading if there is any.
fn section<'r>(heading: &str, refused: impl Iterator<Item = &'r Refused>, columns: u16) -> String {
    let text: String = refused.map(|it| refusal(it, columns)).collect();
    if text.is_empty() { text } else { format!("{heading}\n{text}\n") }
}

fn refusal(refused: &Refused, columns: u16) -> String {
    let place = refused.place.path().map_or("built in".into(), |it| path(it));
    let plugins = match refused.plugins.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    let reason: String = ReasonResult::of(&refused.reason)
        .text(columns.saturating_sub(2))
        .lines()
        .map(|it| format!("  {it}\n"))
        .collect();
    indented(&format!("{place}{plugins}"), 2, u16::MAX) + &reason
}
