//! What the doctor finds in what is trusted, and in what is not wanted: worth a word, and wrong for nobody.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use super::Finding;
use crate::cli::disabled::Disabled;
use crate::cli::plugin::context::Context;
use crate::cli::plugin::format::path;
use crate::discover::{Catalog, Lookup, leads_astray, run_path};
use crate::exit::Exit;
use crate::files;
use crate::trust::{Guard, quoted};

/// Libraries that have what they need looked for where it may be anybody's.
pub(super) fn run_paths(catalog: &Catalog) -> Vec<Finding> {
    let places = catalog.plugins().map(|plugin| plugin.place());
    let libraries: BTreeSet<_> = places.filter_map(|place| place.path().cloned()).collect();
    let found = libraries.iter().flat_map(|library| {
        let folders = files::open(library).map(run_path).unwrap_or_default();
        folders.into_iter().filter(|folder| leads_astray(folder)).map(move |folder| {
            let message = format!("it has what it needs looked for in `{folder}`");
            let hint = "build it with a run path that begins with `/`, or with none".to_owned();
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
