//! `plugin enable`: takes back what `plugin disable` did.

use clap::Args;

use super::context::Context;
use super::disable::{answer, list};
use super::format::FormatArgs;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::trust::Guard;

/// Use plugins again that were disabled
#[derive(Clone, Debug, Args)]
pub(crate) struct EnableArgs {
    /// Plugins
    #[arg(value_name = "NAME", required = true)]
    plugins: Vec<String>,

    #[command(flatten)]
    format: FormatArgs,
}

/// Does it.
pub(crate) fn cmd_enable(context: &Context<'_>, args: EnableArgs) -> Result<Exit, Failures> {
    let mut disabled = list(context)?;
    let mut failures = Vec::new();
    for plugin in &args.plugins {
        if !disabled.remove(plugin) {
            let names: Vec<_> = disabled.names().into_iter().collect();
            let hint = match names.is_empty() {
                true => "no plugin is disabled".to_owned(),
                false => format!("disabled are: {}", names.join(", ")),
            };
            let message = format!("the plugin `{plugin}` is not disabled");
            failures.push(Failure::new(Exit::Usage, message).hint(hint));
        }
    }
    Failures::check(failures)?;
    disabled.save(&Guard::new(context.host.policy()))?;
    Ok(answer(context, &disabled, args.format.format))
}
