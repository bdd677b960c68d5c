//! Which arguments a stage's words give, so that nobody gives them a second time.
//!
//! It reads the words as the splitter did. Values are not looked at.

use std::collections::HashSet;
use std::ffi::OsString;

use lifespan_abi::{ArgSpec, CommandSpec};

use crate::chain::reader::{Reader, Seen};

/// What a stage's words give.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// The ids of the command's arguments; a subcommand may be given those that are global.
    ids: HashSet<String>,
    /// Whether a subcommand is among the words, or may be.
    subcommand: bool,
}

/// Reads the words behind a stage's name.
pub(crate) fn given(spec: &CommandSpec, words: &[OsString]) -> Given {
    let named = |word: &OsString| {
        let is_it = |sub: &CommandSpec| sub.aliases.iter().any(|it| word == it.as_str());
        spec.subcommands.iter().any(|sub| word == sub.name.as_str() || is_it(sub))
    };
    let seen = Seen::default();
    let mut reader = Reader::telling(spec, &seen);
    // Where arguments exclude subcommands, one more argument makes a value of what may be either.
    let ambiguous = spec.args_conflicts_with_subcommands && words.iter().any(named);
    let mut given = Given { subcommand: ambiguous, ..Given::default() };
    for word in words {
        reader = reader.read(word).1;
        let below = !std::ptr::eq(reader.command(), spec);
        let is_global = |id: &str| spec.args.iter().any(|arg| arg.id == id && arg.global);
        let told = seen.take().into_iter();
        given.ids.extend(told.filter(|id| !below || is_global(id)));
        given.subcommand |= below;
    }
    given
}

impl Given {
    /// Whether one may give that argument too, and what is given stays what it means: it is not among
    /// them, and none of them excludes it.
    pub(crate) fn leaves_room_for(&self, arg: &ArgSpec, spec: &CommandSpec) -> bool {
        let given = |other: &&ArgSpec| self.ids.contains(&other.id);
        let excludes = |other: &ArgSpec| {
            other.exclusive
                || other.conflicts_with.contains(&arg.id)
                || arg.conflicts_with.contains(&other.id)
        };
        !self.ids.contains(&arg.id)
            && !(arg.exclusive && (!self.ids.is_empty() || self.subcommand))
            && !(spec.args_conflicts_with_subcommands && self.subcommand)
            && !spec.args.iter().filter(given).any(excludes)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, ArgGroup, Command};
    use lifespan_plugin_api::__private::describe;

    use super::*;

    fn command() -> Command {
        Command::new("x")
            .arg(Arg::new("from").long("from").short('f'))
            .arg(Arg::new("add").long("add").action(ArgAction::Append))
            .arg(Arg::new("loud").long("loud").short('l').action(ArgAction::Count))
            .arg(Arg::new("fast").long("fast").action(ArgAction::SetTrue))
            .arg(Arg::new("slow").long("slow").action(ArgAction::SetTrue))
            .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).exclusive(true))
            .arg(Arg::new("file").conflicts_with("from"))
            .group(ArgGroup::new("speed").args(["fast", "slow"]))
            .subcommand(Command::new("sub").args(["inner", "from"].map(|id| Arg::new(id).long(id))))
    }

    fn check(line: &str, room: &str) {
        let spec = describe(&command()).unwrap();
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let given = given(&spec, &words);
        let options = spec.args.iter().filter(|arg| !arg.is_positional() && arg.id != "help");
        let options = options.filter(|arg| given.leaves_room_for(arg, &spec));
        let left: Vec<_> = options.map(|arg| &*arg.id).collect();
        assert_eq!(left.join(" "), room, "{line}");
    }

    #[test]
    fn what_is_given_is_not_given_again_and_excludes_what_it_excludes() {
        check("", "from add loud fast slow list");
        check("--from 3", "add loud fast slow");
        check("-lf3", "add fast slow");
        check("--add a --add b", "from loud fast slow");
        check("--fast", "from add loud");
        check("word", "add loud fast slow");
        check("-- --from", "add loud fast slow");
        check("--list", "");
        check("sub --inner 3", "from add loud fast slow");
        check("sub --from 3", "from add loud fast slow");
    }
}
