//! The table of lifespans (DESIGN.md 7), a test a row. What a signal does is in `shutdown`, how
//! failures are told in `failures`.

use lifespan::Exit;
use rustix::process::Signal;

use crate::env::{Output, TestEnv};

/// Where in what was told each needle stands.
#[track_caller]
fn places<const N: usize>(output: &Output, needles: [&str; N]) -> [usize; N] {
    needles.map(|needle| {
        let place = output.told().iter().position(|told| *told == needle);
        place.unwrap_or_else(|| panic!("nobody told `{needle}`\n{output}"))
    })
}

#[test]
fn set_up_goes_in_the_order_of_the_line_and_tear_down_in_reverse() {
    let line = "probe@a --setup 200ms --task 0 probe@b --setup 50ms --task 0 probe@c --task 0";
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Success);
    let told = output.told();
    assert_eq!(told[..3], ["probe@a: set-up", "probe@b: set-up", "probe@c: set-up"], "{output}");
    // The tasks run side by side.
    let mut tasks = told[3..6].to_vec();
    tasks.sort_unstable();
    assert_eq!(tasks, ["probe@a: task", "probe@b: task", "probe@c: task"], "{output}");
    let torn_down = [
        "probe@c: tear-down, finished",
        "probe@c: gone",
        "probe@b: tear-down, finished",
        "probe@b: gone",
        "probe@a: tear-down, finished",
        "probe@a: gone",
    ];
    assert_eq!(told[6..], torn_down, "{output}");
}

#[test]
fn what_is_required_is_set_up_first_all_its_instances() {
    let output = TestEnv::new().run("top upper base base@more");
    output.assert_code(Exit::Success).assert_told(&[
        "base: set-up",
        "base@more: set-up",
        "upper: set-up",
        "top: set-up",
        "top: tear-down",
        "upper: tear-down",
        "base@more: tear-down",
        "base: tear-down",
    ]);
}

#[test]
fn a_requirement_that_is_not_on_the_line_is_a_usage_error() {
    let output = TestEnv::new().run("probe --task 0 upper top");
    output.assert_code(Exit::Usage).assert_told(&[]);
    output.assert_has(&["`upper` requires `base`", "`top` requires `base`"]);
}

#[test]
fn a_circle_of_requirements_is_a_usage_error_that_names_it() {
    let output = TestEnv::new().run("probe --task 0 ring-a ring-b ring-c");
    output.assert_code(Exit::Usage).assert_told(&[]);
    output.assert_has(&["ring-a → ring-b → ring-c → ring-a"]);
}

#[test]
fn a_failed_set_up_unwinds_what_is_up() {
    for (how, message) in [
        ("error", "error: fault: set-up: cannot cook"),
        ("panic", "fault at Setup"),
        ("hang", "it did not finish "),
    ] {
        let line =
            format!("--setup-timeout 300ms probe@a probe@b fault --at setup --how {how} probe@c");
        let output = TestEnv::new().run(&line);
        output.assert_code(Exit::Plugin).assert_has(&[message, "error: fault: set-up: "]);
        output.assert_told(&[
            "probe@a: set-up",
            "probe@b: set-up",
            "fault: set-up",
            "probe@b: tear-down, cancelled",
            "probe@b: gone",
            "probe@a: tear-down, cancelled",
            "probe@a: gone",
        ]);
    }
}

#[test]
fn a_signal_during_set_up_drops_it_and_unwinds_what_is_up() {
    let env = TestEnv::new();
    let mut process = env.spawn("--setup-timeout 1h probe@a probe@b --setup 1h probe@c");
    process.wait_for_line("probe@b: set-up");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success).assert_told(&[
        "probe@a: set-up",
        "probe@b: set-up",
        "probe@a: tear-down, cancelled",
        "probe@a: gone",
    ]);
}

#[test]
fn a_task_that_ends_waits_for_its_tear_down_and_the_others_go_on() {
    let output = TestEnv::new().run("probe@short --task 0 probe@long --task 500ms");
    output.assert_code(Exit::Success);
    output.assert_in_order(&[
        "probe@long: tear-down, finished",
        "probe@long: gone",
        "probe@short: tear-down, finished",
        "probe@short: gone",
    ]);
}

#[test]
fn when_all_tasks_have_ended_tear_down_begins() {
    let output = TestEnv::new().run("probe --task 100ms stateful done");
    output.assert_code(Exit::Success);
    output.assert_has(&["probe: gone", "stateful: set-up, task, finished", "done: set-up"]);
}

#[test]
fn what_idles_keeps_the_program_alive() {
    let env = TestEnv::new();
    let mut process = env.spawn("-v idler probe --task 0");
    process.wait_for_line("Task for 'probe' ended");
    process.wait_for_line("Kept alive by 'idler'\n");
    process.signal(Signal::TERM);
    process.wait().assert_code(Exit::Success).assert_in_order(&[
        "probe: tear-down, finished",
        "idler: tear-down, ",
        "idler: gone",
    ]);
}

#[test]
fn background_tasks_alone_end_at_once() {
    let output = TestEnv::new().run("behind");
    output.assert_code(Exit::Success).assert_has(&["behind: tear-down, cancelled"]);
}

#[test]
fn background_tasks_end_when_the_others_have() {
    let output = TestEnv::new().run("behind probe --task 300ms");
    output.assert_code(Exit::Success).assert_in_order(&[
        "behind: task",
        "behind: task dropped",
        "probe: tear-down, finished",
        "behind: tear-down, cancelled",
    ]);
}

#[test]
fn an_instance_that_is_done_in_set_up_is_waited_for() {
    let output = TestEnv::new().run("done --setup 300ms probe --task 0");
    output.assert_code(Exit::Success).assert_in_order(&["done: set-up", "probe: set-up"]);
    let output = TestEnv::new().run("--setup-timeout 200ms done --setup 1h");
    output.assert_code(Exit::Plugin).assert_has(&["error: done: set-up: it did not finish"]);
}

#[test]
fn a_failed_task_cancels_the_others_and_all_are_torn_down() {
    for (how, message) in [("error", "cannot cook"), ("panic", "fault at Run")] {
        let line = format!("probe@a fault --at run --how {how} --after 100ms probe@b");
        let output = TestEnv::new().run(&line);
        output.assert_code(Exit::Plugin).assert_has(&[message, "error: fault: task: "]);
        output.assert_has(&["probe@a: task dropped", "probe@b: task dropped"]);
        let torn_down = [
            "probe@b: tear-down, cancelled",
            "probe@b: gone",
            "fault: tear-down, failed",
            "fault: gone",
            "probe@a: tear-down, cancelled",
            "probe@a: gone",
        ];
        let places = places(&output, torn_down);
        assert!(places.is_sorted(), "{output}");
        let dropped = self::places(&output, ["probe@a: task dropped", "probe@b: task dropped"]);
        assert!(dropped.iter().all(|dropped| *dropped < places[0]), "{output}");
    }
}

#[test]
fn a_failed_task_is_told_with_instance_phase_causes_and_hint() {
    let output = TestEnv::new().run("fault@first --at run --how error");
    output.assert_code(Exit::Plugin).assert_in_order(&[
        "error: fault@first: task: cannot cook\n",
        "caused by: the shop is closed\n",
        "caused by: no fish\n",
        "hint: eat out\n",
    ]);
}

#[test]
fn a_failed_tear_down_is_told_and_the_rest_is_torn_down() {
    for (how, message) in
        [("error", "cannot cook"), ("panic", "fault at Teardown"), ("hang", "it did not finish ")]
    {
        let line = format!(
            "--teardown-timeout 300ms probe@a --task 0 fault --at teardown --how {how} probe@b --task 0"
        );
        let output = TestEnv::new().run(&line);
        output.assert_code(Exit::Plugin).assert_has(&[message, "error: fault: tear-down: "]);
        let told = output.told();
        let torn_down = [
            "probe@b: tear-down, finished",
            "probe@b: gone",
            "fault: tear-down, finished",
            "probe@a: tear-down, finished",
            "probe@a: gone",
        ];
        assert_eq!(told[told.len() - 5..], torn_down, "{output}");
    }
}

#[test]
fn every_failure_of_a_run_is_told() {
    let output = TestEnv::new().run(
        "fault@a --at teardown --how error fault@b --at run --how error fault@c --at teardown --how panic",
    );
    output.assert_code(Exit::Plugin).assert_in_order(&[
        "error: fault@b: task: cannot cook",
        "error: fault@c: tear-down: ",
        "error: fault@a: tear-down: cannot cook",
    ]);
}

#[test]
fn one_plugin_twice_is_two_instances() {
    let output = TestEnv::new().run("probe --task 0 probe --task 0 probe@fast --task 0");
    output.assert_code(Exit::Success);
    let told = output.told();
    assert_eq!(told[..3], ["probe: set-up", "probe@2: set-up", "probe@fast: set-up"], "{output}");
    let gone = told.iter().filter(|told| told.ends_with(": gone"));
    let gone: Vec<_> = gone.copied().collect();
    assert_eq!(gone, ["probe@fast: gone", "probe@2: gone", "probe: gone"], "{output}");
}

#[test]
fn two_instances_of_one_name_are_a_usage_error() {
    let output = TestEnv::new().run("probe@a --task 0 probe@a --task 0");
    output.assert_code(Exit::Usage).assert_told(&[]).assert_has(&["`probe@a`"]);
}

#[test]
fn what_was_spawned_ends_with_its_instance() {
    let output = TestEnv::new().run("probe@a --task 0 spawner");
    output.assert_code(Exit::Success).assert_in_order(&[
        "spawner: tear-down, finished",
        "spawner: spawned future dropped",
        "probe@a: tear-down, finished",
    ]);
}

#[test]
fn a_second_task_in_one_lifespan_is_an_error() {
    let output = TestEnv::new().run("twice probe --task 0");
    output.assert_code(Exit::Plugin).assert_has(&["error: twice: ", "probe: gone"]);
}

#[test]
fn no_stage_is_help_on_stderr() {
    let output = TestEnv::new().run("");
    output.assert_code(Exit::Usage).assert_has(&["Usage:", "Plugins:", "countdown"]);
    assert_eq!(output.stdout, "", "{output}");
}

#[test]
fn an_innocent_neighbour_of_those_who_hold_all_workers_is_told_who_they_are() {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let blockers = "fault --at run --how block ".repeat(workers);
    let env = TestEnv::new();
    let line = format!("--teardown-timeout 500ms probe {blockers}");
    let mut process = env.spawn(&line);
    process.wait_for_line("has been blocking a worker thread");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Plugin);
    output
        .assert_has(&["'probe' cannot be cancelled: no worker is free for it, blocked by 'fault'"]);
    output.assert_has_not(&["'probe' blocks"]);
}
