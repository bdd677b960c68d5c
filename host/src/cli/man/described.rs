//! A plugin's command spec as clap commands, which is what manual pages are made of.
//!
//! Only options, and only for showing: nothing is parsed with them. The spec may come from any library, so what clap
//! would not have in a command (two options of one name, more names of values than values) is left
//! out.

use std::collections::HashSet;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
use lifespan_abi::{ArgAction, ArgSpec, CommandSpec, PluginFacts};

/// A subcommand, however deep.
pub(super) struct Below {
    /// How it is reached: `migrate`, `remote add`.
    pub(super) path: String,
    /// One line about it.
    pub(super) about: String,
    /// Its options, below a heading that names it.
    pub(super) command: Command,
}

/// A plugin's own options.
pub(super) fn described(facts: &PluginFacts, spec: &CommandSpec) -> Command {
    options(spec, None).name(facts.name.clone()).about(facts.summary.clone())
}

/// All its subcommands, each after the one that it is below.
pub(super) fn below(spec: &CommandSpec) -> Vec<Below> {
    let mut found = Vec::new();
    collect(spec, "", &mut found);
    found
}

fn collect(spec: &CommandSpec, above: &str, found: &mut Vec<Below>) {
    for subcommand in spec.subcommands.iter().filter(|it| it.name != "help") {
        let path = format!("{above} {}", subcommand.name).trim_start().to_owned();
        let about = subcommand.about.clone().unwrap_or_default();
        let command = options(subcommand, Some(&format!("options of {path}")));
        found.push(Below { path: path.clone(), about, command });
        collect(subcommand, &path, found);
    }
}

fn options(spec: &CommandSpec, heading: Option<&str>) -> Command {
    let mut seen = HashSet::new();
    let args = spec.args.iter().filter(|arg| !arg.is_positional() && is_new(&mut seen, arg));
    // Of a subcommand, what is valid everywhere stands with the plugin's own.
    let args = args.filter(|arg| heading.is_none() || !arg.global && arg.action != ArgAction::Help);
    Command::new(spec.name.clone())
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(args.map(|spec| option(spec, heading)))
}

/// Whether no argument before has its id, or is written as it is.
fn is_new(seen: &mut HashSet<String>, arg: &ArgSpec) -> bool {
    let long = arg.long.as_ref().map(|long| format!("--{long}"));
    let short = arg.short.map(|short| format!("-{short}"));
    let keys: Vec<_> = [Some(arg.id.clone()), long, short].into_iter().flatten().collect();
    let is_new = !keys.iter().any(|key| seen.contains(key));
    seen.extend(keys);
    is_new
}

fn option(spec: &ArgSpec, heading: Option<&str>) -> Arg {
    let mut help = spec.help.clone().unwrap_or_default();
    if let Some(variable) = &spec.env {
        help = format!("{help} [env: {variable}]").trim_start().to_owned();
    }
    let mut arg = Arg::new(spec.id.clone()).help(help).hide(spec.hidden).required(spec.required);
    if let Some(heading) = heading {
        arg = arg.help_heading(heading.to_owned());
    }
    arg = arg.short(spec.short.filter(|&short| short != '-'));
    if let Some(long) = &spec.long {
        arg = arg.long(long.clone());
    }
    if !spec.action.takes_values() {
        return arg.action(match spec.action {
            ArgAction::Count => clap::ArgAction::Count,
            _ => clap::ArgAction::SetTrue,
        });
    }
    let repeats = spec.action == ArgAction::Append;
    arg = arg.action(if repeats { clap::ArgAction::Append } else { clap::ArgAction::Set });
    let most = spec.max_values.unwrap_or(usize::MAX).max(spec.min_values).max(1);
    arg = arg.num_args(spec.min_values..=most);
    let mut names: Vec<_> = spec.value_names.iter().take(most).cloned().collect();
    if names.is_empty() {
        names.push(spec.id.to_uppercase());
    }
    arg = arg.value_names(names);
    if !spec.possible_values.is_empty() {
        arg = arg.value_parser(PossibleValuesParser::new(spec.possible_values.clone()));
    }
    arg.default_values(spec.default_values.clone())
}
