//! `completions`: prints the script that has a shell complete lines of this program, and answers it.
//!
//! The script calls back with the words up to the cursor (`completions SHELL --answer -- WORDS…`). Then
//! nothing is logged or told, whatever is wrong, and no plugin is loaded.

use std::ffi::OsString;
use std::sync::Arc;

use clap::{Args, Command};

use super::args::{self, Brand, HostArgs};
use super::arguments::known_arguments;
use super::complete::{Known, Shell, complete, unquoted};
use super::report::Reporter;
use super::settings::{self, Configured};
use super::{configured, early, elevated, with_files, word};
use crate::discover::Lookup;
use crate::error::Failures;
use crate::exit::Exit;
use crate::files;
use crate::host::{Host, HostBuilder};

/// The word that begins this command.
pub(crate) const WORD: &str = "completions";

/// Print a script that has a shell complete lines of this program
#[derive(Clone, Debug, Args)]
struct CompletionsArgs {
    /// The shell
    shell: Shell,

    /// Answer the script: what could stand at the end of these words
    #[arg(long, hide = true)]
    answer: bool,

    /// The words behind the program's name; the last is the one that is completed
    #[arg(last = true, hide = true)]
    words: Vec<OsString>,
}

/// The command that parses this command's arguments.
pub(crate) fn command(host: &str) -> Command {
    word::command_of::<CompletionsArgs>(host, WORD).after_help(format!(
        "To have it at each start:\n  \
             bash        source <({host} completions bash)                in ~/.bashrc\n  \
             zsh         source <({host} completions zsh)                 in ~/.zshrc\n  \
             fish        {host} completions fish | source                 in config.fish\n  \
             powershell  {host} completions powershell | Out-String | Invoke-Expression"
    ))
}

/// The words behind `completions`, if a line begins with it, or asks for its help.
pub(crate) fn words(line: &[OsString]) -> Option<Vec<OsString>> {
    match line {
        [word, rest @ ..] if word == WORD => Some(rest.to_vec()),
        [help, word] if help == "help" && word == WORD => Some(vec!["--help".into()]),
        _ => None,
    }
}

/// Does what the words behind `completions` say.
pub(crate) fn run(
    builder: HostBuilder,
    brand: &Brand,
    words: &[OsString],
    reporter: &Reporter,
) -> Result<Exit, Failures> {
    let args: CompletionsArgs = match word::parse(command(&brand.name), words, reporter) {
        Ok(args) => args,
        Err(answer) => return answer,
    };
    Ok(reporter.data(&if args.answer {
        answer(builder, brand, args.shell, &args.words)
    } else {
        args.shell.script(&brand.name)
    }))
}

/// The lines that the script is answered with.
fn answer(builder: HostBuilder, brand: &Brand, shell: Shell, words: &[OsString]) -> String {
    let given = words.iter().map(|word| match (word.to_str(), shell.escape()) {
        (Some(word), Some(escape)) => unquoted(word, escape).into(),
        _ => word.clone(),
    });
    let mut before: Vec<OsString> = given.collect();
    let word = before.pop().unwrap_or_default();
    // What is not text is completed by nobody.
    let Some(word) = word.to_str() else { return String::new() };
    let word = shell.marked().and_then(|mark| word.strip_prefix(mark)).unwrap_or(word);
    let host = host(builder, brand, &before);
    let facts = host.catalog().plugins().map(|plugin| plugin.facts());
    let plugins = facts.map(|facts| (facts.name.clone(), facts.summary.clone())).collect();
    let spec = |name: &str| match host.catalog().get(name) {
        Lookup::Found(candidate) => known_arguments(&host, candidate).map(Arc::new),
        _ => None,
    };
    let known = Known {
        options: args::command(brand),
        commands: word::commands(&brand.name),
        plugins,
        spec: &spec,
    };
    complete(&known, &before, word).lines()
}

/// The host that the line's own options describe, as far as they are right.
fn host(builder: HostBuilder, brand: &Brand, line: &[OsString]) -> Host {
    let command = args::command(brand);
    let early = early::scan(&command, line);
    let read = elevated::judge(&early, line)
        .map(|()| settings::read(&brand.name, &command, &early, files::read));
    let Configured { config, settings, .. } = read.unwrap_or_default();
    let args = HostArgs::parse_from_words(command.clone(), &line[..early.options], &settings)
        .or_else(|_| HostArgs::parse_from_words(command, &[] as &[OsString], &settings));
    let builder = with_files(builder, config, settings);
    let filter = builder.log_filter.clone().unwrap_or_default();
    match args {
        Ok(args) => configured(builder, &args, filter).build(),
        Err(_) => builder.standard_search_path([]).build(),
    }
}
