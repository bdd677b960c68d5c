//! The child's side: loads one library, and tells the arguments of its plugins.
//!
//! Began by [`ask`](super::ask), with the host's own options, so that nothing is loaded here that the
//! host would refuse. What the library writes to stdout must not mix with what is told: stdout is taken
//! away from it.

use std::ffi::OsStr;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::{Answer, Told, Trouble};
use crate::discover::{Finds, judge_file};
use crate::error::Failure;
use crate::exit::Exit;
use crate::host::Host;

/// The word that begins the line of a child. It is nobody's name: those have no underscores.
pub(crate) const WORD: &str = "__arguments";

/// Stands before what is told, should anything else be there.
pub(super) const MARK: &str = "\u{1e}arguments ";

/// Loads the library in that file, and tells.
pub(crate) fn tell(host: &Host, file: &OsStr) -> Exit {
    let told = take_stdout().and_then(|mut out| {
        let told = ask(host, Path::new(file));
        let told = serde_json::to_string(&told)?;
        out.write_all(format!("\n{MARK}{told}\n").as_bytes())?;
        out.flush()
    });
    if told.is_ok() { Exit::Success } else { Exit::Host }
}

fn ask(host: &Host, file: &Path) -> Told {
    let Finds { candidates, refused } = judge_file(file, host.allows_panic_abort(), host.policy());
    let mut told = Told::default();
    for candidate in &candidates {
        let library = match host.library(candidate) {
            Ok(library) => library,
            Err(failure) => return Told { trouble: Some(failure.into()), ..Told::default() },
        };
        let answer = match library.command_spec(candidate.name()) {
            Ok(spec) => Answer::Arguments(spec),
            Err(report) => Answer::Trouble(Trouble::from(Failure {
                instance: None,
                ..Failure::plugin(candidate.name(), "command spec", *report)
            })),
        };
        told.plugins.insert(candidate.name().to_owned(), answer);
    }
    if let (true, Some(refused)) = (candidates.is_empty(), refused.first()) {
        let mut failure = Failure::from_error(refused.reason.exit(), &refused.reason);
        failure.hints.extend(refused.hint());
        told.trouble = Some(failure.into());
    }
    told
}

/// stdout for this process alone: what else writes there from now on writes to nobody.
#[cfg(unix)]
fn take_stdout() -> io::Result<File> {
    let out = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(out.into())
}

/// stdout, which others may write to as well.
#[cfg(not(unix))]
fn take_stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}
