//! `plugin new`: what it writes builds, passes its tests and runs in a chain, whatever was asked for; and
//! it writes over nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifespan::Exit;
use serde_json::{Value, json};

use crate::artifacts::{bundled, library, workspace_root};
use crate::env::TestEnv;
use crate::management::data;
use crate::nested::{cargo, cargo_to, copy, finish, lock, nested_target};
use crate::schema;
use crate::third_party::forget_all;

/// All that can be asked for: a name, and with which options.
fn wishes() -> Vec<(String, String)> {
    let options = [("t", "--trait"), ("r", "--tokio"), ("m", "--message Greeting")];
    let chosen = |bits: u32| (0..3).filter(move |at| bits & (1 << at) != 0).map(|at| options[at]);
    let wish = |bits| {
        let letters: String = chosen(bits).map(|(letter, _)| letter).collect();
        let name = if bits == 0 { "say-hello".to_owned() } else { format!("say-hello-{letters}") };
        (name, chosen(bits).map(|(_, option)| option).collect::<Vec<_>>().join(" "))
    };
    (0..8).map(wish).collect()
}

#[test]
fn whatever_is_asked_for_builds_passes_its_tests_and_runs() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let sdk = workspace_root().join("plugin-api");
    // One workspace, so that all is built at once.
    env.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"say-*\"]\n");
    for (name, options) in wishes() {
        let line = format!("plugin new {name} {options} --api {} --format json", sdk.display());
        let output = env.run(&line);
        output.assert_code(Exit::Success);
        let answer = data(&output);
        schema::check("plugin-new", &answer);
        assert_eq!(answer["workspace"], json!(null));
        let mut files = vec!["Cargo.toml", "README.md", ".gitignore", "src/lib.rs", "src/tests.rs"];
        if options.contains("--message") {
            files.extend(["messages/Cargo.toml", "messages/src/lib.rs"]);
        }
        assert_eq!(answer["files"], json!(files));
        assert!(files.iter().all(|file| env.home().join(&name).join(file).is_file()));
    }

    lock(env.home());
    let target = nested_target();
    finish(cargo_to("test", env.home(), &target));
    finish(cargo(env.home(), &target));
    let plugins = env.home().join("plugins");
    fs::create_dir(&plugins).expect("a new folder");
    for (name, _) in wishes() {
        let name = name.replace('-', "_");
        copy(&library(&target.join("debug"), &name), &plugins, &name);
    }
    forget_all(&target.join("debug"), "say_hello");
    forget_all(&target.join("debug"), "say-hello");

    let env = env.plugin_dir(plugins);
    for (name, options) in wishes() {
        let line =
            format!("--bus-trace {name} -v {name} --whom you --sleep 1ms countdown --sleep 1ms");
        let output = env.run(&line);
        output.assert_code(Exit::Success);
        output.assert_in_order(&["Hello, you!", "Hello, you!", "Hello, you!", "Goodbye"]);
        output.assert_has(&["Finished counting down"]);
        let lines = output.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let values: Vec<Value> = lines.map(|line: Value| line["value"].clone()).collect();
        let greeting = |nth: u32| match options.contains("--message") {
            true => json!({"whom": "you", "nth": nth}),
            false => json!(nth),
        };
        assert_eq!(values, [greeting(1), greeting(2), greeting(3)], "{output}");
    }
}

#[test]
fn nothing_is_written_over() {
    let env = TestEnv::without_plugins();
    env.write("hello", "a file");
    fs::create_dir(env.home().join("empty")).expect("a new folder");
    for line in ["plugin new hello", "plugin new other --dir empty"] {
        let output = env.run(line);
        output.assert_code(Exit::Config).assert_has(&["is there already", "  hint: "]);
    }
    assert_eq!(env.read("hello"), "a file");
    assert_eq!(fs::read_dir(env.home().join("empty")).expect("it is there").count(), 0);
    let output = env.run("plugin new deep --dir none/deep");
    output.assert_code(Exit::Config).assert_has(&["see that the folder above it is there"]);
    let output = env.run("plugin new Fish --message salmon");
    output.assert_code(Exit::Usage);
    output.assert_has(&["`Fish` cannot be a plugin's name", "`salmon` cannot be the name of"]);
}

#[test]
fn the_sdk_is_where_it_is_said_to_be() {
    let env = TestEnv::without_plugins();
    let root = workspace_root().canonicalize().expect("it is there");
    let sdk = root.join("plugin-api").display().to_string();
    let new =
        |name: &str, api: &str| data(&env.run(&format!("plugin new {name} {api} --format json")));
    for (name, api) in
        [("one", format!("--api {sdk}")), ("two", format!("--api {}", root.display()))]
    {
        let answer = new(name, &api);
        assert_eq!((&answer["sdk_path"], &answer["sdk_version"]), (&json!(sdk), &json!(null)));
    }
    let answer = new("three", "--api 0.1");
    assert_eq!((&answer["sdk_path"], &answer["sdk_version"]), (&json!(null), &json!("0.1")));
    let manifest = fs::read_to_string(env.home().join("three/Cargo.toml")).expect("it is there");
    assert!(manifest.contains("lifespan-plugin-api = { version = \"0.1\" }"), "{manifest}");
    // By itself it finds that of the repository, unless others may write there.
    let answer = new("four", "");
    let found = [(json!(sdk), json!(null)), (json!(null), json!("0.1"))];
    assert!(found.contains(&(answer["sdk_path"].clone(), answer["sdk_version"].clone())));
    let output = env.run("plugin new five --api nowhere");
    output.assert_code(Exit::Usage).assert_has(&["`nowhere` is neither a folder with"]);
}

/// What cargo makes of a folder, with those variables; none if it does not understand it.
fn metadata(folder: &Path, vars: &[(&str, String)]) -> Option<Value> {
    let mut metadata = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    metadata.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    metadata.env_remove("CARGO_TARGET_DIR").envs(vars.iter().cloned());
    let output = metadata.current_dir(folder).output().expect("cargo can be run");
    let read = || serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    output.status.success().then(read)
}

fn is_understood(folder: &Path) -> bool {
    metadata(folder, &[]).is_some()
}

#[test]
fn a_library_is_looked_for_where_cargo_puts_it() {
    let elsewhere = TestEnv::without_plugins();
    let absolute = elsewhere.home().join("all of it").display().to_string();
    let set = |variable: &'static str, to: &str| vec![(variable, to.to_owned())];
    let config = "[build]\ntarget-dir = \"built\"\n";
    for (config, vars) in [
        ("", vec![]),
        (config, vec![]),
        ("", set("CARGO_TARGET_DIR", "of here")),
        (config, set("CARGO_TARGET_DIR", &absolute)),
        (config, set("CARGO_BUILD_TARGET_DIR", &absolute)),
    ] {
        let mut env = TestEnv::without_plugins();
        for (key, value) in &vars {
            env = env.env(key, value);
        }
        fs::create_dir(env.home().join(".cargo")).expect("a new folder");
        env.write(".cargo/config.toml", config);
        let answer = data(&env.run("plugin new hello --format json"));
        let folder = env.home().join("hello");
        let metadata = metadata(&folder, &vars).expect("cargo understands it");
        let target = metadata["target_directory"].as_str().expect("a path");
        let command = answer["commands"][1].as_str().expect("a command");
        let readme = fs::read_to_string(folder.join("README.md")).expect("it is there");
        assert!(readme.contains(&format!("\n{command}\n")), "{readme}");
        // As a shell takes it, from the crate's folder.
        let ask = format!("cd {} && realpath -m {}", folder.display(), plugin_dir(command));
        let asked = Command::new("bash").args(["-c", &ask]).output().expect("bash can be run");
        let named = String::from_utf8(asked.stdout).expect("a path");
        assert_eq!(Path::new(named.trim_end()), Path::new(target).join("debug"), "{command}");
    }
}

/// What a command has behind `--plugin-dir`, as it stands there.
fn plugin_dir(command: &str) -> &str {
    let words = command.strip_prefix("lifespan --plugin-dir ").expect("it names a folder");
    words.strip_suffix(" hello --whom you").expect("and then the plugin")
}

#[test]
fn a_workspace_is_told_of() {
    let env = TestEnv::without_plugins();
    let workspace = |members: &str| -> PathBuf {
        env.write("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\n{members}\n"))
    };
    let manifest = workspace("members = []");
    let answer = data(&env.run("plugin new one --format json"));
    schema::check("plugin-new", &answer);
    let said = &answer["workspace"];
    assert_eq!(said["manifest"], manifest.display().to_string());
    assert_eq!(said["member"], "one");
    assert!(!is_understood(&env.home().join("one")), "cargo demands it too");
    workspace("members = [\"one\"]");
    assert!(is_understood(&env.home().join("one")));
    assert_eq!(answer["commands"][1], "lifespan --plugin-dir ../target/debug one --whom you");

    fs::create_dir(env.home().join("plugins")).expect("a new folder");
    let new = |name: &str| {
        let line = format!("plugin new {name} --dir plugins/{name} --message Fish --format json");
        data(&env.run(&line))["workspace"].clone()
    };
    assert_eq!(new("two")["member"], "plugins/two");
    for (name, members) in
        [("three", "members = [\"one\", \"plugins/*\"]"), ("four", "exclude = [\"plugins\"]")]
    {
        workspace(members);
        assert_eq!(new(name), json!(null), "{members}");
        assert!(is_understood(&env.home().join("plugins").join(name)), "{members}");
    }
    let output = env.run("plugin new five");
    assert!(output.stdout.contains("add \"five\" to the members of"), "{output}");
}
