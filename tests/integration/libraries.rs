//! Bad libraries: each is refused with its reason, when it is named and not before, and disturbs
//! nobody else.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lifespan::Exit;
use tempfile::TempDir;

use crate::artifacts::{bundled, host, library};
use crate::env::TestEnv;
use crate::forge::{Forge, compile, with_descriptor};
use crate::nested::copy;
use crate::third_party;

/// A bad library.
struct Case {
    /// The name of its file, and what is wrong with it.
    name: &'static str,
    /// Puts it into a folder.
    make: fn(&Path, &'static str),
    /// The word that means it on a line.
    word: &'static str,
    /// What must be told of it.
    reason: &'static str,
    /// How the host must end when it is named.
    exit: Exit,
}

/// A library that is judged by its file.
const fn by_file(name: &'static str, make: fn(&Path, &'static str), reason: &'static str) -> Case {
    Case { name, make, word: name, reason, exit: Exit::Load }
}

/// A good library whose plugin has a name that none may have.
const fn reserved(name: &'static str, reason: &'static str) -> Case {
    let make = |dir: &Path, name| {
        Forge::echo().renamed(name).write(dir, name);
    };
    Case { name, make, word: name, reason, exit: Exit::Usage }
}

const CASES: &[Case] = &[
    by_file("text", |dir, name| write(dir, name, b"I am a library, honestly.\n"), "not a library"),
    by_file("empty", |dir, name| write(dir, name, b""), "it is empty"),
    by_file("cut-in-magic", |dir, name| cut(dir, name, |_| 3), "not a library"),
    by_file("cut-in-header", |dir, name| cut(dir, name, |_| 40), "damaged"),
    by_file("cut-early", |dir, name| cut(dir, name, |len| len / 8), "damaged"),
    by_file("cut-in-half", |dir, name| cut(dir, name, |len| len / 2), "damaged"),
    by_file("cut-late", |dir, name| cut(dir, name, |len| len - len / 8), "damaged"),
    by_file("cut-at-end", |dir, name| cut(dir, name, |len| len - 1), "damaged"),
    by_file(
        "other-machine",
        |dir, name| {
            Forge::echo().other_machine().write(dir, name);
        },
        "it is built for ",
    ),
    by_file(
        "no-descriptor",
        |dir, name| {
            compile(dir, &ident(name), "#[unsafe(no_mangle)] pub extern \"C\" fn nothing() {}");
        },
        "no descriptor",
    ),
    by_file(
        "no-magic",
        |dir, name| {
            Forge::echo().without_magic().write(dir, name);
        },
        "its descriptor is malformed",
    ),
    by_file(
        "later-abi",
        |dir, name| {
            let bad = Forge::echo().renamed(name).descriptor(|it| it["abi"] = "0.9.0".into());
            bad.write(dir, name);
        },
        "it was built against ABI 0.9.0, which this host",
    ),
    by_file(
        "says-abort",
        |dir, name| {
            let bad = Forge::echo().renamed(name).descriptor(|it| it["panic"] = "abort".into());
            bad.write(dir, name);
        },
        "it is built with `panic = \"abort\"`",
    ),
    reserved("man", "`man` is a reserved word"),
    reserved("run", "`run` is a reserved word"),
    reserved("plugin", "`plugin` is a reserved word"),
    reserved("completions", "`completions` is a reserved word"),
    reserved("help", "`help` is a reserved word"),
    Case {
        name: "first-claim",
        make: |dir, _| {
            for name in ["first-claim", "second-claim"] {
                Forge::echo().renamed("twice").write(dir, name);
            }
        },
        word: "twice",
        reason: "second-claim",
        exit: Exit::Load,
    },
    by_file(
        "misnamed",
        |dir, name| {
            // The library tells what its file tells, and has no such plugin.
            Forge::echo().renamed(name).write(dir, name);
        },
        "this library has no plugin `misnamed`",
    ),
    #[cfg(target_os = "linux")]
    by_file(
        "lies",
        |dir, name| {
            let other = Forge::echo().renamed(name);
            Forge::echo().showing(&other).write(dir, name);
        },
        "contradicts its own descriptor",
    ),
    #[cfg(target_os = "linux")]
    by_file(
        "no-root",
        |dir, name| {
            compile(dir, &ident(name), &with_descriptor(name, ""));
        },
        "does not export `lifespan_root`",
    ),
    #[cfg(target_os = "linux")]
    by_file(
        "no-symbol",
        |dir, name| {
            // Only opening with all symbols resolved at once finds it.
            let calls = "unsafe extern \"C\" { fn nobody_defines_this(); }\n\
                #[unsafe(no_mangle)] pub extern \"C\" fn caller() { unsafe { nobody_defines_this() } }";
            compile(dir, &ident(name), &with_descriptor(name, calls));
        },
        "undefined symbol: nobody_defines_this",
    ),
    Case {
        name: "unfit",
        make: unfit,
        word: "explosive",
        reason: "the arguments blew up",
        exit: Exit::Load,
    },
    Case { name: "unfit", make: unfit, word: "anything", reason: "subcommand", exit: Exit::Load },
];

#[test]
fn each_is_refused_with_its_reason_when_it_is_named() {
    let mut wrong = String::new();
    for case in CASES {
        let folder = TempDir::new().expect("a temporary folder");
        (case.make)(folder.path(), case.name);
        let world =
            TestEnv::without_plugins().plugin_dir(bundled()).plugin_dir(folder.path().to_owned());
        // Behind a good stage, which must not be set up.
        let output = world.run(&format!("countdown --from 1 {}", case.word));
        let told = output.stderr.contains(case.reason)
            && output.stderr.contains("error: ")
            && !output.stderr.contains("Counting down");
        if output.code != Some(case.exit.code().into()) || !told {
            writeln!(wrong, "{}: not {} with `{}`\n{output}", case.name, case.exit, case.reason)
                .expect("a string can be written to");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn all_together_they_disturb_nobody_who_does_not_name_them() {
    let folder = TempDir::new().expect("a temporary folder");
    for case in CASES {
        (case.make)(folder.path(), case.name);
    }
    let world =
        TestEnv::without_plugins().plugin_dir(folder.path().to_owned()).plugin_dir(bundled());
    let output = world.run("--until countdown countdown --from 2 --sleep 1ms echo");
    output.assert_code(Exit::Success).assert_in_order(&["Counting down… 2", "Counting down… 1"]);
    assert!(!output.stderr.contains("error"), "{output}");

    // Who wants to know is told of each.
    let help = world.run("-v --help");
    help.assert_code(Exit::Success);
    assert!(help.stdout.contains("countdown"), "{help}");
    let files = fs::read_dir(folder.path()).expect("a temporary folder");
    for file in files.filter_map(Result::ok).map(|it| it.file_name().into_string()) {
        let file = file.expect("a name of these tests");
        // What is wrong with these shows only once they are open.
        let sound = ["misnamed", "lies", "no-root", "no_root", "no_symbol", "unfit", ".rs"];
        let refused = help.stdout.contains(&file);
        assert!(refused || sound.iter().any(|it| file.contains(it)), "{file} is missing\n{help}");
    }
}

#[test]
fn a_real_library_with_panic_abort_is_refused_unless_it_is_allowed() {
    let folder = third_party::weather_that_aborts();
    let world = TestEnv::without_plugins().plugin_dir(folder);
    let refused = world.run("weather --days 1");
    refused.assert_code(Exit::Load);
    assert!(refused.stderr.contains("it is built with `panic = \"abort\"`"), "{refused}");

    let allowed = world.run("--allow-panic-abort weather --days 1");
    allowed.assert_code(Exit::Success);
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    fs::write(library(dir, name), bytes).expect("a file in a temporary folder");
}

fn cut(dir: &Path, name: &str, len: fn(usize) -> usize) {
    let good = Forge::echo();
    let len = len(good.bytes.len());
    good.cut(len).write(dir, name);
}

fn unfit(dir: &Path, name: &str) {
    copy(&library(host().parent().expect("a folder"), "unfit"), dir, name);
}

/// As cargo names the library of a package.
fn ident(name: &str) -> String {
    name.replace('-', "_")
}
