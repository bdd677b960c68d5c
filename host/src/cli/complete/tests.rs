//! A table of lines: what could stand at the end of each. `|` is the cursor.

use clap::{Arg, ArgAction, ValueHint};
use lifespan_plugin_api::__private::describe;

use super::*;
use crate::cli::args::{self, Brand};
use crate::cli::word;

fn plugins() -> Vec<Command> {
    vec![
        Command::new("countdown")
            .about("Count down")
            .arg(Arg::new("from").long("from").short('f').help("From this number"))
            .arg(Arg::new("tone").long("tone").value_parser(["low", "high"]))
            .arg(Arg::new("tags").long("tags").value_parser(["a", "b"]).value_delimiter(','))
            .arg(Arg::new("when").long("when").require_equals(true).value_parser(["now"]))
            .arg(Arg::new("out").long("out").value_hint(ValueHint::FilePath))
            .arg(Arg::new("dir").long("dir").value_hint(ValueHint::DirPath))
            .arg(Arg::new("tape").long("tape").value_name("FILE"))
            .arg(Arg::new("name").long("name").value_name("NAME"))
            .arg(Arg::new("loud").short('l').action(ArgAction::Count))
            .arg(Arg::new("old").long("old").hide(true)),
        Command::new("echo").about("Echo").disable_help_flag(true),
        Command::new("cat")
            .disable_help_flag(true)
            .arg(Arg::new("file").required(true).value_hint(ValueHint::FilePath)),
        Command::new("pick")
            .disable_help_flag(true)
            .arg(Arg::new("color").value_parser(["red", "green"])),
        Command::new("db")
            .disable_help_flag(true)
            .disable_help_subcommand(true)
            .subcommand_required(true)
            .subcommand(
                Command::new("migrate")
                    .about("Move to another version")
                    .disable_help_flag(true)
                    .arg(Arg::new("to").long("to"))
                    .arg(Arg::new("back").long("back").action(ArgAction::SetTrue)),
            )
            .subcommand(Command::new("drop").disable_help_flag(true)),
    ]
}

/// What could stand at the end of a line; plugins of which nothing is remembered are there too.
fn answer(line: &str) -> Answer {
    let brand = Brand { name: "lifespan".into(), ..Brand::default() };
    let specs: HashMap<_, _> = plugins()
        .iter()
        .map(|command| (command.get_name().to_owned(), Arc::new(describe(command).unwrap())))
        .collect();
    let mut names: Vec<_> = plugins()
        .iter()
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name().to_owned(), about.unwrap_or_default())
        })
        .collect();
    names.push(("closed".into(), String::new()));
    let known = Known {
        options: args::command(&brand),
        commands: word::commands("lifespan"),
        plugins: names,
        spec: &|name| specs.get(name).cloned(),
    };
    let line = line.strip_suffix('|').expect("the cursor is at the end");
    let mut words: Vec<_> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let word = if line.is_empty() || line.ends_with(' ') { "" } else { words.pop().unwrap() };
    let before: Vec<_> = words.into_iter().map(OsString::from).collect();
    complete(&known, &before, word)
}

#[track_caller]
fn check(line: &str, expect: &str) {
    let answer = answer(line);
    let mut found: Vec<_> = answer.candidates.into_iter().map(|it| it.text).collect();
    found.extend(answer.paths.map(|paths| format!("{paths:?}").to_uppercase()));
    assert_eq!(found.join(" "), expect, "{line}");
}

#[test]
fn a_line_begins_with_an_option_a_command_or_a_plugin() {
    check("|", "countdown echo cat pick db closed help plugin completions man");
    check("c|", "countdown cat closed completions");
    check("x|", "");
    check("--plug|", "--plugin-dir");
    let command = args::command(&Brand::default());
    let all: Vec<_> = command.get_arguments().filter_map(Arg::get_long).collect();
    check("-|", &format!("--{}", all.join(" --")));
    check("-v |", "countdown echo cat pick db closed help plugin completions man");
    check("-- -|", "");
    check("@wo|", "FILES");
}

#[test]
fn the_hosts_options_know_their_values() {
    check("--log-format |", "text json");
    check("--log-format=|", "--log-format=text --log-format=json");
    check("--log-format=j|", "--log-format=json");
    check("--color a|", "auto always");
    check("--plugin-dir |", "FOLDERS");
    check("--plugin-dir=x|", "FOLDERS");
    check("--config |", "FILES");
    check("--until c|", "countdown cat closed");
    check("--grace |", "");
    // What cannot be given twice is not offered again.
    check("--dry-run --dr|", "");
    check("--plugin-dir a --plug|", "--plugin-dir");
}

#[test]
fn commands_know_their_words() {
    check("help co|", "countdown");
    check("man --d|", "--dir");
    check("man p|", "pick");
    check("completions |", "bash zsh fish powershell --help");
    check("completions --a|", "");
    check("plugin pa|", "path");
    check("plugin path --fo|", "--format");
    check("plugin path --format |", "text json");
    check("plugin inspect co|", "countdown FILES");
    check("plugin trust countdown ec|", "echo FILES");
}

#[test]
fn a_stage_offers_its_options_the_next_stage_and_its_end() {
    check("echo |", "countdown echo cat pick db closed --then");
    check("echo -|", "--then");
    check("countdown --t|", "--tone --tags --tape --then");
    let options = "--from --tone --tags --when= --out --dir --tape --name -l --help --then";
    check("countdown -|", options);
    check("countdown -f|", "-f");
    check("countdown --from 3 --fr|", "");
    check("countdown -l -l|", "-l");
    check("countdown ec|", "echo");
    check("countdown @|", "FILES");
}

#[test]
fn the_value_of_an_option_is_completed_and_nothing_else() {
    check("countdown --from |", "");
    check("countdown --tone |", "low high");
    check("countdown --tone=h|", "--tone=high");
    check("countdown --tags a,|", "a,a a,b");
    check("countdown --tags=a,b,|", "--tags=a,b,a --tags=a,b,b");
    check("countdown --when=|", "--when=now");
    check("countdown --out |", "FILES");
    check("countdown --out=x/|", "FILES");
    check("countdown --dir |", "FOLDERS");
    check("countdown --tape |", "FILES");
    check("countdown --name |", "");
}

#[test]
fn any_place_of_the_chain_is_that_of_its_stage() {
    check("countdown --from 3 echo countdown --tone |", "low high");
    let after = "red green countdown echo cat pick db closed --then";
    check("-v --color never countdown@fast --then pick |", after);
    check("countdown --then |", "countdown echo cat pick db closed");
    check("countdown --then --|", "");
    check("nonsense |", "countdown echo cat pick db closed");
    check("cat |", "--then FILES");
    check("cat x |", "countdown echo cat pick db closed --then");
    check("cat -- |", "--then FILES");
    check("pick r|", "red");
}

#[test]
fn subcommands_are_completed_with_their_own_options() {
    check("db |", "migrate drop --then");
    check("db mi|", "migrate");
    check("db migrate |", "--to --back countdown echo cat pick db closed --then");
    check("db migrate --back --|", "--to --then");
    check("db drop echo |", "countdown echo cat pick db closed --then");
}

#[test]
fn of_a_plugin_that_is_not_remembered_only_what_follows_is_completed() {
    check("closed c|", "countdown cat closed FILES");
    check("closed --|", "--then FILES");
    check("closed --x --then pick |", "red green countdown echo cat pick db closed --then");
}

#[test]
fn what_a_file_says_of_itself_stays_on_its_line() {
    let mut answer = Answer::default();
    answer.offer("a", "one\ntwo\u{1b}[31m");
    answer.offer("b\nc", "");
    answer.paths = Some(Paths::Folders);
    assert_eq!(answer.lines(), "a\tone two\u{fffd}[31m\n\tfolders\n");
}
