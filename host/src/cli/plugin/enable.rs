//! `plugin enable`: takes back what `plugin disable` did.

use clap::Args;

use super::context::Context;
use super::disable::{answer, edit, list};
use super::format::FormatArgs;
use super::target;
use crate::chain::alike;
use crate::discover::Lookup;
use crate::error::{Failure, Failures};
use crate::exit::Exit;

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
    let before: Vec<_> = list(context)?.names().into_iter().collect();
    let wrong = args.plugins.iter().filter(|plugin| !before.contains(plugin));
    Failures::check(wrong.map(|plugin| not_disabled(context, plugin, &before)).collect())?;
    let mut disabled = edit(context)?;
    for plugin in &args.plugins {
        disabled.remove(plugin);
    }
    disabled.save()?;
    Ok(answer(context, &disabled, &args.plugins, args.format.format))
}

/// What is wrong with asking to enable a plugin, where those are disabled.
fn not_disabled(context: &Context<'_>, plugin: &str, disabled: &[String]) -> Failure {
    let failure = match context.host.catalog().get(plugin) {
        Lookup::Unknown if disabled.is_empty() => return target::unknown(context, plugin),
        Lookup::Unknown => Failure::new(Exit::Usage, format!("no plugin is called `{plugin}`")),
        _ => Failure::new(Exit::Usage, format!("the plugin `{plugin}` is not disabled")),
    };
    let likely: Vec<_> = alike(plugin, disabled).iter().map(|it| format!("`{it}`")).collect();
    match context.host.catalog().get(plugin) {
        _ if !likely.is_empty() => failure.hint(format!("did you mean {}?", likely.join(" or "))),
        Lookup::Found(_) => failure.hint("it can be used as it is"),
        Lookup::Unknown => failure.hint(format!("disabled are: {}", disabled.join(", "))),
        Lookup::Refused(_) | Lookup::Ambiguous(_) => {
            failure.hint(format!("`{} plugin doctor` tells why it is not used", context.name()))
        }
    }
}
