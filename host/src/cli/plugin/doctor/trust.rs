//! What the doctor finds in what is trusted, and in what is not wanted.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use super::Finding;
use crate::cli::disabled::Disabled;
use crate::cli::plugin::context::Context;
use crate::cli::plugin::format::path;
use crate::cli::plugin::run_path::RunPathResult;
use crate::discover::{Candidate, Lookup, Place, RefusalReason, Refused};
use crate::exit::Exit;
use crate::trust::{Guard, quoted};

/// Libraries whose bytes are not those that were approved, or not signed as they must be: they are listed,
/// and would not be loaded.
pub(super) fn bytes(context: &Context<'_>) -> Vec<Finding> {
    let policy = context.host.policy();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for candidate in context.host.catalog().candidates() {
        let Some(file) = candidate.file().filter(|file| seen.insert(*file)) else { continue };
        if let Err(distrust) = candidate.library().judge_bytes(policy) {
            let reason = RefusalReason::from(distrust);
            let place = Place::File(file.to_owned());
            findings.push(Finding::refused(&Refused { place, plugins: Vec::new(), reason }));
        }
    }
    findings
}

/// Libraries that have what they need looked for where others may put it.
pub(super) fn run_paths(context: &Context<'_>) -> Vec<Finding> {
    let files = context.host.catalog().candidates().iter().filter_map(Candidate::file);
    let found = files.collect::<BTreeSet<_>>().into_iter().flat_map(|library| {
        context.run_path(library).into_iter().map(move |found| {
            let RunPathResult { message, hint, .. } = found;
            Finding::new(Exit::Success, "run-path", message, hint).about(path(library))
        })
    });
    found.collect()
}

/// Libraries that are approved and not there.
pub(super) fn approved_missing(context: &Context<'_>) -> Vec<Finding> {
    let guard = Guard::new(context.host.policy());
    let mut findings = Vec::new();
    for entry in context.host.catalog().search_path().entries() {
        // One that is broken is the reason of a refusal.
        let Ok(Some(lock)) = guard.lock_of(&entry.dir) else { continue };
        for (name, _) in lock.libraries() {
            let library = entry.dir.join(name);
            if library.symlink_metadata().is_ok() {
                continue;
            }
            let message = "it is approved, and not there".to_owned();
            let word = quoted(library.as_os_str());
            let hint = format!("`{} plugin untrust {word}` forgets it", context.name());
            let finding = Finding::new(Exit::Success, "approved-missing", message, hint);
            findings.push(finding.about(path(&library)));
        }
    }
    findings
}

/// Plugins that are disabled and not installed.
pub(super) fn disabled_unknown(context: &Context<'_>) -> Vec<Finding> {
    let guard = Guard::new(context.host.policy());
    let list = Disabled::read(context.name(), &guard).ok().flatten();
    let names = list.map(|list| list.names()).unwrap_or_default();
    let unknown = |name: &String| matches!(context.host.catalog().get(name), Lookup::Unknown);
    let found = names.into_iter().filter(unknown).map(|name| {
        let message = "it is disabled, and not installed".to_owned();
        let word = quoted(OsStr::new(&name));
        let hint = format!("`{} plugin enable {word}` takes it off the list", context.name());
        Finding::new(Exit::Success, "disabled-unknown", message, hint).about(name)
    });
    found.collect()
}
