//! Its arguments are read the same by the host, which divides a line by their description, and by its
//! own parser, which is given what the host takes for its stage.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use lifespan_abi::CommandSpec;

use self::lines::Lines;
use crate::chain::{ArgFileError, Origin, THEN, Vocabulary, Word, split};
use crate::error::Failure;
use crate::load::LoadedLibrary;
use crate::validate::chance::Chance;
use crate::validate::subject::Parsed;
use crate::validate::{Check, Finding, Stage, Subject};

mod lines;

/// How many lines are tried.
const LINES: usize = 200;

/// An option that nobody has.
const UNKNOWN: &str = "--lifespan-validate-no-such-option";

/// What clap says where a line has another shape than its command; what it says of values, and of what
/// belongs together, is no matter of shape.
const SHAPES: [&str; 7] = [
    "unexpected argument",
    "unrecognized subcommand",
    "unexpected value",
    "values required",
    "a value is required for",
    "equal sign is needed",
    "cannot be used multiple times",
];

pub(super) const CHECK: Check = Check {
    name: "arguments",
    proves: "its parser takes what its description says, and nothing else",
    remedy: "have its arguments be the same each time that they are described (`augment_args`), and \
             leave values to value parsers that do not panic",
    stage: Stage::Arguments,
    run,
};

fn run(subject: &Subject<'_>) -> Result<(), Finding> {
    let library = subject.library()?;
    let spec = Arc::new(subject.spec()?);
    let values = known_values(subject, &library, &spec)?;
    let mut chance = Chance::new(subject.seed);
    let mut lines = Lines { chance: &mut chance, values: &values };
    for nth in 0..LINES {
        let (mut words, is_whole) = (lines.line(&spec), nth % 4 != 3);
        if !is_whole {
            // One word too many, perhaps, or one too few.
            lines.spoil(&mut words);
        }
        judge(subject, &library, &spec, &words, is_whole)?;
    }
    let takes_all = spec.args.iter().any(|arg| arg.allow_hyphen_values || arg.trailing_var_arg);
    match subject.parse(&library, vec![UNKNOWN.into()]) {
        Parsed::Bound(_) if !takes_all => {
            Err(Finding::failed(format!("its parser takes `{UNKNOWN}`, which it cannot know")))
        }
        _ => Ok(()),
    }
}

/// Has its parser parse a line, and compares.
fn judge(
    subject: &Subject<'_>,
    library: &LoadedLibrary,
    spec: &Arc<CommandSpec>,
    words: &[String],
    is_whole: bool,
) -> Result<(), Finding> {
    let refusal = match subject.parse(library, words.iter().map(Into::into).collect()) {
        Parsed::Failed(failure) => return Err(fails(subject, words, failure)),
        Parsed::Refused(text) => Some(text),
        Parsed::Bound(_) | Parsed::Answer(_) => None,
    };
    compare(subject.name(), spec, words, is_whole, refusal.as_deref())
}

/// Compares what the two make of a line: the host by the description, and its parser, which has
/// refused it by that text if at all. `is_whole` is a line that is as the description says.
fn compare(
    plugin: &str,
    spec: &Arc<CommandSpec>,
    words: &[String],
    is_whole: bool,
    refusal: Option<&str>,
) -> Result<(), Finding> {
    let line = || format!("`{plugin} {}`", words.join(" "));
    let taken = taken_by_host(plugin, spec, words);
    match refusal {
        None if taken < words.len() => Err(Finding::failed(format!(
            "of {} the host takes the first {taken} words for its stage, its parser all",
            line()
        ))),
        Some(text) if is_whole && taken == words.len() => {
            let first = text.lines().next().unwrap_or_default();
            if !SHAPES.iter().any(|shape| first.contains(shape)) {
                return Ok(());
            }
            let reason = format!("its parser refuses {}, which is as described", line());
            Err(Finding { detail: Some(text.to_owned()), ..Finding::failed(reason) })
        }
        None | Some(_) => Ok(()),
    }
}

/// How many of these words the host takes for the stage.
fn taken_by_host(plugin: &str, spec: &Arc<CommandSpec>, words: &[String]) -> usize {
    let line = std::iter::once(plugin).chain(words.iter().map(|it| &**it)).chain([THEN]);
    let line = Word::line(line.map(OsString::from));
    let mut only = Only { plugin, spec };
    split(&line, &mut only).stages.first().map_or(0, |stage| stage.args.len())
}

/// For each argument that takes any value, by its id, one that its parser takes; none if none of those
/// that are tried is.
fn known_values(
    subject: &Subject<'_>,
    library: &LoadedLibrary,
    spec: &CommandSpec,
) -> Result<BTreeMap<String, String>, Finding> {
    let mut known = BTreeMap::new();
    for (path, arg) in lines::takers(spec, &[]) {
        let named = arg.possible_values.iter().chain(&arg.default_values).map(|it| &**it);
        for value in named.chain(lines::VALUES) {
            let words: Vec<_> = path.iter().cloned().chain(lines::alone(arg, value)).collect();
            let is_taken = match subject.parse(library, words.iter().map(Into::into).collect()) {
                Parsed::Refused(text) => !text.contains("invalid value"),
                Parsed::Bound(_) | Parsed::Answer(_) => true,
                Parsed::Failed(failure) => return Err(fails(subject, &words, failure)),
            };
            if is_taken {
                known.insert(arg.id.clone(), value.to_owned());
                break;
            }
        }
    }
    Ok(known)
}

/// The fault of a parser that fails on a line.
fn fails(subject: &Subject<'_>, words: &[String], failure: Failure) -> Finding {
    let line = format!("`{} {}`", subject.name(), words.join(" "));
    let finding = Finding::of_failure(failure);
    let reason = format!("its parser fails on {line}: {}", finding.reason);
    Finding { reason, exit: None, ..finding }
}

/// A vocabulary of one plugin.
struct Only<'s> {
    plugin: &'s str,
    spec: &'s Arc<CommandSpec>,
}

impl Vocabulary for Only<'_> {
    type Error = Infallible;

    fn is_plugin(&self, name: &str) -> bool {
        name == self.plugin
    }

    fn names(&self) -> Vec<String> {
        vec![self.plugin.to_owned()]
    }

    fn spec(&mut self, _: &str) -> Result<Arc<CommandSpec>, Infallible> {
        Ok(self.spec.clone())
    }

    fn read_args(&mut self, _: &Path, _: &Origin) -> Result<Vec<Word>, ArgFileError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
