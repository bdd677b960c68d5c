//! `plugin doctor`: what is wrong in the set-up is found, with its remedy; where nothing is, it says so.

use std::fs;
use std::path::{Path, PathBuf};

use lifespan::Exit;
use serde_json::{Value, json};

use crate::artifacts::{bundled, library};
use crate::env::TestEnv;
use crate::forge::Forge;
use crate::management::data;
use crate::schema;

/// What is found, as reasons; each has a message and a hint.
#[track_caller]
fn findings(env: &TestEnv, exit: Exit) -> Vec<Value> {
    let output = env.run("plugin doctor --format json");
    output.assert_code(exit);
    let told = data(&output);
    schema::check("plugin-doctor", &told);
    let findings = told["findings"].as_array().expect("a list").clone();
    let said = |it: &Value, field| it[field].as_str().is_some_and(|it| !it.is_empty());
    assert!(findings.iter().all(|it| said(it, "message") && said(it, "hint")), "{output}");
    findings
}

fn reasons(findings: &[Value]) -> Vec<&str> {
    findings.iter().filter_map(|it| it["reason"].as_str()).collect()
}

fn world() -> (TestEnv, PathBuf) {
    let env = TestEnv::without_plugins();
    let dir = env.home().join("plugins");
    fs::create_dir(&dir).expect("a folder in a temporary folder");
    (env.plugin_dir(dir.clone()), dir)
}

/// A library with a plugin of that name, which requires these.
fn requires(dir: &Path, name: &str, required: &[&str]) {
    let library = Forge::echo().renamed(name).descriptor(|it| {
        it["rustc"] = "".into();
        it["plugins"][0]["requires"] = json!(required);
    });
    library.write(dir, name);
}

#[test]
fn where_nothing_is_wrong_it_says_so() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    assert!(findings(&env, Exit::Success).is_empty());
    let text = env.run("plugin doctor");
    text.assert_code(Exit::Success);
    assert_eq!(text.stdout, "nothing is wrong; 1 folder, 3 plugins\n");
    // It leaves nothing behind.
    assert!(!env.home().join(".cache/lifespan/doctor").exists());
    // Who has no plugins yet has done nothing wrong.
    let none = findings(&TestEnv::without_plugins(), Exit::Success);
    assert_eq!(reasons(&none), ["no-folder"]);
    assert_eq!(none[0]["is_wrong"], false);
}

#[test]
fn folders_libraries_and_names_that_cannot_be_used_are_found() {
    let (env, dir) = world();
    Forge::echo().write(&dir, "echo");
    Forge::echo().write(&dir, "other");
    fs::write(library(&dir, "text"), "text").expect("a file in a temporary folder");
    let missing = env.home().join("missing");
    let env = env.plugin_dir(missing.clone());
    let found = findings(&env, Exit::Config);
    assert_eq!(reasons(&found), ["not-a-library", "folder-missing", "claimed", "claimed"]);
    assert_eq!(found[1]["subject"], missing.display().to_string());
    let text = env.run("plugin doctor");
    text.assert_code(Exit::Config);
    assert!(text.stdout.starts_with("4 things are wrong; 1 folder, 0 plugins\n"), "{text}");
    assert_eq!(text.stdout.matches("  hint: ").count(), 4, "{text}");
}

#[test]
fn needs_that_nobody_meets_are_found() {
    let (env, dir) = world();
    requires(&dir, "lonely", &["nobody"]);
    requires(&dir, "a", &["b"]);
    requires(&dir, "b", &["a"]);
    let found = findings(&env, Exit::Load);
    assert_eq!(reasons(&found), ["requires-missing", "requires-circle"]);
    assert_eq!([&found[0]["subject"], &found[1]["subject"]], ["lonely", "a"]);
    requires(&dir, "nobody", &[]);
    fs::remove_file(library(&dir, "b")).expect("it was there");
    let found = findings(&env, Exit::Load);
    assert_eq!(reasons(&found), ["requires-missing"]);
    assert_eq!(found[0]["subject"], "a");
}

#[test]
fn a_cache_that_cannot_be_written_is_found() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    env.write(".cache", "in the way");
    let found = findings(&env, Exit::Config);
    assert_eq!(reasons(&found), ["cache-unwritable"]);
    assert_ne!(found[0]["causes"], json!([]));
    fs::remove_file(env.home().join(".cache")).expect("it was there");
    assert!(findings(&env, Exit::Success).is_empty());
}
