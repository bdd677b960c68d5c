//! Every host service answers where the host's runtime is unknown: on a plain thread of the plugin's,
//! and on a tokio runtime of its own.

use lifespan::Exit;

use crate::artifacts::{host, library};
use crate::env::TestEnv;
use crate::nested::copy;

/// What each place says of each service.
const SERVICES: [&str; 25] = [
    "generation",
    "sleep",
    "interval",
    "timeout",
    "spawn",
    "spawn_blocking",
    "report",
    "publish",
    "subscribe",
    "lossy",
    "get",
    "a publish that waits",
    "updates with a timeout",
    "updates at most so often",
    "notify",
    "updates_by",
    "messages_of",
    "lossy_messages_of",
    "updates_of",
    "claim",
    "close",
    "log",
    "request_shutdown",
    "shutdown",
    "shutdown_begun",
];

#[test]
fn from_a_plain_thread() {
    all_answer("from-thread", "thread", &[]);
}

#[test]
fn from_a_runtime_of_its_own() {
    all_answer("from-runtime", "runtime", &["beside tokio"]);
}

fn all_answer(plugin: &str, place: &str, more: &[&str]) {
    let world = TestEnv::without_plugins();
    copy(&library(host().parent().expect("a folder"), "services"), world.home(), "services");
    let folder = world.home().to_owned();
    let output = world.plugin_dir(folder).run(&format!("partner {plugin}"));
    let lines: Vec<_> =
        SERVICES.iter().chain(more).map(|it| format!("{place}: {it} answer")).collect();
    output.assert_has(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    // The panic that was reported, and nothing else.
    output.assert_code(Exit::Plugin).assert_has(&["one panic, on purpose"]);
    let errors = output.stderr.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{output}");
}
