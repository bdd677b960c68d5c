//! Every reason for which something is refused: told with its name and a remedy by each command, and
//! gone as soon as its cause is.
//!
//! Those of trust and of wishes are in `reasons.rs`, with a test that none is left out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lifespan::Exit;
use lifespan::abi::ABI_VERSION;
use serde_json::{Value, json};

use crate::artifacts::{bundled, library};
use crate::env::TestEnv;
use crate::forge::{Forge, compile};
use crate::management::data;
use crate::next::next_version;
use crate::schema;

/// A library that is refused: the reason's name, and how it is made.
struct Case(&'static str, fn(&Path));

const CASES: &[Case] = &[
    Case("unreadable", |file| symlink("nowhere", file).expect("a link")),
    Case("not-a-file", |file| fs::create_dir(file).expect("a folder")),
    Case("not-a-library", |file| fs::write(file, "text").expect("a file")),
    Case("not-shared", |file| {
        let mut bad = Forge::echo();
        // The kind of an ELF file: a program at a fixed address.
        bad.bytes[16] = 2;
        write(file, &bad);
    }),
    Case("damaged", |file| {
        let good = Forge::echo();
        let half = good.bytes.len() / 2;
        write(file, &good.cut(half));
    }),
    Case("wrong-platform", |file| write(file, &Forge::echo().other_machine())),
    Case("no-descriptor", |file| {
        let dir = file.parent().expect("a folder").join("build");
        fs::create_dir_all(&dir).expect("a folder");
        let built = compile(&dir, "plain", "#[unsafe(no_mangle)] pub extern \"C\" fn nothing() {}");
        fs::rename(built, file).expect("a file in the same folder");
    }),
    Case("malformed-descriptor", |file| write(file, &Forge::echo().without_magic())),
    Case("abi", |file| descriptor(file, |it| it["abi"] = "0.9.0".into())),
    Case("panic-abort", |file| descriptor(file, |it| it["panic"] = "abort".into())),
    Case("reserved-name", |file| descriptor(file, |it| it["plugins"][0]["name"] = "run".into())),
    Case("invalid-name", |file| descriptor(file, |it| it["plugins"][0]["name"] = "Ec".into())),
    Case("repeated-name", |file| {
        descriptor(file, |it| {
            it["rustc"] = "".into();
            it["plugins"][0]["summary"] = "".into();
            let twice = json!([it["plugins"][0], {"name": "echo"}]);
            it["plugins"] = twice;
        });
    }),
    Case("control-characters", |file| {
        descriptor(file, |it| it["plugins"][0]["summary"] = "\u{1b}[31m".into());
    }),
];

/// The reasons of a folder, in the order in which they are tried.
const FOLDERS: [&str; 3] = ["folder-missing", "folder-unreadable", "folder-relative"];

/// That of a name.
const CLAIMED: &str = "claimed";

/// All reasons that are tried here.
pub(crate) fn tried() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|Case(reason, _)| *reason).chain(FOLDERS).chain([CLAIMED])
}

fn write(file: &Path, forge: &Forge) {
    fs::write(file, &forge.bytes).expect("a file in a temporary folder");
}

fn descriptor(file: &Path, change: fn(&mut Value)) {
    write(file, &Forge::echo().descriptor(change));
}

/// An environment with a folder of plugins of its own, in which `libecho.so` is to lie.
fn world() -> (TestEnv, PathBuf) {
    let env = TestEnv::without_plugins();
    let dir = env.home().join("plugins");
    fs::create_dir(&dir).expect("a folder in a temporary folder");
    (env.plugin_dir(dir.clone()), library(&dir, "echo"))
}

/// Puts a good library where a bad one was.
fn mend(file: &Path) {
    if file.is_dir() {
        fs::remove_dir(file).expect("an empty folder");
    } else {
        fs::remove_file(file).expect("a file");
    }
    write(file, &Forge::echo());
}

#[test]
fn each_reason_of_a_library_has_a_name_and_a_remedy_and_goes_with_its_cause() {
    let (env, file) = world();
    for Case(reason, make) in CASES {
        make(&file);
        let listed = env.run("plugin list --format json");
        listed.assert_code(Exit::Success);
        let told = data(&listed);
        schema::check("plugin-list", &told);
        let refused = &told["refused"][0];
        assert_eq!(refused["reason"], *reason, "{listed}");
        assert_eq!(refused["path"], file.display().to_string(), "{listed}");
        let [message, hint] =
            ["message", "hint"].map(|it| refused[it].as_str().unwrap_or_default());
        assert!(!message.is_empty() && !hint.is_empty(), "{listed}");

        let path = file.display();
        let checked = env.run(&format!("plugin check {path} --format json"));
        checked.assert_code(Exit::Load);
        let told = data(&checked);
        schema::check("plugin-check", &told);
        let verdict = &told["libraries"][0];
        assert_eq!([&verdict["verdict"], &verdict["reasons"][0]["reason"]], ["refused", reason]);

        for line in ["-v plugin list", &format!("plugin check {path}")] {
            let text = env.run(line);
            let words = text.words();
            assert!(words.contains(message) && words.contains(&format!("hint: {hint}")), "{text}");
            let long = |line: &&str| line.chars().count() > 80 && !line.contains(&path.to_string());
            assert_eq!(text.stdout.lines().find(long), None, "{text}");
            assert!(!text.stdout.contains('\x1b'), "{text}");
        }
        // Once more, so that whatever could be remembered is.
        env.run("plugin list");
        mend(&file);
        env.run("--dry-run echo").assert_code(Exit::Success);
        env.run(&format!("plugin check {path}")).assert_code(Exit::Success);
        fs::remove_file(&file).expect("it was there");
    }
}

#[test]
fn a_library_is_judged_against_a_host_of_another_abi() {
    let (env, file) = world();
    let (path, next) = (file.display(), next_version());
    let check = |against: &str, exit: Exit, verdict: &str| {
        let line = format!("plugin check {path} --against {against}");
        let text = env.run(&line);
        text.assert_code(exit);
        let told = data(&env.run(&format!("{line} --format json")));
        schema::check("plugin-check", &told);
        assert_eq!([&told["against"], &told["libraries"][0]["verdict"]], [against, verdict]);
        let words = text.words();
        assert!(words.contains(&format!(": {verdict} by a host of ABI {against}")), "{text}");
        (words, told)
    };
    write(&file, &Forge::echo());
    check(ABI_VERSION, Exit::Success, "usable");
    check(&next, Exit::Success, "usable");
    let (text, told) = check("99.0.0", Exit::Load, "refused");
    assert_eq!(told["libraries"][0]["reasons"][0]["reason"], "abi");
    for needle in [
        &format!("built against ABI {ABI_VERSION}, which a host of ABI 99.0.0 cannot serve"),
        "hint: build the library again with a `lifespan-plugin-api` of ABI 99.0.0",
    ] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }

    // One that this host refuses is judged as a host of its own ABI would.
    write(&file, &Forge::echo().descriptor(|it| it["abi"] = next.clone().into()));
    env.run(&format!("plugin check {path}")).assert_code(Exit::Load);
    check(&next, Exit::Success, "usable");
    let (text, _) = check("0.0.9", Exit::Load, "refused");
    assert!(text.contains(&format!("hint: use a host whose ABI is {next}")), "{text}");

    let wrong = env.run(&format!("plugin check {path} --against next"));
    wrong.assert_code(Exit::Usage).assert_has(&["a version is three numbers"]);
}

#[test]
fn a_name_that_two_libraries_claim_is_told_of_both() {
    let (env, file) = world();
    write(&file, &Forge::echo());
    let other = library(file.parent().expect("a folder"), "other");
    write(&other, &Forge::echo());
    let listed = env.run("plugin list --format json");
    let told = data(&listed);
    schema::check("plugin-list", &told);
    let states: Vec<_> =
        told["plugins"].as_array().expect("a list").iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["claimed", "claimed"], "{listed}");
    let reasons: Vec<_> =
        told["refused"].as_array().expect("a list").iter().map(|it| &it["reason"]).collect();
    assert_eq!(reasons, [CLAIMED, CLAIMED], "{listed}");
    env.run("--dry-run echo").assert_code(Exit::Load);
    fs::remove_file(other).expect("it was there");
    env.run("--dry-run echo").assert_code(Exit::Success);
}

#[test]
fn each_reason_of_a_folder_has_a_name_and_a_remedy_and_goes_with_its_cause() {
    let env = TestEnv::without_plugins();
    let folder = env.home().join("folder");
    let in_the_way = env.home().join("file");
    fs::write(&in_the_way, "no folder").expect("a file in a temporary folder");
    for (reason, named) in
        FOLDERS.into_iter().zip([folder.as_path(), in_the_way.as_path(), Path::new("folder")])
    {
        // Those of the environment are no mistake on the line.
        let env = TestEnv::without_plugins().env("LIFESPAN_PLUGIN_PATH", named);
        let listed = env.run("plugin list --format json");
        let told = data(&listed);
        schema::check("plugin-list", &told);
        let refused = &told["refused"][0];
        assert_eq!([&refused["kind"], &refused["reason"]], ["folder", reason], "{listed}");
        assert!(refused["hint"].is_string(), "{listed}");
        schema::check("plugin-path", &data(&env.run("plugin path --format json")));
        let line = format!("--plugin-dir {} plugin list", in_the_way.display());
        env.run(&line).assert_code(Exit::Config).assert_has(&["hint: "]);
        // What can be listed is, and what cannot stands beside it.
        let listed = env.run(&format!("{line} --format json"));
        listed.assert_code(Exit::Config);
        let told = data(&listed);
        schema::check("plugin-list", &told);
        assert_eq!(told["refused"][0]["path"], in_the_way.display().to_string(), "{listed}");
    }
    let env = TestEnv::without_plugins().env("LIFESPAN_PLUGIN_PATH", &folder);
    assert!(env.run("plugin list").stdout.contains("the folder does not exist"));
    fs::create_dir(&folder).expect("a folder in a temporary folder");
    let text = env.run("plugin list");
    assert_eq!(text.stdout, "no plugin is found\n", "{text}");
}

#[test]
fn a_list_shows_plugins_with_version_library_and_summary() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let text = env.run("plugin list");
    text.assert_code(Exit::Success);
    let dir = bundled().display().to_string();
    let file = |name| library(Path::new(""), name).display().to_string();
    assert_eq!(
        text.stdout,
        format!(
            "{dir}\n  countdown  0.1.0  {}  Count down, telling everyone\n  echo       0.1.0  {}       \
             Say what the countdown tells\n  exec       0.1.0  {}       \
             Run a command and publish what it writes\n  http       0.1.0  {}       \
             Serve the topics and their values over HTTP\n  watch      0.1.0  {}      \
             Publish changes of files and folders\n",
            file("countdown"),
            file("echo"),
            file("exec"),
            file("http"),
            file("watch")
        )
    );
}
