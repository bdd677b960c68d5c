//! A stage's arguments, parsed by the author's own clap.
//!
//! What clap renders (help, errors, tips) is handed on as it is; the host only says how wide it may
//! be, whether in colour, and what the user calls the plugin.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{ColorChoice, Command, FromArgMatches};
use lifespan_abi::abi_stable::std_types::ROption::{RNone, RSome};
use lifespan_abi::abi_stable::std_types::RString;
use lifespan_abi::{
    BindReply, BindRequest, BindSettings, BindStatus, CommandSpec, InstanceBox, Report,
};

use crate::command::describe;
use crate::panics::catch;
use crate::plugin::Plugin;

/// The arguments of a plugin as data.
pub(crate) fn spec<P: Plugin>() -> anyhow::Result<CommandSpec> {
    Ok(describe(&command::<P>())?)
}

/// Parses a stage's arguments; an instance comes of it, or a text for the user.
pub(crate) fn bind<P: Plugin>(request: BindRequest) -> BindReply {
    let settings = match BindSettings::from_json(&request.settings) {
        Ok(settings) => settings,
        Err(error) => {
            let mut report = Report::error("the host's settings for binding cannot be read");
            report.causes.push(error.to_string());
            return refuse(report);
        }
    };
    let words = request.args.iter().map(OsString::from);
    match catch(|| arguments::<P>(words, &settings).map(instance::<P>)) {
        Ok(Ok(instance)) => BindReply {
            status: BindStatus::BOUND,
            instance: RSome(instance),
            text: RString::new(),
            report: RNone,
        },
        Ok(Err((status, text))) => {
            BindReply { status, instance: RNone, text: text.into(), report: RNone }
        }
        Err(panic) => refuse(panic),
    }
}

/// The answer where binding failed by no mistake of the user's.
pub(crate) fn refuse(report: Report) -> BindReply {
    BindReply {
        status: BindStatus::FAILED,
        instance: RNone,
        text: RString::new(),
        report: RSome(report.into()),
    }
}

fn instance<P: Plugin>(args: P::Args) -> InstanceBox {
    P::instance(Box::new(|ctx| P::start(args, ctx)))
}

/// What the author's parser makes of the words after the plugin's name, or its answer to them.
pub(crate) fn arguments<P: Plugin>(
    words: impl IntoIterator<Item = OsString>,
    settings: &BindSettings,
) -> Result<P::Args, (BindStatus, String)> {
    let width = usize::try_from(settings.width).unwrap_or(usize::MAX);
    let display_name = match settings.display_name.as_str() {
        "" => P::NAME,
        name => name,
    };
    let mut command = command::<P>()
        .bin_name(display_name)
        .display_name(display_name)
        .term_width(width)
        .color(if settings.color { ColorChoice::Always } else { ColorChoice::Never });
    let parsed = command
        .try_get_matches_from_mut(words)
        .and_then(|mut matches| P::Args::from_arg_matches_mut(&mut matches))
        .map_err(|error| error.format(&mut command));
    parsed.map_err(|error| {
        let status = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => BindStatus::ANSWER,
            _ => BindStatus::USAGE,
        };
        (status, rendered(&error.render(), settings.color))
    })
}

/// The author's arguments as a command of their own.
fn command<P: Plugin>() -> Command {
    let command = <P::Args as clap::Args>::augment_args(Command::new(P::NAME));
    let taken = command.get_arguments().any(|arg| {
        let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
        let shorts = arg.get_short_and_visible_aliases().unwrap_or_default();
        arg.get_id() == "version" || longs.contains(&"version") || shorts.contains(&'V')
    });
    // After the arguments: a doc comment on their struct is about them, not about the plugin.
    command.about(P::SUMMARY).version(P::VERSION).disable_version_flag(taken).no_binary_name(true)
}

/// The text, ending with a line feed.
fn rendered(text: &StyledStr, color: bool) -> String {
    let mut text = if color { text.ansi().to_string() } else { text.to_string() };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
