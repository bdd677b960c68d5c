//! `plugin check`: whether a library may be loaded here, wherever it lies, or by a host of another ABI.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path, table};
use super::refusal::ReasonResult;
use super::run_path::{RunPathResult, run_path_text};
use crate::discover::abi::is_version;
use crate::discover::{Finds, Refused};
use crate::error::Failures;
use crate::exit::Exit;

/// Tell whether libraries may be loaded here, and why not; they need not be in a plugins folder
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
With --against the ABI is judged by what the file says of its version, and the promise of which \
versions a host covers; what the library really has is compared by the host that loads it. All else is \
judged as it is here.

Exit codes: 0 when each may be loaded with all its plugins; else 4 when one is not trusted, and 3 when \
all that are refused are so for something else")]
pub(crate) struct CheckArgs {
    /// The files of libraries
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Tell whether a host of this version of the ABI would load them, instead of this host
    #[arg(long, value_name = "VERSION", value_parser = abi_version)]
    against: Option<String>,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin check`.
#[derive(Debug, Serialize)]
struct CheckResult {
    /// The version of the ABI that was asked about; `null` where it was this host's own.
    against: Option<String>,
    /// One for each path, in the order in which they were given.
    libraries: Vec<LibraryResult>,
}

/// The verdict on one library.
#[derive(Debug, Serialize)]
struct LibraryResult {
    /// Its file, as it was given.
    path: String,
    /// `usable` with all its plugins, `partly` with some of them, or `refused`.
    verdict: &'static str,
    /// The plugins that can be used.
    plugins: Vec<PluginResult>,
    /// Why it, or some of its plugins, cannot be used.
    reasons: Vec<RefusedResult>,
    /// Where it has what it needs looked for though others may put something there.
    run_path: Vec<RunPathResult>,
}

/// A plugin that can be used.
#[derive(Debug, Serialize)]
struct PluginResult {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// One line about it.
    summary: String,
}

/// Why something cannot be used.
#[derive(Debug, Serialize)]
pub(super) struct RefusedResult {
    /// The names of the plugins that it is about, as far as they are known.
    plugins: Vec<String>,
    #[serde(flatten)]
    pub(super) reason: ReasonResult,
}

impl RefusedResult {
    pub(super) fn of(refused: &Refused) -> Self {
        RefusedResult {
            plugins: refused.plugins.clone(),
            reason: ReasonResult::in_full(&refused.reason),
        }
    }
}

/// Does it.
pub(crate) fn cmd_check(context: &Context<'_>, args: CheckArgs) -> Result<Exit, Failures> {
    let against = args.against.as_deref();
    let judge = |path: &PathBuf| match against {
        Some(abi) => context.judge_against(path, abi),
        None => context.judge(path),
    };
    let examined: Vec<_> = args.paths.iter().map(judge).collect();
    let columns = context.reporter.terminal.columns;
    let checked = args.paths.iter().zip(&examined);
    let libraries: Vec<_> = checked.map(|(path, it)| library(context, path, it)).collect();
    let printed = context.reporter.data(&match args.format.format {
        Format::Text => libraries.iter().map(|it| text(it, against, columns)).collect(),
        Format::Json => json(&CheckResult { against: args.against.clone(), libraries }),
    });
    let refused = examined.iter().flat_map(|it| &it.refused);
    Ok(refused.map(|it| it.reason.exit()).fold(printed, Exit::worst))
}

fn abi_version(text: &str) -> Result<String, &'static str> {
    if is_version(text) {
        Ok(text.to_owned())
    } else {
        Err("a version is three numbers, as in 0.1.0")
    }
}

pub(super) fn verdict(examined: &Finds) -> &'static str {
    match (examined.candidates.is_empty(), examined.refused.is_empty()) {
        (_, true) => "usable",
        (false, false) => "partly",
        (true, false) => "refused",
    }
}

fn library(context: &Context<'_>, file: &Path, examined: &Finds) -> LibraryResult {
    let plugins = examined.candidates.iter().map(|it| PluginResult {
        name: it.facts().name.clone(),
        version: it.facts().version.clone(),
        summary: it.facts().summary.clone(),
    });
    let reasons = examined.refused.iter().map(RefusedResult::of);
    LibraryResult {
        path: path(file),
        verdict: verdict(examined),
        plugins: plugins.collect(),
        reasons: reasons.collect(),
        run_path: context.run_path(file),
    }
}

fn text(library: &LibraryResult, against: Option<&str>, columns: u16) -> String {
    let verdict = match library.verdict {
        "partly" => "only some of its plugins can be used",
        other => other,
    };
    let plugins = library.plugins.iter();
    let rows: Vec<_> = plugins.map(|it| [&it.name, &it.version, &it.summary]).collect();
    let reasons: String = library.reasons.iter().map(|it| it.reason.text(columns)).collect();
    let by = against.map(|abi| format!(" by a host of ABI {abi}")).unwrap_or_default();
    indented(&format!("{}: {verdict}{by}", library.path), 0, u16::MAX)
        + &table(&rows, 2, columns)
        + &reasons
        + &run_path_text(&library.run_path, columns)
}
