//! Panics and failures of one plugin: each is told with message, place, phase and instance; the rest
//! is torn down; nothing aborts, hangs, or is lost from the log.

use lifespan::Exit;

use crate::env::TestEnv;

#[test]
fn a_panic_in_any_phase_is_told_with_its_place() {
    for (at, phase, message) in [
        ("setup", "set-up", "fault at Setup"),
        ("run", "task", "fault at Run"),
        ("teardown", "tear-down", "fault at Teardown"),
    ] {
        let line = format!("probe --task 0 fault@bad --at {at} --how panic");
        let output = TestEnv::new().run(&line);
        output.assert_code(Exit::Plugin).assert_has(&["probe: gone"]);
        output.assert_has_not(&["thread '"]);
        let error = output.stderr.lines().find(|line| line.starts_with("error: fault@bad: "));
        let error = error.unwrap_or_else(|| panic!("the panic is not told\n{output}"));
        for part in [phase, "panicked at ", "faults.rs:", message] {
            assert!(error.contains(part), "`{part}` is missing in `{error}`\n{output}");
        }
    }
}

#[test]
fn a_panic_beside_the_task_is_told_and_the_task_goes_on() {
    for (at, place, message) in [
        ("spawn", "the task spawned at", "fault at Spawn"),
        ("job", "the job spawned at", "fault at Job"),
    ] {
        let output = TestEnv::new().run(&format!("probe --task 0 fault --at {at} --how panic"));
        output.assert_code(Exit::Plugin);
        output.assert_has(&["fault: joined: failed", "fault: tear-down, finished", "probe: gone"]);
        output.assert_in_order(&["error: fault: ", place, "faults.rs:", message]);
    }
}

#[test]
fn a_panic_in_a_thread_of_the_plugins_own_is_in_the_log() {
    let output = TestEnv::new().run("fault --at thread --how panic");
    output.assert_has(&["fault: joined: failed", "fault: gone", "fault at Thread", "faults.rs:"]);
    assert!(output.code == Some(0) || output.code == Some(1), "{output}");
}

#[test]
fn a_panic_when_the_task_is_dropped_is_told() {
    let line = "--until probe@end probe fault --at drop --how panic probe@end --task 100ms";
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Plugin);
    output.assert_has(&["fault at Drop", "faults.rs:", "fault: tear-down", "probe: gone"]);
}

#[test]
fn a_backtrace_is_told_where_it_was_asked_for() {
    let line = "fault --at run --how panic";
    let output = TestEnv::new().env("RUST_BACKTRACE", "1").run(line);
    output.assert_code(Exit::Plugin).assert_has(&["fault at Run", "faults.rs:", "run_worker"]);
    let output = TestEnv::new().run(line);
    output.assert_has_not(&["run_worker", "RUST_BACKTRACE"]);
}

#[test]
fn a_panic_is_in_the_log_too() {
    let output = TestEnv::new().run("--log-format json fault@bad --at run --how panic");
    let logged = output.stderr.lines().filter(|line| line.starts_with('{'));
    let logged = logged.filter(|line| line.contains("fault at Run") && line.contains("ERROR"));
    // The report at the end is a line of that form too, and not of the log.
    let logged = logged.filter(|line| !line.contains(r#""target":"lifespan","#));
    assert_eq!(logged.count(), 1, "{output}");
}

#[test]
fn the_exit_code_says_which_kind_of_failure_it_was() {
    for (line, exit) in [
        ("probe --task 0", Exit::Success),
        ("fault --at run --how error", Exit::Plugin),
        ("probe --no-such-option", Exit::Usage),
        ("no-such-plugin", Exit::Usage),
        ("--no-such-option", Exit::Usage),
        ("--log [[[ probe --task 0", Exit::Usage),
    ] {
        TestEnv::new().run(line).assert_code(exit);
    }
}

#[test]
fn a_panic_while_a_stage_is_bound_is_a_load_error() {
    let output = TestEnv::new().run("probe brittle@x --value panic");
    output.assert_code(Exit::Load).assert_told(&[]);
    output.assert_has(&["error: brittle@x: bind: ", "chains.rs:", "the parser of panic panics"]);
}

#[test]
fn a_command_that_cannot_be_described_is_a_load_error_with_its_reason() {
    let output = TestEnv::new().run("probe boundless a b");
    output.assert_code(Exit::Load).assert_told(&[]);
    output.assert_in_order(&["error: ", "boundless", "external"]);
}

#[test]
fn the_most_fundamental_failure_decides_and_all_are_told() {
    let output = TestEnv::new().run("tag --from 0 brittle --value panic");
    output.assert_code(Exit::Load).assert_told(&[]);
    output.assert_has(&["--from", "the parser of panic panics"]);
}

#[test]
fn ten_thousand_panics_cost_no_memory_and_none_is_lost() {
    let output = TestEnv::new().run("panics --look 1000,10000");
    output.assert_code(Exit::Plugin).assert_has_not(&["a panic was lost"]);
    let resident = |panics: u32| -> i64 {
        let begin = format!("{panics} panics, ");
        let told = output.told().into_iter().find_map(|told| told.strip_prefix(&begin));
        let told = told.unwrap_or_else(|| panic!("`{begin}` was not told\n{}", output.line));
        told.trim_end_matches(" KiB").parse().expect("a number of KiB")
    };
    // Elsewhere the fixture cannot look.
    if cfg!(target_os = "linux") {
        let (early, late) = (resident(1000), resident(10_000));
        assert!(early > 0, "the fixture could not look at the memory\n{}", output.line);
        assert!(late - early <= 1024, "{early} KiB after 1,000 panics, {late} KiB after 10,000");
    }
    let logged = |panic: u32| output.stderr.contains(&format!("spawned task {panic} panics"));
    let lost = (0..10_000).filter(|panic| !logged(*panic)).count();
    assert_eq!(lost, 0, "panics are missing in the log");
}
