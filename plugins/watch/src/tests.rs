//! The lifespan with real files; its runtime is its own, so time is that of all.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use lifespan_plugin_api::bus::{Messages, Updates};
use lifespan_plugin_api::testing::{self, Call, Fault, Tester};
use tempfile::TempDir;

use super::*;
use crate::sight::Kind;

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
        // The second is told of after the first was looked at.
        for _ in 0..2 {
            pipe(&new);
            fs::rename(&new, &file)?;
            assert!(changes.recv().await.is_some());
        }
        fs::write(&new, "two")?;
        fs::rename(&new, &file)?;
        assert_eq!(values.recv().await.as_deref(), Some("two"));
        Ok(())
    });
    ended.assert_ok();
    assert!(ended.logged("its last value stays: it is no regular file"), "{ended}");
}

/// Waits for a value.
async fn becomes(values: &mut Updates<String>, expected: &str) -> Result<()> {
    while *values.recv().await.context("it has ended")? != *expected {}
    Ok(())
}

/// The changes from now on.
fn changes(test: &Tester) -> Result<Messages<Encoded<Change>>> {
    Ok(test.topic::<Encoded<Change>>("watch/changes")?.messages())
}

/// Waits for a change of that path.
async fn changed(changes: &mut Messages<Encoded<Change>>, path: &Path) -> Result<Kind> {
    loop {
        let change = changes.recv().await.context("it has ended")?.decode()?;
        if Path::new(&change.path) == path {
            return Ok(change.change);
        }
    }
}

#[test]
fn a_folder_that_is_made_again_at_once_is_watched_on() {
    let folder = TempDir::new().unwrap();
    let (within, file) = (folder.path().join("in"), folder.path().join("in/file"));
    fs::create_dir(&within).unwrap();
    fs::write(&file, "0").unwrap();
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut values = test.topic::<String>("watch/value")?.updates();
        for n in 0..10 {
            becomes(&mut values, &n.to_string()).await?;
            fs::remove_dir_all(&within)?;
            // The system is free to take the same number for the new one.
            fs::create_dir(&within)?;
            fs::write(&file, (n + 1).to_string())?;
        }
        Ok(())
    });
    ended.assert_ok();
}

#[cfg(unix)]
#[test]
fn a_link_that_no_longer_leads_into_a_folder_leaves_that_watched() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("top/part")).unwrap();
    fs::create_dir(at("other")).unwrap();
    std::os::unix::fs::symlink("top/part", at("link")).unwrap();
    std::os::unix::fs::symlink("other", at("new")).unwrap();
    let args = [Path::new("--recursive"), &at("top"), &at("link")];
    let ended = testing::plugin::<watch>().args(args).run_with(async |test| {
        let mut changes = changes(&test)?;
        fs::write(at("top/part/one"), "")?;
        assert_eq!(changed(&mut changes, &at("link/one")).await?, Kind::Created);
        fs::rename(at("new"), at("link"))?;
        assert_eq!(changed(&mut changes, &at("link/one")).await?, Kind::Removed);
        fs::write(at("top/part/two"), "")?;
        assert_eq!(changed(&mut changes, &at("top/part/two")).await?, Kind::Created);
        fs::write(at("other/three"), "")?;
        assert_eq!(changed(&mut changes, &at("link/three")).await?, Kind::Created);
        Ok(())
    });
    ended.assert_ok();
}

#[cfg(unix)]
#[test]
fn a_link_may_lead_to_another_part_of_what_is_watched() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("top/a")).unwrap();
    fs::create_dir(at("top/b")).unwrap();
    fs::write(at("top/b/old"), "").unwrap();
    std::os::unix::fs::symlink("top/a", at("link")).unwrap();
    std::os::unix::fs::symlink("top/b", at("new")).unwrap();
    let args = [Path::new("--recursive"), &at("top"), &at("link")];
    let ended = testing::plugin::<watch>().args(args).run_with(async |test| {
        let mut changes = changes(&test)?;
        fs::rename(at("new"), at("link"))?;
        assert_eq!(changed(&mut changes, &at("link/old")).await?, Kind::Created);
        Ok(())
    });
    ended.assert_ok();
}

#[cfg(unix)]
#[test]
fn a_link_among_the_folders_may_lead_elsewhere() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for version in ["v1", "v2"] {
        fs::create_dir_all(at(version).join("deep")).unwrap();
        fs::write(at(version).join("deep/file"), version).unwrap();
    }
    std::os::unix::fs::symlink("v1", at("current")).unwrap();
    std::os::unix::fs::symlink("v2", at("new")).unwrap();
    let file = at("v1/../current/deep/file");
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut values = test.topic::<String>("watch/value")?.updates();
        assert_eq!(values.recv().await.as_deref(), Some("v1"));
        fs::rename(at("new"), at("current"))?;
        assert_eq!(values.recv().await.as_deref(), Some("v2"));
        fs::write(at("next"), "v2.1")?;
        fs::rename(at("next"), at("v2/deep/file"))?;
        assert_eq!(values.recv().await.as_deref(), Some("v2.1"));
        Ok(())
    });
    ended.assert_ok();
}

#[test]
fn what_cannot_be_watched_is_tried_again_and_told_once() {
    let folder = TempDir::new().unwrap();
    let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/inner"));
    let file = inner.join("file");
    fs::create_dir_all(&inner).unwrap();
    fs::write(&file, "one").unwrap();
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut values = test.topic::<String>("watch/value")?.updates();
        assert_eq!(values.recv().await.as_deref(), Some("one"));
        let mut changes = changes(&test)?;
        fs::remove_dir_all(&outer)?;
        fs::write(&outer, "a file, in which there is none")?;
        assert_eq!(changed(&mut changes, &file).await?, Kind::Removed);
        // Of this nobody is told.
        fs::remove_file(&outer)?;
        fs::create_dir_all(&inner)?;
        fs::write(&file, "two")?;
        becomes(&mut values, "two").await?;
        fs::write(&file, "three")?;
        becomes(&mut values, "three").await?;
        Ok(())
    });
    ended.assert_ok();
    let told = ended.log_lines().iter().filter(|line| line.contains("it is tried again")).count();
    assert_eq!(told, 1, "{ended}");
    assert!(ended.logged("all is watched again"), "{ended}");
}

#[test]
fn a_long_debounce_is_long() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "one").unwrap();
    let ended = testing::plugin::<watch>().args(text(&file)).run_with(async |test| {
        let mut watcher = Watcher::new()?;
        watcher.follow(Sight::new(vec![file.clone()], false)?.scope()?)?;
        watcher.tell();
        let settled = watcher.settled(&test, Duration::MAX);
        assert!(test.timeout(Duration::from_millis(1), settled).await.is_err());
        Ok(())
    });
    ended.assert_ok();
}
