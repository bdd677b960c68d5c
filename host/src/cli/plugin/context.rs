//! What each of the commands is given: the host, and where to print.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use crate::cli::report::Reporter;
use crate::discover::{Finds, Terms, judge_file, judge_file_on};
use crate::host::Host;

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
}

/// What cannot be made absolute (an empty path) is refused as it is.
fn absolute(library: &Path) -> PathBuf {
    path::absolute(library).unwrap_or_else(|_| library.to_owned())
}
