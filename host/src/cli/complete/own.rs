//! The host's own commands as command specs, so that they are completed as plugins are.
//!
//! They are simple: what a plugin's author may ask of clap beyond this does not occur.

use clap::{Arg, Command};
use lifespan_abi::{ArgAction, ArgSpec, CommandSpec, ValueHint};

/// What a command takes.
pub(crate) fn spec_of(command: &Command) -> CommandSpec {
    let mut command = command.clone();
    // Much of what clap knows of a command it knows only then.
    command.build();
    spec_of_built(&command)
}

fn spec_of_built(command: &Command) -> CommandSpec {
    let mut spec = CommandSpec::default();
    spec.name = command.get_name().into();
    spec.about = command.get_about().map(ToString::to_string);
    spec.args = command.get_arguments().map(spec_of_arg).collect();
    let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    spec.subcommands = visible.map(spec_of_built).collect();
    spec.subcommand_required = command.is_subcommand_required_set();
    spec
}

fn spec_of_arg(arg: &Arg) -> ArgSpec {
    let values = arg.get_num_args().unwrap_or_default();
    let mut spec = ArgSpec::default();
    spec.id = arg.get_id().to_string();
    spec.long = arg.get_long().map(Into::into);
    spec.short = arg.get_short();
    spec.index = arg.get_index();
    spec.action = match arg.get_action() {
        clap::ArgAction::Append => ArgAction::Append,
        clap::ArgAction::Count => ArgAction::Count,
        clap::ArgAction::Set => ArgAction::Set,
        _ => ArgAction::SetTrue,
    };
    spec.min_values = values.min_values();
    spec.max_values = Some(values.max_values()).filter(|&most| most != usize::MAX);
    spec.required = arg.is_required_set();
    spec.last = arg.is_last_set();
    let names = arg.get_value_names().unwrap_or_default();
    spec.value_names = names.iter().map(ToString::to_string).collect();
    let possible = arg.get_possible_values();
    let possible = possible.iter().filter(|value| !value.is_hide_set());
    spec.possible_values = possible.map(|value| value.get_name().into()).collect();
    spec.value_hint = match arg.get_value_hint() {
        clap::ValueHint::AnyPath => ValueHint::AnyPath,
        clap::ValueHint::FilePath => ValueHint::FilePath,
        clap::ValueHint::DirPath => ValueHint::DirPath,
        _ => ValueHint::Unknown,
    };
    spec.help = arg.get_help().map(ToString::to_string);
    spec.hidden = arg.is_hide_set();
    spec
}
