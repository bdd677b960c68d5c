//! `plugin validate`: it passes on the bundled plugins, and finds each of the plugins that are broken,
//! by the check that is meant for it and by no other.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;

use lifespan::Exit;
use serde_json::Value;

use crate::artifacts::{BUNDLED, broken, bundled, exhibit, fixtures, host, library, own_runtime};
use crate::env::{Output, TestEnv};
use crate::forge::{Forge, compile, with_descriptor};
use crate::management::data;
use crate::schema;

/// What is broken, and the checks that find it.
const BROKEN: [(&str, &[&str]); 37] = [
    ("unhelpful", &["help"]),
    ("fickle", &["arguments"]),
    ("touchy", &["arguments"]),
    ("stumbling", &["set-up"]),
    ("expectant", &["set-up"]),
    ("lame", &["set-up"]),
    ("deadly", &["set-up"]),
    ("failing", &["task"]),
    ("panicking", &["task"]),
    ("half-up", &["interrupt"]),
    ("clumsy", &["cancel"]),
    ("unfinished", &["cancel"]),
    ("late-up", &["interrupt"]),
    ("late", &["cancel"]),
    ("rare", &["cancel"]),
    ("trusting", &["host-faults"]),
    ("credulous", &["host-faults"]),
    ("single", &["instances"]),
    ("jealous", &["instances"]),
    ("leaky", &["lifespans"]),
    ("drippy", &["lifespans"]),
    ("crowded", &["lifespans"]),
    // What is left each time is left a hundred times.
    ("hoarder", &["lifespans", "left-behind"]),
    ("listener", &["lifespans", "left-behind"]),
    // Of two lifespans the second leaves it.
    ("straggler", &["lifespans"]),
    ("squirrel", &["lifespans"]),
    ("threader", &["lifespans", "left-behind"]),
    ("parent", &["left-behind"]),
    ("sleepy", &["poll-time"]),
    ("drowsy", &["poll-time"]),
    ("leaden", &["poll-time"]),
    ("sticky", &["poll-time"]),
    ("chatty", &["stdout"]),
    ("blank", &["stdout"]),
    ("mumbling", &["messages"]),
    ("forgetful", &["messages"]),
    ("lossy", &["messages"]),
];

fn validated(output: &Output) -> Value {
    let told = data(output);
    schema::check("plugin-validate", &told);
    told
}

/// The names of the checks that ended so, by plugin; those of the library have an empty name.
fn ended(told: &Value, verdict: &str) -> BTreeMap<String, BTreeSet<String>> {
    let names = |checks: &Value| -> BTreeSet<String> {
        let checks = checks.as_array().expect("a list").iter();
        let checks = checks.filter(|it| it["verdict"] == verdict);
        checks.map(|it| it["check"].as_str().expect("a name").to_owned()).collect()
    };
    let plugins = told["plugins"].as_array().expect("a list").iter();
    let plugins = plugins.map(|it| (it["name"].as_str().expect("a name"), names(&it["checks"])));
    let all = plugins.chain([("", names(&told["library"]))]);
    all.filter(|(_, it)| !it.is_empty()).map(|(name, it)| (name.to_owned(), it)).collect()
}

fn validate(env: &TestEnv, rest: &str) -> Output {
    env.run(&format!("plugin validate --format json {rest}"))
}

/// Fails unless all passed, but for checks that find nothing to check.
#[track_caller]
fn assert_passed(output: &Output, skipped: &[&str]) {
    output.assert_code(Exit::Success);
    let told = validated(output);
    for verdict in ["failed", "warned"] {
        assert!(ended(&told, verdict).is_empty(), "{output}");
    }
    let all: BTreeSet<_> = ended(&told, "skipped").into_values().flatten().collect();
    assert_eq!(all.iter().collect::<Vec<_>>(), skipped, "{output}");
}

#[test]
fn the_bundled_plugins_pass() {
    let env = TestEnv::without_plugins();
    // Something to watch that is published, so that there are messages to be checked.
    let file_to_watch = env.write("watched", "a value");
    for name in BUNDLED {
        let file = library(&bundled(), name);
        let missing = format!("it is built by `cargo build --package lifespan-{name}`");
        assert!(file.is_file(), "{} is missing: {missing}", file.display());
        let args = match name {
            "exec" => "-- cat".to_owned(),
            "http" => "-- --port 0".to_owned(),
            "watch" => format!("-- {} --as text", file_to_watch.display()),
            _ => String::new(),
        };
        assert_passed(&validate(&env, &format!("{} {args}", file.display())), &[]);
    }
    for (name, args) in
        [("countdown", "--from 2 --sleep 10ms"), ("exec", "echo hello"), ("exec", "sleep 1000")]
    {
        let file = library(&bundled(), name);
        assert_passed(&validate(&env, &format!("{} -- {args}", file.display())), &[]);
    }
}

#[test]
fn a_plugin_with_a_runtime_of_its_own_passes_whatever_it_leaves_there() {
    let env = TestEnv::without_plugins().plugin_dir(own_runtime());
    for name in ["thorough", "litter"] {
        assert_passed(&validate(&env, name), &["messages"]);
    }
}

#[test]
fn each_broken_plugin_is_found_by_the_check_that_is_meant_for_it() {
    let env = TestEnv::without_plugins();
    let file = library(&broken(), "broken");
    let output = validate(&env, &file.display().to_string());
    output.assert_code(Exit::Plugin);
    let told = validated(&output);
    let expect = BROKEN.map(|(name, checks)| {
        (name.to_owned(), checks.iter().map(ToString::to_string).collect::<BTreeSet<_>>())
    });
    assert_eq!(ended(&told, "failed"), expect.into(), "{output}");
    assert!(ended(&told, "warned").is_empty(), "{output}");
    // Every check has found something, but for the library's, which has a test of its own.
    let found: BTreeSet<_> = BROKEN.iter().flat_map(|(_, checks)| checks.iter().copied()).collect();
    let listed = data(&env.run("plugin validate --list --format json"));
    schema::check("plugin-validate-list", &listed);
    let listed = listed["checks"].as_array().expect("a list").iter();
    let listed: BTreeSet<_> = listed.map(|it| it["check"].as_str().expect("a name")).collect();
    assert_eq!(listed, found.into_iter().chain(["library"]).collect());
    let each = told["plugins"].as_array().expect("a list").iter();
    let mut checks = each.flat_map(|it| it["checks"].as_array().expect("a list"));
    assert!(checks.all(|it| it["remedy"].is_string() == (it["verdict"] == "failed")), "{output}");
}

#[test]
fn what_only_arguments_break_is_found_too() {
    let env = TestEnv::without_plugins();
    let file = library(&fixtures(), "fixtures");
    for (plugin, filter, args, reason) in [
        ("fault", "left-behind", "--at job --how block", "goes on"),
        ("fault", "task", "--at spawn --how panic", "fault at Spawn"),
        ("fault", "set-up", "--at setup --how hang", "waits for what nobody does"),
        ("fault", "set-up", "--at teardown --how error", "its tear-down failed: cannot cook"),
        ("odd", "messages", "--numbers 2", "no JSON"),
        ("odd", "messages", "--numbers 0", "it cannot be shown"),
    ] {
        let line = format!("{} --plugin {plugin} --filter {filter} -- {args}", file.display());
        let output = validate(&env, &line);
        let told = validated(&output);
        let check = &told["plugins"][0]["checks"][0];
        let said = check["reason"].as_str().expect("a text");
        assert!(check["verdict"] == "failed" && said.contains(reason), "{output}");
    }
}

#[test]
fn what_a_runtime_of_its_own_awaits_is_cut_off_too() {
    let env = TestEnv::without_plugins().plugin_dir(own_runtime());
    for (filter, args) in [("cancel", ""), ("interrupt", "-- --setup")] {
        let output = validate(&env, &format!("rt-pieces --filter {filter} {args}"));
        output.assert_code(Exit::Plugin);
        let check = &validated(&output)["plugins"][0]["checks"][0];
        let reason = check["reason"].as_str().expect("a text");
        assert!(reason.contains("dropped in the middle"), "{output}");
    }
}

#[test]
fn arguments_that_are_missing_or_wrong_are_told() {
    let env = TestEnv::without_plugins();
    let file = library(&bundled(), "exec");
    let output = validate(&env, &file.display().to_string());
    output.assert_code(Exit::Success);
    let told = validated(&output);
    let passed = ended(&told, "passed");
    assert_eq!(passed["exec"].iter().collect::<Vec<_>>(), ["arguments", "help"], "{output}");
    let skipped = &told["plugins"][0]["checks"][2];
    assert_eq!(skipped["reason"], "it cannot be started without arguments", "{output}");
    assert!(skipped["hints"][0].as_str().is_some_and(|it| it.contains("after `--`")), "{output}");

    let countdown = library(&bundled(), "countdown");
    let output = validate(&env, &format!("{} -- --from many", countdown.display()));
    output.assert_code(Exit::Usage);
    assert_eq!(ended(&validated(&output), "skipped")["countdown"].len(), 11, "{output}");

    let several = library(&fixtures(), "fixtures");
    validate(&env, &format!("{} -- --from 3", several.display()))
        .assert_code(Exit::Usage)
        .assert_has(&["whose are the arguments?", "`--plugin`"]);
    validate(&env, &format!("{} --plugin nobody", several.display()))
        .assert_code(Exit::Usage)
        .assert_has(&["no plugin `nobody`", "`probe`"]);
    validate(&env, &format!("{} --filter nothing", several.display()))
        .assert_code(Exit::Usage)
        .assert_has(&["no check has `nothing`", "plugin validate --list"]);
}

#[test]
fn a_library_that_does_not_load_is_found_and_its_plugins_are_left_alone() {
    let env = TestEnv::without_plugins();
    let folder = env.home().join("plugins");
    fs::create_dir(&folder).expect("a folder in a temporary folder");
    // It says another thing when it is loaded.
    let file = library(&folder, "echo");
    let other = Forge::echo().renamed("ohce");
    fs::write(&file, Forge::echo().showing(&other).bytes).expect("a file");
    let output = validate(&env, &file.display().to_string());
    output.assert_code(Exit::Load);
    let told = validated(&output);
    assert_eq!(ended(&told, "failed")[""].iter().collect::<Vec<_>>(), ["library"], "{output}");
    assert_eq!(ended(&told, "skipped")["ohce"].len(), 13, "{output}");

    // It ends the process that loads it.
    let source = "extern \"C\" fn when_loaded() { std::process::abort() }\n\
                  #[used] #[unsafe(link_section = \".init_array\")]\n\
                  static WHEN_LOADED: extern \"C\" fn() = when_loaded;\n";
    compile(&folder, "crash", &with_descriptor("crash", source));
    let output = validate(&env, &library(&folder, "crash").display().to_string());
    output.assert_code(Exit::Load);
    let told = validated(&output);
    let reason = told["library"][0]["reason"].as_str().expect("a text");
    assert!(reason.starts_with("it ended the process that loaded it: signal: 6"), "{output}");

    // It is not even loaded.
    let output = validate(&env, "./missing.so");
    output.assert_code(Exit::Load);
    assert_eq!(validated(&output)["reasons"][0]["reason"], "unreadable", "{output}");
}

#[test]
fn what_is_not_trusted_is_not_run() {
    let env = TestEnv::without_plugins();
    let folder = env.home().join("plugins");
    fs::create_dir(&folder).expect("a folder in a temporary folder");
    let file = library(&folder, "echo");
    fs::copy(library(&bundled(), "echo"), &file).expect("a copy");
    let output = env.run(&format!("--locked plugin validate {} --format json", file.display()));
    output.assert_code(Exit::Config);
    let told = validated(&output);
    assert_eq!(told["reasons"][0]["reason"], "no-lock", "{output}");
    let nothing: Vec<Value> = Vec::new();
    assert_eq!([&told["library"], &told["plugins"]], [&Value::from(nothing); 2], "{output}");
}

#[test]
fn noise_at_load_is_found_as_such() {
    let env = TestEnv::without_plugins();
    let noisy = library(host().parent().expect("a folder"), "noisy");
    let output = validate(&env, &noisy.display().to_string());
    output.assert_code(Exit::Plugin);
    let told = validated(&output);
    let expect = BTreeMap::from([("noisy".to_owned(), BTreeSet::from(["stdout".to_owned()]))]);
    assert_eq!(ended(&told, "failed"), expect, "{output}");
}

#[test]
fn a_check_that_hangs_is_stopped_and_one_that_failed_is_repeated_by_its_seed() {
    let env = TestEnv::without_plugins();
    let file = library(&fixtures(), "fixtures");
    let block = "--at run --how block";
    let line = format!("{} --plugin fault --filter task --timeout 1s -- {block}", file.display());
    let output = validate(&env, &line);
    output.assert_code(Exit::Plugin);
    let told = validated(&output);
    let check = &told["plugins"][0]["checks"][0];
    assert_eq!(check["reason"], "it did not end within 1s, and was stopped", "{output}");

    let file = library(&broken(), "broken");
    let line = format!("plugin validate {} --plugin fickle --seed 7", file.display());
    let output = env.run(&format!("{line} --filter arguments"));
    output.assert_code(Exit::Plugin);
    let again = output.stdout.lines().find_map(|it| it.trim().strip_prefix("again: "));
    let again = again.unwrap_or_else(|| panic!("it is not said how to repeat it\n{output}"));
    assert!(again.contains("--seed 7") && again.contains("--plugin fickle"), "{output}");
    assert_eq!(in_shell(&env, again), output.stdout);
    let columns = output.stdout.lines().filter(|it| !it.contains("/"));
    assert!(columns.into_iter().all(|it| it.chars().count() <= 80), "{output}");
}

/// What a line prints in a real shell.
fn in_shell(env: &TestEnv, line: &str) -> String {
    let output = env.other("/bin/sh").arg("-c").arg(line).output().expect("a shell");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_line_that_repeats_a_failure_has_all_that_it_depends_on() {
    let env = TestEnv::without_plugins();
    let folder = env.home().join("it's a folder");
    fs::create_dir(&folder).expect("a folder in a temporary folder");
    let file = library(&folder, "broken");
    fs::copy(library(&broken(), "broken"), &file).expect("a copy");
    // Only with that option it is too slow.
    let words = ["--setup-timeout", "5ms", "plugin", "validate"].map(OsStr::new);
    let rest = ["--plugin", "half-up", "--filter", "set-up", "--timeout", "90s"].map(OsStr::new);
    let output = env.args(&[&words[..], &[file.as_os_str()], &rest].concat());
    output.assert_code(Exit::Plugin);
    assert!(output.stdout.contains("its set-up does not end within 5ms"), "{output}");
    let again = output.stdout.lines().find_map(|it| it.trim().strip_prefix("again: "));
    let again = again.unwrap_or_else(|| panic!("it is not said how to repeat it\n{output}"));
    assert!(again.contains("--timeout 1m30s"), "{output}");
    assert_eq!(in_shell(&env, again), output.stdout);
}

#[test]
fn it_is_told_how_far_a_check_went() {
    let env = TestEnv::without_plugins();
    let file = library(&broken(), "broken");
    let line = format!("{} --plugin late --filter interrupt --filter faults", file.display());
    let output = validate(&env, &line);
    output.assert_code(Exit::Success);
    let told = validated(&output);
    for (check, points) in [(0, 1), (1, 0)] {
        let reach = &told["plugins"][0]["checks"][check]["reach"];
        assert_eq!((&reach["points"], &reach["all"]), (&points.into(), &true.into()), "{output}");
    }
    let text = env.run(&format!("plugin validate {line}"));
    assert!(text.stdout.contains("dropped at 1 point, all that can be reached"), "{text}");

    // It only receives, what nobody can make up for it.
    let file = library(&exhibit(), "exhibit");
    let output = validate(&env, &format!("{} --plugin receive --filter messages", file.display()));
    output.assert_code(Exit::Success);
    let note = &validated(&output)["plugins"][0]["checks"][0]["note"];
    let note = note.as_str().expect("a note");
    assert!(note.starts_with("nothing is published on `shapes/court`"), "{output}");

    // It goes on for ever, and so would the check.
    let file = library(&bundled(), "countdown");
    let args = "--from 1000000 --sleep 10ms";
    let line = format!("{} --filter cancel --timeout 2s -- {args}", file.display());
    let output = validate(&env, &line);
    output.assert_code(Exit::Success);
    let check = &validated(&output)["plugins"][0]["checks"][0];
    assert_eq!(check["reach"]["all"], false, "{output}");
    let note = check["note"].as_str().expect("a note");
    assert!(note.contains("`--timeout` gives it longer"), "{output}");
}

#[test]
fn in_one_process_it_finds_the_same() {
    let env = TestEnv::without_plugins();
    let countdown = library(&bundled(), "countdown");
    let output = validate(&env, &format!("{} --in-process", countdown.display()));
    assert_passed(&output, &["stdout"]);
    let file = library(&broken(), "broken");
    let output =
        validate(&env, &format!("{} --in-process --plugin clumsy --filter cancel", file.display()));
    output.assert_code(Exit::Plugin);
    assert_eq!(ended(&validated(&output), "failed")["clumsy"].len(), 1, "{output}");
}

#[test]
fn the_help_says_that_it_runs_code_and_the_list_has_every_check() {
    let env = TestEnv::without_plugins();
    let help = env.run("plugin validate --help");
    help.assert_code(Exit::Success);
    for part in ["It loads the library and runs its plugins", "--in-process", "--list"] {
        assert!(help.stdout.contains(part), "{part}\n{help}");
    }
    let list = env.run("plugin validate --list --format json");
    list.assert_code(Exit::Success);
    for check in data(&list)["checks"].as_array().expect("a list") {
        let name = check["check"].as_str().expect("a name");
        assert!(help.stdout.contains(&format!("\n  {name} ")), "{name}\n{help}");
    }
    assert!(help.stdout.lines().all(|line| line.chars().count() <= 80), "{help}");
}
