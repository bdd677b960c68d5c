//! A plugin's table as words of its stage: `from = 5` is `--from=5`.
//!
//! The host knows the plugin's command spec and not its parser, so values are judged only as far as
//! the spec goes; the rest is the parser's, when the stage is bound. Words that are given here stand
//! before the stage's own. Since words cannot be taken back, an option that the line gives, or that
//! excludes what the line gives, or that the environment has a variable for, is left out.

use std::ffi::OsString;

use lifespan_abi::{ArgAction, ArgSpec, CommandSpec};

use crate::chain::{Given, alike};
use crate::config::mistake::{Located, Mistake};
use crate::config::place::Place;
use crate::config::{Scalar, Setting, Table, Value};

/// An option whose value is a file's.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// As it is written: `--from`.
    pub(crate) option: String,
    /// Its words; none where a flag is not to be set.
    pub(crate) words: Vec<OsString>,
    /// Where the file says it.
    pub(crate) place: Place,
}

impl Taken {
    /// Whether a parser's complaint names the option.
    pub(crate) fn is_named_in(&self, complaint: &str) -> bool {
        let goes_on = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let mut ends = complaint.match_indices(&self.option).map(|(at, found)| at + found.len());
        ends.any(|end| !complaint[end..].starts_with(goes_on))
    }
}

/// What a table adds to a stage, where `given` says what stands on the line and `env` which
/// variables there are.
///
/// # Errors
///
/// All that is wrong in the table, whatever the line gives.
pub(crate) fn words(
    plugin: &str,
    table: &Table,
    spec: &CommandSpec,
    given: &Given,
    env: impl Fn(&str) -> bool,
) -> Result<Vec<Taken>, Vec<Located>> {
    let mut taken = Vec::new();
    let mut mistakes = Vec::new();
    for setting in &table.settings {
        let Some(arg) = find(spec, &setting.key) else {
            mistakes.push(unknown(plugin, setting, spec));
            continue;
        };
        match of_option(arg, setting) {
            Err(mistake) => mistakes.push(mistake),
            Ok(_) if !given.leaves_room_for(arg, spec) => {}
            Ok(_) if arg.env.as_deref().is_some_and(&env) => {}
            Ok(words) => {
                let place = setting.value_place.clone();
                taken.push(Taken { option: written(arg), words, place });
            }
        }
    }
    if mistakes.is_empty() { Ok(taken) } else { Err(mistakes) }
}

/// The option that a key means: its long name, or where it has none, its short one.
pub(super) fn find<'s>(spec: &'s CommandSpec, key: &str) -> Option<&'s ArgSpec> {
    let is_it = |arg: &&ArgSpec| match (&arg.long, arg.short) {
        (Some(long), _) => long == key || arg.long_aliases.iter().any(|alias| alias == key),
        (None, Some(short)) => key.strip_prefix(short) == Some(""),
        (None, None) => false,
    };
    spec.args.iter().find(is_it)
}

/// An option as one writes it on the line.
pub(super) fn written(arg: &ArgSpec) -> String {
    match (&arg.long, arg.short) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => arg.id.clone(),
    }
}

fn unknown(plugin: &str, setting: &Setting, spec: &CommandSpec) -> Located {
    let (plugin, option) = (plugin.to_owned(), setting.key.clone());
    let visible = spec.args.iter().filter(|arg| !arg.hidden && settable(arg));
    let known: Vec<String> = visible.filter_map(|arg| arg.long.clone()).collect();
    let likely = alike(&option, &known);
    let mut mistake = Located::new(Mistake::UnknownOption { plugin, option }, &setting.place);
    if likely.is_empty() && !known.is_empty() {
        mistake.hints.push(format!("its options are: {}", known.join(", ")));
    }
    mistake.suggesting(&likely)
}

fn settable(arg: &ArgSpec) -> bool {
    !arg.is_positional() && !matches!(arg.action, ArgAction::Help | ArgAction::Version)
}

fn of_option(arg: &ArgSpec, setting: &Setting) -> Result<Vec<OsString>, Located> {
    let option = written(arg);
    let wanted = |wanted: &str| {
        let mistake = Mistake::Value { option: setting.key.clone(), wanted: wanted.into() };
        Located::new(mistake, &setting.value_place)
    };
    match (arg.action, &setting.value) {
        (ArgAction::Help | ArgAction::Version, _) => {
            Err(Located::new(Mistake::LineOnly(setting.key.clone()), &setting.place))
        }
        (ArgAction::SetTrue | ArgAction::SetFalse, Value::One(Scalar::Bool(set))) => {
            Ok(set.then(|| option.into()).into_iter().collect())
        }
        (ArgAction::SetTrue | ArgAction::SetFalse, _) => Err(wanted("`true` or `false`")),
        (ArgAction::Count, value) => {
            let times = match value {
                Value::One(Scalar::Bool(set)) => Some(u8::from(*set)),
                Value::One(Scalar::Number(times)) => times.parse().ok(),
                Value::One(Scalar::Text(_)) | Value::Many(_) => None,
            };
            let times = times.ok_or_else(|| wanted("a number from 0 to 255"))?;
            Ok(vec![option.into(); times.into()])
        }
        (ArgAction::Set | ArgAction::Append, Value::One(value)) => {
            Ok(vec![joined(&option, value.word())])
        }
        (ArgAction::Set | ArgAction::Append, Value::Many(values)) => {
            let values: Vec<&str> = values.iter().map(Scalar::word).collect();
            listed(arg, &option, &values).ok_or_else(|| wanted(LIST[usize::from(is_list(arg))]))
        }
    }
}

/// What an option takes that does not take this list.
const LIST: [&str; 2] = ["one value", "a list only with as many values as it takes at once"];

fn is_list(arg: &ArgSpec) -> bool {
    arg.max_values != Some(1)
}

/// The words of several values.
fn listed(arg: &ArgSpec, option: &str, values: &[&str]) -> Option<Vec<OsString>> {
    let undivided = |delimiter| !values.iter().any(|value| value.contains(delimiter));
    match (values, arg.value_delimiter) {
        ([], _) => Some(Vec::new()),
        ([value], _) => Some(vec![joined(option, value)]),
        // What a delimiter divides counts as one where clap counts.
        (_, Some(delimiter)) if arg.min_values <= 1 && undivided(delimiter) => {
            Some(vec![joined(option, &values.join(&delimiter.to_string()))])
        }
        // Each by an occurrence of its own, which ends with its word.
        _ if arg.action == ArgAction::Append && arg.min_values <= 1 => {
            Some(values.iter().map(|value| joined(option, value)).collect())
        }
        // An option that could take more would take the words behind it too.
        _ => {
            let full = arg.max_values == Some(values.len());
            let fits = arg.max_values.is_none_or(|most| values.len() <= most);
            let end = arg.value_terminator.as_ref().filter(|_| fits && !full);
            if arg.require_equals || !(full || end.is_some()) {
                return None;
            }
            let words = [option].into_iter().chain(values.iter().copied());
            Some(words.chain(end.map(String::as_str)).map(OsString::from).collect())
        }
    }
}

/// An option with a value in the same word, where it cannot be mistaken.
fn joined(option: &str, value: &str) -> OsString {
    format!("{option}={value}").into()
}

#[cfg(test)]
mod tests;
