//! How a run ends: by signals, by a request, by an instance's end; with deadlines, without waiting
//! for what blocks, and without losing what was published.

use std::fs;
use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;

use crate::env::TestEnv;
use crate::nested::skip;

/// Whether these tests were started by something like `nohup`, whose wish the host respects where it
/// can know of it, which is on Linux.
fn hang_ups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let ignored = ignored.is_some_and(|mask| mask & 1 == 1);
    if ignored {
        skip("SIGHUP", "it is ignored by whoever started these tests");
    }
    ignored
}

#[test]
fn each_signal_ends_a_run_in_order() {
    let hang_up = Some(Signal::HUP).filter(|_| !hang_ups_are_ignored());
    for signal in [Signal::INT, Signal::TERM].into_iter().chain(hang_up) {
        let env = TestEnv::new();
        let mut process = env.spawn("-v probe@a probe@b");
        process.wait_for_line("probe@a: task");
        process.wait_for_line("probe@b: task");
        process.signal(signal);
        let output = process.wait();
        output.assert_code(Exit::Success).assert_in_order(&[
            "Terminating… (SIG",
            "probe@b: tear-down, cancelled",
            "probe@b: gone",
            "probe@a: tear-down, cancelled",
            "probe@a: gone",
        ]);
    }
}

#[test]
fn a_signal_during_tear_down_changes_nothing_if_it_is_the_first() {
    let env = TestEnv::new();
    let mut process = env.spawn("probe@a --task 0 probe@b --task 0 --teardown 1s");
    process.wait_for_line("probe@b: tear-down");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Success).assert_in_order(&["probe@b: gone", "probe@a: gone"]);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let hang_up = (Signal::INT, Signal::HUP, Exit::Signal(1));
    let hang_up = Some(hang_up).filter(|_| !hang_ups_are_ignored());
    let others = [
        (Signal::TERM, Signal::TERM, Exit::Signal(15)),
        (Signal::TERM, Signal::INT, Exit::Signal(2)),
    ];
    for (first, second, code) in others.into_iter().chain(hang_up) {
        let env = TestEnv::new();
        let mut process =
            env.spawn("--teardown-timeout 1h --shutdown-timeout 1h probe probe@slow --teardown 1h");
        process.wait_for_line("probe@slow: task");
        process.signal(first);
        process.wait_for_line("probe@slow: tear-down");
        process.signal(second);
        let output = process.wait();
        output.assert_code(code);
        output.assert_has(&["`probe@slow` was abandoned", "`probe` was abandoned"]);
        output.assert_has_not(&["probe@slow: gone", "probe: tear-down"]);
    }
}

#[test]
fn a_second_signal_ends_a_set_up_that_blocks() {
    let env = TestEnv::new();
    let limits = "--setup-timeout 1h --teardown-timeout 1h --shutdown-timeout 1h";
    let mut process = env.spawn(&format!("-v {limits} fault --at setup --how block"));
    process.wait_for_line("fault: set-up");
    process.signal(Signal::TERM);
    process.wait_for_line("Terminating…");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Signal(15)).assert_has(&["`fault` was abandoned"]);
}

#[test]
fn a_second_signal_ends_a_grace_period() {
    let env = TestEnv::new();
    let mut process = env.spawn("--grace 1h --shutdown-timeout 1h leaver probe");
    process.wait_for_line("leaver: task");
    process.signal(Signal::TERM);
    process.wait_for_line("leaver: shutdown: SIGTERM");
    process.signal(Signal::INT);
    process.wait().assert_code(Exit::Signal(2)).assert_has(&["`leaver` was abandoned"]);
}

#[test]
fn an_instance_can_ask_for_the_end() {
    let output = TestEnv::new().run("-v probe ender --after 100ms");
    output.assert_code(Exit::Success).assert_in_order(&[
        "'ender' asked for it: enough",
        "ender: tear-down, cancelled",
        "probe: tear-down, cancelled",
        "probe: gone",
    ]);
}

#[test]
fn an_instance_can_ask_for_the_end_in_set_up() {
    let output = TestEnv::new().run("probe ender --in-setup --after 1h probe@late");
    output.assert_code(Exit::Success).assert_told(&[
        "probe: set-up",
        "probe: tear-down, cancelled",
        "probe: gone",
    ]);
}

#[test]
fn until_ends_the_run_with_that_instance() {
    let output = TestEnv::new().run("--until probe@short probe@long probe@short --task 200ms");
    output
        .assert_code(Exit::Success)
        .assert_in_order(&["probe@short: tear-down, finished", "probe@long: tear-down, cancelled"]);
}

#[test]
fn until_of_several_waits_for_all() {
    let line = "--until probe@a --until probe@b probe probe@a --task 0 probe@b --task 300ms";
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Success).assert_has(&[
        "probe@b: tear-down, finished",
        "probe@a: tear-down, finished",
        "probe: tear-down, cancelled",
    ]);
}

#[test]
fn until_one_that_is_done_in_set_up_ends_at_once() {
    let output = TestEnv::new().run("--until done done probe");
    output.assert_code(Exit::Success).assert_has(&["probe: tear-down, cancelled"]);
}

#[test]
fn until_an_unknown_instance_is_a_usage_error() {
    let output = TestEnv::new().run("--until nobody probe --task 0");
    output.assert_code(Exit::Usage).assert_told(&[]).assert_has(&["`nobody`", "probe"]);
}

#[test]
fn who_knows_of_the_shutdown_gets_the_grace_period() {
    let env = TestEnv::new();
    let mut process = env.spawn("leaver --after 300ms probe");
    process.wait_for_line("leaver: task");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success).assert_in_order(&[
        "leaver: shutdown: SIGTERM",
        "leaver: left",
        "probe: tear-down, cancelled",
        "leaver: tear-down, finished",
    ]);
}

#[test]
fn who_only_watches_for_the_shutdown_is_cancelled_at_once() {
    let env = TestEnv::new();
    let mut process = env.spawn("--grace 1h --shutdown-timeout 1h leaver --watch probe");
    process.wait_for_line("leaver: task");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Success).assert_has(&["leaver: tear-down, cancelled"]);
}

#[test]
fn who_ignores_the_shutdown_is_cancelled_after_the_grace_period() {
    let env = TestEnv::new();
    let mut process = env.spawn("--grace 300ms leaver probe");
    process.wait_for_line("leaver: task");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Success).assert_has_not(&["leaver: left"]);
    output.assert_in_order(&[
        "'leaver' did not end within its grace period",
        "leaver: tear-down, cancelled",
    ]);
}

#[test]
fn the_whole_shutdown_has_a_deadline() {
    let env = TestEnv::new();
    let mut process = env.spawn(
        "--teardown-timeout 1h --shutdown-timeout 500ms probe@a probe@b --teardown 1h probe@c",
    );
    process.wait_for_line("probe@b: task");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Plugin).assert_has(&["probe@c: gone", "probe@b", "500ms"]);
    output.assert_has(&["`probe@a` was abandoned"]);
}

#[test]
fn a_blocked_worker_is_named_while_it_blocks_and_the_others_go_on() {
    let env = TestEnv::new();
    let mut process = env
        .spawn("--until fault publish --every 100ms fault --at run --how block --for 3s onlooker");
    process.wait_for_line("'fault' has been blocking a worker thread");
    let so_far = process.stderr_so_far();
    assert!(!so_far.contains("fault: unblocked"), "{so_far}");
    let count = so_far.matches(">> onlooker: ").count();
    process.wait_for_line("fault: unblocked");
    let so_far = process.stderr_so_far();
    let told_until = so_far.split(">> fault: unblocked").next().unwrap_or_default();
    assert!(told_until.matches(">> onlooker: ").count() > count + 5, "{so_far}");
    process.wait().assert_code(Exit::Success);
}

#[test]
fn what_blocks_for_ever_does_not_hold_up_the_end() {
    for at in ["run", "teardown", "spawn", "job", "drop"] {
        let env = TestEnv::new();
        let line = format!(
            "--teardown-timeout 500ms --until probe@b probe@a fault --at {at} --how block probe@b --task 300ms"
        );
        let start = Instant::now();
        let output = env.run(&line);
        output.assert_code(Exit::Plugin);
        output.assert_has(&["`fault` was abandoned", "probe@a: gone", "probe@b: gone"]);
        assert!(start.elapsed() < Duration::from_secs(15), "{output}");
    }
}

#[test]
fn a_set_up_that_blocks_does_not_hold_up_the_end() {
    let line = "--setup-timeout 300ms --teardown-timeout 500ms probe fault --at setup --how block";
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Plugin).assert_has(&[
        "error: fault: set-up: it did not finish ",
        "`fault` was abandoned",
        "probe: gone",
    ]);
}

#[test]
fn when_all_workers_are_blocked_signals_and_deadlines_still_work() {
    let env = TestEnv::new();
    // More than there are workers on any machine that tests run on.
    let blockers = "fault --at run --how block ".repeat(40);
    let mut process = env.spawn(&format!("--teardown-timeout 500ms {blockers}"));
    process.wait_for_line("has been blocking a worker thread");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Plugin).assert_has(&["`fault` was abandoned"]);
}

#[test]
fn a_closed_stdout_is_no_panic() {
    let lines = ["--help", "help countdown", "countdown --help", "--dry-run countdown echo"];
    for line in lines {
        let env = TestEnv::new();
        let mut process = env.spawn(line);
        process.close_stdout();
        process.wait().assert_code(Exit::Success).assert_has_not(&["panicked", "error"]);
    }
    let env = TestEnv::new();
    let mut process = env.spawn("--until countdown countdown --sleep 0 echo");
    process.close_stdout();
    process.wait().assert_code(Exit::Success).assert_has(&["Finished counting down"]);
}

#[test]
fn a_closed_stderr_is_no_panic() {
    let env = TestEnv::new();
    let process = env.spawn_silent("-v probe --task 200ms chatter --lines 5000");
    process.wait().assert_code(Exit::Success);
}
