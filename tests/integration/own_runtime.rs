//! Plugins whose instances have a tokio runtime of their own: all of tokio works in all phases, what
//! fails or blocks there is the instance's alone, and nothing is left when it is over.

use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;

use crate::artifacts::{clients, host, own_runtime};
use crate::env::{Output, Process, TestEnv};

fn env() -> TestEnv {
    TestEnv::new().plugin_dir(own_runtime())
}

#[test]
fn all_of_tokio_works_in_every_phase_and_in_every_drop() {
    env().run("thorough").assert_code(Exit::Success).assert_told(&[
        "thorough: set-up",
        "thorough: task",
        "thorough: in the task dropped",
        "thorough: Finished",
        "thorough: local dropped",
        "thorough: spawned dropped",
    ]);
}

#[test]
fn clients_of_the_web_and_of_databases_work_as_their_documents_say() {
    let env = TestEnv::new().plugin_dir(clients());
    let output = env.run("--until keeper http --port 0 keeper --file answers.sqlite");
    output.assert_code(Exit::Success);
    output.assert_in_order(&["keeper: 2 times \"http://127.0.0.1:", "keeper: closed"]);
    let database = std::fs::read(env.home().join("answers.sqlite")).expect("a database");
    assert!(database.starts_with(b"SQLite format 3\0"));
    assert!(database.windows(7).any(|it| it == b"the end"), "tear-down has written to it");
}

#[test]
fn what_it_logs_is_the_instances() {
    let output = env().run("thorough@left thorough");
    for (instance, told) in [("thorough@left", 6), ("thorough", 6)] {
        let line = format!(" INFO {instance}: own_runtime::using: >> {instance}: ");
        assert_eq!(output.stderr.matches(&line).count(), told, "{line}\n{output}");
    }
}

#[test]
fn a_task_is_cancelled_within_the_runtime() {
    let env = env();
    let mut process = env.spawn("-v thorough --wait");
    process.wait_for_line("thorough: task");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success).assert_in_order(&[
        "thorough: in the task dropped",
        "Task for 'thorough' cancelled",
        "thorough: Cancelled",
        "thorough: local dropped",
        "thorough: spawned dropped",
    ]);
}

#[test]
fn a_set_up_that_is_dropped_is_dropped_within_the_runtime() {
    let output = env().run("--setup-timeout 500ms probe thorough --hang");
    output.assert_code(Exit::Plugin).assert_told(&[
        "probe: set-up",
        "thorough: set-up",
        "thorough: local dropped",
        "probe: tear-down, cancelled",
        "probe: gone",
    ]);
}

#[test]
fn it_talks_over_the_bus_with_those_that_have_none() {
    let output = env().run("ask answer");
    output.assert_code(Exit::Success).assert_told(&["ask: the answers are 2001000"]);
    let line = "countdown --from 2 --sleep 10ms echo ask@one --times 100 answer";
    let output = env().run(&format!("--until countdown --until ask@one {line}"));
    output.assert_code(Exit::Success).assert_has(&["ask@one: the answers are 5050"]);
    output.assert_has(&["Finished counting down"]);
}

#[test]
fn a_panic_is_told_with_instance_phase_and_place() {
    for (at, phase) in [("setup", "set-up"), ("run", "task"), ("teardown", "tear-down")] {
        let env = env();
        let mut process = env.spawn(&format!("rt-fault@one --at {at} --how panic"));
        if at == "teardown" {
            process.wait_for_line("rt-fault@one: task");
            process.signal(Signal::TERM);
        }
        let output = process.wait();
        output.assert_code(Exit::Plugin);
        let error = format!("error: rt-fault@one: {phase}: panicked at ");
        output.assert_has(&[&error, "faults.rs:", "fault at "]);
    }
}

#[test]
fn a_panic_in_the_drop_of_the_task_is_told_and_cancelled_it_is() {
    let env = env();
    let mut process = env.spawn("rt-fault --at drop --how panic");
    process.wait_for_line("rt-fault: task");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Plugin).assert_told(&[
        "rt-fault: task",
        "rt-fault: tear-down, true",
        "rt-fault: gone",
    ]);
    output.assert_has(&["fault at Drop", "error: rt-fault: dropping the task: "]);
}

#[test]
fn a_panic_of_a_task_of_tokios_is_a_join_error_and_is_logged() {
    let env = env();
    let mut process = env.spawn("rt-fault@one --at spawned --how panic");
    process.wait_for_line("rt-fault@one: joined: true");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Success);
    let lines = |line: &&str| line.contains("a thread panicked");
    let line = output.stderr.lines().find(lines).unwrap_or_default();
    for part in ["ERROR rt-fault@one: ", "panic=\"fault at Spawned\"", "faults.rs:"] {
        assert!(line.contains(part), "{part}\n{output}");
    }
}

#[test]
fn what_blocks_its_runtime_holds_up_nobody_else() {
    for at in ["run", "spawned", "drop"] {
        let env = env();
        let line = format!("--teardown-timeout 500ms rt-fault --at {at} --how block ask answer");
        let mut process = env.spawn(&line);
        process.wait_for_line("rt-fault: task");
        process.wait_for_line("ask: the answers are 2001000");
        let output = stopped(process);
        output
            .assert_code(Exit::Plugin)
            .assert_has(&["'rt-fault' blocks and cannot be cancelled", "`rt-fault` was abandoned"]);
    }
}

#[test]
fn what_blocks_in_set_up_or_tear_down_is_told_within_its_deadline() {
    let output = ended(|| {
        env().run("--setup-timeout 300ms --teardown-timeout 2s rt-fault --at setup --how block")
    });
    output.assert_code(Exit::Plugin).assert_has(&[
        "error: rt-fault: set-up: it did not finish within 300ms",
        "'rt-fault' leaves threads of its tokio runtime behind: 'rt-fault-1'",
    ]);
    let env = env();
    let mut process =
        env.spawn("--teardown-timeout 2s probe --task 0 rt-fault --at teardown --how block idler");
    process.wait_for_line("rt-fault: task");
    let output = stopped(process);
    output.assert_code(Exit::Plugin).assert_in_order(&[
        "rt-fault: tear-down: it did not finish in time (2s)",
        "'rt-fault' leaves threads of its tokio runtime behind: 'rt-fault-1'",
        "probe: gone",
    ]);
}

#[test]
fn a_thread_that_is_left_behind_is_named_and_not_waited_for() {
    let output = ended(|| env().run("probe --task 0 rt-fault@one --at left --how block"));
    output.assert_code(Exit::Success).assert_in_order(&[
        "rt-fault@one: gone",
        // Which of them took the job is tokio's affair.
        "'rt-fault@one' leaves threads of its tokio runtime behind: 'rt-fault@one-",
        "probe: gone",
    ]);
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_after_many_lifespans() {
    let folder = own_runtime();
    for folder in [folder.as_os_str(), "-".as_ref()] {
        let counts = counts(&[folder, "30".as_ref(), "litter".as_ref(), "litter".as_ref()]);
        // What the first run keeps for good (one signal pipe a copy of tokio) is there by then.
        assert_eq!(counts[5][..2], counts[29][..2], "{counts:?}");
        assert_eq!(counts[29][0], 1, "one thread is left: {counts:?}");
        // Children are killed; tokio waits for the last of them when it runs again.
        assert!(counts.iter().all(|counts| counts[2] <= 16), "{counts:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn it_works_where_it_is_linked_in() {
    let line = ["-", "30", "thorough", "ask", "--times", "20", "answer"];
    let counts = counts(&line.map(std::ffi::OsStr::new));
    assert_eq!(counts[5], counts[29], "{counts:?}");
}

/// The threads, descriptors and children after each run.
#[cfg(target_os = "linux")]
fn counts(words: &[&std::ffi::OsStr]) -> Vec<[usize; 3]> {
    let program = host().with_file_name("lifespans");
    let output = TestEnv::without_plugins().host(program).args(words);
    output.assert_code(Exit::Success);
    let lines = output.stdout.lines().map(|line| {
        let counts = line.split(' ').map(|count| count.parse().expect("a number"));
        counts.collect::<Vec<_>>().try_into().expect("three numbers")
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 30, "{output}");
    lines
}

fn stopped(process: Process) -> Output {
    process.signal(Signal::TERM);
    ended(|| process.wait())
}

/// The output of what must end within a few seconds, whatever blocks.
fn ended(run: impl FnOnce() -> Output) -> Output {
    let begun = Instant::now();
    let output = run();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}\n{output}", begun.elapsed());
    output
}
