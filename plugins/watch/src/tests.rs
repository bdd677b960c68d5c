//! The lifespan with real files; its runtime is its own, so time is that of all.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use lifespan_plugin_api::testing::{self, Call, Fault};
use tempfile::TempDir;

use super::*;

/// The words of a line that watches a file, and what it holds as a text.
fn text(file: &Path) -> [&str; 3] {
    [file.to_str().unwrap(), "--as", "text"]
}

#[test]
fn what_a_file_holds_is_published_from_the_begin_on() {
    let folder = TempDir::new().unwrap();
    let (file, new) = (folder.path().join("file"), folder.path().join("new"));
    fs::write(&file, "one").unwrap();
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut values = test.topic::<String>("watch/value")?.updates();
        assert_eq!(values.recv().await.as_deref(), Some("one"));
        fs::write(&new, "two")?;
        fs::rename(&new, &file)?;
        assert_eq!(values.recv().await.as_deref(), Some("two"));
        Ok(())
    });
    ended.assert_ok();
    assert_eq!(ended.published::<String>("watch/value"), ["one", "two"]);
    let path = serde_json::json!(file);
    let changes = ended.published_json("watch/changes");
    assert_eq!(changes, [format!("{{\"change\":\"modified\",\"path\":{path}}}")]);
}

#[test]
fn what_cannot_be_published_is_a_failure() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "one").unwrap();
    let ended =
        testing::plugin::<watch>().args(text(&file)).fails(Call::Publish, 1, Fault::Stuck).run();
    ended.assert_fails("waiting cannot help");
}

#[test]
fn only_one_file_is_a_value() {
    let ended = testing::run::<watch>(["a", "b", "--as", "json"]);
    ended.assert_fails("`--as` is for one file, and there are 2");
    ended.assert_fails("give each file an instance");
}

#[cfg(unix)]
fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
#[cfg(unix)]
fn a_pipe_is_no_value_and_nobody_waits_for_its_writer() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pipe");
    pipe(&file);
    let ended = testing::run::<watch>(text(&file));
    ended.assert_fails("is a pipe or a device");
    ended.assert_fails("`exec` publishes what a command says");
}

#[test]
#[cfg(unix)]
fn a_file_that_becomes_a_pipe_keeps_its_last_value() {
    let folder = TempDir::new().unwrap();
    let (file, new) = (folder.path().join("file"), folder.path().join("new"));
    fs::write(&file, "one").unwrap();
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut changes = test.topic::<Encoded<Change>>("watch/changes")?.updates();
        let mut values = test.topic::<String>("watch/value")?.updates();
        assert_eq!(values.recv().await.as_deref(), Some("one"));
        pipe(&new);
        fs::rename(&new, &file)?;
        assert!(changes.recv().await.is_some());
        fs::write(&new, "two")?;
        fs::rename(&new, &file)?;
        assert_eq!(values.recv().await.as_deref(), Some("two"));
        Ok(())
    });
    ended.assert_ok();
    assert!(ended.logged("its last value stays: it is no regular file"), "{ended}");
}
