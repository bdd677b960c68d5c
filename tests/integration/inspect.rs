//! `plugin inspect`: a library may kill its process, hang or make noise when it is loaded, and is told
//! of all the same; its arguments are asked for once, and again when it is another.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;
use serde_json::Value;

use crate::artifacts::{bundled, host, library};
use crate::env::{Output, TestEnv};
use crate::forge::{compile, with_descriptor};
use crate::management::data;
use crate::schema;

/// An environment with a folder of plugins of its own.
fn world() -> (TestEnv, PathBuf) {
    let env = TestEnv::without_plugins();
    let dir = env.home().join("plugins");
    fs::create_dir(&dir).expect("a folder in a temporary folder");
    (env.plugin_dir(dir.clone()), dir)
}

/// A library that does this when it is loaded.
fn when_loaded(dir: &Path, name: &str, what: &str) {
    let source = format!(
        "extern \"C\" fn when_loaded() {{ {what} }}\n\
         #[used] #[unsafe(link_section = \".init_array\")]\n\
         static WHEN_LOADED: extern \"C\" fn() = when_loaded;\n"
    );
    compile(dir, name, &with_descriptor(name, &source));
    fs::remove_file(dir.join(format!("{name}.rs"))).expect("it was there");
}

fn noisy(dir: &Path) -> PathBuf {
    let to = library(dir, "noisy");
    let built = library(host().parent().expect("a folder"), "noisy");
    fs::copy(built, &to).expect("the fixture is built");
    to
}

fn inspected(output: &Output) -> Value {
    let told = data(output);
    schema::check("plugin-inspect", &told);
    told
}

#[test]
fn what_crashes_hangs_or_ends_the_process_is_told_of_and_listed() {
    let (env, dir) = world();
    let noise = "eprintln!(\"about to fall\\x1b[2J\");";
    when_loaded(&dir, "crash", &format!("{noise} std::process::abort()"));
    when_loaded(&dir, "quit", &format!("{noise} std::process::exit(0)"));
    when_loaded(&dir, "hang", &format!("{noise} loop {{ std::thread::park() }}"));
    let listed = data(&env.run("plugin list --format json"));
    let names: Vec<_> =
        listed["plugins"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["crash", "hang", "quit"]);
    for (name, message) in [
        ("crash", "`libcrash.so` ended the process that loaded it: signal: 6"),
        ("quit", "`libquit.so` ended the process that loaded it: exit code 0"),
        ("hang", "`libhang.so` did not tell its arguments within 1s, and was stopped"),
    ] {
        let begun = Instant::now();
        let output = env.run(&format!("plugin inspect {name} --timeout 1s --format json"));
        assert!(begun.elapsed() < Duration::from_secs(15), "{output}");
        output.assert_code(Exit::Load);
        let told = inspected(&output);
        assert_eq!(told["verdict"], "usable", "{output}");
        let plugin = &told["plugins"][0];
        assert_eq!(plugin["name"], name, "{output}");
        assert_eq!(plugin["arguments"], Value::Null, "{output}");
        let trouble = &plugin["trouble"];
        assert!(trouble["message"].as_str().is_some_and(|it| it.starts_with(message)), "{output}");
        assert_eq!(trouble["hints"].as_array().map(Vec::len), Some(1), "{output}");
        let detail = trouble["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("about to fall") && !detail.contains('\x1b'), "{output}");
    }
    let text = env.run("plugin inspect crash");
    text.assert_code(Exit::Load);
    for part in ["its arguments are not known:", "signal: 6", "| about to fall", "hint: "] {
        assert!(text.stdout.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_signal_ends_a_host_whose_library_hangs_when_it_is_loaded() {
    for signal in [Signal::INT, Signal::TERM] {
        let (env, dir) = world();
        when_loaded(&dir, "hang", "eprintln!(\"hanging\"); loop { std::thread::park() }");
        let mut process = env.spawn("hang");
        process.wait_for_line("hanging");
        process.signal(signal);
        assert_eq!(process.wait().code, None, "nothing is up, so it ends as any program does");
    }
}

#[test]
fn noise_is_no_trouble_and_the_library_is_asked_once() {
    let (env, dir) = world();
    let file = noisy(&dir);
    let count = env.home().join("count");
    let env = env.env("NOISY_COUNT", &count);
    let loads = || fs::read_to_string(&count).unwrap_or_default().lines().count();
    let inspect = || {
        let output = env.run("plugin inspect noisy --format json");
        output.assert_code(Exit::Success);
        let told = inspected(&output);
        let plugin = &told["plugins"][0];
        assert_eq!(plugin["arguments"]["args"][0]["long"], "volume", "{output}");
        assert_eq!(plugin["trouble"], Value::Null, "{output}");
        told["sha256"].as_str().map(str::to_owned).expect("a digest")
    };
    let first = inspect();
    assert_eq!(loads(), 1);
    assert_eq!(inspect(), first);
    assert_eq!(loads(), 1, "what it told is known");
    // What is kept is of the bytes, not of the file.
    fs::copy(&file, dir.join("again"))
        .and_then(|_| fs::rename(dir.join("again"), &file))
        .expect("a copy");
    assert_eq!(inspect(), first);
    assert_eq!(loads(), 1);
    let mut bytes = fs::read(&file).expect("a library");
    bytes.extend(b"more");
    fs::write(&file, bytes).expect("a file in a temporary folder");
    assert_ne!(inspect(), first);
    assert_eq!(loads(), 2, "it is another library now");
    let kept = env.home().join(".cache/lifespan/arguments");
    for file in fs::read_dir(kept).expect("a cache").flatten() {
        fs::write(file.path(), "garbage").expect("a file in a temporary folder");
    }
    inspect();
    assert_eq!(loads(), 3, "a damaged cache is as none");
    inspect();
    assert_eq!(loads(), 3, "and is repaired");
}

#[test]
fn a_library_that_is_refused_is_not_loaded_in_any_process() {
    let (env, dir) = world();
    let file = noisy(&dir);
    let count = env.home().join("count");
    let mut bytes = fs::read(&file).expect("a library");
    let at = bytes.windows(18).position(|it| {
        it == b"\"panic\":\"unwind\",".as_slice() || it.starts_with(b"\"panic\":\"unwind\"")
    });
    let at = at.expect("a descriptor");
    bytes[at..at + 16].copy_from_slice(b"\"panic\":\"abort\" ");
    fs::write(&file, bytes).expect("a file in a temporary folder");
    let env = env.env("NOISY_COUNT", &count);
    let output = env.run("plugin inspect noisy --format json");
    output.assert_code(Exit::Load);
    let told = inspected(&output);
    assert_eq!([&told["verdict"], &told["reasons"][0]["reason"]], ["refused", "panic-abort"]);
    assert_eq!(told["descriptor"]["panic"], "abort");
    assert_eq!(told["plugins"][0]["arguments"], Value::Null);
    assert!(!count.exists(), "{output}");
}

#[test]
fn a_library_is_shown_by_name_or_by_path() {
    let env = TestEnv::without_plugins().plugin_dir(bundled());
    let text = env.run("plugin inspect countdown");
    text.assert_code(Exit::Success);
    for part in [
        "libcountdown.so\n",
        "  verdict  usable\n",
        "  sha256   ",
        "countdown 0.1.0: Count down",
        "--from <FROM>",
    ] {
        assert!(text.stdout.contains(part), "{part}\n{text}");
    }
    assert!(
        text.stdout.lines().all(|line| line.starts_with('/') || line.chars().count() <= 80),
        "{text}"
    );
    let path = library(&bundled(), "countdown");
    let by_path = TestEnv::without_plugins().run(&format!("plugin inspect {}", path.display()));
    by_path.assert_code(Exit::Success);
    assert_eq!(by_path.stdout, text.stdout);
    env.run("plugin inspect cuontdown")
        .assert_code(Exit::Usage)
        .assert_has(&["did you mean `countdown`"]);
    let missing = env.run("plugin inspect ./missing.so --format json");
    missing.assert_code(Exit::Load);
    let told = inspected(&missing);
    assert_eq!([&told["sha256"], &told["descriptor"]], [&Value::Null; 2]);
    assert_eq!(told["reasons"][0]["reason"], "unreadable");
}
