//! What each of the commands is given: the host, and where to print.

use crate::cli::report::Reporter;
use crate::host::Host;

/// What a command works on.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The host, as the options before the command describe it.
    pub(crate) host: &'a Host,
    /// Where results go.
    pub(crate) reporter: &'a Reporter,
}

impl Context<'_> {
    /// The host's name, for messages that name a command.
    pub(crate) fn name(&self) -> &str {
        self.host.name()
    }
}
