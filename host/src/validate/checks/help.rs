//! The help: the plugin's arguments can be described, and each has a line for those who read it.

use lifespan_abi::{ArgAction, ArgSpec, CommandSpec};

use crate::error::Failure;
use crate::exit::Exit;
use crate::validate::subject::Parsed;
use crate::validate::{Check, Finding, Stage, Subject};

pub(super) const CHECK: Check = Check {
    name: "help",
    proves: "its help has a line for the plugin, each subcommand and each argument",
    remedy: "write a doc comment (`///`) where one is missing",
    stage: Stage::Arguments,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let library = subject.library()?;
    let spec = library.command_spec(subject.name()).map_err(|report| {
        let mut failure = Failure::plugin(subject.name(), "command spec", *report);
        failure.exit = Exit::Load;
        Finding::of_failure(failure)
    })?;
    let mut missing = Vec::new();
    if subject.plugin.facts().summary.trim().is_empty() {
        missing.push("the plugin".to_owned());
    }
    collect(&spec, "", &mut missing);
    if !missing.is_empty() {
        return Err(Finding::failed(format!("no line of help for {}", missing.join(", "))));
    }
    match subject.parse(&library, vec!["--help".into()]) {
        Parsed::Answer(text) if !text.trim().is_empty() => Ok(()),
        Parsed::Failed(failure) => Err(Finding::of_failure(failure)),
        Parsed::Answer(_) | Parsed::Bound(_) | Parsed::Refused(_) => {
            Err(Finding::failed("it does not answer `--help` with its help"))
        }
    }
}

/// What a command, reached by that path, has no line for.
fn collect(spec: &CommandSpec, path: &str, missing: &mut Vec<String>) {
    let is_empty = |text: &Option<String>| text.as_ref().is_none_or(|it| it.trim().is_empty());
    let own =
        |arg: &&ArgSpec| !arg.hidden && !matches!(arg.action, ArgAction::Help | ArgAction::Version);
    for arg in spec.args.iter().filter(own).filter(|arg| is_empty(&arg.help)) {
        missing.push(format!("`{path}{}`", written(arg)));
    }
    for subcommand in &spec.subcommands {
        if is_empty(&subcommand.about) {
            missing.push(format!("`{path}{}`", subcommand.name));
        }
        collect(subcommand, &format!("{path}{} ", subcommand.name), missing);
    }
}

/// An argument as it is written.
fn written(arg: &ArgSpec) -> String {
    match (&arg.long, arg.short) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => format!("<{}>", arg.id.to_uppercase()),
    }
}
