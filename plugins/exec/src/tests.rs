//! The lifespan with real commands; its runtime is its own, so time is that of all.

use lifespan_plugin_api::testing::{self, Call, Fault};

use super::*;

/// A command of the shell.
fn shell(script: &str) -> [&str; 3] {
    ["sh", "-c", script]
}

#[test]
fn what_a_command_writes_is_published() {
    let ended = testing::run::<exec>(shell("echo one; echo two; echo three >&2"));
    ended.assert_ok();
    assert_eq!(ended.published::<String>("exec/stdout"), ["one", "two"]);
    assert_eq!(ended.published::<String>("exec/stderr"), ["three"]);
    assert_eq!(ended.published::<i32>("exec/status"), [0]);
    assert!(ended.logged("`sh` ended"), "{ended}");
}

#[test]
fn an_instance_has_topics_of_its_own() {
    let ended = testing::plugin::<exec>().named("one").args(["--stderr", "errors"]);
    let ended = ended.args(shell("echo fish; echo bones >&2")).run();
    ended.assert_ok();
    assert_eq!(ended.published::<String>("exec/one/stdout"), ["fish"]);
    assert_eq!(ended.published::<String>("errors"), ["bones"]);
}

#[test]
fn a_command_that_fails_is_a_failure_unless_it_may() {
    let ended = testing::run::<exec>(shell("exit 3"));
    ended.assert_fails("`sh` failed: exit status: 3");
    ended.assert_fails("`--may-fail` before the command accepts that");
    assert_eq!(ended.published::<i32>("exec/status"), [3]);
    testing::plugin::<exec>().args(["--may-fail"]).args(shell("exit 3")).run().assert_ok();
    testing::run::<exec>(["/no/such/program"]).assert_fails("cannot run `/no/such/program`");
}

#[test]
fn a_command_is_fed_until_the_end() {
    let ended =
        testing::plugin::<exec>().args(["--stdin", "words", "cat"]).run_with(async |test| {
            let mut lines = test.topic::<String>("exec/stdout")?.messages();
            let words = test.topic::<String>("words")?;
            for word in ["salt", "water"] {
                words.publish(word.to_owned()).await?;
                assert_eq!(lines.recv().await.as_deref(), Some(word));
            }
            Ok(())
        });
    ended.assert_ok();
    assert_eq!(ended.published::<String>("exec/stdout"), ["salt", "water"]);
}

#[test]
fn what_cannot_be_published_ends_it_with_its_command() {
    let ended = testing::plugin::<exec>()
        .args(shell("echo one; echo two; sleep 1000"))
        .fails(Call::Publish, 2, Fault::Stuck)
        .run();
    ended.assert_fails("waiting cannot help");
    assert_eq!(ended.published::<String>("exec/stdout"), ["one"]);
}
