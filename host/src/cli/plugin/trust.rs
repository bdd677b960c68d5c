//! `plugin trust`: approves libraries, as they are now, in the lock files of their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path};
use super::run_path::{RunPathResult, run_path_of};
use super::target::{self, Examined};
use crate::cli::disabled::write_hint;
use crate::cli::lines::visible;
use crate::discover::{RefusalReason, libraries_of};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::trust::{Distrust, EditError, Editing, Entry, Guard, LOCK_FILE, Lock};

/// Approve libraries as they are now: the folder's `lifespan.lock` lists them, and from then on nothing
/// else is loaded from that folder
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustArgs {
    /// Plugins, or paths of libraries
    #[arg(value_name = "NAME|PATH", required_unless_present = "all", conflicts_with = "all")]
    targets: Vec<OsString>,

    /// Approve all libraries of plugins in the folders that are searched
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin trust`.
#[derive(Debug, Serialize)]
struct TrustResult {
    /// What is approved now.
    approved: Vec<Approved>,
    /// Libraries in the same folders that are not approved, and are refused for it.
    not_approved: Vec<String>,
}

/// One approved library.
#[derive(Debug, Serialize)]
pub(super) struct Approved {
    /// Its file.
    library: String,
    /// The lock file.
    lock: String,
    /// The digest of its bytes.
    sha256: String,
    /// The digest that was approved before; `null` where none was.
    before: Option<String>,
    /// How many bytes it has.
    size: u64,
    /// The versions of its plugins by their names.
    plugins: BTreeMap<String, String>,
}

/// Does it.
pub(crate) fn cmd_trust(context: &Context<'_>, args: TrustArgs) -> Result<Exit, Failures> {
    let examined = examine(context, &args)?;
    let approved = approve(context, &examined)?;
    let folders: BTreeSet<&Path> = examined.iter().filter_map(|it| it.library.parent()).collect();
    let result = TrustResult {
        approved,
        not_approved: folders.into_iter().flat_map(not_approved).map(|it| path(&it)).collect(),
    };
    let exit = context.reporter.data(&match args.format.format {
        Format::Text => text(&result.approved, context.reporter.terminal.columns),
        Format::Json => json(&result),
    });
    warn(context, &result.not_approved);
    Ok(exit)
}

/// Writes the lock files of the libraries' folders, one after the other. Whatever a library loads from
/// elsewhere is not covered, so that is told.
fn approve(context: &Context<'_>, examined: &[Examined]) -> Result<Vec<Approved>, Failures> {
    let guard = Guard::new(context.host.policy());
    let judged = examined.iter().filter_map(|it| target::judge_place(&guard, &it.library).err());
    Failures::check(judged.collect())?;
    let mut folders = BTreeMap::<&Path, Vec<&Examined>>::new();
    for it in examined {
        folders.entry(it.library.parent().unwrap_or(&it.library)).or_default().push(it);
    }
    let mut approved = Vec::new();
    examined.iter().for_each(|it| warn_of_needs(&guard, it));
    for (folder, libraries) in folders {
        let mut editing = Editing::open(&guard, folder).map_err(failed)?;
        approved.extend(libraries.into_iter().map(|it| enter(&mut editing, it)));
        editing.save().map_err(failed)?;
    }
    Ok(approved)
}

/// Enters a library into the lock file of its folder, which is still to be written.
pub(super) fn enter(editing: &mut Editing, it: &Examined) -> Approved {
    let entry = Entry::of(it.sealed.digest(), it.size, &it.descriptor);
    editing.approve(&it.name, &entry);
    let before = editing.before().and_then(|lock| lock.get(&it.name));
    Approved {
        library: path(&it.library),
        lock: path(&it.library.with_file_name(LOCK_FILE)),
        sha256: entry.sha256.to_string(),
        before: before.map(|it| it.sha256.to_string()),
        size: entry.size,
        plugins: entry.plugins,
    }
}

/// Tells what a library loads from where others may put it: that is not approved with it.
pub(super) fn warn_of_needs(guard: &Guard, it: &Examined) {
    let Ok(copy) = it.sealed.reader() else { return };
    for found in run_path_of(guard, &it.library, copy) {
        let (library, RunPathResult { message, hint, .. }) = (it.library.display(), found);
        tracing::warn!("nobody approves what `{library}` needs: {message}; {hint}");
    }
}

/// A lock file that could not be changed.
pub(super) fn failed(error: EditError) -> Failure {
    match &error {
        EditError::Distrusted(distrust) => target::distrusted(distrust),
        EditError::Io { path, source } => {
            Failure::from_error(Exit::Config, &error).hint(write_hint(path, source))
        }
    }
}

/// The libraries of plugins in a folder with a lock file that are not in it.
pub(super) fn not_approved(folder: &Path) -> Vec<PathBuf> {
    let Ok(lock) = Lock::read(&folder.join(LOCK_FILE)) else { return Vec::new() };
    let files = libraries_of(folder);
    let is_listed = |file: &PathBuf| {
        file.file_name().and_then(|it| it.to_str()).is_some_and(|it| lock.get(it).is_some())
    };
    let is_ours = |file: &PathBuf| target::descriptor(file).is_ok();
    files.into_iter().filter(|file| !is_listed(file) && is_ours(file)).collect()
}

/// Says what a folder's lock file leaves out.
pub(super) fn warn(context: &Context<'_>, not_approved: &[String]) {
    if !not_approved.is_empty() {
        tracing::warn!(
            "not approved, and so refused from now on: {}; `{} plugin trust` approves them too",
            not_approved.join(", "),
            context.name(),
        );
    }
}

/// A library a paragraph.
pub(super) fn text(approved: &[Approved], columns: u16) -> String {
    let mut text = String::new();
    for it in approved {
        let plugins = it.plugins.iter().map(|(name, version)| (name.as_str(), version.as_str()));
        text += &format!("{}\n", visible(&it.library));
        let before = match &it.before {
            Some(before) if *before == it.sha256 => Some("approved before".to_owned()),
            before => before.as_ref().map(|before| format!("before: sha256 {before}")),
        };
        let told = [Some(target::plugins(plugins)), before];
        for line in told.into_iter().flatten().chain([format!("approved: sha256 {}", it.sha256)]) {
            text += &indented(&line, 2, columns);
        }
    }
    if approved.is_empty() {
        text += "there are no libraries of plugins in the folders that are searched\n";
    }
    text
}

/// Why a library alone cannot be trusted, in a folder that can: in a sticky folder anybody may have put one,
/// which keeps nobody from approving the others.
fn is_theirs(guard: &Guard, library: &Path) -> Option<Distrust> {
    guard.walk(library.parent()?).ok()?;
    let fault = guard.walk(library).err()?;
    target::descriptor(library).ok().map(|_| fault)
}

/// Looks at what is meant, all of it. Of all libraries those that are none of plugins are left out.
fn examine(context: &Context<'_>, args: &TrustArgs) -> Result<Vec<Examined>, Failures> {
    let mut libraries = BTreeSet::new();
    let mut failures = Vec::new();
    if args.all {
        libraries.extend(target::all_libraries(context));
    }
    for word in &args.targets {
        match target::library(context, word) {
            Ok(library) => {
                libraries.insert(library);
            }
            Err(failure) => failures.push(failure),
        }
    }
    let guard = Guard::new(context.host.policy());
    let mut examined = Vec::new();
    for library in &libraries {
        if args.all
            && let Some(fault) = is_theirs(&guard, library)
        {
            tracing::warn!("left out: `{}` cannot be trusted: {fault}", library.display());
            continue;
        }
        match target::examine(library) {
            Ok(it) => examined.push(it),
            Err(failure) if args.all => {
                let bystander = RefusalReason::NoDescriptor.to_string();
                if !failure.causes.contains(&bystander) {
                    tracing::warn!("left out: {}: {}", failure.message, failure.causes.join(": "));
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failures::check(failures)?;
    Ok(examined)
}
