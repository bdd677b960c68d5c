//! The words that a command, or a stage, could take next.

use std::ffi::OsString;

use lifespan_abi::{ArgAction, ArgSpec, CommandSpec, ValueHint};

use super::{Answer, Paths};
use crate::chain::{expects, given};
use crate::cli::word::PLUGIN;

/// The names of values of the host's own commands that are names of plugins; an instance is mostly
/// called as its plugin is.
const NAMES: [&str; 3] = [PLUGIN, "INSTANCE", "NAME"];

/// What may follow beside what was offered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Follow {
    /// The next stage.
    pub(super) stage: bool,
    /// The word that ends a stage.
    pub(super) then: bool,
}

/// What is completed, and with what.
pub(super) struct Context<'a> {
    /// The beginning of the word.
    pub(super) word: &'a str,
    /// Whether it is of a command of the host's own.
    pub(super) is_own: bool,
    /// Names and summaries.
    pub(super) plugins: &'a [(String, String)],
}

impl Context<'_> {
    /// The names of plugins.
    pub(super) fn names(&self, answer: &mut Answer) {
        for (name, summary) in self.plugins {
            answer.offer(name, summary);
        }
    }

    /// `@FILE`, where the word begins so.
    pub(super) fn argument_file(&self, answer: &mut Answer) {
        if self.word.starts_with('@') {
            answer.paths = Some(Paths::Files);
        }
    }

    /// Values of an argument, behind what stands before them in the word.
    fn values(&self, arg: &ArgSpec, before: &str, answer: &mut Answer) {
        // Of several values in one word, the last is completed.
        let begun = &self.word[before.len()..];
        let last = arg.value_delimiter.and_then(|delimiter| begun.rfind(delimiter));
        let before = &self.word[..before.len() + last.map_or(0, |at| at + 1)];
        for value in &arg.possible_values {
            answer.offer(format!("{before}{value}"), "");
        }
        let called = |names: &[&str]| {
            let words = arg.value_names.iter().flat_map(|name| name.split('|'));
            words.into_iter().any(|word| names.contains(&word))
        };
        if self.is_own && called(&NAMES) {
            for (name, summary) in self.plugins {
                answer.offer(format!("{before}{name}"), summary);
            }
        }
        answer.paths = match arg.value_hint {
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => {
                Some(Paths::Files)
            }
            ValueHint::DirPath => Some(Paths::Folders),
            // What an author did not say may be told by a name that many use.
            ValueHint::Unknown if called(&["FILE", "PATH"]) => Some(Paths::Files),
            ValueHint::Unknown if called(&["DIR", "FOLDER"]) => Some(Paths::Folders),
            _ => answer.paths,
        };
    }

    /// Options as they could be written here.
    fn options(&self, command: &CommandSpec, words: &[OsString], answer: &mut Answer) {
        let given = given(command, words);
        let repeats = |arg: &ArgSpec| matches!(arg.action, ArgAction::Append | ArgAction::Count);
        let options = command.args.iter().filter(|arg| !arg.is_positional() && !arg.hidden);
        for arg in options.filter(|arg| repeats(arg) || given.leaves_room_for(arg, command)) {
            let help = arg.help.as_deref().unwrap_or_default();
            let equals = if arg.require_equals { "=" } else { "" };
            match (&arg.long, arg.short) {
                (_, Some(short))
                    if self.word.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])) =>
                {
                    answer.offer(format!("-{short}"), help);
                }
                (Some(long), _) => answer.offer(format!("--{long}{equals}"), help),
                (None, Some(short)) => answer.offer(format!("-{short}"), help),
                (None, None) => {}
            }
        }
    }
}

/// What a command takes behind these words of it.
pub(super) fn in_command(
    context: &Context<'_>,
    spec: &CommandSpec,
    words: &[OsString],
    answer: &mut Answer,
) -> Follow {
    let expects = expects(spec, words);
    if let Some(command) = expects.options
        && let Some((name, _)) = context.word.split_once('=')
        && let Some(long) = name.strip_prefix("--")
    {
        let arg = command.args.iter().find(|arg| arg.long.as_deref() == Some(long));
        if let Some(arg) = arg.filter(|arg| arg.action.takes_values()) {
            context.values(arg, &context.word[..name.len() + 1], answer);
        }
        return Follow::default();
    }
    if let Some(value) = expects.value {
        context.values(value, "", answer);
    }
    if expects.only_value {
        // All words are values of a positional; only `--then` is not.
        return Follow { stage: false, then: expects.value.is_none_or(ArgSpec::is_positional) };
    }
    if let Some(command) = expects.options {
        if expects.subcommands {
            for subcommand in &command.subcommands {
                let about = subcommand.about.as_deref().unwrap_or_default();
                answer.offer(&subcommand.name, about);
            }
        }
        // The words of a subcommand begin behind its name.
        let own = if std::ptr::eq(command, spec) { words } else { behind(spec, command, words) };
        context.options(command, own, answer);
    }
    Follow { stage: expects.may_end, then: true }
}

/// The words behind the name of a subcommand that was reached.
fn behind<'w>(spec: &CommandSpec, command: &CommandSpec, words: &'w [OsString]) -> &'w [OsString] {
    let reached = |end: &usize| {
        let options = expects(spec, &words[..*end]).options;
        options.is_some_and(|it| std::ptr::eq(it, command))
    };
    (1..=words.len()).find(reached).map_or(&[], |end| &words[end..])
}
