//! A plugins folder with a lock file is held to it: what is not approved is refused with both digests
//! and the command that approves, in text and in JSON, and following it helps at once.

use std::fs;
use std::path::{Path, PathBuf};

use lifespan::{Exit, Host, Preparation, Rendering};
use minisign::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::artifacts::{bundled, fixtures, library};
use crate::env::{Output, TestEnv};
use crate::forge::{Forge, sign};
use crate::management::data;
use crate::nested::copy;
use crate::schema;

/// A chain that only needs its libraries to be loaded.
const LINE: &str = "--dry-run countdown echo";

/// A plugins folder of its own, with the bundled plugins.
struct Plugins {
    folder: TempDir,
    env: TestEnv,
}

impl Plugins {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for name in ["countdown", "echo"] {
            copy(&library(&bundled(), name), folder.path(), name);
        }
        let env = TestEnv::without_plugins().plugin_dir(folder.path().to_owned());
        Plugins { folder, env }
    }

    /// With both plugins approved.
    fn locked() -> Self {
        let plugins = Self::new();
        plugins.env.run("plugin trust --all").assert_code(Exit::Success);
        plugins
    }

    fn echo(&self) -> PathBuf {
        library(self.folder.path(), "echo")
    }

    fn lock(&self) -> PathBuf {
        self.folder.path().join("lifespan.lock")
    }

    /// Changes a byte of the library that nobody looks at.
    fn change(&self) {
        let mut bytes = fs::read(self.echo()).expect("it is there");
        let text = b"Countdown currently at";
        let at = bytes.windows(text.len()).position(|it| it == text).expect("it is in there");
        bytes[at] ^= 0x20;
        fs::write(self.echo(), bytes).expect("it can be written to");
    }

    /// Fails unless the line is refused so, in text and in JSON; answers with the text.
    #[track_caller]
    fn assert_refused(&self, line: &str, told: &[&str]) -> Output {
        let text = self.env.run(line);
        text.assert_code(Exit::Config).assert_has(told).assert_has(&["  hint: "]);
        let json = self.env.run(&format!("--log-format json {line}"));
        json.assert_code(Exit::Config);
        let failures = json.stderr.lines().map(|it| serde_json::from_str(it).expect("JSON"));
        let errors: Vec<Value> = failures.filter(|it: &Value| it["level"] == "ERROR").collect();
        let all = errors.iter().map(Value::to_string).collect::<String>();
        for told in told {
            assert!(all.contains(told), "`{told}` is missing\n{json}");
        }
        assert_eq!(errors[0]["fields"]["exit"], 4, "{json}");
        assert_ne!(errors[0]["fields"]["hints"], json!([]), "{json}");
        text
    }
}

#[track_caller]
fn sha256(file: &Path) -> String {
    let digest = lifespan::Digest::of(fs::File::open(file).expect("it is there"));
    digest.expect("it can be read").0.to_string()
}

#[test]
fn a_folder_without_a_lock_is_free_unless_one_is_demanded() {
    let plugins = Plugins::new();
    plugins.env.run(LINE).assert_code(Exit::Success);
    let line = format!("--locked {LINE}");
    let folder = plugins.folder.path().display().to_string();
    let echo = plugins.echo().display().to_string();
    let told = format!("`--locked` demands a lock file, and `{folder}` has none");
    plugins.assert_refused(&line, &[&told, &format!("`lifespan plugin trust {echo}`")]);
    plugins.env.run("plugin trust --all").assert_code(Exit::Success);
    plugins.env.run(&line).assert_code(Exit::Success);
}

#[test]
fn what_is_not_in_the_lock_is_refused_until_it_is_approved() {
    let plugins = Plugins::new();
    let output = plugins.env.run("plugin trust countdown");
    let echo = plugins.echo().display().to_string();
    output.assert_code(Exit::Success);
    output.assert_has(&["not approved, and so refused from now on: ", &echo]);
    let found = format!("found:    sha256 {}", sha256(&plugins.echo()));
    let told = ["it is not in the lock file", "approved: sha256 none", &found, &echo];
    plugins.assert_refused(LINE, &told);
    // Whoever names only the other is not disturbed.
    plugins.env.run("--dry-run countdown").assert_code(Exit::Success);

    // The very command that was told.
    plugins.env.run(&format!("plugin trust {echo}")).assert_code(Exit::Success);
    plugins.env.run(LINE).assert_code(Exit::Success);
}

#[test]
fn what_has_changed_is_refused_with_both_digests() {
    for grow in [false, true] {
        let plugins = Plugins::locked();
        let approved = format!("approved: sha256 {}", sha256(&plugins.echo()));
        plugins.env.run(LINE).assert_code(Exit::Success);
        plugins.change();
        if grow {
            let mut bytes = fs::read(plugins.echo()).expect("it is there");
            bytes.push(0);
            fs::write(plugins.echo(), bytes).expect("it can be written to");
        }
        let found = format!("found:    sha256 {}", sha256(&plugins.echo()));
        let hint = format!("`lifespan plugin trust {}`", plugins.echo().display());
        let told = ["it is not what was approved in", &approved, &found, &hint];
        plugins.assert_refused(LINE, &told);

        let verified = plugins.env.run("plugin verify --format json");
        verified.assert_code(Exit::Config);
        let verified = data(&verified);
        schema::check("plugin-verify", &verified);
        assert_eq!(verified["sound"], false);
        assert_eq!(verified["libraries"][0]["fault"], Value::Null);
        let fault = &verified["libraries"][1]["fault"];
        assert_eq!(fault["reason"], "changed");
        assert_eq!(fault["digests"], json!([approved, found]));
        let text = plugins.env.run("plugin verify echo");
        text.assert_code(Exit::Config);
        for told in told {
            assert!(text.words().contains(&told.replace("   ", "")), "`{told}` is missing\n{text}");
        }

        // It is not loaded to be checked, and judged as if it were.
        for command in ["check", "inspect"] {
            let path = plugins.echo().display().to_string();
            let text = plugins.env.run(&format!("plugin {command} {path}"));
            text.assert_code(Exit::Config);
            let words = text.words();
            for told in [told[0], &approved, &found.replace("   ", ""), &hint] {
                assert!(words.contains(told), "`{told}` is missing\n{text}");
            }
            let json = plugins.env.run(&format!("plugin {command} {path} --format json"));
            json.assert_code(Exit::Config);
            schema::check(&format!("plugin-{command}"), &data(&json));
        }
        let doctor = data(&plugins.env.run("plugin doctor --format json"));
        schema::check("plugin-doctor", &doctor);
        let findings = doctor["findings"].as_array().expect("a list");
        let reasons: Vec<_> = findings.iter().map(|it| &it["reason"]).collect();
        assert_eq!(reasons, ["changed"], "{doctor:#}");
        assert_eq!(findings[0]["causes"], json!([approved, found]));

        let before = approved.replace("approved: ", "before: ");
        let output = plugins.env.run("plugin trust echo");
        output.assert_code(Exit::Success);
        assert!(output.words().contains(&before), "{output}");
        plugins.env.run(LINE).assert_code(Exit::Success);
        plugins.env.run("plugin verify").assert_code(Exit::Success);
    }
}

#[test]
fn a_broken_lock_is_an_error_at_its_place() {
    let plugins = Plugins::locked();
    let good = fs::read_to_string(plugins.lock()).expect("it is there");
    fs::write(plugins.lock(), good.replace("size = ", "size: ")).expect("it can be written to");
    let told = ["is broken at line 7, column 7: ", "mend it there"];
    for line in [LINE, "plugin verify", "plugin trust echo", "plugin untrust echo"] {
        plugins.assert_refused(line, &told);
    }
    assert!(fs::read_to_string(plugins.lock()).expect("it is there").contains("size: "));
    fs::write(plugins.lock(), good).expect("it can be written to");
    plugins.env.run(LINE).assert_code(Exit::Success);
}

#[test]
fn what_is_approved_and_gone_is_told_and_can_be_taken_out() {
    let plugins = Plugins::locked();
    fs::remove_file(plugins.echo()).expect("it is there");
    let verified = data(&plugins.env.run("plugin verify --format json"));
    schema::check("plugin-verify", &verified);
    assert_eq!(verified["libraries"][1]["fault"]["reason"], "trust-unreadable", "{verified}");
    let echo = plugins.echo().display().to_string();
    let found = data(&plugins.env.run("plugin doctor --format json"));
    schema::check("plugin-doctor", &found);
    let found = &found["findings"][0];
    assert_eq!(found["reason"], "approved-missing");
    assert_eq!(found["hint"], format!("`lifespan plugin untrust {echo}` forgets it"));
    let output = plugins.env.run("plugin untrust echo --format json");
    output.assert_code(Exit::Success);
    assert_eq!(data(&output), json!({"untrusted": [echo]}));
    schema::check("plugin-untrust", &data(&output));
    plugins.env.run("plugin verify").assert_code(Exit::Success);
    plugins
        .env
        .run(&format!("plugin untrust {echo}"))
        .assert_code(Exit::Config)
        .assert_has(&["is not in the lock file"]);
}

#[test]
fn the_answer_of_trust_is_what_is_in_the_lock() {
    let plugins = Plugins::new();
    let output = plugins.env.run("plugin trust --format json echo");
    output.assert_code(Exit::Success);
    let digest = sha256(&plugins.echo());
    let size = fs::metadata(plugins.echo()).expect("it is there").len();
    let expect = json!({
        "approved": [{
            "library": plugins.echo().display().to_string(),
            "lock": plugins.lock().display().to_string(),
            "sha256": digest, "before": null, "size": size, "plugins": {"echo": "0.1.0"},
        }],
        "not_approved": [library(plugins.folder.path(), "countdown").display().to_string()],
    });
    assert_eq!(data(&output), expect);
    schema::check("plugin-trust", &data(&output));
    let lock = fs::read_to_string(plugins.lock()).expect("it is there");
    for told in [format!("sha256 = \"{digest}\""), format!("size = {size}")] {
        assert!(lock.contains(&told), "{lock}");
    }
}

#[test]
fn mistakes_change_nothing() {
    let plugins = Plugins::new();
    let output = plugins.env.run("plugin trust echo ecko no-such.so");
    output.assert_code(Exit::Load);
    output.assert_has(&["no plugin is called `ecko`", "did you mean `echo`?", "no-such.so"]);
    plugins.env.run("plugin trust").assert_code(Exit::Usage);
    let text = plugins.env.write("text.so", "no library");
    let line = format!("plugin trust {}", text.display());
    plugins.env.run(&line).assert_code(Exit::Load).assert_has(&["it is not a library"]);
    assert!(!plugins.lock().exists(), "nothing was written");
    let bystander = library(plugins.folder.path(), "text");
    fs::write(&bystander, "no library").expect("it can be written to");
    plugins.env.run("plugin trust --all").assert_code(Exit::Success).assert_has(&["left out: "]);
    plugins.env.run(LINE).assert_code(Exit::Success);
}

#[test]
fn a_key_is_demanded_of_each_library() {
    let plugins = Plugins::new();
    let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
    let public = plugins.env.write("us.pub", &keys.pk.to_box().expect("a key").to_string());
    let line = format!("plugin verify --key {}", public.display());
    let unsigned = plugins.env.run(&format!("{line} --format json"));
    unsigned.assert_code(Exit::Config);
    assert_eq!(data(&unsigned)["libraries"][0]["fault"]["reason"], "unsigned");
    sign(&keys, &plugins.echo());
    let one = plugins.env.run(&format!("{line} echo --format json"));
    one.assert_code(Exit::Success);
    assert_eq!(data(&one)["libraries"][0]["signed"], true);
    sign(&keys, &library(plugins.folder.path(), "countdown"));
    let text = plugins.env.run(&line);
    text.assert_code(Exit::Success);
    assert!(text.stdout.contains("  signed; in no lock file\n"), "{text}");
    // The key itself, instead of its file.
    let line = format!("plugin verify --key {} echo", keys.pk.to_base64());
    plugins.env.run(&line).assert_code(Exit::Success);
    plugins.change();
    let bad = plugins.env.run(&line);
    bad.assert_code(Exit::Config);
    assert!(bad.words().contains("it was not made for these bytes"), "{bad}");
    plugins
        .env
        .run("plugin verify --key rubbish echo")
        .assert_code(Exit::Usage)
        .assert_has(&["it is not a public key of minisign"]);
}

#[test]
fn a_configuration_demands_signatures_of_what_is_loaded() {
    let plugins = Plugins::new();
    let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
    plugins.env.write("ours.toml", &format!("signed-by = '{}'\n", keys.pk.to_base64()));
    let line = "--config ours.toml --dry-run echo";
    let check = format!("--config ours.toml plugin check {}", plugins.echo().display());
    let checked = |exit: Exit, told: &str| {
        let text = plugins.env.run(&check);
        text.assert_code(exit);
        assert!(text.stdout.contains(told), "{text}");
    };
    plugins.env.run(line).assert_code(Exit::Config).assert_has(&["it has no signature"]);
    checked(Exit::Config, "it has no signature");
    sign(&keys, &plugins.echo());
    plugins.env.run(line).assert_code(Exit::Success);
    checked(Exit::Success, "usable");
    plugins.change();
    plugins.env.run(line).assert_code(Exit::Config).assert_has(&["not made for these bytes"]);
    checked(Exit::Config, "is not valid");
    let doctor = plugins.env.run("--config ours.toml plugin doctor --format json");
    doctor.assert_code(Exit::Config);
    let findings = data(&doctor)["findings"].as_array().expect("a list").clone();
    let reasons: Vec<_> = findings.iter().map(|it| &it["reason"]).collect();
    assert_eq!(reasons, ["unsigned", "bad-signature"], "{doctor}");
}

#[test]
fn what_a_configuration_demands_is_demanded_by_verify_list_and_install_too() {
    let plugins = Plugins::new();
    let [ours, theirs] =
        [(); 2].map(|()| KeyPair::generate_unencrypted_keypair().expect("randomness"));
    plugins.env.write("ours.toml", &format!("signed-by = '{}'\n", ours.pk.to_base64()));
    let verified = |line: &str, exit: Exit| {
        let output =
            plugins.env.run(&format!("--config ours.toml plugin verify {line} --format json"));
        output.assert_code(exit);
        schema::check("plugin-verify", &data(&output));
        let libraries = data(&output)["libraries"].as_array().expect("a list").clone();
        libraries.iter().map(|it| it["fault"]["reason"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(verified("", Exit::Config), ["unsigned", "unsigned"]);
    let listed = data(&plugins.env.run("--config ours.toml plugin list --format json"));
    schema::check("plugin-list", &listed);
    assert_eq!(listed["plugins"], json!([]), "{listed:#}");
    let goal = plugins.env.home().join("goal");
    let install = |told: &str, exit: Exit| {
        let (from, to) = (plugins.echo(), goal.display());
        let line =
            format!("--config ours.toml plugin install {} --dir {to} --force", from.display());
        plugins.env.run(&line).assert_code(exit).assert_has(&[told]);
    };
    install("it has no signature", Exit::Config);
    assert!(!goal.exists(), "nothing was made");

    let countdown = library(plugins.folder.path(), "countdown");
    for library in [&plugins.echo(), &countdown] {
        sign(&ours, library);
    }
    assert_eq!(verified("", Exit::Success), [Value::Null, Value::Null]);
    install("", Exit::Success);
    // A key on the line is demanded besides: it takes no other's word for it.
    let key = format!("--key {} echo", theirs.pk.to_base64());
    assert_eq!(verified(&key, Exit::Config), ["bad-signature"]);
    sign(&theirs, &plugins.echo());
    assert_eq!(verified(&key, Exit::Config), ["bad-signature"]);
    install("it was made with another key", Exit::Config);
}

#[test]
fn an_embedder_demands_signatures_of_what_is_loaded() {
    let plugins = Plugins::new();
    let keys = KeyPair::generate_unencrypted_keypair().expect("randomness");
    let prepare = || {
        let key = keys.pk.to_base64().parse().expect("a key");
        let host = Host::builder("acme").plugin_dir(plugins.folder.path()).signed_by(key).build();
        host.prepare(vec!["echo".into()], Rendering::default())
    };
    let failures = prepare().expect_err("it is not signed");
    assert_eq!(failures.exit(), Exit::Config);
    let failure = &failures.as_slice()[0];
    assert!(failure.causes[0].contains("it has no signature"), "{failure:?}");
    assert_eq!(failure.hints.len(), 1, "{failure:?}");
    sign(&keys, &plugins.echo());
    assert!(matches!(prepare(), Ok(Preparation::Ready(_))));
    plugins.change();
    let failures = prepare().expect_err("it is another");
    assert!(failures.as_slice()[0].causes[0].contains("not made for these bytes"), "{failures:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn two_hosts_of_one_process_share_a_locked_library() {
    let plugins = Plugins::locked();
    // Bytes that nothing else in this process has loaded.
    let own = Forge::echo().descriptor(|it| it["plugins"][0]["summary"] = "Share me".into());
    own.write(plugins.folder.path(), "echo");
    plugins.env.run("plugin trust echo").assert_code(Exit::Success);
    let mapped = || {
        let maps = fs::read_to_string("/proc/self/maps").expect("a line a mapping");
        let ours = maps.lines().filter(|line| line.contains("/memfd:libecho.so"));
        let inodes = ours.filter_map(|line| line.split_whitespace().nth(4));
        inodes.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let before = mapped();
    for _ in 0..2 {
        let host = Host::builder("acme").plugin_dir(plugins.folder.path()).build();
        let prepared = host.prepare(vec!["echo".into()], Rendering::default());
        assert!(matches!(prepared, Ok(Preparation::Ready(_))));
    }
    assert_eq!(mapped().difference(&before).count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_locked_library_is_named_by_backtraces_and_maps() {
    let folder = TempDir::new().expect("a temporary folder");
    copy(&library(&fixtures(), "fixtures"), folder.path(), "fixtures");
    let env = TestEnv::without_plugins().plugin_dir(folder.path().to_owned());
    let env = env.env("RUST_BACKTRACE", "1");
    let frames = |output: &Output| {
        let frames = output.stderr.lines().filter(|line| line.trim_start().starts_with("at "));
        frames.map(str::to_owned).collect::<Vec<_>>()
    };
    let line = "fault --at run --how panic";
    let free = frames(env.run(line).assert_code(Exit::Plugin));
    assert!(free.iter().any(|it| it.contains("faults.rs:")), "{free:?}");
    env.run("plugin trust --all").assert_code(Exit::Success);
    assert_eq!(frames(env.run(line).assert_code(Exit::Plugin)), free);

    let mut process = env.spawn("probe --task 20s");
    process.wait_for_line("probe: task");
    let maps = fs::read_to_string(format!("/proc/{}/maps", process.id())).expect("it runs");
    let code = maps.lines().find(|it| it.contains("r-xp") && it.contains("libfixtures.so"));
    assert!(code.is_some_and(|it| it.contains("/memfd:libfixtures.so")), "{maps}");
}
