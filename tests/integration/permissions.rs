//! What others may write to is refused: each rule with real files and a second user, whom the host is
//! run as. It needs root, who can give files away; elsewhere these tests say that they did nothing.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lifespan::Exit;
use rustix::fs::{StatVfsMountFlags, statvfs};
use serde_json::Value;
use tempfile::TempDir;

use crate::artifacts::{bundled, host, library};
use crate::nested::skip;

/// Whom the host is run as. Nobody has these numbers on any system.
const ME: u32 = 2_000_001;
const OTHER: u32 = 2_000_002;

/// A host and a plugins folder, with a folder above it, in which everything is of [`ME`].
struct Place {
    home: TempDir,
    above: PathBuf,
    plugins: PathBuf,
    library: PathBuf,
}

/// How the folder of plugins is named.
#[derive(Clone, Copy)]
enum By {
    Option,
    Environment,
}

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

impl Place {
    /// None where nothing can be given away.
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("permissions with a second user", "only root can make files of one");
            return None;
        }
        let home = TempDir::new().expect("a temporary folder");
        chmod(home.path(), 0o755);
        let above = home.path().join("above");
        let plugins = above.join("plugins");
        fs::create_dir_all(&plugins).expect("a new folder");
        fs::create_dir(home.path().join("me")).expect("a new folder");
        // By another process: a program cannot be run while it is open to be written to, and a test
        // beside this one that starts a process takes our open files along for a moment.
        let copied = Command::new("cp").arg(host()).arg(home.path().join("lifespan")).status();
        assert!(copied.is_ok_and(|it| it.success()), "the host can be copied");
        let place = Place { library: library(&plugins, "echo"), home, above, plugins };
        fs::copy(library(&bundled(), "echo"), &place.library).expect("a library can be copied");
        for path in [&place.above, &place.plugins, &place.home.path().join("me")] {
            chmod(path, 0o755);
            give(path, ME, ME);
        }
        chmod(&place.library, 0o644);
        give(&place.library, ME, ME);
        Some(place)
    }

    fn lock(&self) -> PathBuf {
        self.plugins.join("lifespan.lock")
    }

    fn host(&self) -> PathBuf {
        self.home.path().join("lifespan")
    }

    /// Runs the host as that user, with the folder of plugins.
    fn run_as(&self, user: u32, by: By, words: &[&str]) -> Output {
        let mut command = Command::new(self.host());
        command.env_clear().env("HOME", self.home.path().join("me")).current_dir("/");
        match by {
            By::Option => command.arg("--plugin-dir").arg(&self.plugins),
            By::Environment => command.env("LIFESPAN_PLUGIN_PATH", &self.plugins),
        };
        command.uid(user).gid(user).stdin(Stdio::null());
        command.args(words).output().expect("the host can be run")
    }

    #[track_caller]
    fn assert_runs(&self, user: u32) {
        for by in [By::Option, By::Environment] {
            let output = self.run_as(user, by, &["--dry-run", "echo"]);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
    }

    /// Fails unless `echo` is refused so, in text and in JSON.
    #[track_caller]
    fn assert_refused(&self, user: u32, by: By, told: &str, hint: &str) {
        let output = self.run_as(user, by, &["echo"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(Exit::Config.code().into()), "{text}");
        // On a pipe nothing is wrapped.
        assert!(text.contains(told), "`{told}` is missing\n{text}");
        assert!(text.contains("  hint: ") && text.contains(hint), "{hint}\n{text}");

        let output = self.run_as(user, by, &["--log-format", "json", "echo"]);
        let lines = stderr(&output);
        let failures: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .filter(|line: &Value| line["level"] == "ERROR")
            .collect();
        assert_eq!(output.status.code(), Some(Exit::Config.code().into()), "{lines}");
        let fields = &failures[0]["fields"];
        assert!(fields["causes"].to_string().contains(told), "{lines}");
        assert!(fields["hints"].to_string().contains(hint), "{lines}");
        assert_eq!(fields["exit"], 4, "{lines}");
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
}

fn give(path: &Path, user: u32, group: u32) {
    chown(path, Some(user), Some(group)).expect("root may");
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

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
fn a_configuration_is_judged_as_a_library_is() {
    let Some(place) = Place::new() else { return };
    let file = place.home.path().join("me/lifespan.toml");
    fs::write(&file, "[plugin.echo]\nimmediately = true\n").expect("root may");
    give(&file, ME, ME);
    let words = ["--config", file.to_str().expect("UTF-8"), "--dry-run", "echo"];
    let run = |words: &[&str]| place.run_as(ME, By::Option, words);
    let output = run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for (spoil, mend, told) in [
        ((ME, 0o646), (ME, 0o644), format!("everybody may write to `{}`", file.display())),
        ((OTHER, 0o644), (ME, 0o644), format!("`{}` belongs to user {OTHER}", file.display())),
    ] {
        give(&file, spoil.0, spoil.0);
        chmod(&file, spoil.1);
        let output = run(&words);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(Exit::Config.code().into()), "{text}");
        assert!(text.contains("is not trusted") && text.contains(&told), "{told}\n{text}");
        let lax: Vec<_> = ["--allow-unsafe-permissions"].into_iter().chain(words).collect();
        let output = run(&lax);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        give(&file, mend.0, mend.0);
        chmod(&file, mend.1);
        let output = run(&words);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
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
fn a_set_uid_host_trusts_only_root_and_no_environment() {
    for bit in [0o4755, 0o2755] {
        let Some(place) = Place::new() else { return };
        give(&place.host(), 0, 0);
        chmod(&place.host(), bit);
        let flags = statvfs(place.home.path()).expect("a file system").f_flag;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if flags.contains(StatVfsMountFlags::NOSUID) || status.contains("NoNewPrivs:\t1") {
            skip("a set-uid host", "set-uid programs are not obeyed here");
            return;
        }
        // What is in the home of whoever starts it is not read: it would be told to be nonsense.
        let own = place.home.path().join("me/.config/lifespan");
        fs::create_dir_all(&own).expect("root may");
        fs::write(own.join("lifespan.toml"), "nonsense").expect("root may");
        let told = format!("`{}` belongs to user {ME}, and a set-uid host", place.above.display());
        place.assert_refused(ME, By::Option, &told, "`chown root ");
        let lax = place.run_as(ME, By::Option, &["--allow-unsafe-permissions", "echo"]);
        assert_eq!(lax.status.code(), Some(4), "{}", stderr(&lax));

        for path in [&place.above, &place.plugins, &place.library] {
            give(path, 0, 0);
        }
        let line = ["--dry-run", "echo"];
        let output = place.run_as(ME, By::Option, &line);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // The environment names the same folder, and is not heard.
        let output = place.run_as(ME, By::Environment, &line);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        // Nor does it write for who could not, or read what they could not.
        for words in [["plugin", "trust", "--all"], ["plugin", "disable", "echo"]] {
            let output = place.run_as(ME, By::Option, &words);
            assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
            assert!(stderr(&output).contains("a set-uid host only lists plugins"));
        }
        assert!(
            !place.lock().exists()
                && !place.home.path().join("me/.config/lifespan/plugins.toml").exists()
        );
        assert!(!place.home.path().join("me/.cache").exists());
        let list = place.run_as(ME, By::Option, &["plugin", "list"]);
        assert_eq!(list.status.code(), Some(0), "{}", stderr(&list));
        chmod(&place.host(), 0o755);
        let read = place.run_as(ME, By::Option, &line);
        assert_eq!(read.status.code(), Some(4), "{}", stderr(&read));
        fs::remove_dir_all(own).expect("root may");
        place.assert_runs(ME);
    }
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
