//! What could stand where the cursor is: the answer to a shell that completes a line.
//!
//! The words before the cursor are taken as a run would take them: the host's options, then a command
//! of the host's own, or the chain. No plugin is loaded: of plugins whose arguments are not remembered
//! only the names are completed. Nothing is told of what is wrong; a line in the making is.

mod candidates;
mod own;
mod script;
mod unquote;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::Command;
use lifespan_abi::CommandSpec;

use self::candidates::{Context, in_command};
use super::early;
use crate::chain::{ArgFileError, Cursor, Origin, THEN, Vocabulary, Word, argfile, cursor};
use crate::files;

pub(crate) use self::own::spec_of;
pub(crate) use self::script::Shell;
pub(crate) use self::unquote::unquoted;

/// What is known of the host, its commands and plugins.
pub(crate) struct Known<'a> {
    /// The host's options.
    pub(crate) options: Command,
    /// Its own commands, by the word that begins each.
    pub(crate) commands: Vec<Command>,
    /// The plugins: names and summaries.
    pub(crate) plugins: Vec<(String, String)>,
    /// What a plugin takes, where that is remembered.
    pub(crate) spec: &'a dyn Fn(&str) -> Option<Arc<CommandSpec>>,
}

/// What could stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Words, in the order in which they are of use.
    pub(crate) candidates: Vec<Candidate>,
    /// Whether a path could too.
    pub(crate) paths: Option<Paths>,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) text: String,
    /// One line about it; may be empty.
    pub(crate) help: String,
}

/// Which paths could stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    Files,
    Folders,
}

/// Completes `word`, which stands behind the words `before`.
pub(crate) fn complete(known: &Known<'_>, before: &[OsString], word: &str) -> Answer {
    let early = early::scan(&known.options, before);
    let chain = &before[early.chain..];
    let command =
        known.commands.iter().find(|it| chain.first().is_some_and(|word| word == it.get_name()));
    let is_own = chain.is_empty() || command.is_some();
    let context = Context { word, is_own, plugins: &known.plugins };
    let mut answer = Answer::default();
    if chain.is_empty() {
        begin(known, &context, before, early.options == early.chain, &mut answer);
    } else if let Some(command) = command {
        in_command(&context, &spec_of(command), &chain[1..], &mut answer);
    } else {
        in_chain(known, &context, chain, &mut answer);
    }
    answer.candidates.retain(|candidate| candidate.text.starts_with(word));
    answer
}

impl Answer {
    /// The lines that the scripts read: a word and what it is, divided by a tab; without a word, what
    /// else to complete.
    pub(crate) fn lines(&self) -> String {
        let mut lines = String::new();
        for Candidate { text, help } in &self.candidates {
            let help: Vec<_> = help.split_whitespace().collect();
            let help = help.join(" ").replace(char::is_control, "\u{fffd}");
            lines += &format!("{text}\t{help}\n");
        }
        match self.paths {
            Some(Paths::Files) => lines += "\tfiles\n",
            Some(Paths::Folders) => lines += "\tfolders\n",
            None => {}
        }
        lines
    }

    fn offer(&mut self, text: impl Into<String>, help: impl Into<String>) {
        let text = text.into();
        // What a file says of itself must not become a line of its own.
        if !text.contains(char::is_control) {
            self.candidates.push(Candidate { text, help: help.into() });
        }
    }
}

/// Where there is nothing but options of the host so far.
fn begin(
    known: &Known<'_>,
    context: &Context<'_>,
    before: &[OsString],
    options: bool,
    answer: &mut Answer,
) {
    let spec = spec_of(&known.options);
    if options {
        let expects = crate::chain::expects(&spec, before);
        if expects.only_value || context.word.starts_with('-') {
            in_command(context, &spec, before, answer);
            return;
        }
    }
    context.names(answer);
    for command in &known.commands {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        answer.offer(command.get_name(), about);
    }
    context.argument_file(answer);
}

fn in_chain(known: &Known<'_>, context: &Context<'_>, chain: &[OsString], answer: &mut Answer) {
    let mut vocabulary = Remembered { known, specs: HashMap::new() };
    match cursor(&Word::line(chain.to_vec()), &mut vocabulary) {
        Cursor::Name => {
            context.names(answer);
            context.argument_file(answer);
        }
        Cursor::Unknown => {
            context.names(answer);
            answer.offer(THEN, THEN_HELP);
            answer.paths = Some(Paths::Files);
        }
        Cursor::Stage { spec, args } => {
            let follow = in_command(context, &spec, &args, answer);
            if follow.stage {
                context.names(answer);
                context.argument_file(answer);
            }
            if follow.then {
                answer.offer(THEN, THEN_HELP);
            }
        }
    }
}

const THEN_HELP: &str = "End the stage";

/// The plugins as the splitter asks for them.
struct Remembered<'a> {
    known: &'a Known<'a>,
    specs: HashMap<String, Option<Arc<CommandSpec>>>,
}

impl Vocabulary for Remembered<'_> {
    type Error = ();

    fn is_plugin(&self, name: &str) -> bool {
        self.known.plugins.iter().any(|(known, _)| known == name)
    }

    fn names(&self) -> Vec<String> {
        // For suggestions, which nobody reads here.
        Vec::new()
    }

    fn spec(&mut self, name: &str) -> Result<Arc<CommandSpec>, ()> {
        let remembered =
            self.specs.entry(name.to_owned()).or_insert_with(|| (self.known.spec)(name));
        remembered.clone().ok_or(())
    }

    fn read_args(&mut self, path: &Path, named_by: &Origin) -> Result<Vec<Word>, ArgFileError> {
        // A shell that completes a line waits for no pipe.
        argfile::read(path, named_by, files::read)
    }
}

#[cfg(test)]
mod tests;
