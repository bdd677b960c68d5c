//! Old and new ABI, as host and as plugin, in all four pairs.
//!
//! Old is this workspace. New is a copy of it in the target folder, whose ABI has one version, one
//! field and two methods more, all appended as `plugin-api/ABI.md` allows. The copy is made by
//! [`next`](crate::next) and built once; what is tested is what each pair does.

use lifespan::Exit;
use lifespan::abi::ABI_VERSION;
use tempfile::TempDir;

use crate::artifacts::{bundled, library};
use crate::env::{Output, TestEnv};
use crate::forge::Forge;
use crate::nested::copy;
use crate::next::{Next, next, next_version};

const COUNT: &str = "countdown --from 2 --sleep 20ms";

#[test]
fn an_old_plugin_runs_in_an_old_host() {
    let output = TestEnv::without_plugins().plugin_dir(bundled()).run(&format!("-vv {COUNT}"));
    counted(&output);
    output
        .assert_has(&["libcountdown.so` is identical with the host's"])
        .assert_has_not(&["greeting:", "mood:"]);
}

#[test]
fn an_old_plugin_runs_in_a_new_host() {
    let Next { host, .. } = next();
    let world = TestEnv::without_plugins().host(host).plugin_dir(bundled());
    let output = world.run(&format!("-vv {COUNT}"));
    counted(&output);
    // The field that it lacks is missing, the method that it lacks runs its default body.
    output.assert_has(&[
        "is compatible with the host's",
        "greeting: None",
        "mood: as it always was",
    ]);
}

#[test]
fn a_new_plugin_is_refused_by_an_old_host() {
    let Next { plugins, .. } = next();
    let output = TestEnv::without_plugins().plugin_dir(plugins).run(COUNT);
    refused(&output);
}

#[test]
fn a_new_plugin_that_claims_to_be_old_is_refused_by_its_layout() {
    let Next { plugins, .. } = next();
    let folder = TempDir::new().expect("a temporary folder");
    Forge::of(&library(&plugins, "countdown"))
        .descriptor(|it| it["abi"] = ABI_VERSION.into())
        .write(folder.path(), "countdown");
    let output = TestEnv::without_plugins().plugin_dir(folder.path().to_owned()).run(COUNT);
    refused(&output);
    output.assert_has(&["does not fit this host"]);
}

#[test]
fn a_new_plugin_uses_all_of_a_new_host() {
    let Next { host, plugins } = next();
    let output =
        TestEnv::without_plugins().host(host).plugin_dir(plugins).run(&format!("{COUNT} fan"));
    counted(&output);
    output.assert_has(&[
        r#"greeting: Some("hello from a new library")"#,
        "mood: as new",
        "applause: the host claps",
    ]);
}

#[test]
fn an_old_and_a_new_plugin_talk_in_a_new_host() {
    let Next { host, plugins } = next();
    let folder = TempDir::new().expect("a temporary folder");
    copy(&library(&plugins, "countdown"), folder.path(), "countdown");
    copy(&library(&bundled(), "echo"), folder.path(), "echo");
    let world = TestEnv::without_plugins().host(host).plugin_dir(folder.path().to_owned());
    let output = world.run(&format!("--until countdown {COUNT} echo --immediately"));
    counted(&output);
    output.assert_has(&["mood: as it always was", "mood: as new", "Countdown currently at 1"]);
}

#[track_caller]
fn counted(output: &Output) {
    output.assert_code(Exit::Success).assert_in_order(&["Counting down… 2", "Counting down… 1"]);
}

#[track_caller]
fn refused(output: &Output) {
    let new = next_version();
    let reason =
        format!("it was built against ABI {new}, which this host (ABI {ABI_VERSION}) cannot serve");
    output.assert_code(Exit::Load).assert_has(&[&reason]).assert_has_not(&["Counting down"]);
}
