//! How lines are split, row by row, and what is said about mistakes.

use clap::builder::ValueRange;
use clap::{Arg, ArgAction, Command};

use super::testing::Plugins;
use super::*;

mod mistakes;

fn option(name: &'static str) -> Arg {
    Arg::new(name).long(name)
}

fn values(name: &'static str, range: impl Into<ValueRange>) -> Arg {
    Arg::new(name).num_args(range)
}

/// The plugins of the table in the design, and those that show a rule of clap's.
fn plugins() -> Plugins {
    let label = option("label").short('l');
    let flag = option("quick").short('q').action(ArgAction::SetTrue);
    Plugins::default()
        .with(
            Command::new("countdown")
                .args([option("from").short('f'), option("sleep"), label, flag])
                .arg(option("numbers").num_args(2..=3).value_terminator(";")),
        )
        .with(Command::new("echo").arg(option("immediately").action(ArgAction::SetTrue)))
        .with(Command::new("tp").args([values("file", 1), option("user")]))
        .with(
            Command::new("load")
                .arg(values("file", 1).required(true))
                .arg(option("quick").num_args(0..=1)),
        )
        .with(Command::new("join").args([values("what", 0..), option("user")]))
        .with(Command::new("two").arg(values("pair", 2)))
        .with(
            Command::new("cp")
                .args([values("from", 1..).required(true), values("to", 1).required(true)]),
        )
        .with(
            Command::new("opt")
                .arg(option("maybe").short('m').num_args(0..=1))
                .arg(option("joined").short('j').num_args(0..=1).require_equals(true))
                .arg(option("exact").require_equals(true))
                .arg(option("minus").allow_hyphen_values(true))
                .arg(option("number").allow_negative_numbers(true)),
        )
        .with(
            Command::new("db")
                .subcommand(Command::new("migrate").visible_alias("mv").arg(option("to")))
                .subcommand(Command::new("load").arg(values("file", 1).required(true)))
                .arg(option("url").global(true)),
        )
        .with(
            Command::new("show")
                .arg(option("all").action(ArgAction::SetTrue).exclusive(true))
                .arg(option("list").action(ArgAction::SetTrue).conflicts_with("name"))
                .arg(values("name", 1).required(true)),
        )
        .with(
            Command::new("miss")
                .allow_missing_positional(true)
                .args([values("first", 1), values("second", 1..).required(true)])
                .subcommand(Command::new("fetch").arg(values("file", 1).required(true)))
                .subcommand_negates_reqs(true),
        )
        .with(Command::new("must").subcommand_required(true).subcommand(Command::new("go")))
        .with(
            Command::new("exec")
                .arg(values("argv", 1..).trailing_var_arg(true).allow_hyphen_values(true)),
        )
        .with(Command::new("after").args([values("first", 1), values("rest", 0..).last(true)]))
        .with_broken("broken")
        .with_file("chain.args", "countdown --from 3\n# and then\necho --immediately")
        .with_file("nothing", "# nothing")
        .with_file("tail", "--quick # no more\n")
        .with_file("dir/outer", "@inner echo")
        .with_file("dir/inner", "countdown ")
        .with_file("again", "@again")
        .with_file("typo", "countdown\n  cuontdown --x\n")
}

fn split_line(line: &str) -> (Split<super::testing::Broken>, Plugins) {
    let mut plugins = plugins();
    let split = split(&Word::line(line.split_whitespace()), &mut plugins);
    (split, plugins)
}

fn stages(split: &Split<super::testing::Broken>) -> String {
    let stage = |stage: &Stage| {
        let instance = stage.instance.iter().map(|name| format!("@{name}"));
        let args = stage.args.iter().map(|arg| format!(" {}", arg.display()));
        std::iter::once(stage.plugin.clone()).chain(instance).chain(args).collect::<String>()
    };
    split.stages.iter().map(stage).collect::<Vec<_>>().join(" · ")
}

/// A line without mistakes.
#[track_caller]
fn check(line: &str, expected: &str) {
    let (split, _) = split_line(line);
    assert_eq!(stages(&split), expected, "{line}");
    assert!(split.mistakes.is_empty(), "{line}: {:?}", split.mistakes);
}

#[test]
fn the_table_of_the_design() {
    check("countdown --from 3 echo --immediately", "countdown --from 3 · echo --immediately");
    check("countdown --label echo echo", "countdown --label echo · echo");
    check("countdown --label=echo echo", "countdown --label=echo · echo");
    check("countdown -lecho echo", "countdown -lecho · echo");
    check("tp FILE --user u echo", "tp FILE --user u · echo");
    check("load countdown echo", "load countdown · echo");
    check("join a b echo", "join a b · echo");
    check("countdown -- echo", "countdown -- echo");
    check("join -- a echo --then echo", "join -- a echo · echo");
    check("opt --maybe echo", "opt --maybe · echo");
    check("opt --maybe=echo echo", "opt --maybe=echo · echo");
    check("db migrate --to 3 echo", "db migrate --to 3 · echo");
    check("countdown --frmo 3 echo", "countdown --frmo 3 · echo");
    check("countdown --help", "countdown --help");
    check("@chain.args countdown", "countdown --from 3 · echo --immediately · countdown");
}

#[test]
fn options_take_their_values_first() {
    check("countdown -l echo echo", "countdown -l echo · echo");
    check("countdown -ql echo echo", "countdown -ql echo · echo");
    check("countdown -lq echo", "countdown -lq · echo");
    check("countdown -l= echo", "countdown -l= · echo");
    check("countdown -q echo", "countdown -q · echo");
    check("countdown --label echo --label echo echo", "countdown --label echo --label echo · echo");
    check("countdown --label", "countdown --label");
    check("countdown --label --then echo", "countdown --label · echo");
    check("countdown --label --quick echo", "countdown --label --quick · echo");
}

#[test]
fn options_of_many_values_end_when_they_have_enough() {
    check("countdown --numbers echo echo echo", "countdown --numbers echo echo · echo");
    check("countdown --numbers 1 2 3 echo", "countdown --numbers 1 2 3 · echo");
    check("countdown --numbers 1 2 ; echo", "countdown --numbers 1 2 ; · echo");
}

#[test]
fn values_that_must_be_joined_are_not_looked_for() {
    check("opt --joined echo", "opt --joined · echo");
    check("opt -jm echo", "opt -jm · echo");
    check("opt -j=x echo", "opt -j=x · echo");
    check("opt --exact echo", "opt --exact · echo");
}

#[test]
fn a_dash_begins_a_value_only_where_it_may() {
    check("opt --minus --maybe echo", "opt --minus --maybe · echo");
    check("opt --minus -- echo", "opt --minus -- · echo");
    check("opt --number -1e3 echo", "opt --number -1e3 · echo");
    check("opt --number --maybe echo", "opt --number --maybe · echo");
}

#[test]
fn required_positionals_take_their_values_first() {
    check("load echo", "load echo");
    check("load echo echo", "load echo · echo");
    check("load --quick echo echo", "load --quick echo echo");
    check("two echo", "two · echo");
    check("two a echo echo", "two a echo · echo");
    check("cp echo echo echo", "cp echo echo · echo");
    check("cp a b c echo", "cp a b c · echo");
    check("cp a echo", "cp a echo");
    check("load --help echo", "load --help · echo");
}

#[test]
fn an_excluded_positional_is_not_waited_for() {
    check("show --all echo", "show --all · echo");
    check("show --list echo", "show --list · echo");
    check("show echo --list echo", "show echo --list · echo");
    check("show echo echo", "show echo · echo");
}

#[test]
fn of_two_positionals_the_first_may_be_missing() {
    check("miss a echo", "miss a · echo");
    check("miss echo echo", "miss echo · echo");
    check("miss a fetch echo", "miss a fetch · echo");
    check("miss fetch echo echo", "miss fetch echo · echo");
}

#[test]
fn optional_positionals_end_at_a_name() {
    check("tp echo", "tp · echo");
    check("tp a echo", "tp a · echo");
    check("join --user u a --user u echo", "join --user u a --user u · echo");
    check("after echo", "after · echo");
    check("after -- echo echo", "after -- echo echo");
    check("exec ls -l echo", "exec ls -l echo");
    check("exec echo", "exec · echo");
    check("exec ls echo --then echo", "exec ls echo · echo");
}

#[test]
fn subcommands_come_before_names() {
    check("db load load load x", "db load load · load x");
    check("db --url u mv --url echo echo", "db --url u mv --url echo · echo");
    check("db echo", "db · echo");
    check("db help migrate echo", "db help migrate · echo");
    check("must ho echo", "must ho · echo");
    check("must echo", "must · echo");
}

#[test]
fn then_ends_a_stage_always() {
    check("join a --then echo", "join a · echo");
    check("exec a --then exec b --then", "exec a · exec b");
    check("countdown --label --then echo", "countdown --label · echo");
    check("countdown --label=--then echo", "countdown --label=--then · echo");
}

#[test]
fn a_stage_that_is_wrong_ends_at_the_next_name() {
    check("load --unknown echo", "load --unknown · echo");
    check("countdown --frmo a b --label echo echo", "countdown --frmo a b --label echo · echo");
    check("countdown -x @y echo", "countdown -x @y · echo");
    check("countdown --quick=1 -- echo --then echo", "countdown --quick=1 -- echo · echo");
}

#[test]
fn instances_have_names() {
    check("echo@loud echo@v1.2_x-y echo", "echo@loud · echo@v1.2_x-y · echo");
    check("countdown --label echo@loud echo@loud", "countdown --label echo@loud · echo@loud");
    check("join user@host echo@loud", "join user@host · echo@loud");
}

#[test]
fn files_stand_where_a_name_may_stand() {
    check("@nothing countdown @nothing", "countdown");
    check("countdown @tail echo", "countdown --quick · echo");
    check("countdown --label @tail echo", "countdown --label @tail · echo");
    check("load @tail echo", "load @tail · echo");
    check("join -- @tail", "join -- @tail");
    check("@dir/outer", "countdown · echo");
}

#[test]
fn a_specs_is_asked_for_only_where_a_name_begins_a_stage() {
    for (line, asked) in [
        ("countdown --label echo", &["countdown"][..]),
        ("join -- echo", &["join"]),
        ("countdown --label echo echo", &["countdown", "echo"]),
        ("qqq countdown", &["countdown"]),
    ] {
        assert_eq!(split_line(line).1.asked, asked, "{line}");
    }
}

#[test]
fn what_ended_a_stage_is_told() {
    let ends = |line: &str| -> Vec<StageEnd> {
        split_line(line).0.stages.iter().map(|stage| stage.ended_by).collect()
    };
    let name = |could_have_been_value| StageEnd::PluginName { could_have_been_value };
    assert_eq!(ends("countdown echo"), [name(false), StageEnd::Line]);
    assert_eq!(ends("join a echo --then echo"), [name(true), StageEnd::Then, StageEnd::Line]);
    assert_eq!(ends("opt --maybe echo"), [name(true), StageEnd::Line]);
    assert_eq!(ends("two a b echo"), [name(false), StageEnd::Line]);
    assert_eq!(ends("countdown qqq"), [name(false)]);
}

#[test]
fn spans_count_in_the_words_that_come_back() {
    let (split, _) = split_line("join a --then @chain.args echo");
    let spans: Vec<_> = split.stages.iter().map(|stage| stage.span.clone()).collect();
    assert_eq!(spans, [0..2, 4..7, 7..9, 9..10]);
    assert_eq!(split.words[4].text, "countdown");
}
