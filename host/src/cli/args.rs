//! The host's own options, as clap knows them; they stand before the chain.
//!
//! Parsing validates, and has no effect. What the options mean is in `cli`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lifespan_abi::PluginFacts;

use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser, ValueHint};

use super::early::Verbosity;
use super::term::ColorWhen;
use crate::cli::logging::LogFormat;
use crate::cli::settings::Settings;
use crate::limits::{Deadlines, Limits};

/// The host's options.
#[derive(Clone, Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
pub(crate) struct HostArgs {
    /// Look for plugins in this folder too, before all others; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) plugin_dir: Vec<PathBuf>,

    /// Read this file of configuration too, over the user's own; may be given several times
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Vec<PathBuf>,

    /// Print the stages, their order and their libraries, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Shut down when the task of this instance has ended; of several, when all have
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) until: Vec<String>,

    /// Do as if this plugin were not installed; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) without: Vec<String>,

    /// Run plugins that were built with `panic = "abort"`: a panic in one ends the process
    #[arg(long)]
    pub(crate) allow_panic_abort: bool,

    /// Print help; with -v also which libraries were refused, and why
    #[arg(short, long)]
    pub(crate) help: bool,

    /// Print the version
    #[arg(short = 'V', long)]
    pub(crate) version: bool,

    /// Log more: -v for debug, -vv for trace
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    verbose: u8,

    /// Log warnings and errors only
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,

    /// Log what passes this filter, such as `warn,countdown=debug` [default: info]
    #[arg(long, value_name = "FILTER", help_heading = "Output")]
    pub(crate) log: Option<String>,

    /// Log in this format
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) log_format: LogFormat,

    /// Use colour; auto obeys NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorWhen,

    /// Print what is published on topics that match, such as `courts/*` or '**', on stdout as JSON
    /// lines; may be given several times
    #[arg(long, value_name = "PATTERN", help_heading = "Output")]
    pub(crate) bus_trace: Vec<String>,

    /// Warn of a subscription that keeps publishers waiting for this long
    #[arg(long, value_name = "TIME", help_heading = "Output")]
    stall_warning: Option<Time>,

    /// Demand a lock file of each folder that a library is loaded from
    #[arg(long, help_heading = "Trust")]
    pub(crate) locked: bool,

    /// Use libraries and folders that others may write to or own
    #[arg(long, help_heading = "Trust")]
    pub(crate) allow_unsafe_permissions: bool,

    /// Give each set-up this long (seconds, or with a unit: 500ms)
    #[arg(long, value_name = "TIME", help_heading = "Deadlines")]
    setup_timeout: Option<Time>,

    /// Give tasks this long to end by themselves in a shutdown
    #[arg(long, value_name = "TIME", help_heading = "Deadlines")]
    grace: Option<Time>,

    /// Give each tear-down this long
    #[arg(long, value_name = "TIME", help_heading = "Deadlines")]
    teardown_timeout: Option<Time>,

    /// Give the whole shutdown this long
    #[arg(long, value_name = "TIME", help_heading = "Deadlines")]
    shutdown_timeout: Option<Time>,
}

/// What a host calls itself, and the times it has by default.
#[derive(Clone, Debug)]
pub(crate) struct Brand {
    /// The program's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// One line about it.
    pub(crate) about: String,
    /// Its defaults, shown in help.
    pub(crate) limits: Limits,
    /// After how long it warns of a subscription, likewise.
    pub(crate) stall_warning: Duration,
}

impl HostArgs {
    /// Parses the words that are options; `words` has neither the program's name nor the chain.
    /// Options that they do not give are as files set them.
    pub(crate) fn parse_from_words<W: Into<OsString> + Clone>(
        command: Command,
        words: impl IntoIterator<Item = W>,
        settings: &Settings,
    ) -> Result<Self, clap::Error> {
        let mut command = command.no_binary_name(true);
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        let mut matches = command.try_get_matches_from_mut(&words)?;
        let more = settings.words(&matches);
        if !more.is_empty() {
            matches = command.try_get_matches_from_mut(more.iter().chain(&words))?;
        }
        HostArgs::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// The limits that the line names; the rest as the host has them.
    pub(crate) fn limits(&self, host: Limits) -> Limits {
        let or = |time: Option<Time>, host| time.map(|time| time.0).or(host);
        Limits {
            setup: or(self.setup_timeout, host.setup),
            grace: or(self.grace, host.grace),
            teardown: or(self.teardown_timeout, host.teardown),
            shutdown: or(self.shutdown_timeout, host.shutdown),
        }
    }

    /// After how long to warn of a subscription, if the line says it.
    pub(crate) fn stall_warning(&self) -> Option<Duration> {
        self.stall_warning.map(|time| time.0)
    }

    /// How much talk was asked for.
    pub(crate) fn verbosity(&self) -> Verbosity {
        Verbosity::new(self.verbose.into(), self.quiet)
    }

    /// What is logged, if the line says it: `--log` says it all, or, beside `-v` or `-q`, what differs
    /// from them.
    pub(crate) fn log_filter(&self) -> Option<String> {
        let level = match self.verbosity() {
            Verbosity::Quiet => "warn",
            Verbosity::Normal => return self.log.clone(),
            Verbosity::Debug => "debug",
            Verbosity::Trace => "trace",
        };
        Some(match &self.log {
            None => level.to_owned(),
            Some(filter) => format!("{level},{filter}"),
        })
    }
}

/// The command that parses the host's options, under the host's own name.
pub(crate) fn command(brand: &Brand) -> Command {
    let Deadlines { setup, grace, teardown, shutdown } =
        brand.limits.deadlines(&PluginFacts::default());
    let defaults = [
        ("stall_warning", brand.stall_warning),
        ("setup_timeout", setup),
        ("grace", grace),
        ("teardown_timeout", teardown),
        ("shutdown_timeout", shutdown),
    ];
    let name = &brand.name;
    let mut command = HostArgs::command()
        .name(name.clone())
        .bin_name(name.clone())
        .version(brand.version.clone())
        .about(brand.about.clone())
        .override_usage(format!("{name} [OPTIONS] PLUGIN [ARGS]... [PLUGIN [ARGS]...]..."));
    for (id, default) in defaults {
        // No default of clap's: what is not said here may be said by a plugin.
        command = command.mut_arg(id, |arg| {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            arg.help(format!("{help} [default: {}]", Time(default)))
        });
    }
    command
}

/// A span of time on the command line: seconds, or a number with a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Time(Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
            Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string()),
        };
        time.map(Time).map_err(|error| format!("{error} (seconds, or with a unit such as `500ms`)"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one word, which help and clap show without quotes.
        write!(f, "{}", humantime::format_duration(self.0).to_string().replace(' ', ""))
    }
}

#[cfg(test)]
mod tests;
