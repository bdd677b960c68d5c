//! `plugin install` and `plugin remove`: a library is checked, copied and approved, or goes with its
//! approval; nobody else's is touched.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use lifespan::Exit;
use minisign::KeyPair;
use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use tempfile::TempDir;

use crate::artifacts::{bundled, fixtures, library};
use crate::env::TestEnv;
use crate::forge::{Forge, sign};
use crate::management::data;
use crate::schema;

/// The default folder of a test's home.
fn default_folder(env: &TestEnv) -> PathBuf {
    env.home().join("data/lifespan/plugins")
}

fn install(name: &str) -> String {
    format!("plugin install {}", library(&bundled(), name).display())
}

#[test]
fn a_library_is_installed_where_there_was_no_folder_and_removed_again() {
    let env = TestEnv::without_plugins();
    let folder = default_folder(&env);
    let output = env.run(&format!("{} --format json", install("countdown")));
    output.assert_code(Exit::Success);
    let answer = data(&output);
    schema::check("plugin-install", &answer);
    let installed = library(&folder, "countdown");
    assert_eq!(answer["installed"]["library"], installed.display().to_string());
    assert_eq!(answer["installed"]["plugins"], json!({"countdown": "0.1.0"}));
    assert_eq!((&answer["replaced"], &answer["not_approved"]), (&json!(false), &json!([])));
    let mode = |path: &PathBuf| fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode(&installed) & 0o7777, 0o644);
    assert_eq!(mode(&folder) & 0o022, 0);

    env.run("--locked countdown --from 1 --sleep 1ms").assert_code(Exit::Success);
    env.run("plugin verify").assert_code(Exit::Success);
    // The same once more, and a newer version of it.
    let again = data(&env.run(&format!("{} --format json", install("countdown"))));
    assert_eq!(again["replaced"], true);
    assert_eq!(again["installed"]["before"], again["installed"]["sha256"]);

    let removed = data(&env.run("plugin remove countdown --format json"));
    let expect = json!({"removed": [{
        "library": installed.display().to_string(), "plugins": ["countdown"], "was_approved": true,
    }]});
    assert_eq!(removed, expect);
    schema::check("plugin-remove", &removed);
    assert!(!installed.exists());
    env.run("countdown").assert_code(Exit::Usage);
    env.run("plugin verify").assert_code(Exit::Success);
    let left: Vec<_> = fs::read_dir(&folder).expect("it is there").flatten().collect();
    assert_eq!(left.len(), 1, "only the lock file: {left:?}");
    env.run("plugin remove countdown").assert_code(Exit::Usage);
}

#[test]
fn a_path_that_leads_to_no_library_deletes_nothing() {
    let env = TestEnv::without_plugins();
    let file = env.home().join("notes.txt");
    fs::write(&file, "mine").expect("it is ours");
    let output = env.run(&format!("plugin remove {} --force", file.display()));
    output.assert_code(Exit::Usage);
    assert!(output.stderr.contains("is not named as a library"), "{output}");
    assert!(file.exists());
}

#[test]
fn what_could_not_be_used_is_not_installed() {
    let env = TestEnv::without_plugins();
    let from = TempDir::new().expect("a temporary folder");
    let later = Forge::echo().descriptor(|it| it["abi"] = "0.9.0".into());
    let cases = [
        (later.write(from.path(), "later"), "it was built against ABI 0.9.0"),
        (Forge::echo().renamed("help").write(from.path(), "reserved"), "a name that is reserved"),
        (Forge::echo().cut(4000).write(from.path(), "cut"), "it is damaged"),
        (env.write("libtext.so", "no library"), "it is not a library"),
        (env.home().join("libnone.so"), "No such file"),
    ];
    for (file, reason) in cases {
        let output = env.run(&format!("plugin install {}", file.display()));
        output.assert_code(Exit::Load).assert_has(&[reason, "  hint: "]);
        // It lies in no plugins folder that it could be moved out of.
        output.assert_has_not(&["move it"]);
    }
    let odd = from.path().join("libecho.so.1");
    fs::copy(library(&bundled(), "echo"), &odd).expect("a library can be copied");
    let output = env.run(&format!("plugin install {}", odd.display()));
    output.assert_code(Exit::Load).assert_has(&["is not named as libraries are here"]);
    assert!(!default_folder(&env).exists(), "nothing was made");
}

#[test]
fn nobody_elses_plugin_is_replaced_unless_it_is_said() {
    let env = TestEnv::without_plugins();
    env.run(&install("echo")).assert_code(Exit::Success);
    let from = TempDir::new().expect("a temporary folder");
    // Another library of the same file name, and another one with the same plugin.
    let same_file = Forge::echo().renamed("ecko").write(from.path(), "echo");
    let output = env.run(&format!("plugin install {}", same_file.display()));
    output.assert_code(Exit::Config);
    output.assert_has(&["is there already, and is echo", "`--force` replaces it"]);
    let same_plugin = Forge::echo().write(from.path(), "loud");
    let output = env.run(&format!("plugin install {}", same_plugin.display()));
    output.assert_code(Exit::Config);
    output.assert_has(&["the plugin `echo` is also in", "`--force` takes both"]);
    env.run("--dry-run echo").assert_code(Exit::Success);
    env.run(&format!("plugin install --force {}", same_file.display())).assert_code(Exit::Success);
    env.run("echo").assert_code(Exit::Usage);
}

#[test]
fn a_folder_that_others_may_write_to_gets_nothing() {
    let env = TestEnv::without_plugins();
    let dir = env.home().join("open");
    fs::create_dir(&dir).expect("a new folder");
    fs::set_permissions(&dir, PermissionsExt::from_mode(0o777)).expect("it is ours");
    let line = format!("{} --dir {}", install("echo"), dir.display());
    let output = env.run(&line);
    output.assert_code(Exit::Config);
    output.assert_has(&["nothing is installed into", "everybody may write to", "`chmod go-w"]);
    assert_eq!(fs::read_dir(&dir).expect("it is there").count(), 0);
    fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).expect("it is ours");
    env.run(&line).assert_code(Exit::Success);
    assert!(library(&dir, "echo").exists());
}

#[test]
fn a_library_goes_only_with_all_its_plugins() {
    let dir = TempDir::new().expect("a temporary folder");
    let file = library(dir.path(), "fixtures");
    fs::copy(library(&fixtures(), "fixtures"), &file).expect("a library can be copied");
    let env = TestEnv::without_plugins().plugin_dir(dir.path().to_owned());
    let output = env.run("plugin remove probe fault");
    output.assert_code(Exit::Usage).assert_has(&["also holds", "`chatter`", "--force"]);
    output.assert_has_not(&["`probe`", "`fault`"]);
    assert!(file.exists());
    let output = env.run("plugin remove probe --force");
    output.assert_code(Exit::Success);
    assert!(
        output.stdout.contains("removed, with ") && output.stdout.contains("fault"),
        "{output}"
    );
    assert!(!file.exists());
}

/// All that is in a folder, with the bytes of the files.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder).expect("it is there").map(|it| it.expect("it is ours").path());
    let mut files: Vec<_> =
        files.map(|it| (it.clone(), fs::read(it).unwrap_or_default())).collect();
    files.sort();
    files
}

/// Another library with the plugin `echo`.
fn newer_echo(folder: &Path) -> PathBuf {
    Forge::echo()
        .descriptor(|it| it["plugins"][0]["version"] = "0.2.0".into())
        .write(folder, "echo")
}

#[test]
fn where_the_lock_is_not_to_be_trusted_nothing_is_installed_or_removed() {
    let env = TestEnv::without_plugins();
    env.run(&install("echo")).assert_code(Exit::Success);
    let folder = default_folder(&env);
    let lock = folder.join("lifespan.lock");
    let from = TempDir::new().expect("a temporary folder");
    let newer = newer_echo(from.path());
    let good = fs::read_to_string(&lock).expect("it is there");
    let lines = [format!("plugin install {}", newer.display()), "plugin remove echo".to_owned()];
    let refused = |told: &str| {
        let before = content(&folder);
        for line in &lines {
            env.run(line).assert_code(Exit::Config).assert_has(&[told, "  hint: "]);
            assert!(content(&folder) == before, "{line}");
        }
    };
    fs::write(&lock, good.replace("size = ", "size: ")).expect("it is ours");
    refused("is broken at line");
    fs::write(&lock, good).expect("it is ours");
    fs::set_permissions(&lock, PermissionsExt::from_mode(0o666)).expect("it is ours");
    refused("everybody may write to");
    fs::set_permissions(&lock, PermissionsExt::from_mode(0o644)).expect("it is ours");
    for line in &lines {
        env.run(line).assert_code(Exit::Success);
    }
}

#[test]
fn who_cannot_hold_a_folder_changes_nothing_in_it() {
    let env = TestEnv::without_plugins();
    env.run(&install("echo")).assert_code(Exit::Success);
    env.run(&install("countdown")).assert_code(Exit::Success);
    env.run("plugin disable countdown").assert_code(Exit::Success);
    let folders = [default_folder(&env), env.home().join("config/lifespan")];
    let before = folders.each_ref().map(|it| content(it));
    let from = TempDir::new().expect("a temporary folder");
    let install = format!("plugin install {}", newer_echo(from.path()).display());
    let held = folders.each_ref().map(|folder| {
        let folder = File::open(folder).expect("it is there");
        flock(&folder, FlockOperation::LockExclusive).expect("nobody else holds it");
        folder
    });
    thread::scope(|scope| {
        for line in
            [&install, "plugin remove echo", "plugin disable echo", "plugin enable countdown"]
        {
            scope.spawn(|| {
                let output = env.run(line);
                output.assert_code(Exit::Config);
                output.assert_has(&["another process holds the folder", "`fuser -v "]);
            });
        }
    });
    assert!(folders.each_ref().map(|it| content(it)) == before);
    drop(held);
    env.run(&install).assert_code(Exit::Success);
    env.run("plugin disable echo").assert_code(Exit::Success);
}

#[test]
fn a_library_without_a_signature_does_not_keep_that_of_its_predecessor() {
    let env = TestEnv::without_plugins();
    let from = TempDir::new().expect("a temporary folder");
    let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
    let signed = Forge::echo().write(from.path(), "echo");
    sign(&keys, &signed);
    let line = format!("plugin install {}", signed.display());
    env.run(&line).assert_code(Exit::Success);
    let signature = default_folder(&env).join("libecho.so.minisig");
    assert!(signature.exists());
    let unsigned = TempDir::new().expect("a temporary folder");
    let unsigned = newer_echo(unsigned.path());
    env.run(&format!("plugin install {}", unsigned.display())).assert_code(Exit::Success);
    assert!(!signature.exists());
    assert_eq!(
        fs::read(library(&default_folder(&env), "echo")).expect("it is there"),
        fs::read(unsigned).expect("it is there")
    );
    env.run(&line).assert_code(Exit::Success);
    assert!(signature.exists());
}

#[test]
fn all_that_keeps_libraries_from_being_removed_is_told() {
    let folders = [(); 2].map(|()| TempDir::new().expect("a temporary folder"));
    let mut env = TestEnv::without_plugins();
    for folder in &folders {
        env = env.plugin_dir(folder.path().to_owned());
    }
    let [echo, countdown] =
        [("echo", &folders[0]), ("countdown", &folders[1])].map(|(name, it)| {
            let line = format!("{} --dir {}", install(name), it.path().display());
            env.run(&line).assert_code(Exit::Success);
            library(it.path(), name)
        });
    let line = format!("plugin remove {} {}", echo.display(), countdown.display());
    let locks = folders.each_ref().map(|it| it.path().join("lifespan.lock"));
    let good = locks.each_ref().map(|lock| fs::read(lock).expect("it is there"));
    for lock in &locks {
        fs::write(lock, "?").expect("it is ours");
    }
    let told = locks.each_ref().map(|lock| format!("the lock file `{}` is broken", lock.display()));
    let output = env.run(&line);
    output.assert_code(Exit::Config).assert_has(&[&told[0], &told[1]]);
    // One is enough to keep all.
    fs::write(&locks[0], &good[0]).expect("it is ours");
    let output = env.run(&line);
    output.assert_code(Exit::Config).assert_has(&[&told[1]]).assert_has_not(&[&told[0]]);
    assert!(echo.exists() && countdown.exists());
    fs::write(&locks[1], &good[1]).expect("it is ours");

    // What only the deletion tells: the others are gone by then, and that is told.
    let odd = library(folders[0].path(), "odd");
    fs::create_dir(&odd).expect("a new folder");
    let line = format!("{line} {} --format json", odd.display());
    let output = env.run(&line);
    output.assert_code(Exit::Config);
    output.assert_has(&[&format!("`{}` cannot be deleted", odd.display())]);
    let removed = data(&output);
    schema::check("plugin-remove", &removed);
    let removed = removed["removed"].as_array().expect("a list").iter().map(|it| &it["library"]);
    let mut expect = [echo, countdown].map(|it| it.display().to_string());
    expect.sort();
    assert!(removed.eq(expect.iter()), "{output}");
    assert!(odd.exists());
}
