//! The bundled plugin `exec`: what a command writes and reads, how it ends, and that nothing of it is
//! left.

use std::ffi::OsStr;
use std::thread;
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::{Pid, Signal, test_kill_process};

use crate::env::{Output, TestEnv};

/// Runs a script, with words before it, and shows what passes over the bus.
fn script(before: &str, script: &str) -> Output {
    let traced = ["--bus-trace", "**"];
    let words = traced.into_iter().chain(before.split_whitespace()).chain(["sh", "-c", script]);
    TestEnv::new().args(&words.map(OsStr::new).collect::<Vec<_>>())
}

/// What was published on a topic, as JSON.
fn published(output: &Output, topic: &str) -> Vec<String> {
    let messages = output.stdout.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line).expect("a trace is JSON, a line a message")
    });
    messages.filter(|it| it["topic"] == topic).map(|it| it["value"].to_string()).collect()
}

#[test]
fn lines_and_status_are_published() {
    let output = script("exec", r"echo one; echo two >&2; printf 'three\r\n\nfour'");
    output.assert_code(Exit::Success);
    let lines = ["\"one\"", "\"three\"", "\"\"", "\"four\""];
    assert_eq!(published(&output, "exec/stdout"), lines, "{output}");
    assert_eq!(published(&output, "exec/stderr"), ["\"two\""], "{output}");
    assert_eq!(published(&output, "exec/status"), ["0"], "{output}");
}

#[test]
fn topics_are_named_by_the_instance_or_by_options() {
    let line = "exec@a --stderr complaints --status end";
    let output = script(line, "echo one; echo two >&2");
    output.assert_code(Exit::Success);
    assert_eq!(published(&output, "exec/a/stdout"), ["\"one\""], "{output}");
    assert_eq!(published(&output, "complaints"), ["\"two\""], "{output}");
    assert_eq!(published(&output, "end"), ["0"], "{output}");
}

#[test]
fn much_output_is_not_lost() {
    let output = script("exec", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done");
    output.assert_code(Exit::Success);
    assert_eq!(published(&output, "exec/status"), ["0"]);
    let last = published(&output, "exec/stdout").last().cloned();
    assert_eq!(last.as_deref(), Some("\"5000\""));
}

#[test]
fn a_status_other_than_0_is_a_failure_unless_it_may_be() {
    let output = script("exec", "exit 3");
    output.assert_code(Exit::Plugin);
    output.assert_has(&["error: exec: task: `sh` failed: exit status: 3", "--may-fail"]);
    assert_eq!(published(&output, "exec/status"), ["3"], "{output}");
    let output = script("exec --may-fail", "kill -9 $$");
    output.assert_code(Exit::Success);
    assert_eq!(published(&output, "exec/status"), ["137"], "{output}");
}

#[test]
fn a_command_that_cannot_be_started_is_an_error_of_set_up() {
    TestEnv::new()
        .run("exec ./nowhere --then countdown")
        .assert_code(Exit::Plugin)
        .assert_has(&["error: exec: set-up: cannot run `./nowhere`", "No such file or directory"]);
    TestEnv::new().run("exec").assert_code(Exit::Usage).assert_has(&["<COMMAND>..."]);
}

#[test]
fn its_input_is_a_topic_and_is_read_to_its_end() {
    let env = TestEnv::new();
    let line = "--until countdown countdown --from 3 --sleep 1ms --then \
                exec@slow --stdin countdown sh -c";
    // Slower than the countdown: what waits at the end of the program is still written.
    let script = "while read n; do sleep 0.1; echo $n; done > read; echo end >> read";
    let words = line.split_whitespace().chain([script]).map(OsStr::new).collect::<Vec<_>>();
    env.args(&words).assert_code(Exit::Success);
    assert_eq!(env.read("read"), "3\n2\n1\nend\n");
}

#[test]
fn a_command_that_does_not_read_holds_up_nobody() {
    let line = "--until countdown countdown --from 3 --sleep 10ms --then exec --stdin countdown";
    script(line, "exec <&-").assert_code(Exit::Success).assert_has(&["Finished counting down"]);
}

#[test]
fn the_whole_group_ends_with_the_program() {
    for (trap, at_least) in [("", Duration::ZERO), ("trap '' TERM;", Duration::from_millis(300))] {
        let env = TestEnv::new();
        let script = format!("{trap} sleep 1000 & echo $! > child; echo $$ > leader; wait; wait");
        let words = ["exec", "--kill-after", "300ms", "sh", "-c", &script].map(OsStr::new);
        let mut process = env.spawn_args(&words);
        let ids = [id(&env, "leader"), id(&env, "child")];
        let begun = Instant::now();
        process.signal(Signal::TERM);
        process.wait_for_end();
        assert!(begun.elapsed() >= at_least, "it had no time to end");
        process.wait().assert_code(Exit::Success);
        for id in ids {
            assert!(over(id), "{id:?} goes on");
        }
    }
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    let env = TestEnv::new();
    let words = ["exec", "--kill-after", "200ms", "sh", "-c", "sleep 1000 & echo $! > child"];
    env.args(&words.map(OsStr::new)).assert_code(Exit::Success);
    assert!(over(id(&env, "child")));
}

/// The number that a script has written.
fn id(env: &TestEnv, name: &str) -> Pid {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = env.read(name);
        if text.ends_with('\n') {
            let id = text.trim().parse().ok().and_then(Pid::from_raw);
            return id.unwrap_or_else(|| panic!("{text:?} is no process"));
        }
        assert!(Instant::now() < end, "no `{name}` was written");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has ended. One that nobody has waited for has.
fn over(id: Pid) -> bool {
    let stat = format!("/proc/{}/stat", id.as_raw_nonzero());
    let zombie = std::fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") Z "));
    zombie || test_kill_process(id).is_err()
}
