//! `plugin …`: the commands that look after the plugins folders answer in the host's own brand and
//! forms, and their JSON can be relied on.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use lifespan::Exit;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::artifacts::{bundled, library};
use crate::env::{Output, TestEnv};
use crate::nested::copy;

/// What a command printed, as JSON.
#[track_caller]
pub(crate) fn data(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

#[test]
fn help_is_there_by_every_way_that_asks_for_it() {
    let env = TestEnv::without_plugins();
    for line in ["plugin --help", "help plugin", "plugin help"] {
        let output = env.run(line);
        output.assert_code(Exit::Success);
        assert!(output.stdout.contains("Usage: lifespan plugin <COMMAND>"), "{output}");
        assert!(output.stdout.contains("  path "), "{output}");
    }
    for line in ["plugin path --help", "help plugin path", "plugin help path"] {
        let output = env.run(line);
        output.assert_code(Exit::Success);
        assert!(output.stdout.contains("Usage: lifespan plugin path [OPTIONS]"), "{output}");
    }
    let output = env.run("plugin");
    output.assert_code(Exit::Usage).assert_has(&["Usage: lifespan plugin <COMMAND>"]);
    assert_eq!(output.stdout, "", "{output}");
}

#[test]
fn what_follows_the_end_of_options_of_a_help_is_not_carried_out() {
    let plugins = TempDir::new().expect("a temporary folder");
    copy(&library(&bundled(), "echo"), plugins.path(), "echo");
    let env = TestEnv::without_plugins().plugin_dir(plugins.path().to_owned());
    env.run("plugin trust echo").assert_code(Exit::Success);
    let files = || -> BTreeMap<_, _> {
        let files = fs::read_dir(plugins.path()).expect("it is there").flatten();
        files.map(|it| (it.path(), fs::read(it.path()).expect("a file"))).collect()
    };
    let before = files();
    let secret = env.write("secret", "s3cret");
    for (command, words) in [
        ("check", secret.display().to_string()),
        ("inspect", "echo".to_owned()),
        ("install", library(&bundled(), "countdown").display().to_string()),
        ("remove", "echo".to_owned()),
        ("trust", library(plugins.path(), "echo").display().to_string()),
        ("untrust", "echo".to_owned()),
        ("verify", "echo".to_owned()),
        ("disable", "echo".to_owned()),
        ("enable", "echo".to_owned()),
    ] {
        for line in [
            format!("help plugin {command} -- {words}"),
            format!("plugin help {command} -- {words}"),
        ] {
            let output = env.run(&line);
            let usage = format!("Usage: lifespan plugin {command} ");
            let is_help = output.stdout.contains(&usage) || output.stderr.contains("error: ");
            assert!(is_help && !output.told().concat().contains("s3cret"), "{output}");
            if line.starts_with("help") {
                output.assert_code(Exit::Success);
            }
        }
    }
    assert!(files() == before);
    assert!(!env.home().join("config").exists() && !env.home().join("data").exists());
    let validate = env.run("help plugin validate -- echo");
    validate.assert_code(Exit::Success);
    assert!(validate.stdout.contains("Usage: lifespan plugin validate "), "{validate}");
}

#[test]
fn the_help_of_a_command_tells_with_which_codes_it_ends() {
    let env = TestEnv::without_plugins();
    for (command, told) in [
        ("check", "0 when each may be loaded with all its plugins; else 4 when"),
        ("inspect", "0 when it can be used and has told its arguments, else 3 or 4"),
        ("doctor", "0 when nothing is wrong"),
        ("verify", "0 when nothing is wrong with any of them, else 4"),
        ("validate", "0 when no check failed, 1 when one did"),
    ] {
        let help = env.run(&format!("plugin {command} --help"));
        assert!(help.words().contains(&format!("Exit codes: {told}")), "{help}");
        // A line of it is not broken twice: what follows a short one begins with a word too long for it.
        let lines = help.stdout.lines().skip_while(|it| !it.starts_with("Exit"));
        let lines: Vec<_> = lines.take_while(|it| !it.is_empty()).collect();
        for (line, next) in lines.iter().zip(&lines[1..]) {
            let word = next.split(' ').next().unwrap_or_default();
            assert!(line.len() <= 80 && line.len() + 1 + word.len() > 80, "{help}");
        }
    }
}

#[test]
fn a_mistake_is_one_of_usage() {
    let env = TestEnv::without_plugins();
    env.run("plugin pth").assert_code(Exit::Usage).assert_has(&["error: ", "'pth'", "'path'"]);
    let json = env.run("--log-format json plugin");
    json.assert_code(Exit::Usage);
    let told: Value = serde_json::from_str(&json.stderr).expect("one JSON line");
    assert_eq!(told["message"], "`plugin` needs a command");
    // What is no text is no command either, and does not stand in the way.
    let odd = OsStr::from_bytes(b"\xff");
    env.args(&[odd, OsStr::new("plugin"), OsStr::new("path")]).assert_code(Exit::Usage);
}

#[test]
fn the_search_path_is_shown_with_who_named_each_folder() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let missing = env.home().join("missing");
    let env = env.env("LIFESPAN_PLUGIN_PATH", &missing);
    let text = env.run("plugin path");
    text.assert_code(Exit::Success);
    let bundled = bundled().display().to_string();
    assert_eq!(
        text.stdout,
        format!(
            "{bundled}\n  from --plugin-dir\n{}\n  from LIFESPAN_PLUGIN_PATH\n  not searched: the \
             folder does not exist\n  hint: make the folder, or name another\n",
            missing.display()
        )
    );
    assert_eq!(
        data(&env.run("plugin path --format json")),
        json!({
            "folders": [
                {
                    "folder": bundled, "origin": "option", "exists": true, "fault": null,
                    "hint": null,
                },
                {
                    "folder": missing.display().to_string(), "origin": "environment",
                    "exists": false, "fault": "the folder does not exist",
                    "hint": "make the folder, or name another",
                },
            ],
            "variable": "LIFESPAN_PLUGIN_PATH",
        })
    );
}

#[test]
fn where_nobody_names_a_folder_the_default_is_shown() {
    let env = TestEnv::without_plugins();
    let told = data(&env.run("plugin path --format json"));
    assert_eq!(told["folders"][0]["origin"], "default");
    assert_eq!(told["folders"][0]["exists"], false);
    assert_eq!(told["folders"][0]["fault"], Value::Null);
}
