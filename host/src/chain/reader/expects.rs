//! What may stand where a stage's words end: for completion, which knows no next word yet.

use lifespan_abi::{ArgSpec, CommandSpec};

use super::{Mode, Open, Reader};

/// What a stage makes of a next word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expects<'s> {
    /// What a plain word would be a value of.
    pub(crate) value: Option<&'s ArgSpec>,
    /// Whether whatever comes is that value.
    pub(crate) only_value: bool,
    /// The command, or the subcommand that was reached, if options of it may come.
    pub(crate) options: Option<&'s CommandSpec>,
    /// Whether one of its subcommands may come.
    pub(crate) subcommands: bool,
    /// Whether the stage may end here, so that the next one may begin.
    pub(crate) may_end: bool,
}

impl<'s> Reader<'s> {
    /// What may come next.
    pub(in crate::chain) fn expects(self) -> Expects<'s> {
        let only = |value| Expects {
            value,
            only_value: true,
            options: None,
            subcommands: false,
            may_end: false,
        };
        let value = match self.open {
            Open::Option(arg, values) if values < arg.min_values => return only(Some(arg)),
            Open::Option(arg, _) => Some(arg),
            Open::Positional(_) | Open::Nothing => {
                self.place().filter(|arg| !arg.last && !self.is_full(arg))
            }
        };
        match self.mode {
            Mode::Rest => only(self.place().or(self.last())),
            Mode::Lost => Expects { value: None, only_value: false, ..self.between(true) },
            Mode::Following => {
                let may_end = !self.lacks_positional();
                Expects { value, only_value: false, ..self.between(may_end) }
            }
        }
    }

    fn between(self, may_end: bool) -> Expects<'s> {
        let subcommands = self.takes_subcommands();
        Expects {
            value: None,
            only_value: false,
            options: Some(self.command),
            subcommands,
            may_end: may_end && !(subcommands && self.command.subcommand_required),
        }
    }

    /// The positional that only `--` leads to.
    fn last(self) -> Option<&'s ArgSpec> {
        self.command.args.iter().find(|arg| arg.last)
    }
}
