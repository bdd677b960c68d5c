//! The splitter against clap itself: on random commands and random lines, a stage ends where clap
//! could do without the next word, and not before.

use std::cell::Cell;
use std::ffi::OsString;

use clap::Command;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::testing::Plugins;
use super::{Split, StageEnd, Word, split};

pub(crate) mod commands;
mod settings;

use commands::{Plan, lines, plan};

/// A word that is no argument of any command here, and the name of a plugin.
const NEXT: &str = "echo";

fn splits(command: &Command, line: &[String]) -> Split<super::testing::Broken> {
    let mut plugins = Plugins::default().with(command.clone()).with(Command::new(NEXT));
    let words = [command.get_name()].into_iter().chain(line.iter().map(String::as_str));
    split(&Word::line(words), &mut plugins)
}

fn accepts(command: &Command, line: &[String]) -> bool {
    let argv = [command.get_name()].into_iter().chain(line.iter().map(String::as_str));
    command.clone().try_get_matches_from(argv).is_ok()
}

/// Checks random lines of random commands; `holds` says whether the line was one to which the
/// property applies, and that must be so at least `least` times.
#[track_caller]
fn check(least: u32, holds: impl Fn(&Plan, &Command, &[String]) -> Result<bool, TestCaseError>) {
    let applied = Cell::new(0);
    let config = Config { cases: 250, failure_persistence: None, ..Config::default() };
    let plans = plan().prop_flat_map(|plan| (Just(plan.clone()), vec(lines(&plan), 12)));
    let outcome = TestRunner::new(config).run(&plans, |(plan, lines)| {
        let command = plan.command();
        for line in lines {
            if holds(&plan, &command, &line)? {
                applied.set(applied.get() + 1);
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(applied.get() >= least, "the property applied to {} lines only", applied.get());
}

fn args(line: &[String]) -> Vec<OsString> {
    line.iter().map(Into::into).collect()
}

#[test]
fn what_clap_accepts_is_one_stage() {
    check(500, |_, command, line| {
        if !accepts(command, line) {
            return Ok(false);
        }
        let split = splits(command, line);
        prop_assert!(split.mistakes.is_empty(), "{line:?}: {:?}", split.mistakes);
        prop_assert_eq!(split.stages.len(), 1);
        prop_assert_eq!(&split.stages[0].args, &args(line));
        Ok(true)
    });
}

#[test]
fn a_name_ends_a_stage_that_clap_accepts() {
    check(300, |plan, command, line| {
        if plan.has_trailing() || line.iter().any(|word| word == "--") || !accepts(command, line) {
            return Ok(false);
        }
        let longer: Vec<_> = line.iter().cloned().chain([NEXT.into(), "--any".into()]).collect();
        let split = splits(command, &longer);
        prop_assert_eq!(split.stages.len(), 2, "{:?}: {:?}", longer, split.stages);
        prop_assert_eq!(&split.stages[0].args, &args(line));
        let by_name = matches!(split.stages[0].ended_by, StageEnd::PluginName { .. });
        prop_assert!(by_name);
        Ok(true)
    });
}

#[test]
fn a_name_that_clap_needs_is_a_value() {
    check(50, |_, command, line| {
        let longer: Vec<_> = line.iter().cloned().chain([NEXT.into()]).collect();
        if accepts(command, line) || !accepts(command, &longer) {
            return Ok(false);
        }
        let split = splits(command, &longer);
        prop_assert_eq!(split.stages.len(), 1, "{:?}: {:?}", longer, split.stages);
        prop_assert_eq!(&split.stages[0].args, &args(&longer));
        Ok(true)
    });
}

#[test]
fn a_name_could_have_been_a_value_where_clap_would_have_taken_it() {
    check(100, |plan, command, line| {
        if plan.has_trailing() || line.iter().any(|word| word == "--") || !accepts(command, line) {
            return Ok(false);
        }
        let longer: Vec<_> = line.iter().cloned().chain([NEXT.into()]).collect();
        let could_have_been_value = accepts(command, &longer);
        let ended_by = splits(command, &longer).stages[0].ended_by;
        if could_have_been_value {
            prop_assert_eq!(ended_by, StageEnd::PluginName { could_have_been_value });
        }
        Ok(could_have_been_value)
    });
}

#[test]
fn every_word_is_somewhere() {
    check(500, |_, command, line| {
        let split = splits(command, line);
        if !split.mistakes.is_empty() {
            return Ok(false);
        }
        let stage = |stage: &super::Stage| 1 + stage.args.len();
        prop_assert_eq!(split.stages.iter().map(stage).sum::<usize>(), 1 + line.len());
        Ok(true)
    });
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_line_is_a_panic(
        plan in plan(),
        words in vec(vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"-=@ae-v"[..])], 0..6), 0..12),
    ) {
        let mut plugins = Plugins::default().with(plan.command()).with(Command::new(NEXT));
        let words = std::iter::once(OsString::from("x")).chain(words.into_iter().map(os_string));
        let words = Word::line(words);
        let split = split(&words, &mut plugins);
        for mistake in &split.mistakes {
            let shown = super::render_pointer(&split.words, mistake.at()..mistake.at() + 1, 80);
            prop_assert!(shown.lines().all(|line| line.chars().count() <= 80), "{}", shown);
        }
    }
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
