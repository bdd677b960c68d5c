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

/// Writes a file of the user's configuration.
fn configure(env: &TestEnv, file: &str, text: &str) -> PathBuf {
    let folder = env.home().join("config/lifespan");
    fs::create_dir_all(&folder).expect("a folder in a temporary folder");
    fs::write(folder.join(file), text).expect("a file in a temporary folder");
    folder.join(file)
}

#[test]
fn all_that_is_wrong_in_the_configuration_is_found_with_its_place() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let toml = "garce = 1\nlog = 'x=y'\n[plugin.countdown]\nfrm = 3\n[plugin.ecko]\nx = 1\n\
                [plugin.elsewhere]\nx = 1\n[tabel]\n";
    let file = configure(&env, "lifespan.toml", toml);
    configure(&env, "plugins.toml", "disabled = 7\n");
    let of_config = |found: &[Value]| -> Vec<(String, String)> {
        let ours = found.iter().filter(|it| it["reason"] == "config");
        let text = |it: &Value| it.as_str().expect("a text").to_owned();
        ours.map(|it| (text(&it["message"]), text(&it["hint"]))).collect()
    };
    let found = findings(&env, Exit::Config);
    let told = of_config(&found);
    let messages: Vec<_> = told.iter().map(|(message, _)| &message[..]).collect();
    let broken = format!("`{}` is broken at", file.with_file_name("plugins.toml").display());
    assert_eq!(messages.len(), 5, "{messages:#?}");
    assert_eq!(messages[0], "there is no option `garce`");
    assert_eq!(messages[1], "`x=y` is no value of `log`");
    assert_eq!(messages[2], "there is no table `tabel`");
    assert!(messages[3].starts_with(&broken), "{messages:#?}");
    assert_eq!(messages[4], "no plugin is called `ecko`");
    assert_eq!(told[0].1, "did you mean `grace`?");
    assert_eq!(told[4].1, "did you mean `echo`?");
    assert_eq!(found[0]["subject"], file.display().to_string());
    let pointer = found[0]["pointer"].as_str().expect("a text");
    assert!(pointer.ends_with("lifespan.toml:1:1\n  garce = 1\n  ^^^^^\n"), "{pointer}");
    // The options of a plugin are known once it was asked for them, which the doctor does not do.
    let unchecked = found.iter().find(|it| it["reason"] == "config-unchecked");
    let unchecked = unchecked.expect("its options are not known");
    assert_eq!(
        [&unchecked["subject"], &unchecked["is_wrong"]],
        [&json!("countdown"), &json!(false)]
    );
    let hint = "`lifespan plugin inspect countdown` asks for them";
    assert_eq!(unchecked["hint"], hint);

    // Whatever else is asked for ends with what is wrong.
    env.run("plugin list").assert_code(Exit::Config).assert_has(&["no option `garce`", "`tabel`"]);
    configure(&env, "plugins.toml", "");
    configure(&env, "lifespan.toml", "[plugin.countdown]\nfrm = 3\n");
    env.run("plugin inspect countdown").assert_code(Exit::Success);
    let found = findings(&env, Exit::Config);
    let hint = "did you mean `from`?".to_owned();
    assert_eq!(of_config(&found), [("`countdown` has no option `frm`".to_owned(), hint)]);
    let text = env.run("plugin doctor");
    assert!(text.stdout.starts_with("1 thing is wrong; "), "{text}");
    assert!(text.stdout.contains("lifespan.toml:2:1\n  frm = 3\n  ^^^\n  hint: did you"), "{text}");
    configure(&env, "lifespan.toml", "[plugin.countdown]\nfrom = 3\n");
    assert_eq!(findings(&env, Exit::Success), [] as [Value; 0]);
}

#[test]
fn what_is_disabled_is_a_note_with_the_command_that_enables() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    env.run("plugin disable echo").assert_code(Exit::Success);
    let found = findings(&env, Exit::Success);
    assert_eq!(reasons(&found), ["disabled"]);
    assert_eq!(found[0]["is_wrong"], false);
    assert_eq!(found[0]["hint"], "`lifespan plugin enable echo` enables it");
    let text = env.run("plugin doctor");
    assert!(text.stdout.starts_with("nothing is wrong; 1 folder, 2 plugins\n\nnote: "), "{text}");
}
