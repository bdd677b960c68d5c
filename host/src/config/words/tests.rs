//! Tables as words, with and without a line and an environment that say otherwise.

use std::path::Path;

use clap::{Arg, ArgAction, ArgGroup, Command};
use lifespan_plugin_api::__private::describe;

use super::*;
use crate::chain::given;
use crate::config::Config;

fn command() -> Command {
    let flag = |id: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue);
    Command::new("x")
        .arg(Arg::new("from").long("from").short('f').visible_alias("start").env("X_FROM"))
        .arg(Arg::new("add").long("add").action(ArgAction::Append))
        .arg(Arg::new("pair").long("pair").num_args(2))
        .arg(Arg::new("many").long("many").num_args(1..).action(ArgAction::Set))
        .arg(Arg::new("until").long("until").num_args(1..).value_terminator(";"))
        .arg(Arg::new("tags").long("tags").num_args(1..).value_delimiter(','))
        .arg(Arg::new("loud").short('l').action(ArgAction::Count))
        .args([flag("fast"), flag("slow"), flag("list").exclusive(true)])
        .arg(Arg::new("still").long("still").action(ArgAction::SetFalse))
        .arg(Arg::new("really").long("really").value_parser(clap::value_parser!(bool)))
        .arg(Arg::new("file"))
        .group(ArgGroup::new("speed").args(["fast", "slow"]))
}

fn taken(toml: &str, line: &str, env: &[&str]) -> Result<String, String> {
    let spec = describe(&command()).unwrap();
    let config = Config::parse(&format!("[plugin.x]\n{toml}"), Path::new("a.toml")).unwrap();
    let line: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
    let given = given(&spec, &line);
    let env = |name: &str| env.contains(&name);
    match words("x", config.plugin("x").unwrap(), &spec, &given, env) {
        Ok(taken) => {
            let words = taken.iter().flat_map(|it| &it.words).chain(&line);
            let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
            // What is made of a table is what clap takes.
            let parsed = command().no_binary_name(true).try_get_matches_from(&words);
            parsed.unwrap_or_else(|error| panic!("{words:?}: {error}"));
            Ok(words.join(" "))
        }
        Err(mistakes) => Err(mistakes
            .iter()
            .map(|it| format!("{} {} {}", it.place, it.mistake, it.hints.join(", ")))
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n")),
    }
}

#[track_caller]
fn check(toml: &str, line: &str, expect: &str) {
    assert_eq!(taken(toml, line, &[]).as_deref(), Ok(expect), "{toml} over {line}");
}

#[track_caller]
fn check_wrong(toml: &str, expect: &str) {
    assert_eq!(taken(toml, "", &[]), Err(expect.to_owned()), "{toml}");
}

#[test]
fn each_kind_of_option_takes_its_kind_of_value() {
    check("from = 3", "", "--from=3");
    check("from = '-3'", "", "--from=-3");
    check("start = 'a b'", "", "--from=a b");
    check("really = true", "", "--really=true");
    check("fast = true\nslow = false", "", "--fast");
    check("still = true", "", "--still");
    check("l = 3", "", "-l -l -l");
    check("add = ['a', '--b', 3]", "", "--add=a --add=--b --add=3");
    check("add = 'a'", "", "--add=a");
    check("add = []", "", "");
    check("pair = [1, 2]", "word", "--pair 1 2 word");
    check("many = ['a']", "word", "--many=a word");
    check("until = ['a', 'b']", "word", "--until a b ; word");
    check("tags = ['a', 'b']", "word", "--tags=a,b word");
}

#[test]
fn what_the_line_gives_or_excludes_is_left_out() {
    check("from = 3", "--from 4", "--from 4");
    check("from = 3", "-f4", "-f4");
    check("from = 3", "--start=4", "--start=4");
    check("add = ['a', 'b']", "--add c", "--add c");
    check("fast = true\nfrom = 3", "--slow", "--from=3 --slow");
    check("fast = true\nfrom = 3", "--list", "--list");
    check("list = true", "word", "word");
    check("from = 3", "-- --from", "--from=3 -- --from");
    check("l = 2", "-l", "-l");
}

#[test]
fn a_variable_that_the_plugin_reads_counts_more_than_a_file() {
    assert_eq!(taken("from = 3", "", &["X_FROM"]).as_deref(), Ok(""));
    assert_eq!(taken("from = 3", "", &["OTHER"]).as_deref(), Ok("--from=3"));
}

#[test]
fn all_that_is_wrong_is_told_even_if_the_line_gives_it() {
    check_wrong(
        "form = 3\nzzz = 1",
        "a.toml:2:1 `x` has no option `form` did you mean `from`?\n\
         a.toml:3:1 `x` has no option `zzz` its options are: from, add, pair, many, until, tags, \
         fast, slow, list, still, really",
    );
    check_wrong("fast = 1", "a.toml:2:8 `fast` takes `true` or `false`");
    check_wrong("l = 256", "a.toml:2:5 `l` takes a number from 0 to 255");
    check_wrong("from = [1, 2]", "a.toml:2:8 `from` takes one value");
    check_wrong("help = true", "a.toml:2:1 `help` can only be given on the command line");
    let list = "a list only with as many values as it takes at once";
    check_wrong("pair = [1, 2, 3]", &format!("a.toml:2:8 `pair` takes {list}"));
    check_wrong("many = ['a', 'b']", &format!("a.toml:2:8 `many` takes {list}"));
    assert!(taken("form = 3", "--from 3", &[]).is_err());
    assert!(taken("file = 'a'", "", &[]).is_err(), "a positional is no option");
}

#[test]
fn a_complaint_is_about_an_option_that_it_names() {
    let place = Config::parse("[plugin.x]", Path::new("a.toml")).unwrap();
    let place = place.plugins().next().unwrap().1.clone();
    let taken = Taken { option: "--from".into(), words: Vec::new(), place };
    assert!(taken.is_named_in("invalid value 'x' for '--from <N>'"));
    assert!(taken.is_named_in("'--from-here' and '--from'"));
    assert!(!taken.is_named_in("'--from-here' and '--fromage'"));
}
