//! What users want of the bundled plugins together: watch a file, make a value of it, serve it live.

use std::fs;
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;

use crate::artifacts::scratch;
use crate::browser::Browser;
use crate::client::{Events, address};
use crate::env::{Process, TestEnv};

/// How many changes are measured.
const CHANGES: usize = 11;

/// From a change of the file until it is seen, at the median.
const LIMIT: Duration = Duration::from_millis(300);

/// The value of the file in the page: JavaScript.
const SEEN: &str = "document.querySelector('[data-topic=\"watch/value\"] .value')?.textContent";

/// A file that is watched and served.
fn serving(env: &TestEnv) -> Process {
    env.write("score.json", "0");
    env.spawn("watch score.json --as json http --port 0")
}

/// Changes the file as editors do: another one takes its place.
fn change(env: &TestEnv, score: usize) -> Instant {
    let new = env.write("score.json~", &score.to_string());
    let begun = Instant::now();
    fs::rename(new, env.home().join("score.json")).expect("a file of ours can be renamed");
    begun
}

#[track_caller]
fn assert_median(mut times: Vec<Duration>) {
    times.sort();
    assert_eq!(times.len(), CHANGES);
    assert!(times[CHANGES / 2] <= LIMIT, "{times:?}");
}

#[test]
fn a_change_of_a_file_is_soon_in_the_stream() {
    let env = TestEnv::new();
    let mut process = serving(&env);
    let server = address(&mut process);
    let mut events = Events::of(server, "/events/watch/value");
    assert_eq!(events.value("watch/value"), 0);
    let times = (1..=CHANGES).map(|score| {
        let begun = change(&env, score);
        assert_eq!(events.value("watch/value"), score);
        begun.elapsed()
    });
    assert_median(times.collect());
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
}

#[test]
fn a_change_of_a_file_is_soon_on_the_page() {
    let Some(mut browser) = Browser::start() else { return };
    let env = TestEnv::new();
    let mut process = serving(&env);
    let server = address(&mut process);
    browser.open(&format!("http://{server}/"));
    browser.wait_until(&format!("{SEEN} === '0'"));
    let times = (1..=CHANGES).map(|score| {
        let waiting = browser.begin_to_wait(&format!("{SEEN} === '{score}'"));
        let begun = change(&env, score);
        browser.answer(waiting);
        begun.elapsed()
    });
    assert_median(times.collect());
    browser.wait_until("document.getElementById('status').textContent === 'Live'");
    let topics = "[...document.querySelectorAll('tbody tr')].map(row => row.dataset.topic).join()";
    assert_eq!(browser.evaluate(topics), "http/address,watch/changes,watch/value");
    let artefacts = scratch("artefacts");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.screenshot(&artefacts.join(format!("live-page-{scheme}.png")));
    }
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success);
    browser.wait_until("document.getElementById('status').textContent.includes('has ended')");
}
