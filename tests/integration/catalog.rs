//! What is known of the plugins folders is kept between runs, is never wrong, and no library is loaded
//! for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lifespan::Exit;

use crate::artifacts::{bundled, library};
use crate::env::TestEnv;
use crate::forge::Forge;
use crate::nested::skip;

/// After this, what was read of a file that has not changed since holds.
const SETTLED: Duration = Duration::from_millis(2100);

/// What is left out where system calls cannot be watched.
const WATCHING: &str = "what is read and loaded, by system calls";

/// An environment with a folder of plugins of its own, with `echo` in it.
fn world() -> (TestEnv, PathBuf) {
    let env = TestEnv::without_plugins();
    let dir = env.home().join("plugins");
    fs::create_dir(&dir).expect("a folder in a temporary folder");
    Forge::echo().write(&dir, "echo");
    (env.plugin_dir(dir.clone()), dir)
}

/// The files of the cache.
fn cache(env: &TestEnv) -> Vec<PathBuf> {
    let folders = env.home().join(".cache/lifespan/folders");
    fs::read_dir(folders).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

#[test]
fn a_library_is_read_once_and_again_when_it_has_changed() {
    let (env, dir) = world();
    thread::sleep(SETTLED);
    env.run("--dry-run echo").assert_code(Exit::Success);
    assert_eq!(cache(&env).len(), 1);
    if let Some(calls) = trace(&env, "openat", "plugin list") {
        assert!(!reads(&calls, &dir), "what is known is not read again:\n{calls}");
    }
    // Written over where it lies: the folder's own time stays.
    let file = library(&dir, "echo");
    fs::write(&file, &Forge::echo().renamed("other").bytes).expect("a file in a temporary folder");
    env.run("--dry-run echo").assert_code(Exit::Usage).assert_has(&["`echo`"]);
    let listed = env.run("plugin list");
    assert!(listed.stdout.contains("  other "), "{listed}");
    if let Some(calls) = trace(&env, "openat", "plugin list") {
        assert!(reads(&calls, &dir), "it may have changed in the same tick:\n{calls}");
    }
    fs::remove_file(&file).expect("it was there");
    assert_eq!(env.run("plugin list").stdout, "no plugin is found\n");
}

#[test]
fn a_cache_that_is_broken_or_cannot_be_written_is_never_an_error() {
    let (env, _) = world();
    env.run("plugin list").assert_code(Exit::Success);
    for file in cache(&env) {
        fs::write(file, [0xff; 5000]).expect("a file in a temporary folder");
    }
    let debug = env.run("-v --dry-run echo");
    debug.assert_code(Exit::Success).assert_has(&["is not used, and made anew"]);
    env.run("--dry-run echo").assert_code(Exit::Success).assert_has_not(&["index"]);

    let (env, _) = world();
    env.write(".cache", "a file in the way");
    let quiet = env.run("--dry-run echo");
    quiet.assert_code(Exit::Success);
    assert_eq!(quiet.stderr, "", "{quiet}");
    env.run("-v --dry-run echo").assert_code(Exit::Success).assert_has(&["cannot be written"]);
}

#[test]
fn no_library_is_loaded_to_be_listed() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    for line in ["plugin list", "--help", "plugin path", "plugin list --format json"] {
        let Some(calls) = trace(&env, "mmap", line) else { return };
        assert!(!maps_code(&calls, &bundled()), "{line}:\n{calls}");
    }
    // That it would be seen.
    let Some(calls) = trace(&env, "mmap", "--dry-run echo") else { return };
    assert!(maps_code(&calls, &bundled()), "{calls}");
}

/// The system calls of that kind that a line makes, with the paths of their files.
fn trace(env: &TestEnv, calls: &str, line: &str) -> Option<String> {
    let path = env::var_os("PATH")?;
    if !env::split_paths(&path).any(|dir| dir.join("strace").is_file()) {
        skip(WATCHING, "there is no strace");
        return None;
    }
    let host = env.command();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-e", &format!("trace={calls}")]).arg(host.get_program());
    strace.args(host.get_args()).args(line.split_whitespace()).current_dir(env.home());
    strace.env_clear().env("PATH", path);
    strace.envs(host.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = strace.stdin(Stdio::null()).output().expect("strace can be run");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() && told.contains("ptrace") {
        skip(WATCHING, &format!("strace may not trace here: {}", told.trim_end()));
        return None;
    }
    assert!(output.status.success(), "{line}:\n{told}");
    Some(told)
}

fn maps_code(calls: &str, dir: &Path) -> bool {
    let dir = dir.display().to_string();
    calls.lines().any(|call| call.contains("PROT_EXEC") && call.contains(&dir))
}

fn reads(calls: &str, dir: &Path) -> bool {
    let file = library(dir, "echo").display().to_string();
    calls.lines().any(|call| call.contains(&format!("\"{file}\"")))
}
