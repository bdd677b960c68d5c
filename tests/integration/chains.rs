//! The table of chains (DESIGN.md 8), a test a row, on the binary with real libraries; and what else
//! a line may say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use lifespan::Exit;

use crate::artifacts;
use crate::env::{Output, TestEnv};

/// The stages that `--dry-run` shows.
fn stages(output: &Output) -> Vec<&str> {
    let stages = output.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("stage "));
    stages.map(str::trim).collect()
}

/// A line is split into these stages.
#[track_caller]
fn check(line: &str, expect: &[&str]) {
    let output = TestEnv::new().run(&format!("--dry-run {line}"));
    output.assert_code(Exit::Success);
    assert_eq!(stages(&output), expect, "{output}");
}

/// A line is split so that the plugins got this.
#[track_caller]
fn check_values(line: &str, expect: &[&str]) {
    TestEnv::new().run(line).assert_code(Exit::Success).assert_told(expect);
}

/// A line is refused with all of these texts, and nothing is set up.
#[track_caller]
fn check_refused(line: &str, needles: &[&str]) -> Output {
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Usage).assert_has(needles).assert_told(&[]);
    output
}

#[test]
fn a_plugins_name_ends_a_stage() {
    check("countdown --from 3 echo --immediately", &["countdown --from 3", "echo --immediately"]);
}

#[test]
fn the_value_of_an_option_is_no_plugin() {
    check("tag --label echo echo", &["tag --label echo", "echo"]);
    check("tag --label=echo echo", &["tag --label=echo", "echo"]);
    check("tag -lecho echo", &["tag -lecho", "echo"]);
    check_values("tag --label tag tag", &[r#"tag: Some("tag") None []"#, "tag@2: None None []"]);
}

#[test]
fn options_may_follow_positionals() {
    check("tp FILE --user u echo", &["tp FILE --user u", "echo"]);
    check_values("tp FILE --user u load x", &[r#"tp: "FILE" Some("u")"#, r#"load: "x""#]);
}

#[test]
fn a_required_positional_takes_its_value_first() {
    check("load countdown echo", &["load countdown", "echo"]);
    check_values("load load join", &[r#"load: "load""#, "join: []"]);
}

#[test]
fn a_plugins_name_ends_optional_positionals() {
    check("join a b echo", &["join a b", "echo"]);
    check_values("join a b join", &[r#"join: ["a", "b"]"#, "join@2: []"]);
}

#[test]
fn behind_two_dashes_every_word_is_a_positional() {
    check("join -- echo --from", &["join -- echo --from"]);
    check_values("join x -- join --maybe", &[r#"join: ["x", "join", "--maybe"]"#]);
    // One that takes no positionals says so itself.
    check_refused("countdown -- echo", &["echo"]);
}

#[test]
fn then_ends_a_stage_always() {
    check("join -- a echo --then echo", &["join -- a echo", "echo"]);
    check_values("join -- a load --then load x", &[r#"join: ["a", "load"]"#, r#"load: "x""#]);
}

#[test]
fn an_optional_value_is_not_taken_from_the_next_plugin() {
    check("opt --maybe echo", &["opt --maybe", "echo"]);
    check("opt --maybe=echo", &["opt --maybe=echo"]);
    check_values(
        "opt --maybe join opt --maybe=join",
        &[r#"opt: Some("-")"#, "join: []", r#"opt@2: Some("join")"#],
    );
}

#[test]
fn the_chain_goes_on_behind_a_subcommand() {
    check("db migrate --to 3 echo", &["db migrate --to 3", "echo"]);
    check_values("db migrate --to 3 db show", &["db: migrate to 3", "db@2: show"]);
}

#[test]
fn a_word_that_is_no_plugin_is_pointed_at_with_a_suggestion() {
    let output = check_refused("--color never countdown cuontdown", &["cuontdown", "`countdown`"]);
    output.assert_has_not(&["panicked"]);
    let (before, carets) = output.stderr.split_once('^').expect("something points at the word");
    let mut lines = before.lines().rev();
    let (blanks, line) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert_eq!(line.trim_start(), "countdown cuontdown", "{output}");
    assert_eq!(line.find("cuontdown"), Some(blanks.len()), "{output}");
    assert!(blanks.trim().is_empty() && carets.starts_with("^^^^^^^^\n"), "{output}");
}

#[test]
fn a_wrong_option_is_the_plugins_own_error() {
    check_refused("countdown --frmo 3 echo", &["error: unexpected argument '--frmo'", "--from"]);
}

#[test]
fn all_mistakes_are_told_and_nothing_is_set_up() {
    check_refused("probe countdown --from 0 ecko", &["--from", "ecko", "echo"]);
    check_refused("probe tag --from 0 load opt --what", &["--from", "--what"]);
}

#[test]
fn help_of_a_plugin_is_as_clap_renders_it() {
    for line in ["countdown --help", "help countdown"] {
        let output = TestEnv::new().run(line);
        output.assert_code(Exit::Success);
        for part in ["Usage: lifespan countdown [OPTIONS]", "--from", "--sleep", "Count down"] {
            assert!(output.stdout.contains(part), "`{part}` is missing\n{output}");
        }
        assert_eq!(output.stderr, "", "{output}");
    }
}

#[test]
fn a_line_may_be_read_from_a_file() {
    let env = TestEnv::new();
    env.write("chain.args", "tag --label a\n# a comment\njoin \"b c\"\n");
    let output = env.run("@chain.args load @x");
    output.assert_code(Exit::Success).assert_told(&[
        r#"tag: Some("a") None []"#,
        r#"join: ["b c"]"#,
        r#"load: "@x""#,
    ]);
    env.run("@missing.args").assert_code(Exit::Usage).assert_has(&["missing.args"]);
}

#[test]
fn a_name_that_ended_a_stage_is_hinted_at() {
    let output = check_refused("join a load", &["hint: ", "`--then`", "`--`"]);
    output.assert_has(&["`load`", "`join`"]);
}

#[test]
fn an_unknown_word_loads_no_library() {
    let env = TestEnv::without_plugins();
    env.run("countdown").assert_code(Exit::Usage).assert_has(&["countdown"]);
}

#[test]
fn an_instance_may_be_named() {
    check("probe@fast --task 0 probe@slow", &["probe --task 0", "probe"]);
    let output = TestEnv::new().run("--dry-run probe@fast probe probe");
    for name in ["1. probe@fast\n", "2. probe\n", "3. probe@2\n"] {
        assert!(output.stdout.contains(name), "{output}");
    }
}

#[test]
fn a_word_that_is_no_text_reaches_the_plugin() {
    let strange = OsStr::from_bytes(b"stra\xffnge");
    let output = TestEnv::new().args(&[OsStr::new("tp"), strange]);
    output.assert_code(Exit::Success).assert_told(&[r#"tp: "stra\xFFnge" None"#]);
}

#[test]
fn a_dry_run_shows_stages_order_and_libraries_and_runs_nothing() {
    let output = TestEnv::new().run("--dry-run upper base@x tag --label=a'b");
    output.assert_code(Exit::Success).assert_told(&[]);
    let library = artifacts::library(&artifacts::fixtures(), "fixtures");
    let library = library.display();
    let expect = format!(
        "1. base@x\n   stage     base\n   library   `{library}`\n\
         2. upper\n   stage     upper\n   library   `{library}`\n   requires  base\n\
         3. tag\n   stage     tag '--label=a'\\''b'\n   library   `{library}`\n"
    );
    assert_eq!(output.stdout, expect, "{output}");
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn help_lists_the_installed_plugins() {
    for line in ["--help", "help"] {
        let output = TestEnv::new().run(line);
        output.assert_code(Exit::Success);
        for part in
            ["Usage: lifespan [OPTIONS] PLUGIN", "Plugins:", "--plugin-dir", "countdown", "echo"]
        {
            assert!(output.stdout.contains(part), "`{part}` is missing\n{output}");
        }
        let tag = output.stdout.lines().find(|line| line.trim_start().starts_with("tag "));
        assert!(
            tag.is_some_and(|line| line.ends_with("  Take an option with a value")),
            "{output}"
        );
    }
}

#[test]
fn help_of_an_unknown_plugin_is_a_usage_error() {
    check_refused("help cuontdown", &["cuontdown", "countdown"]);
}

#[test]
fn plugins_are_found_by_the_environment_too() {
    let path = artifacts::fixtures();
    let env = TestEnv::without_plugins().env("LIFESPAN_PLUGIN_PATH", path);
    env.run("done").assert_code(Exit::Success).assert_told(&["done: set-up"]);
}
