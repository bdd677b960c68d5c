//! `plugin disable`: has plugins be as if they were not installed, for this user.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::format::{Format, FormatArgs, indented, json, path};
use super::target;
use crate::cli::disabled::Disabled;
use crate::discover::Lookup;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::trust::Guard;

/// Have plugins be as if they were not installed, for you, wherever they lie
#[derive(Clone, Debug, Args)]
pub(crate) struct DisableArgs {
    /// Plugins
    #[arg(value_name = "NAME", required = true)]
    plugins: Vec<String>,

    #[command(flatten)]
    format: FormatArgs,
}

/// The JSON of `plugin disable` and `plugin enable`.
#[derive(Debug, Serialize)]
pub(super) struct DisabledResult {
    /// All plugins that are disabled now.
    disabled: BTreeSet<String>,
    /// The list of them.
    file: String,
}

/// Does it.
pub(crate) fn cmd_disable(context: &Context<'_>, args: DisableArgs) -> Result<Exit, Failures> {
    let is_known = |name: &str| !matches!(context.host.catalog().get(name), Lookup::Unknown);
    let unknown = args.plugins.iter().filter(|name| !is_known(name));
    Failures::check(unknown.map(|name| target::unknown(context, name)).collect())?;
    let mut disabled = edit(context)?;
    for plugin in &args.plugins {
        disabled.add(plugin);
    }
    disabled.save()?;
    Ok(answer(context, &disabled, &[], args.format.format))
}

/// The user's list, to look at.
pub(super) fn list(context: &Context<'_>) -> Result<Disabled, Failure> {
    let list = Disabled::read(context.name(), &Guard::new(context.host.policy()));
    list.map_err(|broken| broken.failure)?.ok_or_else(no_folder)
}

/// The user's list, to change.
pub(super) fn edit(context: &Context<'_>) -> Result<Disabled, Failure> {
    let list = Disabled::edit(context.name(), &Guard::new(context.host.policy()));
    list?.ok_or_else(no_folder)
}

fn no_folder() -> Failure {
    Failure::new(Exit::Config, "there is no folder for the list of disabled plugins")
        .hint("set `HOME`")
}

/// What was enabled, and is disabled now.
pub(super) fn answer(
    context: &Context<'_>,
    disabled: &Disabled,
    enabled: &[String],
    format: Format,
) -> Exit {
    let result = DisabledResult { disabled: disabled.names(), file: path(&disabled.file) };
    let columns = context.reporter.terminal.columns;
    let told = |label: &str, names: Vec<&str>| match names.as_slice() {
        [] => String::new(),
        names => indented(&format!("{label}: {}", names.join(", ")), 0, columns),
    };
    context.reporter.data(&match format {
        Format::Text => {
            told("enabled", enabled.iter().map(String::as_str).collect())
                + &told("disabled", result.disabled.iter().map(String::as_str).collect())
        }
        Format::Json => json(&result),
    })
}
