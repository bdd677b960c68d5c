//! The bundled plugin `watch`: what it says of files that change in all the ways in which they do.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;

use lifespan::Exit;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::{Events, address, get};
use crate::env::{Process, TestEnv};

/// `watch` with those words, and a client that hears what it publishes.
fn watching(env: &TestEnv, words: &str) -> (Process, SocketAddr, Events) {
    let mut process = env.spawn(&format!("watch {words} --then http --port 0"));
    let server = address(&mut process);
    let mut events = Events::of(server, "/events");
    // What was there before comes first, in no order.
    let topics = get(server, "/topics").json();
    let names = topics.as_array().into_iter().flatten().filter_map(|topic| topic["name"].as_str());
    for _ in names.filter(|name| get(server, &format!("/topics/{name}")).status == 200) {
        events.next();
    }
    (process, server, events)
}

/// The next change.
fn change(events: &mut Events) -> (String, String) {
    let mut value = events.value("watch/changes");
    let mut text = |key: &str| match value[key].take() {
        Value::String(text) => text,
        other => panic!("{key}: {other}"),
    };
    (text("path"), text("change"))
}

#[track_caller]
fn assert_change(events: &mut Events, path: &str, kind: &str) {
    assert_eq!(change(events), (path.to_owned(), kind.to_owned()));
}

fn stop(process: Process) {
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success).assert_has_not(&["WARN"]);
}

#[test]
fn a_file_is_a_value_however_it_is_written() {
    let env = TestEnv::new();
    let file = env.write("file", "one");
    let (process, server, mut events) = watching(&env, "./file --as text");
    assert_eq!(get(server, "/topics/watch/value").json(), "one");
    env.write("file", "two");
    assert_change(&mut events, "./file", "modified");
    assert_eq!(events.value("watch/value"), "two");
    // As editors do it.
    let new = env.write(".file.new", "three");
    fs::rename(new, &file).unwrap();
    assert_change(&mut events, "./file", "modified");
    assert_eq!(events.value("watch/value"), "three");
    // As other editors do it.
    fs::rename(&file, env.home().join("file~")).unwrap();
    env.write("file", "four");
    assert_change(&mut events, "./file", "modified");
    assert_eq!(events.value("watch/value"), "four");
    fs::remove_file(&file).unwrap();
    assert_change(&mut events, "./file", "removed");
    assert_eq!(get(server, "/topics/watch/value").json(), "four", "the last value stays");
    env.write("file", "five");
    assert_change(&mut events, "./file", "created");
    assert_eq!(events.value("watch/value"), "five");
    stop(process);
}

#[test]
fn a_file_may_come_later() {
    let env = TestEnv::new();
    let (process, server, mut events) = watching(&env, "data.json --as json --value-topic data");
    get(server, "/topics/data").assert(204);
    env.write("data.json", "{\"score\": [15, 40]}");
    assert_change(&mut events, "data.json", "created");
    assert_eq!(events.value("data"), json!({ "score": [15, 40] }));
    stop(process);
}

#[test]
fn what_is_no_value_is_told_and_the_last_value_stays() {
    let env = TestEnv::new();
    env.write("data.json", "1");
    let (mut process, server, mut events) = watching(&env, "data.json --as json");
    env.write("data.json", "{\"score\": ");
    process.wait_for_line("WARN watch: `data.json` is no JSON, its last value stays: EOF");
    assert_eq!(get(server, "/topics/watch/value").json(), 1);
    env.write("data.json", "2");
    assert_eq!(events.value("watch/value"), 2);
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
}

#[test]
fn bytes_are_what_they_are() {
    let env = TestEnv::new();
    fs::write(env.home().join("raw"), [0, 255]).unwrap();
    let (process, server, _) = watching(&env, "raw --as bytes");
    let value = get(server, "/topics/watch/value");
    assert_eq!(value.assert(200).json(), json!([0, 255]), "{value:?}");
    stop(process);
}

#[test]
fn changes_at_once_are_one() {
    let env = TestEnv::new();
    env.write("file", "");
    let (process, _, mut events) = watching(&env, "file --debounce 500ms --as text --topic news");
    for n in 0..20 {
        env.write("file", &n.to_string());
    }
    assert_eq!(events.message("news")["sequence"], 0);
    assert_eq!(events.value("watch/value"), "19");
    env.write("file", "end");
    assert_eq!(events.message("news")["sequence"], 1);
    assert_eq!(events.value("watch/value"), "end");
    stop(process);
}

#[test]
fn of_a_folder_all_that_is_in_it_is_told() {
    let env = TestEnv::new();
    fs::create_dir_all(env.home().join("folder/below")).unwrap();
    env.write("folder/old", "");
    let (process, _, mut events) = watching(&env, "folder");
    env.write("folder/below/deep", "");
    env.write("folder/new", "");
    assert_change(&mut events, "folder/new", "created");
    env.write("folder/old", "changed");
    assert_change(&mut events, "folder/old", "modified");
    fs::rename(env.home().join("folder/old"), env.home().join("folder/older")).unwrap();
    assert_change(&mut events, "folder/old", "removed");
    assert_change(&mut events, "folder/older", "created");
    stop(process);
}

#[test]
fn of_a_folder_all_that_is_below_it_is_told_if_that_is_asked_for() {
    let env = TestEnv::new();
    fs::create_dir(env.home().join("folder")).unwrap();
    let (process, _, mut events) = watching(&env, "folder --recursive");
    fs::create_dir_all(env.home().join("elsewhere/a")).unwrap();
    env.write("elsewhere/a/file", "");
    fs::rename(env.home().join("elsewhere"), env.home().join("folder/here")).unwrap();
    for path in ["folder/here", "folder/here/a", "folder/here/a/file"] {
        assert_change(&mut events, path, "created");
    }
    env.write("folder/here/a/file", "changed");
    assert_change(&mut events, "folder/here/a/file", "modified");
    stop(process);
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let env = TestEnv::new();
    let at = |name: &str| env.home().join(name);
    for version in ["v1", "v2"] {
        fs::create_dir(at(version)).unwrap();
        env.write(&format!("{version}/file"), version);
    }
    symlink("v1", at("current")).unwrap();
    symlink("current/file", at("file")).unwrap();
    let (process, server, mut events) = watching(&env, "file --as text");
    assert_eq!(get(server, "/topics/watch/value").json(), "v1");
    symlink("v2", at("next")).unwrap();
    fs::rename(at("next"), at("current")).unwrap();
    assert_eq!(events.value("watch/value"), "v2");
    env.write("v2/file", "changed");
    assert_eq!(events.value("watch/value"), "changed");
    stop(process);
}

#[test]
fn a_folder_that_goes_and_comes_back_is_watched_again() {
    let env = TestEnv::new();
    let folder = env.home().join("folder");
    fs::create_dir(&folder).unwrap();
    env.write("folder/file", "one");
    let (mut process, _, mut events) = watching(&env, "folder/file --as text");
    fs::remove_dir_all(&folder).unwrap();
    assert_change(&mut events, "folder/file", "removed");
    process.wait_for_line("WARN watch: the folder `folder` is gone: it is watched again once");
    fs::create_dir(&folder).unwrap();
    env.write("folder/file", "two");
    assert_change(&mut events, "folder/file", "created");
    assert_eq!(events.value("watch/value"), "two");
    env.write("folder/file", "three");
    assert_eq!(events.value("watch/value"), "three");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
}

#[test]
fn what_cannot_be_watched_is_an_error_of_set_up() {
    let env = TestEnv::new();
    env.write("file", "");
    for (words, error) in [
        ("no/file", "watch: set-up: the folder `no` does not exist"),
        ("file/file", "watch: set-up: `file` is no folder"),
        ("file other --as text", "watch: set-up: `--as` is for one file, and there are 2"),
        (". --as text", "watch: set-up: `--as` is for a file, and `.` is a folder"),
        ("..", ""),
    ] {
        let output = env
            .run(&format!("--until countdown watch {words} --then countdown --from 1 --sleep 0"));
        if error.is_empty() {
            output.assert_code(Exit::Success);
        } else {
            output.assert_code(Exit::Plugin).assert_has(&[error]);
        }
    }
    for words in ["watch", "watch file --as fish", "watch file --value-topic a"] {
        env.run(words).assert_code(Exit::Usage);
    }
}
