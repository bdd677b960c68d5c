//! Lines of arguments as a description says that they may be, made by chance.

use std::collections::BTreeMap;

use lifespan_abi::{ArgAction, ArgSpec, CommandSpec};

use crate::validate::chance::Chance;

/// What a value may be.
pub(super) const VALUES: [&str; 10] =
    ["1", "a", "0.5", "1s", "true", "127.0.0.1", "127.0.0.1:1", "a/b", "a=b", "2026-01-01"];

/// The most values that are given where there may be any number.
const MOST_VALUES: usize = 3;

/// Makes lines.
pub(super) struct Lines<'l> {
    pub(super) chance: &'l mut Chance,
    /// For arguments, by their ids, a value that they take.
    pub(super) values: &'l BTreeMap<String, String>,
}

/// All arguments that take values, each with the subcommands that lead to it.
pub(super) fn takers<'s>(
    spec: &'s CommandSpec,
    path: &[String],
) -> Vec<(Vec<String>, &'s ArgSpec)> {
    let own = spec.args.iter().filter(|arg| arg.action.takes_values());
    let mut all: Vec<_> = own.map(|arg| (path.to_vec(), arg)).collect();
    for subcommand in &spec.subcommands {
        let path: Vec<_> = path.iter().chain([&subcommand.name]).cloned().collect();
        all.extend(takers(subcommand, &path));
    }
    all
}

/// An argument with one value, as the only one of a line.
pub(super) fn alone(arg: &ArgSpec, value: &str) -> Vec<String> {
    match (&arg.long, arg.short) {
        (Some(long), _) => vec![format!("--{long}={value}")],
        (None, Some(short)) => vec![format!("-{short}={value}")],
        (None, None) => vec![value.to_owned()],
    }
}

impl Lines<'_> {
    /// A line that is as the description says.
    pub(super) fn line(&mut self, spec: &CommandSpec) -> Vec<String> {
        self.line_below(spec, &[])
    }

    /// The same of a subcommand, below commands that these were given to.
    fn line_below(&mut self, spec: &CommandSpec, above: &[String]) -> Vec<String> {
        let mut words = Vec::new();
        let mut given: Vec<&ArgSpec> = Vec::new();
        let options = spec.args.iter().filter(|arg| !arg.is_positional());
        for arg in options.filter(|arg| !matches!(arg.action, ArgAction::Help | ArgAction::Version))
        {
            let excluded = above.contains(&arg.id)
                || given.iter().any(|other| excludes(other, arg) || excludes(arg, other));
            if !excluded && (arg.required || self.chance.once_in(3)) {
                given.push(arg);
            }
        }
        self.shuffle(&mut given);
        let needs = spec.subcommand_required;
        let may = !spec.args_conflicts_with_subcommands || given.is_empty();
        let subcommands: Vec<_> = spec.subcommands.iter().filter(|it| it.name != "help").collect();
        let subcommand = (may && (needs || self.chance.once_in(2)))
            .then(|| self.chance.pick(&subcommands).copied())
            .flatten();
        if subcommand.is_none() {
            self.positionals(spec, &mut words);
        }
        // Where a positional takes what begins with a dash, it takes options too.
        let takes_all = |arg: &ArgSpec| arg.allow_hyphen_values || arg.trailing_var_arg;
        if !spec.args.iter().any(|arg| arg.is_positional() && takes_all(arg)) {
            given.iter().for_each(|arg| self.option(arg, &mut words));
        }
        if let Some(subcommand) = subcommand {
            words.push(subcommand.name.clone());
            let above: Vec<_> =
                above.iter().chain(given.iter().map(|it| &it.id)).cloned().collect();
            words.extend(self.line_below(subcommand, &above));
        }
        words
    }

    /// Makes something of a line that is perhaps not as described.
    pub(super) fn spoil(&mut self, words: &mut Vec<String>) {
        if !words.is_empty() && self.chance.once_in(2) {
            let at = self.chance.below(words.len());
            words.remove(at);
        } else {
            let at = self.chance.below(words.len() + 1);
            words.insert(at, self.chance.pick(&VALUES).copied().unwrap_or_default().to_owned());
        }
    }

    fn option(&mut self, arg: &ArgSpec, words: &mut Vec<String>) {
        let short = arg.short.filter(|_| arg.long.is_none() || self.chance.once_in(2));
        let name = match (short, &arg.long) {
            (Some(short), _) => format!("-{short}"),
            (None, Some(long)) => format!("--{long}"),
            (None, None) => return,
        };
        if !arg.action.takes_values() {
            words.push(name);
            return;
        }
        let value = self.value(arg);
        match (arg.min_values, arg.max_values) {
            // What may have more values takes more words than it is meant to, unless it is joined.
            (0 | 1, most) if most != Some(1) || arg.require_equals => {
                words.push(format!("{name}={value}"));
            }
            (0 | 1, _) if self.chance.once_in(2) => words.push(format!("{name}={value}")),
            (1, _) => words.extend([name, value]),
            (fewest, Some(most)) if fewest == most && !arg.require_equals => {
                words.push(name);
                words.extend(std::iter::repeat_n(value, fewest));
            }
            _ => {}
        }
    }

    fn positionals(&mut self, spec: &CommandSpec, words: &mut Vec<String>) {
        let mut positionals: Vec<_> = spec.args.iter().filter(|arg| arg.is_positional()).collect();
        positionals.sort_by_key(|arg| arg.index);
        if spec.allow_missing_positional {
            // Which of these a word is for depends on how many there are, and on what stands before.
            positionals.retain(|arg| arg.required);
        }
        for arg in positionals.into_iter().filter(|arg| !arg.last) {
            if !arg.required && self.chance.once_in(2) {
                break;
            }
            let values = self.values(arg);
            words.extend(values);
        }
    }

    /// As many values as a positional may have.
    fn values(&mut self, arg: &ArgSpec) -> Vec<String> {
        let fewest = arg.min_values.max(1);
        let most = arg.max_values.unwrap_or(MOST_VALUES).max(fewest).min(fewest + MOST_VALUES);
        let count = fewest + self.chance.below(most - fewest + 1);
        vec![self.value(arg); count]
    }

    /// A value that it takes, as far as one is known.
    fn value(&mut self, arg: &ArgSpec) -> String {
        match (self.values.get(&arg.id), self.chance.pick(&arg.possible_values)) {
            (_, Some(possible)) => possible.clone(),
            (Some(known), None) => known.clone(),
            (None, None) => VALUES[0].to_owned(),
        }
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            things.swap(end, self.chance.below(end + 1));
        }
    }
}

fn excludes(one: &ArgSpec, other: &ArgSpec) -> bool {
    one.exclusive || one.conflicts_with.contains(&other.id)
}
