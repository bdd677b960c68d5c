//! `plugin remove`: deletes libraries, and takes them out of the lock files of their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::DLL_SUFFIX;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, json, path};
use super::target;
use super::trust::failed;
use crate::cli::lines::visible;
use crate::discover::is_library_name;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::files;
use crate::trust::{Editing, Guard, signature_of};

/// Delete the libraries of plugins, and take them out of the lock files of their folders
#[derive(Clone, Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Plugins, or paths of libraries
    #[arg(value_name = "NAME|PATH", required = true)]
    targets: Vec<OsString>,

    /// Delete a library even if it has plugins that are not named
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin remove`.
#[derive(Debug, Serialize)]
struct RemoveResult {
    /// What was deleted.
    removed: Vec<Removed>,
}

/// One library that was deleted.
#[derive(Debug, Serialize)]
struct Removed {
    /// Its file.
    library: String,
    /// The plugins that went with it.
    plugins: Vec<String>,
    /// Whether it was in the lock file.
    was_approved: bool,
}

/// Does it.
pub(crate) fn cmd_remove(context: &Context<'_>, args: RemoveArgs) -> Result<Exit, Failures> {
    let mut failures = Vec::new();
    let mut libraries = BTreeMap::<PathBuf, BTreeSet<String>>::new();
    for word in &args.targets {
        match target::library(context, word) {
            Ok(library) if library.symlink_metadata().is_err() => {
                let message = format!("there is no `{}`", library.display());
                failures.push(Failure::new(Exit::Usage, message).hint("see how it is spelt"));
            }
            Ok(library) if !is_library_name(&library) => failures.push(no_library(&library)),
            Ok(library) => {
                let named = libraries.entry(library).or_default();
                named.insert(word.to_string_lossy().into_owned());
            }
            Err(failure) => failures.push(failure),
        }
    }
    let libraries: Vec<_> = libraries
        .into_iter()
        .map(|(library, named)| {
            let plugins = plugins(&library);
            let by_path = named.iter().any(|word| target::is_path(word.as_ref()));
            let rest: Vec<_> = plugins.iter().filter(|it| !named.contains(*it)).collect();
            if !rest.is_empty() && !by_path && !args.force {
                failures.push(more(&library, &rest));
            }
            (library, plugins)
        })
        .collect();
    let guard = Guard::new(context.host.policy());
    let folders: BTreeSet<_> = libraries.iter().map(|(library, _)| folder_of(library)).collect();
    let faults = folders.into_iter().filter_map(|folder| guard.lock_of(folder).err());
    failures.extend(faults.map(|fault| target::distrusted(&fault)));
    // So far nothing is deleted. What goes wrong from now on keeps none of the others from being so.
    Failures::check(failures)?;
    let mut removed = Vec::new();
    let mut failures = Vec::new();
    for (library, plugins) in libraries {
        match remove(&guard, &library) {
            Ok(was_approved) => {
                removed.push(Removed { library: path(&library), plugins, was_approved });
            }
            Err(failure) => failures.push(failure),
        }
    }
    let result = RemoveResult { removed };
    let exit = context.reporter.data(&match args.format.format {
        Format::Text => text(&result),
        Format::Json => json(&result),
    });
    Failures::check(failures)?;
    Ok(exit)
}

/// A path that leads to something else is more likely a slip than a wish.
fn no_library(file: &Path) -> Failure {
    let message = format!("`{}` is not named as a library, so it is not deleted", file.display());
    let hint = format!("libraries end in `{DLL_SUFFIX}` here; delete anything else by yourself");
    Failure::new(Exit::Usage, message).hint(hint)
}

fn folder_of(library: &Path) -> &Path {
    library.parent().unwrap_or(library)
}

/// The names of a library's plugins, as far as it tells.
fn plugins(library: &Path) -> Vec<String> {
    let plugins = target::descriptor(library).map(|it| it.plugins).unwrap_or_default();
    plugins.into_iter().map(|it| it.name).collect()
}

fn more(library: &Path, rest: &[&String]) -> Failure {
    let rest: Vec<_> = rest.iter().map(|it| format!("`{it}`")).collect();
    let message = format!("`{}` also holds {}", library.display(), rest.join(", "));
    Failure::new(Exit::Usage, message).hint("name them too, or give `--force`")
}

/// Deletes a library with its signature; whether it was approved. Nothing is deleted where the lock file could
/// not be written then.
fn remove(guard: &Guard, library: &Path) -> Result<bool, Failure> {
    let gone = |error: io::Error| {
        Failure::from_error(Exit::Config, &error)
            .context(format!("`{}` cannot be deleted", library.display()))
            .hint("see that you may write to its folder")
    };
    let mut editing = Editing::open(guard, folder_of(library)).map_err(failed)?;
    let was_approved = editing.remove(&library.file_name().unwrap_or_default().to_string_lossy());
    let lock = was_approved.then(|| editing.stage()).transpose().map_err(failed)?;
    fs::remove_file(library).map_err(gone)?;
    files::remove(&signature_of(library)).map_err(gone)?;
    if let Some(lock) = lock {
        editing.place(lock).map_err(failed)?;
    }
    Ok(was_approved)
}

/// A library a paragraph.
fn text(result: &RemoveResult) -> String {
    let told = result.removed.iter().map(|it| {
        let plugins =
            if it.plugins.is_empty() { "no plugins".into() } else { it.plugins.join(", ") };
        format!("{}\n  removed, with {plugins}\n", visible(&it.library))
    });
    told.collect()
}
