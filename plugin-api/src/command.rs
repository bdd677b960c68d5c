//! The author's `clap::Command` as data that crosses: what the host needs to split a chain.
//!
//! Reads the command, never changes it, and parses nothing of the user's: values are judged by the
//! author's own clap when the stage is bound. A command whose words the host could not follow is
//! refused with the reason, since a chain that is split wrongly is worse than none.
//!
//! clap says some things only of a built command (`get_num_args`, global arguments, implied actions),
//! and [`clap::Command::build`] goes down into all subcommands at once, which never ends where a
//! deferred command contains itself. So each level is built by itself, down to [`DEEPEST`].

use std::error::Error;
use std::fmt;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Arg, ArgGroup, Command};
use lifespan_abi::{ArgAction, ArgSpec, CommandSpec, ValueHint};

/// How many subcommands may stand one below the other.
const DEEPEST: usize = 16;

/// A name that no author gives to an argument or a subcommand, and a beginning of it.
const PROBE: &str = "lifespan-probe-for-inferred-names";
const PROBE_BEGINNING: &str = "lifespan-probe-for-inferred";

/// Why a command cannot be described; the field is the command's name, below that of its parents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undescribable {
    /// Its subcommands are other programs.
    ExternalSubcommands(String),
    /// It goes by the name under which it was called.
    Multicall(String),
    /// It takes the beginning of a subcommand's name for the whole.
    InferredSubcommands(String),
    /// It is a subcommand that goes by an option.
    FlagSubcommand(String),
    /// Too many subcommands stand one below the other.
    TooDeep(String),
    /// An argument of it does what this version of the SDK has not heard of.
    UnknownAction {
        /// The command's name.
        command: String,
        /// The argument's id.
        arg: String,
    },
}

impl fmt::Display for Undescribable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undescribable::ExternalSubcommands(command) => {
                write!(f, "`{command}` allows external subcommands, which could be any word")
            }
            Undescribable::Multicall(command) => {
                write!(f, "`{command}` is a multicall command, which a stage cannot be")
            }
            Undescribable::InferredSubcommands(command) => {
                write!(f, "`{command}` infers subcommands, so a new one changes what a chain means")
            }
            Undescribable::FlagSubcommand(command) => {
                write!(f, "`{command}` is a subcommand that goes by an option")
            }
            Undescribable::TooDeep(command) => {
                write!(f, "`{command}` has subcommands more than {DEEPEST} levels deep")
            }
            Undescribable::UnknownAction { command, arg } => {
                write!(f, "argument `{arg}` of `{command}` has an action that is not known")
            }
        }
    }
}

impl Error for Undescribable {}

/// Describes an author's command, with all its subcommands. The command must not have been built
/// yet: from one that was, clap would not tell which names it infers.
///
/// # Errors
///
/// The host could not tell where a stage of this command ends.
///
/// # Panics
///
/// Where the author's command contradicts itself, in builds with debug assertions: clap's own checks.
pub fn describe(command: &Command) -> Result<CommandSpec, Undescribable> {
    describe_level(command.clone(), command.get_name(), 0)
}

/// Describes a command that is not built, below a parent that is.
fn describe_level(
    mut command: Command,
    path: &str,
    depth: usize,
) -> Result<CommandSpec, Undescribable> {
    if depth > DEEPEST {
        return Err(Undescribable::TooDeep(path.into()));
    }
    if command.is_multicall_set() {
        return Err(Undescribable::Multicall(path.into()));
    }
    let as_written = command.clone();
    build_level(&mut command);
    if command.is_allow_external_subcommands_set() {
        return Err(Undescribable::ExternalSubcommands(path.into()));
    }
    if command.has_subcommands() && infers_subcommands(as_written.clone()) {
        return Err(Undescribable::InferredSubcommands(path.into()));
    }

    let mut spec = CommandSpec::default();
    spec.name = command.get_name().into();
    spec.aliases = command.get_all_aliases().map(Into::into).collect();
    spec.about = first_line(command.get_about());
    spec.args = command
        .get_arguments()
        .map(|arg| describe_arg(arg, &command, path))
        .collect::<Result<_, _>>()?;
    for subcommand in command.get_subcommands() {
        let path = format!("{path} {}", subcommand.get_name());
        if subcommand.get_short_flag().is_some() || subcommand.get_long_flag().is_some() {
            return Err(Undescribable::FlagSubcommand(path));
        }
        spec.subcommands.push(describe_level(subcommand.clone(), &path, depth + 1)?);
    }
    spec.subcommand_required = command.is_subcommand_required_set();
    spec.subcommand_precedence_over_arg = command.is_subcommand_precedence_over_arg_set();
    spec.args_conflicts_with_subcommands = command.is_args_conflicts_with_subcommands_set();
    spec.allow_missing_positional = command.is_allow_missing_positional_set();
    spec.infer_long_args = infers_long_args(as_written);
    Ok(spec)
}

fn describe_arg(arg: &Arg, command: &Command, path: &str) -> Result<ArgSpec, Undescribable> {
    let action = describe_action(arg.get_action()).ok_or_else(|| Undescribable::UnknownAction {
        command: path.into(),
        arg: arg.get_id().to_string(),
    })?;
    let values = arg.get_num_args().unwrap_or_default();
    let mut spec = ArgSpec::default();
    spec.id = arg.get_id().to_string();
    spec.long = arg.get_long().map(Into::into);
    spec.long_aliases =
        arg.get_all_aliases().unwrap_or_default().into_iter().map(Into::into).collect();
    spec.short = arg.get_short();
    spec.short_aliases = arg.get_all_short_aliases().unwrap_or_default();
    spec.index = arg.get_index();
    spec.action = action;
    spec.min_values = values.min_values();
    spec.max_values = Some(values.max_values()).filter(|&most| most != usize::MAX);
    spec.required = arg.is_required_set();
    spec.exclusive = arg.is_exclusive_set();
    if !arg.is_global_set() {
        // clap panics for a global argument that excludes a group.
        let others = command.get_arg_conflicts_with(arg).into_iter();
        spec.conflicts_with = others.map(|other| other.get_id().to_string()).collect();
        spec.conflicts_with.extend(rivals(arg, command));
    }
    spec.global = arg.is_global_set();
    spec.require_equals = arg.is_require_equals_set();
    spec.allow_hyphen_values = arg.is_allow_hyphen_values_set();
    spec.allow_negative_numbers = arg.is_allow_negative_numbers_set();
    spec.last = arg.is_last_set();
    spec.trailing_var_arg = arg.is_trailing_var_arg_set();
    spec.value_terminator = arg.get_value_terminator().map(ToString::to_string);
    spec.value_delimiter = arg.get_value_delimiter();
    spec.value_names =
        arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    spec.possible_values = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().into())
        .collect();
    spec.value_hint = describe_hint(arg.get_value_hint());
    spec.help = first_line(arg.get_help());
    spec.hidden = arg.is_hide_set();
    spec.env = arg.get_env().map(|name| name.to_string_lossy().into());
    let defaults = arg.get_default_values().iter();
    spec.default_values = defaults.map(|value| value.to_string_lossy().into()).collect();
    Ok(spec)
}

/// The other members of groups of which one may be given.
fn rivals(arg: &Arg, command: &Command) -> Vec<String> {
    // Whether several may be, clap tells only of a group that could be changed.
    let is_one_of = |group: &&ArgGroup| !(*group).clone().is_multiple();
    let mine = |group: &&ArgGroup| group.get_args().any(|id| id == arg.get_id());
    let others = command.get_groups().filter(mine).filter(is_one_of).flat_map(ArgGroup::get_args);
    others.filter(|id| *id != arg.get_id()).map(ToString::to_string).collect()
}

fn describe_action(action: &clap::ArgAction) -> Option<ArgAction> {
    Some(match action {
        clap::ArgAction::Set => ArgAction::Set,
        clap::ArgAction::Append => ArgAction::Append,
        clap::ArgAction::SetTrue => ArgAction::SetTrue,
        clap::ArgAction::SetFalse => ArgAction::SetFalse,
        clap::ArgAction::Count => ArgAction::Count,
        clap::ArgAction::Help | clap::ArgAction::HelpShort | clap::ArgAction::HelpLong => {
            ArgAction::Help
        }
        clap::ArgAction::Version => ArgAction::Version,
        _ => return None,
    })
}

/// What is not known to the spec is told as nearly as it can be: a hint only helps completion.
fn describe_hint(hint: clap::ValueHint) -> ValueHint {
    match hint {
        clap::ValueHint::Other => ValueHint::Other,
        clap::ValueHint::AnyPath => ValueHint::AnyPath,
        clap::ValueHint::FilePath => ValueHint::FilePath,
        clap::ValueHint::DirPath => ValueHint::DirPath,
        clap::ValueHint::ExecutablePath => ValueHint::ExecutablePath,
        clap::ValueHint::CommandName
        | clap::ValueHint::CommandString
        | clap::ValueHint::CommandWithArguments => ValueHint::CommandName,
        clap::ValueHint::Username => ValueHint::Username,
        clap::ValueHint::Hostname => ValueHint::Hostname,
        clap::ValueHint::Url => ValueHint::Url,
        clap::ValueHint::EmailAddress => ValueHint::EmailAddress,
        _ => ValueHint::Unknown,
    }
}

fn first_line(text: Option<&StyledStr>) -> Option<String> {
    text?.to_string().lines().next().map(Into::into)
}

/// Builds this command without its subcommands: rendering the usage needs just that.
fn build_level(command: &mut Command) {
    command.render_usage();
}

/// Whether a beginning of a long option's name does. clap does not tell, so it is tried, with an
/// option that ends parsing as soon as it is recognised.
fn infers_long_args(command: Command) -> bool {
    let probe = Arg::new(PROBE).long(PROBE).action(clap::ArgAction::Help);
    shows_help(command.arg(probe), &["", &format!("--{PROBE_BEGINNING}")])
}

/// Whether a beginning of a subcommand's name does, tried in the same way.
fn infers_subcommands(command: Command) -> bool {
    let option = Arg::new(PROBE).long(PROBE).action(clap::ArgAction::Help);
    let probe = Command::new(PROBE).arg(option);
    shows_help(command.subcommand(probe), &["", PROBE_BEGINNING, &format!("--{PROBE}")])
}

fn shows_help(command: Command, argv: &[&str]) -> bool {
    command
        .no_binary_name(false)
        .try_get_matches_from(argv)
        .is_err_and(|error| error.kind() == ErrorKind::DisplayHelp)
}

#[cfg(test)]
mod tests;
