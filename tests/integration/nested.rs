//! Builds beside the workspace's own: another target folder, compiler or profile.
//!
//! Target folders are kept between runs, so that only what has changed is built again. No build goes
//! online: what these crates need, the workspace needs too.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::artifacts::{library, scratch, workspace_root};

/// How long one build may take, on a machine that does other things too.
const LIMIT: Duration = Duration::from_secs(900);

/// What of the caller's environment would change a build: flags, wrappers, what cargo says about the
/// package of these tests.
const FOREIGN: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_TARGET_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
];

/// The target folder of all nested builds by the caller's toolchain, apart from the workspace's own.
/// They share it because most of what each needs, all need.
pub(crate) fn nested_target() -> PathBuf {
    scratch("nested")
}

/// Cargo of the caller's toolchain, building in `crate_folder` into `target`.
pub(crate) fn cargo(crate_folder: &Path, target: &Path) -> Command {
    cargo_to("build", crate_folder, target)
}

/// The same, doing something else than to build.
pub(crate) fn cargo_to(what: &str, crate_folder: &Path, target: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    prepared(Command::new(program), what, crate_folder, target)
}

/// Cargo of the nightly toolchain; none where there is none.
pub(crate) fn nightly_cargo(crate_folder: &Path, target: &Path) -> Option<Command> {
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", "cargo"]).env_remove("RUSTUP_TOOLCHAIN");
    let mut version = Command::new("rustup");
    version.args(["run", "nightly", "cargo", "--version"]).env_remove("RUSTUP_TOOLCHAIN");
    let found = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|it| it.success()).then(|| prepared(rustup, "build", crate_folder, target))
}

/// Runs a build to its end.
#[track_caller]
pub(crate) fn finish(mut build: Command) {
    let shown = format!("{build:?}");
    let (mut out, end) = io::pipe().expect("the system has a pipe");
    let also = end.try_clone().expect("the system has one more of its ends");
    let child = build.stdin(Stdio::null()).stdout(also).stderr(end).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{shown}: {error}"));
    // It holds the pipe's ends.
    drop(build);
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        io::copy(&mut out, &mut text).map(|_| text)
    });
    let built = ended(&mut child);
    let text = reader.join().expect("the reader does not panic").unwrap_or_default();
    assert!(built, "{shown} failed:\n{}", String::from_utf8_lossy(&text));
}

/// A folder with these libraries out of `built`, and nothing else.
pub(crate) fn plugins_folder(folder: &Path, built: &Path, names: &[&str]) -> PathBuf {
    let folder = folder.join("plugins");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("a folder of ours");
    }
    fs::create_dir_all(&folder).expect("a folder below the target folder");
    for name in names {
        copy(&library(built, name), &folder, name);
    }
    folder
}

/// Puts a built library into a folder, under that name.
pub(crate) fn copy(from: &Path, folder: &Path, name: &str) {
    let copied = fs::copy(from, library(folder, name));
    copied.unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// Says on stderr, past the test runner's capture, that something is not tested.
pub(crate) fn skip(what: &str, reason: &str) {
    writeln!(io::stderr(), "skipped: {what}: {reason}").expect("stderr can be written to");
}

/// Adds the workspace's lock file, so that the same versions are taken.
pub(crate) fn lock(crate_folder: &Path) {
    let from = workspace_root().join("Cargo.lock");
    fs::copy(from, crate_folder.join("Cargo.lock")).expect("the workspace has a lock file");
}

fn prepared(mut cargo: Command, what: &str, crate_folder: &Path, target: &Path) -> Command {
    for variable in FOREIGN {
        cargo.env_remove(variable);
    }
    // Nobody debugs these.
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    cargo.args([what, "--offline", "--quiet", "--target-dir"]).arg(target);
    cargo.current_dir(crate_folder);
    cargo
}

/// Whether a build ends well, and in time.
fn ended(child: &mut Child) -> bool {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.success();
        }
        thread::sleep(Duration::from_millis(20));
    }
    // It fails where the build has just ended.
    let _ = child.kill();
    let _ = child.wait();
    false
}
