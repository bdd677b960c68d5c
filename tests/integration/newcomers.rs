//! `plugin new`: what it writes builds, passes its tests and runs in a chain, whatever was asked for; and
//! it writes over nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use lifespan::Exit;
use serde_json::{Value, json};

use crate::artifacts::{bundled, library, workspace_root};
use crate::env::TestEnv;
use crate::management::data;
use crate::nested::{cargo, cargo_to, finish, lock, nested_target};
use crate::schema;
use crate::third_party::forget_all;

/// A crate as it is asked for, built and tested; and what the chain of it and `countdown` says on stdout.
fn lived(options: &str) -> (Value, Vec<Value>) {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let sdk = workspace_root().join("plugin-api");
    let line = format!("plugin new say-hello {options} --api {} --format json", sdk.display());
    let output = env.run(&line);
    output.assert_code(Exit::Success);
    let answer = data(&output);
    schema::check("plugin-new", &answer);
    let folder = env.home().join("say-hello");
    for file in answer["files"].as_array().expect("a list") {
        assert!(folder.join(file.as_str().expect("a path")).is_file(), "{file}");
    }

    lock(&folder);
    let target = nested_target();
    // One at a time: all leave their library at the same place.
    static BUILDING: Mutex<()> = Mutex::new(());
    let building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    finish(cargo_to("test", &folder, &target));
    finish(cargo(&folder, &target));
    let plugins = env.home().join("plugins");
    fs::create_dir(&plugins).expect("a new folder");
    let built = library(&target.join("debug"), "say_hello");
    fs::copy(built, library(&plugins, "say_hello")).expect("it has been built");
    forget_all(&target.join("debug"), "say_hello");
    forget_all(&target.join("debug"), "say-hello");
    drop(building);

    let line = "--bus-trace say-hello -v say-hello --whom you --sleep 1ms countdown --sleep 1ms";
    let output = env.plugin_dir(plugins).run(line);
    output.assert_code(Exit::Success);
    output.assert_in_order(&["Hello, you!", "Hello, you!", "Hello, you!", "Goodbye"]);
    output.assert_has(&["Finished counting down"]);
    let lines = output.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    (answer, lines.iter().map(|line| line["value"].clone()).collect())
}

#[test]
fn a_function_is_a_plugin() {
    let (answer, values) = lived("");
    assert_eq!(
        answer["files"],
        json!(["Cargo.toml", "README.md", ".gitignore", "src/lib.rs", "src/tests.rs"])
    );
    assert_eq!(answer["workspace"], json!(null));
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn a_struct_is_a_plugin_with_a_message_of_its_own() {
    let (_, values) = lived("--trait --message Greeting");
    let greeting = |nth: u32| json!({"whom": "you", "nth": nth});
    assert_eq!(values, [greeting(1), greeting(2), greeting(3)]);
}

#[test]
fn a_plugin_may_have_a_runtime_of_its_own() {
    let (_, values) = lived("--tokio");
    assert_eq!(values, [1, 2, 3]);
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

/// What cargo makes of a folder.
fn is_understood(folder: &Path) -> bool {
    let mut metadata = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    metadata.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    metadata.current_dir(folder).output().expect("cargo can be run").status.success()
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
