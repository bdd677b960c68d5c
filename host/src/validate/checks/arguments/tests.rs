//! On plugins that are in order nothing is found: with random commands, where clap is the parser.

use clap::Command;
use lifespan_plugin_api::__private::describe;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::chain::properties::commands::plan;

/// What clap says against a line, if anything.
fn refusal(command: &Command, words: &[String]) -> Option<String> {
    let argv = [command.get_name()].into_iter().chain(words.iter().map(String::as_str));
    let error = command.clone().try_get_matches_from(argv).err()?;
    error.use_stderr().then(|| error.to_string())
}

#[test]
fn nothing_is_found_where_the_parser_is_the_one_that_is_described() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(plan(), any::<u64>()), |(plan, seed)| {
        let command = plan.command();
        let spec = Arc::new(describe(&command).expect("a command that can be described"));
        let values = BTreeMap::new();
        let mut chance = Chance::new(seed);
        let mut lines = Lines { chance: &mut chance, values: &values };
        for nth in 0..20 {
            let (mut words, is_whole) = (lines.line(&spec), nth % 4 != 3);
            if !is_whole {
                lines.spoil(&mut words);
            }
            let refusal = refusal(&command, &words);
            let found = compare(command.get_name(), &spec, &words, is_whole, refusal.as_deref());
            prop_assert!(found.is_ok(), "{words:?}: {found:?}\n{refusal:?}");
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn a_parser_that_takes_more_or_less_is_found() {
    let option = |name: &'static str| clap::Arg::new(name).long(name);
    let described = Command::new("p").arg(option("one")).arg(option("two"));
    let spec = Arc::new(describe(&described).expect("a command that can be described"));
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let less = Command::new("p").arg(option("one"));
    let line = words("--two 1");
    assert!(compare("p", &spec, &line, true, refusal(&less, &line).as_deref()).is_err());
    let more = described.clone().arg(clap::Arg::new("more"));
    let line = words("--one 1 word");
    assert!(compare("p", &spec, &line, false, refusal(&more, &line).as_deref()).is_err());
    assert!(compare("p", &spec, &line, false, refusal(&described, &line).as_deref()).is_ok());
}
