//! The main job, as the README shows it: `countdown` and `echo`, from libraries of their own.

use lifespan::Exit;
use rustix::process::Signal;

use crate::env::{Output, TestEnv};

const DEMO: &str = "countdown --from 3 --sleep 0.1 echo --immediately";

/// What the demo shows, whichever way it ends.
fn assert_demo(output: &Output) {
    output.assert_code(Exit::Success);
    output.assert_in_order(&["Setting up task for 'countdown'", "Setting up task for 'echo'"]);
    output.assert_in_order(&["Setting up task for 'echo'", "Scheduling task for 'countdown'"]);
    output.assert_in_order(&[
        "Counting down… 3",
        "Counting down… 2",
        "Counting down… 1",
        "Finished counting down",
        "Terminating…",
        "Lifespan over for echo",
        "Lifespan over for countdown",
        "Finished.",
    ]);
    let heard: Vec<_> =
        output.stderr.lines().filter(|line| line.contains("Countdown currently at")).collect();
    for n in 1..=3 {
        let at = format!("Countdown currently at {n}");
        assert!(heard.iter().any(|line| line.contains(&at)), "echo has not heard {n}\n{output}");
    }
}

#[test]
fn the_demo_ends_by_itself() {
    assert_demo(&TestEnv::new().run(&format!("-v --until countdown {DEMO}")));
}

#[test]
fn the_demo_ends_by_an_interrupt() {
    let env = TestEnv::new();
    let mut process = env.spawn(&format!("-v {DEMO}"));
    process.wait_for_line("Finished counting down");
    process.wait_for_line("Countdown currently at 1");
    process.signal(Signal::INT);
    assert_demo(&process.wait());
}

#[test]
fn order_on_the_line_loses_no_first_value() {
    let line = "--until countdown echo --immediately countdown --from 5 --sleep 0.1";
    let output = TestEnv::new().run(line);
    output.assert_code(Exit::Success).assert_has(&["Countdown currently at 5"]);
}

#[test]
fn quiet_is_quiet() {
    let output = TestEnv::new().run(&format!("-q --until countdown {DEMO}"));
    output.assert_code(Exit::Success);
    assert_eq!((&*output.stdout, &*output.stderr), ("", ""), "{output}");
}

#[test]
fn options_of_the_demo_have_short_names() {
    for line in ["countdown -f 2 -s 1ms", "countdown -f2 -s0.001", "countdown -s=0 -f=2"] {
        let output = TestEnv::new().run(&format!("--until countdown {line}"));
        output.assert_code(Exit::Success).assert_has_not(&["Counting down… 3"]);
        output.assert_in_order(&["Counting down… 2", "Counting down… 1", "Finished counting"]);
    }
}

#[test]
fn numbers_are_seconds_and_units_say_otherwise() {
    for sleep in ["0", "0.01", "10ms"] {
        let line = format!("--until countdown countdown --from 2 --sleep {sleep}");
        let output = TestEnv::new().run(&line);
        output.assert_code(Exit::Success).assert_has(&["Counting down… 2"]);
    }
    for sleep in ["--sleep", "-s"] {
        let output = TestEnv::new().run(&format!("countdown {sleep} fish"));
        output.assert_code(Exit::Usage).assert_has(&["fish", "--sleep"]);
    }
}
