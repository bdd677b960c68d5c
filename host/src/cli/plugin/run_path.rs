//! Where a library has what it needs looked for, as far as somebody else may put something there.
//!
//! Reads the library's own bytes, and who may write to folders. What is found there is covered by no lock
//! file, so it is named by whatever shows or approves a library.

use std::fs::File;
use std::path::Path;

use serde::Serialize;

use super::format::indented;
use crate::discover::{LooksIn, looks_in, run_path};
use crate::trust::Guard;

/// A folder of a library's run path in which others may put what it then loads.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunPathResult {
    /// The folder, as it stands in the library.
    folder: String,
    /// What is wrong with it, in words, which may change.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: String,
}

/// Those of the library at that path, which is open.
pub(super) fn run_path_of(guard: &Guard, library: &Path, file: File) -> Vec<RunPathResult> {
    let own = library.parent().unwrap_or(library);
    run_path(file).into_iter().filter_map(|folder| judge(guard, own, folder)).collect()
}

fn judge(guard: &Guard, own: &Path, folder: String) -> Option<RunPathResult> {
    const REBUILD: &str = "build it with a run path that begins with `/`, or with none";
    const MAKE: &str =
        "make that folder, so that nobody else can, or build it without that run path";
    let (why, hint) = match looks_in(&folder, own) {
        LooksIn::Anywhere => ("which depends on where one stands".to_owned(), REBUILD.to_owned()),
        LooksIn::Outside => ("which leads out of its own folder".to_owned(), REBUILD.to_owned()),
        LooksIn::Folder(dir) => match guard.walk_there(&dir) {
            Err(distrust) => (format!("and {distrust}"), distrust.hint()),
            Ok(()) if guard.may_be_made(&dir) => {
                ("which is not there, and others may make it".to_owned(), MAKE.to_owned())
            }
            Ok(()) => return None,
        },
    };
    let message = format!("it has what it needs looked for in `{folder}`, {why}");
    Some(RunPathResult { folder, message, hint })
}

/// For people, below the library.
pub(super) fn run_path_text(run_path: &[RunPathResult], columns: u16) -> String {
    let lines = run_path
        .iter()
        .flat_map(|it| [format!("note: {}", it.message), format!("hint: {}", it.hint)]);
    lines.map(|line| indented(&line, 2, columns)).collect()
}
