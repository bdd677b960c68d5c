//! `plugin …`: the commands that look after the plugins folders.
//!
//! Each command is a file below: its arguments, and a function that does it. Here they are only told
//! apart. They print through the reporter, and run no plugin's code in this process.

mod check;
mod context;
mod doctor;
mod disable;
mod enable;
mod format;
mod inspect;
mod install;
mod list;
mod path;
mod refusal;
mod remove;
mod target;
mod trust;
mod untrust;
mod verify;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::check::{CheckArgs, cmd_check};
pub(crate) use self::context::Context;
use self::disable::{DisableArgs, cmd_disable};
use self::doctor::{DoctorArgs, cmd_doctor};
use self::enable::{EnableArgs, cmd_enable};
use self::inspect::{InspectArgs, cmd_inspect};
use self::install::{InstallArgs, cmd_install};
use self::list::{ListArgs, cmd_list};
use self::path::{PathArgs, cmd_path};
use self::remove::{RemoveArgs, cmd_remove};
use self::trust::{TrustArgs, cmd_trust};
use self::untrust::{UntrustArgs, cmd_untrust};
use self::verify::{VerifyArgs, cmd_verify};
use crate::cli::logging::LogFormat;
use crate::error::{Failure, Failures};
use crate::exit::Exit;

/// The word that begins these commands.
pub(crate) const WORD: &str = "plugin";

/// Look after the plugins folders
#[derive(Clone, Debug, Parser)]
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
    Path(PathArgs),
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
    let args = match parse(context, words) {
        Ok(args) => args,
        Err(error) => return answer(context, &error),
    };
    match args.command {
        PluginCommand::List(args) => cmd_list(context, args),
        PluginCommand::Inspect(args) => cmd_inspect(context, args),
        PluginCommand::Check(args) => cmd_check(context, args),
        PluginCommand::Path(args) => cmd_path(context, args),
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

/// The command that parses these words, under the host's own name.
pub(crate) fn command(host: &str) -> clap::Command {
    PluginArgs::command()
        .no_binary_name(true)
        .name(WORD)
        .bin_name(format!("{host} {WORD}"))
        .display_name(format!("{host} {WORD}"))
}

fn parse(context: &Context<'_>, words: &[OsString]) -> Result<PluginArgs, clap::Error> {
    let columns = context.reporter.terminal.columns.into();
    let mut command = command(context.name()).term_width(columns);
    let matches = command.try_get_matches_from_mut(words)?;
    PluginArgs::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// What clap has to say instead of arguments: help that was asked for, or what is wrong.
fn answer(context: &Context<'_>, error: &clap::Error) -> Result<Exit, Failures> {
    let text = error.render().ansi().to_string();
    match (error.kind(), context.reporter.format) {
        (ErrorKind::DisplayHelp, _) => Ok(context.reporter.data(&text)),
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, LogFormat::Text) => {
            context.reporter.talk(text);
            Ok(Exit::Usage)
        }
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, LogFormat::Json) => {
            Err(Failure::new(Exit::Usage, format!("`{WORD}` needs a command"))
                .hint(format!("`{} {WORD} --help` lists them", context.name()))
                .into())
        }
        _ => Err(Failure::rendered(Exit::Usage, text).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_one_that_clap_takes() {
        command("lifespan").debug_assert();
    }
}
