//! The one module that prints.
//!
//! stdout is data, stderr is talk. What is printed is made by `render`, always with ANSI styles; here
//! they are stripped where the stream does not take them. Where logs are JSON, failures are too, so
//! that all of stderr can be read by a program: `json` makes those. A reader that has gone away is not
//! an error: the rest is dropped quietly. stderr is written by `output`, whose queue the log lines of
//! `logging` go through too.
#![deny(
    clippy::wildcard_enum_match_arm,
    reason = "exit codes are matched in full, so that a new one is not forgotten"
)]

mod json;
mod render;

use std::io::{self, ErrorKind, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::logging::LogFormat;
use super::output::Output;
use super::term::Terminal;
use crate::error::Failure;
use crate::exit::Exit;
use crate::lifespan::Outcome;
use crate::plan::Plan;

/// Prints, in the form that the two streams take.
#[derive(Clone)]
pub(crate) struct Reporter {
    /// What the streams can take.
    pub(crate) terminal: Terminal,
    /// The form of failures.
    pub(crate) format: LogFormat,
    /// Where talk goes.
    pub(crate) stderr: Output,
}

impl Reporter {
    /// Writes data to stdout; answers how the process should end if nothing else goes wrong.
    pub(crate) fn data(&self, text: &str) -> Exit {
        // What was said before is seen before.
        self.stderr.flush();
        let written = if self.terminal.out_color {
            let mut out = AutoStream::new(io::stdout(), ColorChoice::Always).lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        } else {
            // At once: what strips styles while it writes does a write a line.
            let text: String = strip_str(text).collect();
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        self.written(written)
    }

    /// Waits until the data that was queued is written, within bounds; answers as
    /// [`data`](Self::data) does.
    pub(crate) fn end_of_data(&self, stdout: &Output) -> Exit {
        if !stdout.flush() {
            tracing::warn!("nobody reads stdout: what was still to be written there is dropped");
        }
        self.written(stdout.failure().map_or(Ok(()), Err))
    }

    fn written(&self, written: io::Result<()>) -> Exit {
        match quietly(written) {
            Ok(()) => Exit::Success,
            Err(error) => {
                let failure = Failure::from_error(Exit::Host, &error);
                self.failures(&[failure.context("cannot write to stdout")])
            }
        }
    }

    /// Writes talk to stderr, and waits for it, within bounds. There is nowhere to say that this
    /// failed.
    pub(crate) fn talk(&self, text: String) {
        self.stderr.talk(text);
        self.stderr.flush();
    }

    /// Tells of failures; answers how the process should end because of them.
    pub(crate) fn failures(&self, failures: &[Failure]) -> Exit {
        self.talk(match self.format {
            LogFormat::Text => render::failures(failures, self.terminal.wrap),
            LogFormat::Json => json::failures(failures),
        });
        failures.iter().map(|failure| failure.exit).fold(Exit::Success, Exit::worst)
    }

    /// Tells how a run ended where it did not end well; answers how the process should end.
    pub(crate) fn outcome(&self, outcome: &Outcome) -> Exit {
        self.talk(match self.format {
            LogFormat::Text => render::outcome(outcome, self.terminal.wrap),
            LogFormat::Json => json::outcome(outcome),
        });
        outcome.exit
    }

    /// Prints what would be run.
    pub(crate) fn plan(&self, plan: &Plan) -> Exit {
        self.data(&render::plan(plan))
    }
}

/// A closed pipe is how a reader says that it has had enough.
fn quietly(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is() {
        assert!(quietly(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(quietly(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
