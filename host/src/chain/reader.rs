//! Follows one stage word by word, as its own clap will: what does it make of the next word?
//!
//! A state machine over a command spec. [`Reader::read`] answers for one word whether the stage needs
//! it, could take it or cannot, with the state it would be in after taking it; whose the word is then,
//! the splitter decides. It follows clap's parser rule by rule, so whoever changes it runs the
//! properties that compare the two. It judges no value and reports nothing: where clap would give
//! up, the reader is *lost*, which means that the next plugin's name ends the stage.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::OsStr;

use lifespan_abi::{ArgAction, ArgSpec, CommandSpec};

use crate::chain::dash::{Attached, Cluster, Dash};

#[cfg(feature = "cli")]
mod expects;

#[cfg(feature = "cli")]
pub(crate) use self::expects::Expects;

/// How much a stage wants a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Without it, or by it, the stage would not be what it must be.
    Needs,
    /// The stage can do with it or without.
    Takes,
    /// The stage is wrong already, and any word may belong to what is wrong.
    Swallows,
    /// The stage has no place for it.
    Refuses,
}

/// The state of a stage between two words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'s> {
    /// The command, or the subcommand that was reached.
    command: &'s CommandSpec,
    mode: Mode,
    /// What takes plain words before anything else does.
    open: Open<'s>,
    /// The positional that comes next, from 1.
    position: usize,
    /// How many words it has been given in all.
    given: usize,
    /// How many of these since the last option.
    in_a_row: usize,
    /// Whether any argument was given: some commands take no subcommand then.
    any_arg: bool,
    /// The positionals that options have excluded, and that are not required any more: a bit each.
    waived: u64,
    /// Told of each argument that is given.
    seen: Option<&'s Seen>,
}

/// The ids of the arguments that words were taken for.
pub(super) type Seen = RefCell<HashSet<String>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Each word is understood.
    Following,
    /// clap gives up here, or shows help.
    Lost,
    /// All that is left is the stage's: after `--`, or a trailing argument.
    Rest,
}

#[derive(Clone, Copy, Debug)]
enum Open<'s> {
    Nothing,
    /// An option that takes more values, and how many it has.
    Option(&'s ArgSpec, usize),
    /// A positional that has a value and takes more.
    Positional(&'s ArgSpec),
}

impl<'s> Reader<'s> {
    /// The state after the stage's name.
    pub(super) fn new(command: &'s CommandSpec) -> Self {
        Reader {
            command,
            mode: Mode::Following,
            open: Open::Nothing,
            position: 1,
            given: 0,
            in_a_row: 0,
            any_arg: false,
            waived: 0,
            seen: None,
        }
    }

    /// The same, telling `seen` of what is given. All words that it reads must be the stage's.
    pub(super) fn telling(command: &'s CommandSpec, seen: &'s Seen) -> Self {
        Reader { seen: Some(seen), ..Reader::new(command) }
    }

    /// The command, or the subcommand that was reached.
    pub(super) fn command(self) -> &'s CommandSpec {
        self.command
    }

    /// What the stage makes of a word, and its state after taking it.
    pub(super) fn read(self, word: &OsStr) -> (Claim, Self) {
        if self.mode == Mode::Rest {
            self.place().inspect(|arg| self.tell(arg));
            return (Claim::Needs, self);
        }
        if let Some(subcommand) = self.subcommand(word) {
            let Reader { mode, seen, .. } = self;
            return (Claim::Needs, Reader { mode, seen, ..Reader::new(subcommand) });
        }
        let (as_option, reader) = match Dash::of(word) {
            Dash::No => (None, self),
            Dash::Escape => (self.escape(), self),
            Dash::Long { name, attached } => {
                let reader = self.settled(false);
                (reader.long(name, attached), reader)
            }
            Dash::Short(cluster) => {
                let reader = self.settled(cluster.is_number());
                (reader.cluster(cluster), reader)
            }
        };
        match (as_option, reader.open) {
            (Some(taken), _) => (Claim::Needs, taken),
            (None, Open::Option(arg, values)) => reader.option_value(word, arg, values),
            (None, _) => reader.positional(word),
        }
    }

    /// What could stand here instead of an unknown word: options and subcommands, as written.
    pub(super) fn offers(self) -> Vec<String> {
        let visible = self.command.args.iter().filter(|arg| !arg.hidden);
        let options = visible.filter_map(|arg| arg.long.as_ref()).map(|long| format!("--{long}"));
        let subcommands = self.command.subcommands.iter().map(|sub| sub.name.clone());
        options.chain(subcommands).collect()
    }

    /// Whether a subcommand may stand here.
    fn takes_subcommands(self) -> bool {
        let between = match self.pair() {
            Some(pair) if self.given > 0 => !is_multiple(pair.second),
            _ => matches!(self.open, Open::Nothing),
        };
        (between || self.command.subcommand_precedence_over_arg)
            && !(self.any_arg && self.command.args_conflicts_with_subcommands)
    }

    fn subcommand(self, word: &OsStr) -> Option<&'s CommandSpec> {
        if !self.takes_subcommands() {
            return None;
        }
        let word = word.to_str()?;
        let named = |sub: &&CommandSpec| sub.name == word || sub.aliases.iter().any(|a| a == word);
        self.command.subcommands.iter().find(named)
    }

    fn escape(self) -> Option<Self> {
        if self.open.takes_hyphens() {
            return None;
        }
        Some(Reader { mode: Mode::Rest, ..self })
    }

    /// `--name`, unless it is a value.
    fn long(self, name: Option<&str>, attached: bool) -> Option<Self> {
        if self.open.takes_hyphens() {
            return None;
        }
        let attached = if attached { Attached::ByEquals } else { Attached::Nothing };
        match name.and_then(|name| find_long(self.command, name)) {
            Some(arg) if !takes_values(arg) && attached != Attached::Nothing => Some(self.lost()),
            Some(arg) => Some(self.occurrence(arg, attached)),
            None if name.is_some() && self.next_takes_hyphens() => None,
            None => Some(self.lost()),
        }
    }

    /// `-abc`, unless it is a value.
    fn cluster(self, cluster: Cluster<'_>) -> Option<Self> {
        let is_known = |flag| find_short(self.command, flag).is_some();
        let all_known = cluster.flags().all(|(flag, _)| is_known(flag)) && !cluster.is_broken();
        if self.open.takes_hyphens()
            || cluster.is_number() && (self.open.takes_numbers() || self.next_takes_numbers())
            || self.next_takes_hyphens() && !all_known
        {
            return None;
        }
        let mut taken = self;
        for (flag, attached) in cluster.flags() {
            let Some(arg) = find_short(self.command, flag) else { return Some(taken.lost()) };
            let more = !takes_values(arg)
                // An option whose value must be joined by `=` and may be missing leaves the rest alone.
                || arg.require_equals && arg.min_values == 0 && attached == Attached::Directly;
            taken = taken.occurrence(arg, if more { Attached::Nothing } else { attached });
            if !more {
                return Some(taken);
            }
        }
        Some(if cluster.is_broken() { taken.lost() } else { taken })
    }

    /// The state after an option, with or without a value in the same word.
    fn occurrence(self, arg: &'s ArgSpec, attached: Attached) -> Self {
        self.tell(arg);
        let waived = self.waived | waives(self.command, arg);
        let done = Reader { open: Open::Nothing, any_arg: true, in_a_row: 0, waived, ..self };
        if matches!(arg.action, ArgAction::Help | ArgAction::Version) {
            done.lost()
        } else if !takes_values(arg) || attached == Attached::ByEquals {
            done
        } else if arg.require_equals {
            if arg.min_values == 0 { done } else { done.lost() }
        } else if attached == Attached::Directly {
            done
        } else {
            Reader { open: Open::Option(arg, 0), ..done }
        }
    }

    /// A value in a word of its own, for the option before it.
    fn option_value(self, word: &OsStr, arg: &'s ArgSpec, values: usize) -> (Claim, Self) {
        let ends = terminates(arg, word);
        let wanted = ends || values < arg.min_values || self.lacks_positional();
        let claim = if wanted { Claim::Needs } else { Claim::Takes };
        let full = arg.max_values.is_some_and(|most| values + 1 >= most);
        let open = if ends || full { Open::Nothing } else { Open::Option(arg, values + 1) };
        (claim, Reader { open, ..self })
    }

    fn positional(self, word: &OsStr) -> (Claim, Self) {
        if self.mode == Mode::Lost {
            return (Claim::Swallows, self);
        }
        let Some(arg) = self.place().filter(|arg| !arg.last && !self.is_full(arg)) else {
            // Where a subcommand must follow, clap knows best which it may have been.
            let misspelt = self.command.subcommand_required && matches!(self.open, Open::Nothing);
            let claim = if misspelt { Claim::Swallows } else { Claim::Refuses };
            return (claim, self.lost());
        };
        self.tell(arg);
        let claim = if self.lacks_positional() { Claim::Needs } else { Claim::Takes };
        let taken = Reader { open: Open::Nothing, any_arg: true, ..self };
        let following = Reader { position: self.position + 1, given: 0, in_a_row: 0, ..taken };
        let staying = Reader { given: self.given + 1, in_a_row: self.in_a_row + 1, ..taken };
        let taken = if let Some(pair) = self.pair() {
            match (is_multiple(pair.first), self.given) {
                _ if pair.second.trailing_var_arg => Reader { mode: Mode::Rest, ..taken },
                (true, _) => Reader { open: Open::Positional(pair.first), ..staying },
                (false, 0) => staying,
                (false, _) => following.filled(pair.second),
            }
        } else if terminates(arg, word) {
            following
        } else if arg.trailing_var_arg {
            Reader { mode: Mode::Rest, ..taken }
        } else if is_multiple(arg) {
            Reader { open: Open::Positional(arg), ..staying }
        } else {
            following
        };
        (claim, taken)
    }

    /// Whether the stage cannot end here, since a positional still lacks a value.
    fn lacks_positional(self) -> bool {
        if self.mode != Mode::Following {
            return false;
        }
        if let Some(pair) = self.pair() {
            return self.given < self.least(pair.first).saturating_add(self.least(pair.second));
        }
        let Some(arg) = self.place() else { return false };
        let begun = (1..arg.min_values).contains(&self.in_a_row);
        let later = |later: &ArgSpec| later.index > arg.index && self.least(later) > 0;
        begun || self.given == 0 && self.least(arg) > 0 || self.command.args.iter().any(later)
    }

    /// How many values a positional must have.
    fn least(self, arg: &ArgSpec) -> usize {
        let waived = arg.index.is_some_and(|index| self.waived & bit(index) != 0);
        if arg.required && !arg.last && !waived { arg.min_values.max(1) } else { 0 }
    }

    /// The positional that comes next.
    fn place(self) -> Option<&'s ArgSpec> {
        find_positional(self.command, self.position)
    }

    /// Whether the next positional has all the words that one occurrence may have.
    fn is_full(self, arg: &ArgSpec) -> bool {
        self.pair().is_none()
            && arg.max_values.is_some_and(|most| most > 1 && self.in_a_row >= most)
    }

    /// The last two positionals, where clap looks at the next word to tell which of them a word is
    /// for: the first may take many values (`cp SOURCE... TARGET`) or be missing. As long as only
    /// plain words come, how many there are is all that matters.
    fn pair(self) -> Option<Pair<'s>> {
        let first = self.place()?;
        let second = find_positional(self.command, self.position + 1)?;
        let is_last = find_positional(self.command, self.position + 2).is_none();
        let looks_ahead = is_multiple(first) || self.command.allow_missing_positional;
        (is_last && looks_ahead && !second.last && first.value_terminator.is_none())
            .then_some(Pair { first, second })
    }

    /// The state before an option: clap has given the word before it to the second of a pair, unless
    /// the first could take this one too.
    fn settled(self, is_number: bool) -> Self {
        let Some(pair) = self.pair().filter(|_| self.given > 0) else { return self };
        let Pair { first, second } = pair;
        let following = Reader { position: self.position + 1, given: 0, in_a_row: 0, ..self };
        if !(first.allow_hyphen_values || first.allow_negative_numbers && is_number) {
            following.filled(second)
        } else if is_multiple(first) {
            self
        } else {
            following
        }
    }

    /// The state after a first word for a positional, which comes next.
    fn filled(self, arg: &'s ArgSpec) -> Self {
        if is_multiple(arg) {
            Reader { open: Open::Positional(arg), given: 1, in_a_row: 1, ..self }
        } else {
            Reader { open: Open::Nothing, position: self.position + 1, ..self }
        }
    }

    /// Whether a dash may begin a value of the next positional.
    fn next_takes_hyphens(self) -> bool {
        self.place().is_some_and(|arg| arg.allow_hyphen_values && !arg.last)
    }

    /// Whether the next positional may be a negative number.
    fn next_takes_numbers(self) -> bool {
        self.place().is_some_and(|arg| arg.allow_negative_numbers)
    }

    fn tell(self, arg: &ArgSpec) {
        if let Some(seen) = self.seen {
            seen.borrow_mut().insert(arg.id.clone());
        }
    }

    fn lost(self) -> Self {
        Reader { mode: Mode::Lost, open: Open::Nothing, in_a_row: 0, ..self }
    }
}

impl Open<'_> {
    fn arg(&self) -> Option<&ArgSpec> {
        match self {
            Open::Nothing => None,
            Open::Option(arg, _) | Open::Positional(arg) => Some(arg),
        }
    }

    fn takes_hyphens(&self) -> bool {
        self.arg().is_some_and(|arg| arg.allow_hyphen_values)
    }

    fn takes_numbers(&self) -> bool {
        self.arg().is_some_and(|arg| arg.allow_negative_numbers)
    }
}

#[derive(Clone, Copy)]
struct Pair<'s> {
    first: &'s ArgSpec,
    second: &'s ArgSpec,
}

/// The positionals that an option excludes, or that exclude it.
fn waives(command: &CommandSpec, option: &ArgSpec) -> u64 {
    let excludes = |one: &ArgSpec, other: &ArgSpec| one.conflicts_with.contains(&other.id);
    let excluded = command.args.iter().filter(|positional| {
        option.exclusive || excludes(option, positional) || excludes(positional, option)
    });
    excluded.filter_map(|arg| arg.index).map(bit).fold(0, |all, one| all | one)
}

/// The bit of a positional; none of those that no command has.
fn bit(index: usize) -> u64 {
    u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0)
}

fn takes_values(arg: &ArgSpec) -> bool {
    arg.max_values != Some(0)
}

/// Whether words go on to be this positional's.
fn is_multiple(arg: &ArgSpec) -> bool {
    arg.max_values != Some(arg.min_values) || arg.min_values > 1 || arg.action == ArgAction::Append
}

fn terminates(arg: &ArgSpec, word: &OsStr) -> bool {
    arg.value_terminator.as_ref().is_some_and(|terminator| word == terminator.as_str())
}

fn find_positional(command: &CommandSpec, index: usize) -> Option<&ArgSpec> {
    command.args.iter().find(|arg| arg.index == Some(index))
}

fn find_short(command: &CommandSpec, flag: char) -> Option<&ArgSpec> {
    command.args.iter().find(|arg| arg.short == Some(flag) || arg.short_aliases.contains(&flag))
}

fn find_long<'s>(command: &'s CommandSpec, name: &str) -> Option<&'s ArgSpec> {
    let exact = command.args.iter().find(|arg| long_names(arg).any(|long| long == name));
    if exact.is_some() || !command.infer_long_args {
        return exact;
    }
    let begins = |arg: &&ArgSpec| long_names(arg).any(|long| long.starts_with(name));
    let mut candidates = command.args.iter().filter(begins);
    candidates.next().filter(|_| candidates.next().is_none())
}

fn long_names(arg: &ArgSpec) -> impl Iterator<Item = &str> {
    arg.long.iter().chain(&arg.long_aliases).map(String::as_str)
}
