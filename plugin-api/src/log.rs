//! A stand-in until logs are merged: nothing is installed.

use lifespan_abi::{LogSinkBox, Report};

pub(crate) fn install(_sink: LogSinkBox, _filter: &str) -> Result<(), Report> {
    Ok(())
}

pub(crate) fn set_filter(_text: &str) {}

/// What to tell an author whose code tried to install logging of its own.
pub(crate) fn explain(message: &str) -> Option<&'static str> {
    let signs = ["global default trace dispatcher", "SetLoggerError"];
    signs
        .iter()
        .any(|sign| message.contains(sign))
        .then_some("the host owns the log: remove the call that installs a subscriber")
}
