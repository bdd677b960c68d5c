//! `plugin …`: the commands that look after the plugins folders.
//!
//! Each command is a file below: its arguments, and a function that does it. Here they are only told
//! apart. They print through the reporter, and run no plugin's code in this process, unless `validate`
//! is told to.

mod check;
mod context;
mod doctor;
mod disable;
mod enable;
mod format;
mod inspect;
mod install;
mod list;
mod new;
mod path;
mod refusal;
mod remove;
mod run_path;
mod target;
mod trust;
mod untrust;
mod validate;
mod verify;

use std::ffi::OsString;

use clap::{Args, Command, Subcommand};

use self::check::{CheckArgs, cmd_check};
pub(crate) use self::context::Context;
use self::disable::{DisableArgs, cmd_disable};
use self::doctor::{DoctorArgs, cmd_doctor};
use self::enable::{EnableArgs, cmd_enable};
use self::inspect::{InspectArgs, cmd_inspect};
use self::install::{InstallArgs, cmd_install};
use self::list::{ListArgs, cmd_list};
use self::new::{NewArgs, cmd_new};
use self::path::{PathArgs, cmd_path};
use self::remove::{RemoveArgs, cmd_remove};
use self::trust::{TrustArgs, cmd_trust};
use self::untrust::{UntrustArgs, cmd_untrust};
pub(crate) use self::validate::child;
use self::validate::{ValidateArgs, cmd_validate};
use self::verify::{VerifyArgs, cmd_verify};
use crate::cli::word;
use crate::error::Failures;
use crate::exit::Exit;

/// The word that begins these commands.
pub(crate) const WORD: &str = "plugin";

/// Look after the plugins folders
#[derive(Clone, Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum PluginCommand {
    List(ListArgs),
    Inspect(InspectArgs),
    Check(CheckArgs),
    Validate(ValidateArgs),
    Path(PathArgs),
    New(NewArgs),
    Install(InstallArgs),
    Remove(RemoveArgs),
    Trust(TrustArgs),
    Untrust(UntrustArgs),
    Verify(VerifyArgs),
    Doctor(DoctorArgs),
    Disable(DisableArgs),
    Enable(EnableArgs),
}

/// Does what the words behind `plugin` say.
pub(crate) fn run(context: &Context<'_>, words: &[OsString]) -> Result<Exit, Failures> {
    let parsed = word::parse(command(context.name()), words, context.reporter);
    let args: PluginArgs = match parsed {
        Ok(args) => args,
        Err(answer) => return answer,
    };
    match args.command {
        PluginCommand::List(args) => cmd_list(context, args),
        PluginCommand::Inspect(args) => cmd_inspect(context, args),
        PluginCommand::Check(args) => cmd_check(context, args),
        PluginCommand::Validate(args) => cmd_validate(context, args),
        PluginCommand::Path(args) => cmd_path(context, args),
        PluginCommand::New(args) => cmd_new(context, args),
        PluginCommand::Install(args) => cmd_install(context, args),
        PluginCommand::Remove(args) => cmd_remove(context, args),
        PluginCommand::Trust(args) => cmd_trust(context, args),
        PluginCommand::Untrust(args) => cmd_untrust(context, args),
        PluginCommand::Verify(args) => cmd_verify(context, args),
        PluginCommand::Doctor(args) => cmd_doctor(context, args),
        PluginCommand::Disable(args) => cmd_disable(context, args),
        PluginCommand::Enable(args) => cmd_enable(context, args),
    }
}

/// Whether a line asks for what is wrong: then nothing that is wrong ends it before.
pub(crate) fn is_doctor(line: &[OsString]) -> bool {
    matches!(line, [word, command, ..] if word == WORD && command == "doctor")
}

/// The command that parses these words, under the host's own name.
pub(crate) fn command(host: &str) -> Command {
    word::command_of::<PluginArgs>(host, WORD)
}
