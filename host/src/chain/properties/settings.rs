//! Settings of files against clap itself: whatever a file sets, a line that clap accepts stays one that
//! it accepts, and means what it meant.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use lifespan_abi::{ArgAction, CommandSpec};
use lifespan_plugin_api::__private::describe;
use proptest::prelude::*;

use super::{args, check};
use crate::chain::given;
use crate::config::{Config, Taken, words};

/// A setting for each option, of which some are no setting that a file can give.
fn settings(spec: &CommandSpec) -> Vec<String> {
    let options = spec.args.iter().filter(|arg| !arg.is_positional());
    let setting = options.filter_map(|arg| {
        let long = arg.long.as_ref()?;
        let values = vec!["'v'"; arg.min_values.max(1)].join(", ");
        Some(match arg.action {
            // Two of those contradict each other, on a line as in a file.
            _ if arg.exclusive => return None,
            ArgAction::SetTrue => format!("{long} = true\n"),
            ArgAction::Count => format!("{long} = 2\n"),
            _ if arg.min_values <= 1 => format!("{long} = 'v'\n"),
            _ => format!("{long} = [{values}]\n"),
        })
    });
    setting.collect()
}

/// The words that a file's settings become beside a line.
fn taken(spec: &CommandSpec, line: &[OsString]) -> Vec<Taken> {
    let each = settings(spec).into_iter().flat_map(|setting| {
        let config = Config::parse(&format!("[plugin.x]\n{setting}"), Path::new("x.toml"));
        let config = config.expect("a setting is TOML");
        let table = config.plugin("x").expect("its table is there");
        words("x", table, spec, &given(spec, line), |_| false).unwrap_or_default()
    });
    each.collect()
}

fn parse(command: &Command, words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let argv = [OsString::from("x")].into_iter().chain(words.iter().cloned());
    command.clone().try_get_matches_from(argv)
}

/// What a line gives: each argument of the command with its values, and of the subcommand, below.
fn meaning(command: &Command, matches: &ArgMatches) -> Vec<(String, Vec<OsString>)> {
    let ids = command.get_arguments().map(|arg| arg.get_id().as_str());
    let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let values = |id: &str| {
        let raw = matches.get_raw(id).into_iter().flatten();
        (id.to_owned(), raw.map(ToOwned::to_owned).collect())
    };
    let mut meaning: Vec<_> = ids.filter(given).map(values).collect();
    if let Some((name, below)) = matches.subcommand() {
        let subcommand = command.find_subcommand(name).expect("clap knows what it has found");
        let below = self::meaning(subcommand, below).into_iter();
        meaning.extend(below.map(|(id, values)| (format!("{name} {id}"), values)));
    }
    meaning
}

#[test]
fn a_file_leaves_a_line_what_it_is() {
    check(500, |_, command, line| {
        let line = args(line);
        let Ok(alone) = parse(command, &line) else { return Ok(false) };
        let spec = describe(command).expect("the test's commands can be described");
        let taken = taken(&spec, &line);
        let before = taken.iter().flat_map(|taken| taken.words.clone());
        let words: Vec<_> = before.chain(line.iter().cloned()).collect();
        let both = match parse(command, &words) {
            Ok(both) => both,
            Err(error) => return Err(TestCaseError::fail(format!("{words:?}: {error}"))),
        };
        let both = meaning(command, &both);
        for given in meaning(command, &alone) {
            prop_assert!(both.contains(&given), "{words:?}: {given:?} is not in {both:?}");
        }
        for taken in &taken {
            let id = taken.option.trim_start_matches('-');
            prop_assert!(both.iter().any(|(given, _)| given == id), "{words:?}: no {id}");
        }
        Ok(!taken.is_empty())
    });
}
