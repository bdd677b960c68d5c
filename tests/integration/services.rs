//! Every host service answers where the host's runtime is unknown: on a plain thread of the plugin's,
//! and on a tokio runtime of its own.

use lifespan::Exit;

use crate::artifacts::{host, library};
use crate::env::TestEnv;
use crate::nested::copy;

const SERVICES: [&str; 11] = [
    "sleep",
    "interval",
    "timeout",
    "spawn",
    "spawn_blocking",
    "publish",
    "subscribe",
    "get",
    "log",
    "request_shutdown",
    "shutdown",
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
    let output = world.plugin_dir(folder).run(plugin);
    output.assert_code(Exit::Success);
    let lines: Vec<_> =
        SERVICES.iter().chain(more).map(|it| format!("{place}: {it} answers")).collect();
    output.assert_has(&lines.iter().map(String::as_str).collect::<Vec<_>>());
}
