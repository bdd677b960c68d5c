//! The one module that prints.
//!
//! stdout is data, stderr is talk. What is printed is made by `render`, always with ANSI styles; here
//! they are stripped where the stream does not take them. A reader that has gone away is not an
//! error: the rest is dropped quietly. (Log lines are written by the subscriber that `logging`
//! installs.)

mod render;

use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};

use super::term::Terminal;
use crate::error::Failure;
use crate::exit::Exit;
use crate::lifespan::Outcome;
use crate::plan::Plan;

/// Writes data to stdout; answers how the process should end if nothing else goes wrong.
pub(crate) fn data(terminal: Terminal, text: &str) -> Exit {
    let mut out = AutoStream::new(io::stdout(), choice(terminal.out_color)).lock();
    match quietly(out.write_all(text.as_bytes()).and_then(|()| out.flush())) {
        Ok(()) => Exit::Success,
        Err(error) => {
            let failure = Failure::from_error(Exit::Host, &error);
            failures(terminal, &[failure.context("cannot write to stdout")])
        }
    }
}

/// Writes talk to stderr. There is nowhere to say that this failed.
pub(crate) fn talk(terminal: Terminal, text: &str) {
    let mut err = AutoStream::new(io::stderr(), choice(terminal.err_color)).lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).unwrap_or_default();
}

/// Tells of failures; answers how the process should end because of them.
pub(crate) fn failures(terminal: Terminal, failures: &[Failure]) -> Exit {
    talk(terminal, &render::failures(failures, terminal.wrap));
    failures.iter().map(|failure| failure.exit).fold(Exit::Success, Exit::worst)
}

/// Tells how a run ended where it did not end well; answers how the process should end.
pub(crate) fn outcome(terminal: Terminal, outcome: &Outcome) -> Exit {
    talk(terminal, &render::outcome(outcome, terminal.wrap));
    outcome.exit
}

/// Prints what would be run.
pub(crate) fn plan(terminal: Terminal, plan: &Plan) -> Exit {
    data(terminal, &render::plan(plan))
}

fn choice(color: bool) -> ColorChoice {
    if color { ColorChoice::Always } else { ColorChoice::Never }
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
