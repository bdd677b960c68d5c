//! Plugins that are installed and not wanted: disabled by the user, or left out on the line.

use std::fs;
use std::thread;

use lifespan::Exit;
use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::management::data;
use crate::schema;

fn env() -> TestEnv {
    TestEnv::new()
}

#[test]
fn a_disabled_plugin_is_as_if_it_were_not_there_until_it_is_enabled() {
    let env = env();
    let file = env.home().join("config/lifespan/plugins.toml");
    let output = env.run("plugin disable echo --format json");
    output.assert_code(Exit::Success);
    assert_eq!(data(&output), json!({"disabled": ["echo"], "file": file.display().to_string()}));
    schema::check("plugin-disable", &data(&output));
    for _ in 0..2 {
        // The second time it is a cache that knows the folder.
        let refused = env.run("countdown --from 1 echo");
        refused.assert_code(Exit::Config);
        let told = format!("the plugin `echo` is disabled in `{}`", file.display());
        refused.assert_has(&[&told, "hint: `lifespan plugin enable echo` enables it"]);
    }
    let json = env.run("--log-format json echo");
    json.assert_code(Exit::Config);
    let told: Value = serde_json::from_str(json.stderr.trim()).expect("one JSON line");
    assert_eq!(told["fields"]["hints"][0], "`lifespan plugin enable echo` enables it");
    let help = env.run("--help");
    assert!(!help.stdout.contains("  echo ") && !help.stdout.contains("refused: `"), "{help}");
    assert!(env.run("-v --help").stdout.contains("disabled"));
    // A word that is no plugin's name may be a value.
    env.run("--dry-run load echo").assert_code(Exit::Success);

    env.run("plugin disable echo countdown").assert_code(Exit::Success);
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(text.ends_with("disabled = [\"echo\", \"countdown\"]\n"), "{text}");
    let list = data(&env.run("plugin list --format json"));
    schema::check("plugin-list", &list);
    for name in ["echo", "countdown"] {
        let is_it = |it: &&Value| it["name"] == name || it["plugins"] == json!([name]);
        let [plugins, refused] = ["plugins", "refused"].map(|it| list[it].as_array());
        let found: Vec<_> = plugins.into_iter().chain(refused).flatten().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{list:#}");
        assert_eq!(found[0]["reason"], "disabled", "{list:#}");
    }
    let list = env.run("plugin list");
    let disabled = list.stdout.split("\ndisabled\n").nth(1).unwrap_or_default();
    for name in ["echo", "countdown"] {
        let hint = format!("hint: `lifespan plugin enable {name}` enables it\n");
        assert!(disabled.contains(&format!("({name})\n")) && disabled.contains(&hint), "{list}");
    }
    let enabled = env.run("plugin enable echo countdown --format json");
    enabled.assert_code(Exit::Success);
    schema::check("plugin-enable", &data(&enabled));
    env.run("--dry-run countdown echo").assert_code(Exit::Success);
    assert!(!env.run("plugin list").stdout.contains("\ndisabled\n"));
    env.run("plugin disable ecko").assert_code(Exit::Usage).assert_has(&["did you mean `echo`"]);
}

#[test]
fn who_disables_or_enables_at_the_same_time_undoes_nothing_of_the_others() {
    let env = env();
    let listed = data(&env.run("plugin list --format json"));
    let names: Vec<_> =
        listed["plugins"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
    let names: Vec<_> = names.into_iter().filter_map(Value::as_str).take(6).collect();
    assert_eq!(names.len(), 6, "{listed:#}");
    for _ in 0..5 {
        for command in ["disable", "enable"] {
            thread::scope(|scope| {
                for name in &names {
                    let env = &env;
                    scope.spawn(move || {
                        let output = env.run(&format!("plugin {command} {name}"));
                        output.assert_code(Exit::Success);
                    });
                }
            });
            let list = env.read("config/lifespan/plugins.toml");
            for name in &names {
                let is_in = list.contains(&format!("\"{name}\""));
                assert_eq!(is_in, command == "disable", "{command} {name}: {list}");
            }
        }
    }
}

#[test]
fn enabling_what_is_not_disabled_is_told_with_what_is_so() {
    let env = env();
    let refused = |line: &str, told: &[&str]| {
        env.run(line).assert_code(Exit::Usage).assert_has(told);
    };
    let usable = ["the plugin `echo` is not disabled", "hint: it can be used as it is"];
    refused("plugin enable echo", &usable);
    refused("plugin enable ecko", &["no plugin is called `ecko`", "did you mean `echo`"]);
    env.run("plugin disable echo tag").assert_code(Exit::Success);
    refused("plugin enable ecko", &["no plugin is called `ecko`", "did you mean `echo`"]);
    refused("plugin enable zzz", &["no plugin is called `zzz`", "hint: disabled are: echo, tag"]);
    // One that is not disabled keeps the others from being enabled, and nothing else is said of these.
    let usable = ["the plugin `countdown` is not disabled", "hint: it can be used as it is"];
    refused("plugin enable echo tag countdown", &usable);
    let enabled = env.run("plugin enable tag");
    assert_eq!(enabled.stdout, "enabled: tag\ndisabled: echo\n", "{enabled}");
    assert_eq!(env.run("plugin enable echo").stdout, "enabled: echo\n");
}

#[test]
fn a_broken_list_is_an_error_at_its_place() {
    let env = env();
    let file = env.home().join("config/lifespan/plugins.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a new folder");
    for (text, told) in [
        ("disabled = [\n", "line 1, column 13: "),
        (
            "# mine\ndisable = []\n",
            "line 2, column 1: `disable` is unknown; there is only `disabled`",
        ),
        ("disabled = 'echo'\n", "line 1, column 1: `disabled` is a list of names, in quotes"),
        ("disabled = [7]\n", "line 1, column 1: `disabled` is a list of names, in quotes"),
    ] {
        fs::write(&file, text).expect("it can be written to");
        for line in ["--dry-run countdown", "plugin disable echo"] {
            env.run(line).assert_code(Exit::Config).assert_has(&[told, "  hint: mend it"]);
        }
    }
    fs::write(&file, "# mine\ndisabled = [\n  'echo', # too loud\n]\n")
        .expect("it can be written to");
    env.run("echo").assert_code(Exit::Config);
    env.run("plugin disable countdown").assert_code(Exit::Success);
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(text.contains("# mine") && text.contains("# too loud"), "{text}");
}

#[test]
fn what_is_left_out_on_the_line_is_not_there() {
    let env = env();
    let refused = env.run("--without echo countdown --from 1 echo");
    refused.assert_code(Exit::Usage).assert_has(&["the plugin `echo` is left out by `--without`"]);
    env.run("--without echo --dry-run countdown").assert_code(Exit::Success);
    let help = env.run("--without echo --help");
    assert!(!help.stdout.contains("  echo "), "{help}");
    let output = env.run("--without ecko --dry-run echo");
    output.assert_code(Exit::Success).assert_has(&["no plugin is called `ecko`"]);
}
