//! `plugin untrust`: takes libraries out of the lock files of their folders, so that they are refused.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, json, path};
use super::target;
use super::trust::failed;
use crate::cli::lines::visible;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::trust::{Editing, Guard, LOCK_FILE};

/// Take libraries out of the lock files of their folders, so that they are refused
#[derive(Clone, Debug, Args)]
pub(crate) struct UntrustArgs {
    /// Plugins, or paths of libraries, which need not be there any more
    #[arg(value_name = "NAME|PATH", required = true)]
    targets: Vec<OsString>,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin untrust`.
#[derive(Debug, Serialize)]
struct UntrustResult {
    /// The libraries that are not approved any more.
    untrusted: Vec<String>,
}

/// Does it.
pub(crate) fn cmd_untrust(context: &Context<'_>, args: UntrustArgs) -> Result<Exit, Failures> {
    let mut failures = Vec::new();
    let mut untrusted = BTreeSet::new();
    for word in &args.targets {
        match find(context, word).and_then(|library| remove(context, library)) {
            Ok(library) => {
                untrusted.insert(path(&library));
            }
            Err(failure) => failures.push(failure),
        }
    }
    let result = UntrustResult { untrusted: untrusted.into_iter().collect() };
    let untrusted = result.untrusted.iter().map(|it| visible(it));
    let text = || untrusted.map(|it| format!("{it}\n  not approved any more\n"));
    let exit = context.reporter.data(&match args.format.format {
        Format::Text => text().collect(),
        Format::Json => json(&result),
    });
    Failures::check(failures)?;
    Ok(exit)
}

/// The library that is meant. Of one that is gone the lock files still know the plugins.
fn find(context: &Context<'_>, word: &OsStr) -> Result<PathBuf, Failure> {
    target::library(context, word).or_else(|unknown| {
        let name = word.to_string_lossy();
        let guard = Guard::new(context.host.policy());
        let entries = context.host.catalog().search_path().entries().iter();
        let locks = entries.filter_map(|entry| guard.lock_of(&entry.dir).ok().flatten());
        let mut listed = locks.flat_map(|lock| {
            let of_name = lock.libraries().filter(|(_, it)| it.plugins.contains_key(&*name));
            of_name.map(|(file, _)| lock.path().with_file_name(file)).collect::<Vec<_>>()
        });
        listed.next().ok_or(unknown)
    })
}

fn remove(context: &Context<'_>, library: PathBuf) -> Result<PathBuf, Failure> {
    let folder = library.parent().unwrap_or(&library);
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let not_in = || {
        let lock = folder.join(LOCK_FILE);
        let message = format!("`{name}` is not in the lock file `{}`", lock.display());
        let hint = format!("`{} plugin verify` lists what is approved", context.name());
        Failure::new(Exit::Config, message).hint(hint)
    };
    let guard = Guard::new(context.host.policy());
    let mut editing = Editing::open(&guard, folder).map_err(failed)?;
    if !editing.remove(&name) {
        return Err(not_in());
    }
    editing.save().map_err(failed)?;
    Ok(library)
}
