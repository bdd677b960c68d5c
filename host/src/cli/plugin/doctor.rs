//! `plugin doctor`: everything that looks wrong in the set-up, each with its remedy.
//!
//! Loads nothing, and mends nothing.

mod files;
mod trust;

use std::fs;
use std::io;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path};
use crate::discover::{Catalog, Lookup, RefusalReason, Refused, default_folder};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files::{make_folder, replace};
use crate::order::{OrderError, Requirement, order};

/// Look for everything that is wrong in the set-up, and tell what to do about it
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 when nothing is wrong, else the code with which a chain would \
                        end that needs what is: 3 or 4"
)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin doctor`.
#[derive(Debug, Serialize)]
struct DoctorResult {
    /// How many folders are searched.
    folders: usize,
    /// How many plugins can be used.
    plugins: usize,
    /// All that is worth a word.
    findings: Vec<Finding>,
}

/// Something that is wrong, or worth a word.
#[derive(Debug, Serialize)]
struct Finding {
    /// Whether it is wrong; else it is good to know.
    is_wrong: bool,
    /// The kind of finding: the name of a refusal's reason, or `config`, `config-unchecked`,
    /// `no-folder`, `cache-unwritable`, `requires-missing`, `requires-circle`, `run-path`,
    /// `approved-missing`, `disabled-unknown`.
    reason: &'static str,
    /// The folder, file or plugin that it is about, if it is about one.
    subject: Option<String>,
    /// The finding in words, which may change.
    message: String,
    /// What caused it, outermost first.
    causes: Vec<String>,
    /// What to do about it.
    hint: Option<String>,
    /// Where it stands in a file, for people: its place, its line, and a mark below; `null` where there
    /// is nothing to show.
    pointer: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// Does it.
pub(crate) fn cmd_doctor(context: &Context<'_>, args: DoctorArgs) -> Result<Exit, Failures> {
    let catalog = context.host.catalog();
    // A library that has nothing to do with plugins may lie where it is.
    let is_ours = |it: &&Refused| !matches!(it.reason, RefusalReason::NoDescriptor);
    let mut findings = files::mistakes(context);
    findings.extend(folders(context));
    findings.extend(catalog.refused().iter().filter(is_ours).map(Finding::refused));
    findings.extend(trust::bytes(context));
    findings.extend(needs(catalog));
    findings.extend(cache(catalog));
    findings.extend(trust::run_paths(context));
    findings.extend(trust::approved_missing(context));
    findings.extend(trust::disabled_unknown(context));
    let exit = findings.iter().map(|it| it.exit).fold(Exit::Success, Exit::worst);
    let result = DoctorResult {
        folders: catalog.search_path().entries().iter().filter(|it| it.dir.is_dir()).count(),
        plugins: catalog.plugins().count(),
        findings,
    };
    let printed = context.reporter.data(&match args.format.format {
        Format::Text => text(&result, context.reporter.terminal.columns),
        Format::Json => json(&result),
    });
    Ok(printed.worst(exit))
}

impl Finding {
    fn new(exit: Exit, reason: &'static str, message: String, hint: String) -> Self {
        Finding {
            is_wrong: exit != Exit::Success,
            reason,
            subject: None,
            message,
            causes: Vec::new(),
            hint: Some(hint),
            pointer: None,
            exit,
        }
    }

    fn about(self, subject: impl Into<String>) -> Self {
        Finding { subject: Some(subject.into()), ..self }
    }

    fn refused(refused: &Refused) -> Self {
        let Failure { message, mut causes, .. } =
            Failure::from_error(refused.reason.exit(), &refused.reason);
        causes.extend(refused.reason.details());
        let hint = refused.hint().unwrap_or_default();
        let exit = match refused.reason {
            // Somebody wanted it so.
            RefusalReason::Disabled { .. } | RefusalReason::LeftOut(_) => Exit::Success,
            _ => refused.reason.exit(),
        };
        let finding = Finding::new(exit, refused.reason.name(), message, hint);
        Finding { subject: refused.place.path().map(|it| path(it)), causes, ..finding }
    }
}

/// That nothing is searched. Who has no plugins yet has done nothing wrong.
fn folders(context: &Context<'_>) -> Option<Finding> {
    let entries = context.host.catalog().search_path().entries();
    if entries.iter().any(|it| it.is_explicit() || it.dir.is_dir()) {
        return None;
    }
    let message = "there is no plugins folder".to_owned();
    Some(match default_folder(context.name()) {
        Some(folder) => {
            let hint =
                format!("put plugins into `{}`, or name a folder with --plugin-dir", path(&folder));
            Finding::new(Exit::Success, "no-folder", message, hint).about(path(&folder))
        }
        None => {
            let hint = "name a folder with --plugin-dir: no home is known".to_owned();
            Finding::new(Exit::Config, "no-folder", message, hint)
        }
    })
}

/// Plugins that can never be on a line: what they require is not there, or requires them in turn. Of
/// circles the first is told.
fn needs(catalog: &Catalog) -> Vec<Finding> {
    let plugins = catalog.plugins().map(|it| it.facts());
    let plugins: Vec<_> =
        plugins.map(|it| Requirement { plugin: &it.name, requires: &it.requires }).collect();
    let mut errors = order(&plugins).err().unwrap_or_default();
    let missing = |required: &&String| plugins.iter().all(|it| it.plugin != **required);
    if errors.iter().all(|it| matches!(it, OrderError::Missing { .. })) {
        // A circle is only looked for where nothing is missing.
        let there: Vec<Vec<String>> = plugins
            .iter()
            .map(|it| it.requires.iter().filter(|it| !missing(it)).cloned().collect())
            .collect();
        let plugins = plugins.iter().zip(&there);
        let plugins: Vec<_> =
            plugins.map(|(it, requires)| Requirement { plugin: it.plugin, requires }).collect();
        errors.extend(order(&plugins).err().unwrap_or_default());
    }
    let found = errors.into_iter().map(|error| match error {
        OrderError::Missing { plugin, required } => {
            let (what, hint) = match catalog.get(&required) {
                Lookup::Unknown | Lookup::Found(_) => {
                    ("is not there", format!("get the library with the plugin `{required}`"))
                }
                Lookup::Refused(_) | Lookup::Ambiguous(_) => {
                    ("cannot be used", format!("see what is said of `{required}`"))
                }
            };
            let message = format!("it requires `{required}`, which {what}");
            Finding::new(Exit::Load, "requires-missing", message, hint).about(plugin)
        }
        OrderError::Circle { circle } => {
            let hint = "use versions of them that do not".to_owned();
            let message = format!("they require one another: {}", circle.join(" → "));
            let plugin = circle.first().cloned().unwrap_or_default();
            Finding::new(Exit::Load, "requires-circle", message, hint).about(plugin)
        }
    });
    found.collect()
}

/// That nothing can be kept between runs. It is in nobody's way, and slow where there are many plugins.
fn cache(catalog: &Catalog) -> Option<Finding> {
    if let Some(fault) = catalog.cache_fault() {
        let message = format!("nothing is kept in the cache: {fault}");
        return Some(Finding::new(Exit::Config, fault.name(), message, fault.hint()));
    }
    let dir = catalog.cache_dir()?;
    let error = try_to_write(dir).err()?;
    let message =
        "nothing can be kept in the cache, so each start reads all libraries anew".to_owned();
    let hint = "see that the folder is yours, and that there is room".to_owned();
    let finding = Finding::new(Exit::Config, "cache-unwritable", message, hint).about(path(dir));
    Some(Finding { causes: vec![error.to_string()], ..finding })
}

fn try_to_write(dir: &Path) -> io::Result<()> {
    make_folder(dir)?;
    let file = dir.join("doctor");
    replace(&file, b"")?;
    fs::remove_file(file)
}

fn text(result: &DoctorResult, columns: u16) -> String {
    let wrong = result.findings.iter().filter(|it| it.is_wrong).count();
    let verdict = match wrong {
        0 => "nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        _ => format!("{wrong} things are wrong"),
    };
    let counted = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let [folders, plugins] = [counted(result.folders, "folder"), counted(result.plugins, "plugin")];
    let mut text = indented(&format!("{verdict}; {folders}, {plugins}"), 0, columns);
    for finding in &result.findings {
        let label = if finding.is_wrong { "wrong" } else { "note" };
        let subject = finding.subject.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        text += &format!("\n{}", indented(&format!("{label}{subject}"), 0, u16::MAX));
        text += &indented(&finding.message, 2, columns);
        text += finding.pointer.as_deref().unwrap_or_default();
        for cause in &finding.causes {
            text += &indented(&format!("caused by: {cause}"), 2, columns);
        }
        if let Some(hint) = &finding.hint {
            text += &indented(&format!("hint: {hint}"), 2, columns);
        }
    }
    text
}
