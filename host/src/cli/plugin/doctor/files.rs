//! What the doctor finds in files of configuration: each mistake with its place, as a run would tell it,
//! and in the tables of all plugins, whichever would be on the line.

use std::env;

use super::Finding;
use crate::chain::Given;
use crate::cli::arguments::known_arguments;
use crate::cli::plugin::context::Context;
use crate::cli::plugin::format::path;
use crate::config::{Located, Table, Wrong, words};
use crate::discover::{Candidate, Lookup};
use crate::exit::Exit;
use crate::prepare::misspelt;
use crate::trust::quoted;

/// All of it.
pub(super) fn mistakes(context: &Context<'_>) -> Vec<Finding> {
    let (host, catalog) = (context.host, context.host.catalog());
    let mut findings: Vec<_> = context.wrong.iter().map(finding).collect();
    let misspelt = misspelt(host.config(), catalog);
    findings.extend(misspelt.iter().map(|it| finding(&it.mistake.wrong())));
    for (name, _) in host.config().plugins() {
        if let (Lookup::Found(plugin), Some(table)) =
            (catalog.get(name), host.config().plugin(name))
        {
            findings.extend(of_table(context, plugin, table));
        }
    }
    findings
}

/// What is wrong with a plugin's table, as far as it can be told without its library's code.
fn of_table(context: &Context<'_>, plugin: &Candidate, table: &Table) -> Vec<Finding> {
    let name = plugin.name();
    let Some(spec) = known_arguments(context.host, plugin) else {
        let message =
            "its table in the configuration is not checked: its options are not known yet";
        let hint =
            format!("`{} plugin inspect {}` asks for them", context.name(), quoted(name.as_ref()));
        let finding = Finding::new(Exit::Success, "config-unchecked", message.to_owned(), hint);
        return vec![finding.about(name)];
    };
    let env = |name: &str| env::var_os(name).is_some();
    let mistakes = words(name, table, &spec, &Given::default(), env).err().unwrap_or_default();
    mistakes.iter().map(Located::wrong).map(|it| finding(&it)).collect()
}

fn finding(wrong: &Wrong) -> Finding {
    let failure = &wrong.failure;
    let hint = failure.hints.join("; ");
    let finding = Finding::new(failure.exit, "config", failure.headline(), hint);
    Finding {
        subject: Some(path(&wrong.file)),
        causes: failure.causes.clone(),
        pointer: failure.pointer.clone(),
        ..finding
    }
}
