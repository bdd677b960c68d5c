//! What others may write to is refused: each rule with real files and a second user, whom the host is
//! run as. It needs root, who can give files away; elsewhere these tests say that they did nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use lifespan::Exit;
use rustix::fs::removexattr;
use tempfile::TempDir;

use crate::artifacts::host;
use crate::nested::skip;
use crate::place::{By, ME, OTHER, Place, chmod, give, list_for, stderr};

/// One rule: what is done to the files, what must be told, and how it is mended.
struct Rule {
    name: &'static str,
    spoil: fn(&Place),
    told: fn(&Place) -> String,
    hint: &'static str,
    mend: fn(&Place),
}

const RULES: &[Rule] = &[
    Rule {
        name: "everybody may write to the library",
        spoil: |it| chmod(&it.library, 0o646),
        told: |it| format!("everybody may write to `{}` (mode 0646)", it.library.display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.library, 0o644),
    },
    Rule {
        name: "a group may write to the library",
        spoil: |it| {
            give(&it.library, ME, OTHER);
            chmod(&it.library, 0o664);
        },
        told: |it| format!("group {OTHER} may write to `{}` (mode 0664)", it.library.display()),
        hint: "`chmod g-w ",
        mend: |it| chmod(&it.library, 0o644),
    },
    Rule {
        name: "the library is somebody else's",
        spoil: |it| give(&it.library, OTHER, ME),
        told: |it| format!("`{}` belongs to user {OTHER}", it.library.display()),
        hint: "use a copy of your own",
        mend: |it| give(&it.library, ME, ME),
    },
    Rule {
        name: "everybody may write to the folder",
        spoil: |it| chmod(&it.plugins, 0o777),
        told: |it| format!("everybody may write to `{}` (mode 0777)", it.plugins.display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.plugins, 0o755),
    },
    Rule {
        name: "a group may write to the folder",
        spoil: |it| {
            give(&it.plugins, ME, OTHER);
            chmod(&it.plugins, 0o775);
        },
        told: |it| format!("group {OTHER} may write to `{}`", it.plugins.display()),
        hint: "`chmod g-w ",
        mend: |it| give(&it.plugins, ME, ME),
    },
    Rule {
        name: "the folder is somebody else's",
        spoil: |it| give(&it.plugins, OTHER, ME),
        told: |it| format!("`{}` belongs to user {OTHER}", it.plugins.display()),
        hint: "`chown root ",
        mend: |it| give(&it.plugins, 0, 0),
    },
    Rule {
        name: "everybody may write to the folder above",
        spoil: |it| chmod(&it.above, 0o777),
        told: |it| format!("everybody may write to `{}`", it.above.display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.above, 0o1777),
    },
    Rule {
        name: "a group may write to the folder above",
        spoil: |it| {
            give(&it.above, ME, OTHER);
            chmod(&it.above, 0o775);
        },
        told: |it| format!("group {OTHER} may write to `{}`", it.above.display()),
        hint: "`chmod g-w ",
        mend: |it| chmod(&it.above, 0o1775),
    },
    Rule {
        name: "the folder above is somebody else's",
        spoil: |it| give(&it.above, OTHER, OTHER),
        told: |it| format!("`{}` belongs to user {OTHER}", it.above.display()),
        hint: "use a copy of your own",
        mend: |it| give(&it.above, 0, 0),
    },
    Rule {
        name: "the library is reached through a folder that everybody may write to",
        spoil: |it| {
            let open = it.home.path().join("open");
            fs::create_dir(&open).expect("a new folder");
            fs::rename(&it.library, open.join("libecho.so")).expect("a file can be moved");
            chmod(&open, 0o777);
            symlink("../../open/libecho.so", &it.library).expect("a new link");
        },
        told: |it| format!("everybody may write to `{}/open`", it.home.path().display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.home.path().join("open"), 0o755),
    },
    Rule {
        name: "a link on the way is somebody else's",
        spoil: |it| {
            let real = it.above.join("real");
            fs::rename(&it.plugins, &real).expect("a folder can be moved");
            symlink("real", &it.plugins).expect("a new link");
            lchown(&it.plugins, Some(OTHER), Some(OTHER)).expect("root may");
        },
        told: |it| format!("`{}` belongs to user {OTHER}", it.plugins.display()),
        hint: "use a copy of your own",
        mend: |it| {
            lchown(&it.plugins, Some(ME), Some(ME)).expect("root may");
        },
    },
    Rule {
        name: "the library is reached through a folder that is somebody else's",
        spoil: |it| {
            let theirs = it.home.path().join("theirs");
            fs::create_dir(&theirs).expect("a new folder");
            fs::rename(&it.library, theirs.join("libecho.so")).expect("a file can be moved");
            give(&theirs, OTHER, OTHER);
            symlink("../../theirs/libecho.so", &it.library).expect("a new link");
        },
        told: |it| format!("`{}/theirs` belongs to user {OTHER}", it.home.path().display()),
        hint: "use a copy of your own",
        mend: |it| give(&it.home.path().join("theirs"), ME, ME),
    },
    Rule {
        name: "the library is reached through a folder that a group may write to",
        spoil: |it| {
            let theirs = it.home.path().join("theirs");
            fs::create_dir(&theirs).expect("a new folder");
            fs::rename(&it.library, theirs.join("libecho.so")).expect("a file can be moved");
            give(&theirs, ME, OTHER);
            chmod(&theirs, 0o775);
            symlink("../../theirs/libecho.so", &it.library).expect("a new link");
        },
        told: |it| format!("group {OTHER} may write to `{}/theirs`", it.home.path().display()),
        hint: "`chmod g-w ",
        mend: |it| chmod(&it.home.path().join("theirs"), 0o755),
    },
    Rule {
        name: "the library is a link of somebody else's",
        spoil: |it| {
            let real = it.above.join("real.so");
            fs::rename(&it.library, &real).expect("a file can be moved");
            symlink(&real, &it.library).expect("a new link");
            lchown(&it.library, Some(OTHER), Some(OTHER)).expect("root may");
        },
        told: |it| format!("`{}` belongs to user {OTHER}", it.library.display()),
        hint: "use a copy of your own",
        mend: |it| {
            lchown(&it.library, Some(ME), Some(ME)).expect("root may");
        },
    },
    Rule {
        name: "the folder is sticky, and somebody else's",
        spoil: |it| {
            give(&it.plugins, OTHER, OTHER);
            chmod(&it.plugins, 0o1777);
        },
        told: |it| format!("`{}` belongs to user {OTHER}", it.plugins.display()),
        hint: "`chown root ",
        mend: |it| give(&it.plugins, 0, 0),
    },
    Rule {
        name: "everybody may write to the lock file",
        spoil: |it| {
            it.run_as(ME, By::Option, &["plugin", "trust", "echo"]);
            chmod(&it.lock(), 0o666);
        },
        told: |it| format!("everybody may write to `{}`", it.lock().display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.lock(), 0o644),
    },
    Rule {
        name: "a group may write to the lock file",
        spoil: |it| {
            it.run_as(ME, By::Option, &["plugin", "trust", "echo"]);
            give(&it.lock(), ME, OTHER);
            chmod(&it.lock(), 0o664);
        },
        told: |it| format!("group {OTHER} may write to `{}`", it.lock().display()),
        hint: "`chmod g-w ",
        mend: |it| chmod(&it.lock(), 0o644),
    },
    Rule {
        name: "the lock file is reached through a folder that everybody may write to",
        spoil: |it| {
            it.run_as(ME, By::Option, &["plugin", "trust", "echo"]);
            let open = it.home.path().join("open");
            fs::create_dir(&open).expect("a new folder");
            fs::rename(it.lock(), open.join("lock")).expect("a file can be moved");
            chmod(&open, 0o777);
            symlink("../../open/lock", it.lock()).expect("a new link");
        },
        told: |it| format!("everybody may write to `{}/open`", it.home.path().display()),
        hint: "`chmod go-w ",
        mend: |it| chmod(&it.home.path().join("open"), 0o755),
    },
    Rule {
        name: "the lock file is somebody else's",
        spoil: |it| {
            it.run_as(ME, By::Option, &["plugin", "trust", "echo"]);
            give(&it.lock(), OTHER, OTHER);
        },
        told: |it| format!("`{}` belongs to user {OTHER}", it.lock().display()),
        hint: "use a copy of your own",
        mend: |it| fs::remove_file(it.lock()).expect("it is there"),
    },
];

#[test]
fn each_rule_refuses_with_its_reason_and_mending_helps_at_once() {
    for rule in RULES {
        let Some(place) = Place::new() else { return };
        place.assert_runs(ME);
        (rule.spoil)(&place);
        let told = (rule.told)(&place);
        for by in [By::Option, By::Environment] {
            place.assert_refused(ME, by, &told, rule.hint);
        }
        // Who says so may use it all the same.
        let lax = ["--allow-unsafe-permissions", "--dry-run", "echo"];
        let output = place.run_as(ME, By::Option, &lax);
        assert_eq!(output.status.code(), Some(0), "{}: {}", rule.name, stderr(&output));
        (rule.mend)(&place);
        place.assert_runs(ME);
    }
}

#[test]
fn an_access_list_that_lets_others_write_is_a_reason() {
    let Some(place) = Place::new() else { return };
    for path in [&place.library, &place.plugins, &place.above] {
        if !list_for(path, OTHER) {
            skip("access lists", "the file system knows none");
            return;
        }
        let told = format!("an access list lets others write to `{}`", path.display());
        place.assert_refused(ME, By::Option, &told, "`setfacl -b ");
        let lax = ["--allow-unsafe-permissions", "--dry-run", "echo"];
        let output = place.run_as(ME, By::Option, &lax);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // One for the user alone is none.
        assert!(list_for(path, ME));
        place.assert_runs(ME);
        removexattr(path, "system.posix_acl_access").expect("root may");
        chmod(path, 0o755);
        place.assert_runs(ME);
    }
    place.give_all(0, 0);
    assert!(list_for(&place.library, OTHER));
    let told = format!("an access list lets others write to `{}`", place.library.display());
    place.assert_refused(0, By::Option, &told, "`setfacl -b ");
}

#[test]
fn a_group_is_not_trusted_because_the_process_is_in_it() {
    let Some(place) = Place::new() else { return };
    give(&place.library, ME, OTHER);
    chmod(&place.library, 0o664);
    let output = place.run_in_group(ME, OTHER, By::Option, &["echo"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let told = format!("group {OTHER} may write to `{}`", place.library.display());
    assert!(stderr(&output).contains(&told), "{}", stderr(&output));
}

#[test]
fn a_lock_file_that_cannot_be_read_closes_the_folder() {
    type Spoil = fn(&Path);
    let spoilt: [(&str, Spoil); 4] = [
        ("Permission denied", |lock| {
            fs::write(lock, "").expect("root may");
            chmod(lock, 0o600);
        }),
        ("it is not a regular file", |lock| fs::create_dir(lock).expect("root may")),
        ("it is not a regular file", |lock| {
            let made = Command::new("mkfifo").args(["-m", "644"]).arg(lock).status();
            assert!(made.is_ok_and(|it| it.success()));
        }),
        ("No such file", |lock| symlink("nowhere", lock).expect("root may")),
    ];
    for (told, spoil) in spoilt {
        let Some(place) = Place::new() else { return };
        place.assert_runs(ME);
        spoil(&place.lock());
        place.give_all(0, 0);
        place.assert_refused(ME, By::Option, told, "see that it is there");
        // Looking away from permissions is not looking away from the list.
        let lax = ["--allow-unsafe-permissions", "--dry-run", "echo"];
        let output = place.run_as(ME, By::Option, &lax);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    }
}

#[test]
fn what_nobody_else_can_change_is_left_alone() {
    let Some(place) = Place::new() else { return };
    // As umask 002 leaves a build folder where each user has a group of their own.
    for path in [&place.above, &place.plugins] {
        chmod(path, 0o775);
    }
    chmod(&place.library, 0o775);
    place.assert_runs(ME);
    // The same with root's group, and what is root's alone.
    for path in [&place.above, &place.plugins, &place.library] {
        give(path, ME, 0);
    }
    place.assert_runs(ME);
    for path in [&place.above, &place.plugins, &place.library] {
        give(path, 0, 0);
    }
    place.assert_runs(ME);
    // A sticky folder, as the temporary folder is: above, and as the plugins folder itself.
    chmod(&place.above, 0o1777);
    chmod(&place.plugins, 0o1777);
    place.assert_runs(ME);
    give(&place.library, OTHER, OTHER);
    let told = format!("`{}` belongs to user {OTHER}", place.library.display());
    place.assert_refused(ME, By::Option, &told, "use a copy of your own");
}

#[test]
fn files_of_the_users_own_are_judged_as_a_library_is() {
    for (name, text, named) in [
        ("lifespan.toml", "[plugin.echo]\nimmediately = true\n", false),
        ("plugins.toml", "disabled = [\"other\"]\n", false),
        ("project.toml", "[plugin.echo]\nimmediately = true\n", true),
    ] {
        let Some(place) = Place::new() else { return };
        let folder = place.own().join(".config/lifespan");
        let file = folder.join(name);
        let config = file.display().to_string();
        fs::create_dir_all(&folder).expect("root may");
        fs::write(&file, text).expect("root may");
        for path in [&folder.join(".."), &folder, &file] {
            give(path, ME, ME);
        }
        let run = |options: &[&str]| {
            let named = if named { &["--config", &config][..] } else { &[] };
            place.run_as(ME, By::Option, &[options, named, &["--dry-run", "echo"]].concat())
        };
        let assert_runs = |options| {
            let output = run(options);
            assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        };
        assert_runs(&[]);
        // The folder above has another name in messages than here.
        let above = place.own().join(".config");
        for (path, user, group, mode, told, hint) in [
            (&file, ME, ME, 0o646, "everybody may write to `", "`chmod go-w "),
            (&file, ME, OTHER, 0o664, "may write to `", "`chmod g-w "),
            (&file, OTHER, OTHER, 0o644, "belongs to user 2000002", "use a copy of your own"),
            (&folder, ME, ME, 0o777, "everybody may write to `", "`chmod go-w "),
            (&folder, OTHER, OTHER, 0o755, "belongs to user 2000002", "use a copy of your own"),
            (&above, ME, OTHER, 0o775, "may write to `", "`chmod g-w "),
        ] {
            let before = fs::metadata(path).expect("it is there");
            give(path, user, group);
            chmod(path, mode);
            let output = run(&[]);
            let text = stderr(&output);
            let code = Some(Exit::Config.code().into());
            assert_eq!(output.status.code(), code, "{name}: {told}\n{text}");
            assert!(text.contains(&format!("{name}` is not trusted")), "{text}");
            assert!(text.contains(told) && text.contains(hint), "{told}, {hint}\n{text}");
            assert!(text.contains(&format!("`{}`", path.display())), "{text}");
            assert_runs(&["--allow-unsafe-permissions"]);
            give(path, ME, ME);
            fs::set_permissions(path, before.permissions()).expect("root may");
            assert_runs(&[]);
        }
    }
}

#[test]
fn a_cache_where_others_may_write_is_neither_read_nor_written() {
    let Some(place) = Place::new() else { return };
    let caches = place.own().join(".cache");
    // A link of another user's, by which a cleaning of the cache would clean something else.
    let victim = place.home.path().join("victim");
    fs::create_dir(&victim).expect("root may");
    give(&victim, ME, ME);
    for (user, link) in [(ME, false), (OTHER, false), (OTHER, true)] {
        fs::create_dir_all(&caches).expect("root may");
        give(&caches, ME, ME);
        let cache = caches.join("lifespan");
        if link {
            symlink(&victim, &cache).expect("root may");
            lchown(&cache, Some(user), Some(user)).expect("root may");
        } else {
            fs::create_dir(&cache).expect("root may");
            give(&cache, user, user);
            chmod(&cache, 0o777);
        }
        place.assert_runs(ME);
        assert_eq!(fs::read_dir(&cache).expect("it is there").count(), 0);
        let doctor = place.run_as(ME, By::Option, &["plugin", "doctor"]);
        let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert_eq!(doctor.status.code(), Some(4), "{told}");
        assert!(told.contains("nothing is kept in the cache: "), "{told}");
        fs::remove_dir_all(&caches).expect("root may");
    }
    place.run_as(ME, By::Option, &["plugin", "list"]);
    assert!(caches.join("lifespan").is_dir(), "its own is made");
}

#[test]
fn root_writes_nothing_into_the_home_of_a_user() {
    let Some(place) = Place::new() else { return };
    place.give_all(0, 0);
    place.assert_runs(0);
    assert_eq!(fs::read_dir(place.own()).expect("it is there").count(), 0);

    // Nor by a link of theirs somewhere else, where it was asked to.
    let victim = place.home.path().join("victim");
    fs::create_dir(&victim).expect("root may");
    let config = place.own().join(".config");
    symlink(&victim, &config).expect("root may");
    lchown(&config, Some(ME), Some(ME)).expect("root may");
    let inner = config.join("deep/plugins").display().to_string();
    let library = place.library.display().to_string();
    for (words, told) in [
        (&["plugin", "disable", "echo"][..], "is not written"),
        (&["plugin", "install", &library, "--dir", &inner, "--force"], "nothing is installed"),
    ] {
        let output = place.run_as(0, By::Option, words);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        assert!(stderr(&output).contains("belongs to user"), "{}", stderr(&output));
    }
    assert_eq!(fs::read_dir(&victim).expect("it is there").count(), 0);
}

#[test]
fn what_others_put_into_a_sticky_folder_is_in_nobodys_way() {
    /// Much more than the host may write, in blocks of a KiB.
    const LARGE: u64 = 3 << 30;
    const ROOM: u64 = 200 << 10;
    let Some(place) = Place::new() else { return };
    chmod(&place.plugins, 0o1777);
    let put = |name: &str, user: u32, like: &Path| {
        let file = place.plugins.join(name);
        fs::copy(like, &file).expect("a file can be copied");
        let opened = fs::File::options().write(true).open(&file).expect("it is there");
        opened.set_len(LARGE).expect("it has holes");
        chmod(&file, 0o644);
        give(&file, user, user);
    };
    // A library of somebody else's, and something that is none of plugins: neither is copied.
    put("libtheirs.so", OTHER, &place.library);
    put("libmine.so", ME, &place.host());
    let run = |line: &str| {
        let shell = format!("ulimit -f {ROOM}; exec \"$0\" {line}");
        let mut command = Command::new("bash");
        command.args(["-c", &shell]).arg(place.host()).env_clear().env("HOME", place.own());
        command.uid(ME).gid(ME).stdin(Stdio::null()).current_dir("/");
        command.env("LIFESPAN_PLUGIN_PATH", &place.plugins).output().expect("there is a bash")
    };
    let output = run("plugin trust --all");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = format!("libtheirs.so` belongs to user {OTHER}");
    assert!(stderr(&output).contains("left out") && stderr(&output).contains(&told));
    for line in ["plugin verify libecho.so echo", "plugin list", "--dry-run echo"] {
        let line = line.replace("libecho.so", &place.library.display().to_string());
        let output = run(&line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
    }
    // All of the folder, with what is not approved, is looked at too.
    let output = run("plugin verify");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}

#[test]
fn root_does_not_run_what_is_a_users() {
    let Some(place) = Place::new() else { return };
    let told = format!("`{}` belongs to user {ME}", place.above.display());
    place.assert_refused(0, By::Option, &told, "`chown root ");
    for path in [&place.above, &place.plugins, &place.library] {
        give(path, 0, 0);
    }
    place.assert_runs(0);
}

#[test]
fn a_relative_folder_of_the_environment_is_refused() {
    let home = TempDir::new().expect("a temporary folder");
    fs::create_dir(home.path().join("plugins")).expect("a new folder");
    let mut command = Command::new(host());
    command.env_clear().env("HOME", home.path()).current_dir(home.path());
    command.env("LIFESPAN_PLUGIN_PATH", "plugins").stdin(Stdio::null());
    let output = command.args([OsStr::new("echo")]).output().expect("the host can be run");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("named by a relative path"), "{}", stderr(&output));
}
