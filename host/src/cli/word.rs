//! The host's own commands: words that begin a line in a plugin's place.
//!
//! Each is a file with its arguments and a function that does it, `plugin` a file a command. Here is what
//! they share.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, Args, Command, FromArgMatches};

use super::logging::LogFormat;
use super::report::Reporter;
use super::{completions, man, plugin};
use crate::error::{Failure, Failures};
use crate::exit::Exit;

/// The name of a value that is a plugin's name: completion goes by it.
pub(crate) const PLUGIN: &str = "PLUGIN";

/// All of them, for completion and manuals.
pub(crate) fn commands(host: &str) -> Vec<Command> {
    let plugin = Arg::new("plugin").value_name(PLUGIN).help("The plugin");
    vec![
        Command::new("help").about("Show the host's help, or that of a plugin").arg(plugin),
        plugin::command(host),
        completions::command(host),
        man::command(host),
    ]
}

/// A command of that word with these arguments, under the host's own name.
pub(super) fn command_of<A: Args>(host: &str, word: &'static str) -> Command {
    let name = format!("{host} {word}");
    A::augment_args(Command::new(word)).no_binary_name(true).bin_name(&name).display_name(name)
}

/// Parses the words behind the command's own.
///
/// # Errors
///
/// What clap has to say instead of arguments: help that was asked for or is needed, which is printed, or
/// what is wrong.
pub(super) fn parse<A: FromArgMatches>(
    command: Command,
    words: &[OsString],
    reporter: &Reporter,
) -> Result<A, Result<Exit, Failures>> {
    let mut command = command.term_width(reporter.terminal.columns.into());
    let matches = command.try_get_matches_from_mut(words);
    let args = matches.and_then(|matches| {
        A::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    args.map_err(|error| {
        let text = error.render().ansi().to_string();
        match (error.kind(), reporter.format) {
            (ErrorKind::DisplayHelp, _) => Ok(reporter.data(&format!("{}\n", text.trim_end()))),
            (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, LogFormat::Text) => {
                reporter.talk(text);
                Ok(Exit::Usage)
            }
            (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, LogFormat::Json) => {
                let name = command.get_bin_name().unwrap_or(command.get_name());
                let message = format!("`{}` needs a command", command.get_name());
                let hint = format!("`{name} --help` lists them");
                Err(Failure::new(Exit::Usage, message).hint(hint).into())
            }
            _ => Err(Failure::rendered(Exit::Usage, text).into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::RESERVED;

    #[test]
    fn each_is_a_command_that_clap_takes_and_a_word_that_no_plugin_may_have() {
        for command in commands("lifespan") {
            assert!(RESERVED.contains(&command.get_name()), "{}", command.get_name());
            command.debug_assert();
        }
    }
}
