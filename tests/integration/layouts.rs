//! Host and plugins from different compilers, with different layouts: nothing of Rust's own layout may
//! cross, so nothing may change.
//!
//! The host is the caller's. The plugins are built by nightly with shuffled layouts: once with one
//! seed in debug, once with another in release. All run under glibc's own checks of the heap, where
//! there are any.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lifespan::Exit;
use tempfile::TempDir;

use crate::artifacts::{bundled, fixtures, library, scratch, workspace_root};
use crate::env::{Output, TestEnv};
use crate::forge::Forge;
use crate::nested::{copy, finish, nightly_cargo, plugins_folder, skip};

/// Where a library that checks the heap is on the distributions that have one.
const HEAP_CHECKER: &str = "libc_malloc_debug.so.0";

/// One way to build the plugins.
#[derive(Clone, Copy)]
struct Build {
    name: &'static str,
    seed: u32,
    release: bool,
}

/// What is built.
const PACKAGES: [&str; 4] =
    ["lifespan-countdown", "lifespan-echo", "lifespan-fixtures", "lifespan-fixture-shapes"];

const FIRST: Build = Build { name: "seed-1", seed: 1, release: false };
const SECOND: Build = Build { name: "seed-2", seed: 2, release: true };

#[test]
fn plugins_of_another_compiler_and_layout() {
    if let Some([first, _]) = shuffled() {
        runs(&first, &first);
    }
}

#[test]
fn plugins_built_for_release_of_another_compiler_and_layout() {
    if let Some([_, second]) = shuffled() {
        runs(&second, &second);
    }
}

#[test]
fn three_compilations_in_one_process() {
    if let Some([first, second]) = shuffled() {
        runs(&first, &second);
        runs(&second, &bundled());
        runs(&bundled(), &first);
    }
}

#[test]
fn messages_of_every_shape_between_two_layouts() {
    let Some([first, second]) = shuffled() else { return };
    for (sender, receiver) in [(&first, &second), (&second, &first)] {
        shapes(sender, receiver);
    }
}

#[test]
fn fixtures_of_another_layout_do_the_same() {
    let Some(folders) = shuffled() else { return };
    for line in FIXTURE_LINES {
        let expected = TestEnv::without_plugins().plugin_dir(fixtures()).run(line);
        for folder in &folders {
            let output = checked(TestEnv::without_plugins()).plugin_dir(folder.clone()).run(line);
            assert_eq!(output.code, expected.code, "{output}\nand with one layout:\n{expected}");
            assert_eq!(essence(&output), essence(&expected), "{output}");
        }
    }
}

#[test]
fn a_publisher_waits_for_a_subscriber_of_another_layout() {
    let Some(folders) = shuffled() else { return };
    for folder in folders {
        // More than a topic holds: the publisher has waited for whoever wrote the first of them.
        let world = checked(TestEnv::without_plugins()).plugin_dir(folder);
        let output = world.run("--until publish publish --count 3000 record --to numbers.txt");
        output.assert_code(Exit::Success).assert_has(&["publish: published all"]);
        let numbers = world.read("numbers.txt");
        let written = numbers.lines().count();
        assert!(written > 1000, "{written} numbers were written\n{output}");
        assert!(numbers.lines().zip(1..).all(|(line, number)| line == number.to_string()));
    }
}

/// Lines with fixtures for what the demo does not do: logs with fields and spans, failures with
/// causes, panics in each place, spawned work.
const FIXTURE_LINES: &[&str] = &[
    "-vv speak",
    "fault --at setup --how error",
    "fault --at run --how panic",
    "fault --at spawn --how panic",
    "fault --at job --how panic",
    "fault --at teardown --how error",
];

/// What a run told, without times and the host's own words, in the order of the alphabet: what
/// several threads say has no other.
fn essence(output: &Output) -> Vec<&str> {
    // What the host says of the bus's phases is its own too; whether a task's end is one of them before
    // the tear-down is a race.
    let own = |line: &str| line.contains(" lifespan: ") || line.contains(": bus phase ");
    let lines = output.stderr.lines().filter(|line| !own(line));
    let untimed = lines.map(|line| match line.split_once(' ') {
        Some((time, rest)) if time.ends_with('Z') => rest.trim_start(),
        _ => line,
    });
    let mut untimed: Vec<_> = untimed.collect();
    untimed.sort_unstable();
    untimed
}

/// Messages of every shape, with the publisher of one compilation and the subscriber of another.
pub(crate) fn shapes(sender: &Path, receiver: &Path) {
    let folder = TempDir::new().expect("a temporary folder");
    copy(&library(sender, "send_shapes"), folder.path(), "send_shapes");
    copy(&library(receiver, "receive_shapes"), folder.path(), "receive_shapes");
    let world = checked(TestEnv::without_plugins()).plugin_dir(folder.path().to_owned());
    world
        .run("send-shapes receive-shapes")
        .assert_code(Exit::Success)
        .assert_has(&["every shape arrived"]);
}

/// The demo, with the publisher of one compilation and the subscriber of another.
pub(crate) fn runs(publisher: &Path, subscriber: &Path) {
    let folder = TempDir::new().expect("a temporary folder");
    copy(&library(publisher, "countdown"), folder.path(), "countdown");
    copy(&library(subscriber, "echo"), folder.path(), "echo");
    let world = checked(TestEnv::without_plugins()).plugin_dir(folder.path().to_owned());
    let output =
        world.run("-vv --until countdown countdown --from 3 --sleep 50ms echo --immediately");
    output.assert_code(Exit::Success).assert_in_order(&[
        "Counting down… 3",
        "Counting down… 2",
        "Counting down… 1",
        "Finished counting down",
    ]);
    output.assert_has(&["currently at 3", "currently at 2", "currently at 1"]);
}

/// Both builds of the plugins; none where there is no nightly compiler.
fn shuffled() -> Option<[PathBuf; 2]> {
    static BUILT: OnceLock<Option<[PathBuf; 2]>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let built = build(FIRST).zip(build(SECOND)).map(<[PathBuf; 2]>::from);
            if built.is_none() {
                skip("plugins of other layouts", "there is no nightly toolchain (rustup)");
            }
            built
        })
        .clone()
}

fn build(build: Build) -> Option<PathBuf> {
    let target = scratch("layouts").join("target");
    let mut cargo = nightly_cargo(&workspace_root(), &target)?;
    let triple = triple();
    // A target that is named keeps the flags from macros and build scripts, which both builds share.
    cargo.args(["--target", &triple, "--lib", "--examples"]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    cargo.env("RUSTFLAGS", format!("-Zrandomize-layout -Zlayout-seed={}", build.seed));
    if build.release {
        // Quick to build; what is optimised across crates does not concern the boundary.
        cargo.arg("--release");
        cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    }
    finish(cargo);
    let profile = if build.release { "release" } else { "debug" };
    let built = target.join(triple).join(profile);
    let folder = scratch("layouts").join(build.name);
    let folder = plugins_folder(&folder, &built, &["countdown", "echo", "fixtures"]);
    let facts = Forge::of(&library(&folder, "echo")).read_descriptor();
    assert!(facts.rustc.contains("nightly"), "built by {}", facts.rustc);
    assert_eq!(facts.debug_assertions, !build.release, "built for the wrong profile");
    add_shapes(&built, &folder);
    Some(folder)
}

/// Puts the two plugins that send and receive messages of every shape into a folder.
pub(crate) fn add_shapes(built: &Path, folder: &Path) {
    for shape in ["send_shapes", "receive_shapes"] {
        copy(&library(&built.join("examples"), shape), folder, shape);
    }
}

/// The target triple of the caller, as a library of it says.
fn triple() -> String {
    Forge::echo().read_descriptor().target
}

/// With every check of the heap that the system's C library has.
fn checked(world: TestEnv) -> TestEnv {
    let world = world.env("MALLOC_CHECK_", "3").env("MALLOC_PERTURB_", "165");
    match heap_checker() {
        Some(checker) => world.env("LD_PRELOAD", checker),
        None => world,
    }
}

/// The library that checks the heap; none where there is none.
fn heap_checker() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let multiarch = format!("/lib/{ARCH}-linux-gnu");
        let folders = [multiarch.as_str(), "/lib64", "/usr/lib64", "/usr/lib"];
        let mut files = folders.into_iter().map(|it| Path::new(it).join(HEAP_CHECKER));
        let found = files.find(|it| it.exists());
        if found.is_none() {
            let reason = format!("there is no `{HEAP_CHECKER}`; only glibc before 2.34 needs none");
            skip("the checks of the heap", &reason);
        }
        found
    });
    found.as_deref()
}
