//! A pipe in a place where the host looks by itself holds nothing up; one that somebody named is read.

use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use lifespan::Exit;
use minisign::KeyPair;
use tempfile::TempDir;

use crate::artifacts::{bundled, library};
use crate::env::TestEnv;
use crate::forge::sign;
use crate::nested::copy;

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().expect("a path in a folder")).expect("a new folder");
    let made = Command::new("mkfifo").args(["-m", "644"]).arg(path).status();
    assert!(made.is_ok_and(|it| it.success()), "no pipe can be made");
}

/// A folder with `countdown`, to put something beside.
fn plugins() -> (TempDir, TestEnv) {
    let folder = TempDir::new().expect("a temporary folder");
    copy(&library(&bundled(), "countdown"), folder.path(), "countdown");
    let env = TestEnv::without_plugins().plugin_dir(folder.path().to_owned());
    (folder, env)
}

const LINE: &str = "--dry-run countdown";

#[test]
fn one_among_the_users_own_files_is_told() {
    for name in ["lifespan.toml", "plugins.toml"] {
        let (_folder, env) = plugins();
        pipe(&env.home().join("config/lifespan").join(name));
        let output = env.run(LINE);
        output.assert_code(Exit::Config);
        output.assert_has(&[name, "it is not a regular file"]);
    }
}

#[test]
fn one_in_the_plugins_folder_is_told() {
    let (folder, env) = plugins();
    let odd = library(folder.path(), "odd");
    pipe(&odd);
    env.run(LINE).assert_code(Exit::Success);
    let list = env.run("plugin list");
    list.assert_code(Exit::Success);
    assert!(
        list.stdout.contains("libodd.so") && list.stdout.contains("not a regular file"),
        "{list}"
    );
    let odd = odd.display();
    for command in ["check", "inspect", "verify", "install", "trust"] {
        let output = env.run(&format!("plugin {command} {odd}"));
        assert!(matches!(output.code, Some(3 | 4)), "{output}");
    }

    pipe(&folder.path().join("lifespan.lock"));
    env.run(LINE).assert_code(Exit::Config).assert_has(&["it is not a regular file"]);
    env.run("plugin trust countdown").assert_code(Exit::Config);
}

#[test]
fn one_for_a_signature_is_told() {
    let (folder, env) = plugins();
    let countdown = library(folder.path(), "countdown");
    pipe(&folder.path().join("libcountdown.so.minisig"));
    // A key of nobody's.
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    env.write("key.toml", &format!("signed-by = \"{key}\"\n"));
    let output = env.run(&format!("--config key.toml {LINE}"));
    output.assert_code(Exit::Config).assert_has(&["it is not a regular file"]);
    let output = env.run(&format!("plugin install {} --dir other --force", countdown.display()));
    output.assert_code(Exit::Config).assert_has(&["it is not a regular file"]);
}

#[test]
fn one_in_the_cache_is_as_nothing() {
    let (_folder, env) = plugins();
    env.run("plugin list").assert_code(Exit::Success);
    let folders = env.home().join(".cache/lifespan/folders");
    let kept: Vec<_> = fs::read_dir(&folders).expect("there is a cache").collect();
    assert!(!kept.is_empty());
    for file in kept {
        let file = file.expect("it can be listed").path();
        fs::remove_file(&file).expect("it is there");
        pipe(&file);
    }
    env.run(LINE).assert_code(Exit::Success);
}

#[test]
fn one_on_a_line_that_is_completed_is_not_waited_for() {
    let (_folder, env) = plugins();
    pipe(&env.home().join("named"));
    for line in ["--config named", "@named", "countdown @named"] {
        let output = env.run(&format!("completions zsh --answer -- {line} c"));
        output.assert_code(Exit::Success);
        assert_eq!(output.stderr, "", "{output}");
    }
}

#[test]
fn what_one_demands_is_not_forgotten_by_a_child() {
    let (folder, env) = plugins();
    let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
    let config = format!("<(echo 'signed-by = \"{}\"')", keys.pk.to_base64());
    let line = format!("lifespan --config {config} plugin inspect countdown");
    let inspect = |expect: &str| {
        let output = env.other("bash").args(["-c", &line]).output().expect("there is a bash");
        let told = String::from_utf8_lossy(&output.stdout);
        assert_ne!(output.status.code(), Some(0), "{told}");
        assert!(told.contains(expect) && !told.contains("--from"), "{told}");
    };
    inspect("it has no signature");
    // Here the parent would have it asked by a child, which cannot read the key again.
    sign(&keys, &library(folder.path(), "countdown"));
    inspect("it is not a regular file");
}

#[test]
fn one_that_a_shell_names_is_read() {
    let (_folder, env) = plugins();
    let shell = |line: &str| {
        let output = env.other("bash").args(["-c", line]).output();
        let output = output.expect("there is a bash");
        let [out, err] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        assert_eq!(output.status.code(), Some(0), "{line}\n{err}");
        out
    };
    let config = r"<(printf '[plugin.countdown]\nfrom = 7\n')";
    let told = shell(&format!("lifespan --config {config} --dry-run countdown"));
    assert!(told.contains("countdown --from=7"), "{told}");
    let told = shell("printf 'grace = 1' | lifespan --config /dev/stdin --dry-run countdown");
    assert!(told.contains("countdown"), "{told}");
    let told = shell("lifespan --dry-run @<(echo countdown --from 7)");
    assert!(told.contains("countdown --from 7"), "{told}");
}

#[test]
fn one_that_has_a_name_is_waited_for() {
    let (_folder, env) = plugins();
    let named = env.home().join("named");
    pipe(&named);
    for words in ["--config named --dry-run countdown", "--dry-run countdown @named"] {
        let text = if words.starts_with("--config") { "" } else { "--from 7" };
        let writer = thread::spawn({
            let named = named.clone();
            move || fs::write(named, text)
        });
        env.run(words).assert_code(Exit::Success);
        writer.join().expect("it does not panic").expect("it is read");
    }
}
