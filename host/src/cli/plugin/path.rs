//! `plugin path`: the folders in which plugins are looked for, and who named each.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path};
use crate::cli::lines::visible;
use crate::discover::{Origin, Refused, SearchEntry, variable};
use crate::error::Failures;
use crate::exit::Exit;

/// Print the folders in which plugins are looked for, and who named each
#[derive(Clone, Debug, Args)]
pub(crate) struct PathArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin path`.
#[derive(Debug, Serialize)]
struct PathResult {
    /// The folders, in the order in which they are searched.
    folders: Vec<FolderResult>,
    /// The environment variable that may list further ones.
    variable: String,
}

/// One folder of the search path.
#[derive(Debug, Serialize)]
struct FolderResult {
    /// The folder.
    folder: String,
    /// Who named it: `option`, `environment`, `config` (a file), `builder` (this program), or
    /// `default`.
    origin: &'static str,
    /// Whether there is such a folder now.
    exists: bool,
    /// Why it is not searched; `null` where it is, or is one that need not be there.
    fault: Option<String>,
    /// What to do about that.
    hint: Option<String>,
}

/// Does it.
pub(crate) fn cmd_path(context: &Context<'_>, args: PathArgs) -> Result<Exit, Failures> {
    let catalog = context.host.catalog();
    let folder = |entry: &SearchEntry| {
        let refused = catalog.refused_folders().find(|it| it.place.path() == Some(&entry.dir));
        FolderResult {
            folder: path(&entry.dir),
            origin: origin(entry.origin),
            exists: entry.dir.is_dir(),
            fault: refused.map(|it| it.reason.to_string()),
            hint: refused.and_then(Refused::hint),
        }
    };
    let entries = catalog.search_path().entries();
    let result = PathResult {
        folders: entries.iter().map(folder).collect(),
        variable: variable(context.name()),
    };
    Ok(context.reporter.data(&match args.format.format {
        Format::Text => text(entries, &result, context.reporter.terminal.columns),
        Format::Json => json(&result),
    }))
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Option => "option",
        Origin::Environment => "environment",
        Origin::Config => "config",
        Origin::Builder => "builder",
        Origin::Default => "default",
    }
}

/// A folder a line, since paths are long; what there is to say of it is below.
fn text(entries: &[SearchEntry], result: &PathResult, columns: u16) -> String {
    let mut text = String::new();
    for (entry, folder) in entries.iter().zip(&result.folders) {
        let origin = match entry.origin {
            Origin::Environment => format!("from {}", result.variable),
            other => other.to_string().replace('`', ""),
        };
        let missing = if folder.exists || folder.fault.is_some() { "" } else { "; not there yet" };
        text += &format!("{}\n  {origin}{missing}\n", visible(&folder.folder));
        if let Some(fault) = &folder.fault {
            text += &indented(&format!("not searched: {fault}"), 2, columns);
        }
        if let Some(hint) = &folder.hint {
            text += &indented(&format!("hint: {hint}"), 2, columns);
        }
    }
    if entries.is_empty() {
        text += "no folder is searched: there is no home, and none is named\n";
    }
    text
}
