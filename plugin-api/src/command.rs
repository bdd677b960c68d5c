//! A stand-in until the description of commands is merged: options and positionals only.

use std::fmt;

use clap::Command;
use lifespan_abi::{ArgAction, ArgSpec, CommandSpec};

/// Why a command cannot be described.
#[derive(Debug)]
pub struct Undescribable;

impl fmt::Display for Undescribable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command cannot be described")
    }
}

impl std::error::Error for Undescribable {}

/// The arguments of a command as data.
pub fn describe(command: &Command) -> Result<CommandSpec, Undescribable> {
    let mut command = command.clone();
    command.build();
    let mut spec = CommandSpec::default();
    spec.name = command.get_name().to_owned();
    spec.args = command.get_arguments().map(argument).collect();
    Ok(spec)
}

fn argument(arg: &clap::Arg) -> ArgSpec {
    let mut spec = ArgSpec::default();
    spec.id = arg.get_id().to_string();
    spec.long = arg.get_long().map(ToOwned::to_owned);
    spec.short = arg.get_short();
    spec.index = arg.get_index();
    spec.required = arg.is_required_set();
    spec.action = match arg.get_action() {
        clap::ArgAction::SetTrue => ArgAction::SetTrue,
        clap::ArgAction::Help | clap::ArgAction::HelpShort | clap::ArgAction::HelpLong => {
            ArgAction::Help
        }
        clap::ArgAction::Version => ArgAction::Version,
        _ => ArgAction::Set,
    };
    if let Some(values) = arg.get_num_args() {
        spec.min_values = values.min_values();
        spec.max_values = Some(values.max_values());
    }
    spec
}
