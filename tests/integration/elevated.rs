//! A host that has more rights than whoever starts it runs and lists plugins that are root's, hears no
//! environment that says where they are, and reads, writes and starts nothing else for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use rustix::fs::{StatVfsMountFlags, XattrFlags, setxattr, statvfs};
use serde_json::{Value, json};

use crate::forge::{compile_with, with_descriptor};
use crate::nested::skip;
use crate::place::{By, ME, Place, chmod, copy_program, give, stderr};
use crate::schema;

/// Gives a host more rights; whether it could.
type Raise = fn(&Path) -> bool;

/// How a host comes to more rights.
const WAYS: [(&str, Raise); 3] = [
    ("set-uid", |host| {
        chmod(host, 0o4755);
        true
    }),
    ("set-gid", |host| {
        chmod(host, 0o2755);
        true
    }),
    // As `setcap cap_net_bind_service+ep` does. Some file systems and containers do not take it.
    ("capabilities", |host| {
        let words = [0x0200_0001_u32, 1 << 10, 0, 0, 0];
        let words: Vec<_> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        setxattr(host, "security.capability", &words, XattrFlags::empty()).is_ok()
    }),
];

/// What nobody but root may read, and must not be told.
const SECRET: &str = "s3cret";

/// Does something with a host in each way in which it can come to more rights.
pub(crate) fn each_way(test: impl Fn(&Place) + Sync) {
    for (way, raise) in WAYS {
        let Some(place) = Place::new() else { return };
        give(&place.host(), 0, 0);
        let flags = statvfs(place.home.path()).expect("a file system").f_flag;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if flags.contains(StatVfsMountFlags::NOSUID) || status.contains("NoNewPrivs:\t1") {
            skip(way, "programs with more rights are not obeyed here");
            return;
        }
        if !raise(&place.host()) {
            skip(way, "a file cannot be given them here");
            continue;
        }
        // The thread's name is told when it fails.
        let done = thread::scope(|scope| {
            let named = thread::Builder::new().name(way.to_owned());
            named.spawn_scoped(scope, || test(&place)).expect("a thread").join()
        });
        done.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

/// Fails unless it is told that this is not done, and nothing of what only root may read is.
#[track_caller]
fn assert_not_done(place: &Place, words: &[&str]) {
    let output = place.run_as(ME, By::Option, words);
    let told = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{words:?}\n{told}");
    assert!(told.contains("a set-uid host runs and lists plugins"), "{words:?}\n{told}");
    assert!(!told.contains(SECRET), "{words:?}\n{told}");
}

#[test]
fn only_root_is_trusted_and_no_environment() {
    each_way(|place| {
        // What is in the home of whoever starts it is not read: it would be told to be nonsense.
        let own = place.own().join(".config/lifespan");
        fs::create_dir_all(&own).expect("root may");
        fs::write(own.join("lifespan.toml"), "nonsense").expect("root may");
        fs::write(own.join("plugins.toml"), "nonsense").expect("root may");
        let told = format!("`{}` belongs to user {ME}, and a set-uid host", place.above.display());
        place.assert_refused(ME, By::Option, &told, "`chown root ");
        let lax = place.run_as(ME, By::Option, &["--allow-unsafe-permissions", "echo"]);
        assert_eq!(lax.status.code(), Some(4), "{}", stderr(&lax));

        place.give_all(0, 0);
        let line = ["--dry-run", "echo"];
        let output = place.run_as(ME, By::Option, &line);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // The environment names the same folder, and is not heard.
        let output = place.run_as(ME, By::Environment, &line);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let help = place.run_as(ME, By::Option, &["--help"]);
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.contains("echo") && !help.contains("/me/"), "{help}");
        // Nothing is kept for them either.
        assert!(!place.own().join(".cache").exists());
        let list = place.run_as(ME, By::Option, &["plugin", "list"]);
        assert_eq!(list.status.code(), Some(0), "{}", stderr(&list));

        // A group of the user's own is not root's.
        give(&place.library, 0, ME);
        chmod(&place.library, 0o664);
        let told = format!("group {ME} may write to `{}`", place.library.display());
        place.assert_refused(ME, By::Option, &told, "`chmod g-w ");
        give(&place.library, 0, 0);
        chmod(&place.library, 0o646);
        let told = format!("everybody may write to `{}`", place.library.display());
        place.assert_refused(ME, By::Option, &told, "`chmod go-w ");
        chmod(&place.library, 0o644);

        let plain = place.home.path().join("plain");
        copy_program(&place.host(), &plain);
        fs::rename(plain, place.host()).expect("root may");
        chmod(&place.host(), 0o755);
        let read = place.run_as(ME, By::Option, &line);
        assert_eq!(read.status.code(), Some(4), "{}", stderr(&read));
        fs::remove_dir_all(own).expect("root may");
        place.assert_runs(ME);
    });
}

#[test]
fn nothing_is_read_written_or_started_on_their_word() {
    each_way(|place| {
        place.give_all(0, 0);
        let path = |name: &str| place.home.path().join(name).display().to_string();
        let secret = path("secret");
        fs::write(&secret, format!("{SECRET} = \"{SECRET}")).expect("root may");
        chmod(secret.as_ref(), 0o600);
        // Nor what everybody may read: what it says decides for root.
        let open = path("open.toml");
        fs::write(&open, "dry-run = 1").expect("root may");
        let pages = path("pages");
        fs::create_dir(&pages).expect("root may");
        let victim = path("victim");
        fs::write(&victim, "as it was").expect("root may");
        symlink(&victim, path("pages/lifespan.1")).expect("root may");
        let library = place.library.display().to_string();

        for file in [&secret, &open, &path("none")] {
            assert_not_done(place, &["--config", file, "--dry-run", "echo"]);
            assert_not_done(place, &[&format!("--config={file}"), "plugin", "list"]);
            assert_not_done(place, &["--dry-run", &format!("@{file}")]);
            assert_not_done(place, &["--dry-run", "echo", &format!("@{file}")]);
            // A shell is told nothing at all.
            for words in [["--config", file], ["echo", &format!("@{file}")]] {
                let words =
                    [&["completions", "bash", "--answer", "--"], &words[..], &[""]].concat();
                let output = place.run_as(ME, By::Option, &words);
                let told = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
                assert!(!told.contains(SECRET), "{told}");
            }
        }
        for words in [
            &["man", "--dir", &pages][..],
            &["man", "echo"],
            &["__arguments", &library],
            &["__validate", "lifespans", &library],
            &["plugin", "validate", &library],
            &["plugin", "path"],
            &["plugin", "inspect", "echo"],
            &["plugin", "inspect", &secret],
            &["plugin", "check", &secret],
            &["plugin", "doctor"],
            &["plugin", "verify", "--key", &secret],
            &["plugin", "install", &library, "--dir", &pages],
            &["plugin", "remove", "echo"],
            &["plugin", "trust", "--all"],
            &["plugin", "untrust", "echo"],
            &["plugin", "disable", "echo"],
            &["plugin", "enable", "echo"],
        ] {
            assert_not_done(place, words);
        }
        assert_eq!(fs::read(&victim).expect("it is there"), b"as it was");
        assert_eq!(fs::read_dir(&pages).expect("it is there").count(), 1);
        assert!(place.library.exists() && !place.lock().exists());
        assert_eq!(fs::read_dir(place.own()).expect("it is there").count(), 0);
        // A help is no way around: what follows `--` there is not done either.
        for command in [
            &["plugin", "check", "--", &secret][..],
            &["plugin", "inspect", "--", &secret],
            &["plugin", "install", "--", &library, "--dir", &pages],
            &["plugin", "remove", "--", "echo"],
            &["plugin", "trust", "--", "echo"],
            &["plugin", "untrust", "--", "echo"],
            &["plugin", "disable", "--", "echo"],
        ] {
            let output = place.run_as(ME, By::Option, &[&["help"], command].concat());
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!(told.clone() + &stderr(&output)).contains(SECRET), "{told}");
            assert_eq!(output.status.code(), Some(0), "{command:?}\n{}", stderr(&output));
            assert!(told.contains("Usage: lifespan "), "{command:?}\n{told}");
        }
        assert!(place.library.exists() && !place.lock().exists());
        assert_eq!(fs::read_dir(&pages).expect("it is there").count(), 1);
        assert_eq!(fs::read_dir(place.own()).expect("it is there").count(), 0);
        for harmless in [&["man"][..], &["completions", "bash"], &["help"], &["help", "echo"]] {
            let output = place.run_as(ME, By::Option, harmless);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
    });
}

#[test]
fn a_library_that_wants_something_from_where_they_stand_is_not_loaded() {
    each_way(|place| {
        let paths = "-Clink-arg=-Wl,-rpath,relative";
        let needy = compile_with(&place.plugins, "needy", &with_descriptor("needy", ""), &[paths]);
        place.give_all(0, 0);
        chmod(&needy, 0o644);
        let output = place.run_as(ME, By::Option, &["--dry-run", "needy"]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains("looked for in `relative`"), "{}", stderr(&output));
        // And listed as what it is, with all others that may be loaded.
        let output = place.run_as(ME, By::Option, &["plugin", "list", "--format", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        schema::check("plugin-list", &told);
        assert_eq!(told["refused"][0]["reason"], "run-path", "{told:#}");
        assert_eq!(told["refused"][0]["plugins"], json!(["needy"]), "{told:#}");
        assert_eq!(told["plugins"][0]["name"], "echo", "{told:#}");
    });
}

#[test]
fn a_folder_that_they_may_not_read_is_one_of_which_nothing_is_told() {
    each_way(|place| {
        place.give_all(0, 0);
        let closed = place.home.path().join("closed");
        fs::create_dir(&closed).expect("root may");
        fs::rename(&place.plugins, closed.join("plugins")).expect("root may");
        chmod(&closed, 0o700);
        let told = |folder: &Path| {
            let folder = folder.display().to_string();
            let words = ["--plugin-dir", &folder, "plugin", "list"];
            // The other folder is not there any more: that is told too.
            let output = place.run_as(ME, By::Environment, &words);
            assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
            let list = String::from_utf8_lossy(&output.stdout).into_owned();
            // Lines are broken by the length of the folder's name.
            let words = list.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{words}\n{}", stderr(&output)).replace(&folder, "FOLDER")
        };
        let there = told(&closed.join("plugins"));
        assert!(there.contains("Permission denied") && !there.contains("echo"), "{there}");
        assert_eq!(told(&closed.join("none")), there);
        // By a link of their own it is the same.
        let link = place.own().join("link");
        symlink(closed.join("plugins"), &link).expect("root may");
        assert_eq!(told(&link), there);
        // One of theirs is not looked into, whatever they may read.
        let own = place.own().join("plugins");
        fs::create_dir(&own).expect("root may");
        fs::write(own.join("libodd.so"), "text").expect("root may");
        give(&own, ME, ME);
        let told = told(&own);
        assert!(told.contains("belongs to user") && !told.contains("libodd"), "{told}");
    });
}
