//! What each of the commands is given: the host, and where to print.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use super::run_path::{RunPathResult, run_path_of};
use crate::cli::report::Reporter;
use crate::config::Wrong;
use crate::discover::{Finds, Terms, judge_file, judge_file_on};
use crate::files;
use crate::host::Host;
use crate::trust::Guard;

/// What a command works on.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The host, as the options before the command describe it.
    pub(crate) host: &'a Host,
    /// The options themselves, as they stand on the line.
    pub(crate) options: &'a [OsString],
    /// Where results go.
    pub(crate) reporter: &'a Reporter,
    /// Whether more than usual is to be told.
    pub(crate) is_verbose: bool,
    /// What is wrong with the user's files; with anything there, only the doctor gets so far.
    pub(crate) wrong: &'a [Wrong],
}

impl Context<'_> {
    /// The host's name, for messages that name a command.
    pub(crate) fn name(&self) -> &str {
        self.host.name()
    }

    /// What may be used of a library, wherever it lies, and what is refused.
    pub(crate) fn judge(&self, library: &Path) -> Finds {
        judge_file(&absolute(library), self.host.allows_panic_abort(), self.host.policy())
    }

    /// The same for a host of that version of the ABI, which is as this one in all else.
    pub(crate) fn judge_against(&self, library: &Path, abi: &str) -> Finds {
        let terms = Terms { allow_abort: self.host.allows_panic_abort(), abi };
        judge_file_on(&absolute(library), terms, self.host.policy())
    }

    /// Where a library has what it needs looked for though others may put something there.
    pub(super) fn run_path(&self, library: &Path) -> Vec<RunPathResult> {
        let file = absolute(library);
        let guard = Guard::new(self.host.policy());
        files::open(&file).map(|open| run_path_of(&guard, &file, open)).unwrap_or_default()
    }
}

/// What cannot be made absolute (an empty path) is refused as it is.
fn absolute(library: &Path) -> PathBuf {
    path::absolute(library).unwrap_or_else(|_| library.to_owned())
}
