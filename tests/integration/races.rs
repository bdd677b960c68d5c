//! What was approved is what is loaded, whatever happens to the file between the check and the load:
//! it is swapped, written over where it lies, or a link is turned, again and again while hosts start.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use crate::artifacts::{bundled, library};
use crate::env::{Output, TestEnv};
use crate::forge::Forge;

/// A chain that ends by itself, and shows which of the two libraries ran.
const LINE: &str = "--until countdown countdown --from 1 --sleep 1ms echo";

/// What the approved library says, and the other one of the same size.
const GOOD: &str = "Countdown currently at";
const EVIL: &str = "Countdown hijacked  at";

/// At least so many hosts are started in each race.
const LEAST: usize = 40;

/// A race that shows only one of its two ends in this time is lost.
const LIMIT: Duration = Duration::from_secs(120);

/// An approved library, and another of the same size and descriptor.
struct Rivals {
    env: TestEnv,
    plugins: TempDir,
    aside: TempDir,
    /// The approved library, in the plugins folder.
    good: PathBuf,
    /// The other one, beside it.
    evil: PathBuf,
    /// Where in the file the two differ.
    at: u64,
}

impl Rivals {
    fn new() -> Self {
        let plugins = TempDir::new().expect("a temporary folder");
        let aside = TempDir::new().expect("a temporary folder");
        fs::copy(library(&bundled(), "countdown"), library(plugins.path(), "countdown"))
            .expect("a library can be copied");
        let mut forge = Forge::echo();
        let good = forge.write(plugins.path(), "echo");
        let found = forge.bytes.windows(GOOD.len()).position(|it| it == GOOD.as_bytes());
        let at = found.expect("the library holds what it says");
        forge.bytes[at..][..EVIL.len()].copy_from_slice(EVIL.as_bytes());
        let evil = forge.write(aside.path(), "echo");
        let env = TestEnv::without_plugins().plugin_dir(plugins.path().to_owned());
        let rivals = Rivals { env, plugins, aside, good, evil, at: at as u64 };
        rivals.env.run("plugin trust --all").assert_code(Exit::Success);
        rivals
    }

    /// Starts hosts while `disturb` is called again and again, until both ends were seen: the approved
    /// library ran, and it was refused.
    fn race(&self, disturb: impl Fn(u64) + Sync) {
        let (over, turns) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    disturb(turns.fetch_add(1, Ordering::Relaxed));
                }
            });
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.starts()));
            over.store(true, Ordering::Relaxed);
            if let Err(panic) = result {
                std::panic::resume_unwind(panic);
            }
        });
        let turns = turns.into_inner();
        assert!(turns >= LEAST as u64, "the file was changed only {turns} times");
    }

    fn starts(&self) {
        let (mut ran, mut refused, end) = (0, 0, Instant::now() + LIMIT);
        while ran + refused < LEAST || ran == 0 || refused == 0 {
            assert!(Instant::now() < end, "{ran} ran and {refused} were refused");
            let output = self.env.run(LINE);
            assert!(!output.stderr.contains("hijacked"), "what was not approved ran\n{output}");
            match output.code {
                Some(0) => {
                    assert!(output.stderr.contains(GOOD), "{output}");
                    ran += 1;
                }
                _ => {
                    assert_refused(&output);
                    refused += 1;
                }
            }
        }
    }

    /// Fails unless the plugins folder is as it should be again.
    fn assert_mended(&self) {
        self.env.run(LINE).assert_code(Exit::Success).assert_has(&[GOOD]);
    }
}

/// Refused by its digest or size, as changed while the host started, or since it was not whole.
#[track_caller]
fn assert_refused(output: &Output) {
    let code = output.code.unwrap_or_default();
    let told = [
        "is not what was approved",
        "was changed while the host started",
        "it is damaged",
        "it is not a library",
    ];
    let refused =
        told.iter().any(|told| output.stderr.contains(told)) && output.stderr.contains("hint: ");
    assert!(refused && (code == 3 || code == 4), "{output}");
}

#[test]
fn without_a_lock_the_other_library_runs() {
    let rivals = Rivals::new();
    fs::remove_file(rivals.plugins.path().join("lifespan.lock")).expect("it was just made");
    fs::copy(&rivals.evil, &rivals.good).expect("a library can be copied");
    rivals.env.run(LINE).assert_code(Exit::Success).assert_has(&[EVIL]);
}

#[test]
fn a_library_that_is_swapped_is_never_another() {
    let rivals = Rivals::new();
    rivals.race(|_| exchange(&rivals.good, &rivals.evil));
    if !fs::read(&rivals.good).is_ok_and(|it| it == Forge::echo().bytes) {
        exchange(&rivals.good, &rivals.evil);
    }
    rivals.assert_mended();
}

#[test]
fn a_library_that_is_written_over_where_it_lies_is_never_another() {
    let rivals = Rivals::new();
    let file = OpenOptions::new().write(true).open(&rivals.good).expect("it can be written to");
    let write = |text: &str| {
        file.write_all_at(text.as_bytes(), rivals.at).expect("it can be written to");
    };
    rivals.race(|turn| {
        write(if turn % 2 == 0 { EVIL } else { GOOD });
        // Long enough for a host to be anywhere between the check and the load.
        thread::sleep(Duration::from_micros(turn * 37 % 3000));
    });
    write(GOOD);
    rivals.assert_mended();
}

#[test]
fn a_library_that_is_copied_over_is_never_another() {
    let rivals = Rivals::new();
    let real = rivals.aside.path().join("real.so");
    fs::copy(&rivals.good, &real).expect("a library can be copied");
    // A copy empties the file before it fills it: hosts see all lengths.
    rivals.race(|turn| {
        let from = if turn % 2 == 0 { &rivals.evil } else { &real };
        fs::copy(from, &rivals.good).expect("a library can be copied");
        thread::sleep(Duration::from_micros(turn * 3701 % 60_000));
    });
    fs::copy(&real, &rivals.good).expect("a library can be copied");
    rivals.assert_mended();
}

#[test]
fn a_library_whose_link_is_turned_is_never_another() {
    let rivals = Rivals::new();
    let real = rivals.aside.path().join("real.so");
    fs::rename(&rivals.good, &real).expect("a file can be moved");
    let turn = |to: &Path| {
        let link = rivals.aside.path().join("link");
        symlink(to, &link).expect("a new link");
        fs::rename(&link, &rivals.good).expect("a link can be moved");
    };
    turn(&real);
    rivals.assert_mended();
    rivals.race(|nth| turn(if nth % 2 == 0 { &rivals.evil } else { &real }));
    turn(&real);
    rivals.assert_mended();
}

fn exchange(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("both are there");
}
