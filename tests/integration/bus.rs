//! The bus between libraries: nothing that was published is lost at a shutdown, and nobody waits
//! for ever.

use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;

use crate::env::TestEnv;

/// Where the numbers of `mortal` begin.
const MILLION: u64 = 1_000_000;

/// The numbers in a file of `record`'s.
fn numbers(env: &TestEnv, file: &str) -> Vec<u64> {
    env.read(file).lines().map(|line| line.parse().expect("a number")).collect()
}

#[test]
fn every_message_arrives_in_order() {
    let env = TestEnv::new();
    // More than any ring holds, so that the publisher has to wait.
    let output = env.run("--until publish publish --count 20000 record --to a record --to b");
    output.assert_code(Exit::Success);
    let all: Vec<_> = (1..=20_000).collect();
    assert!(numbers(&env, "a") == all && numbers(&env, "b") == all, "{output}");
}

#[test]
fn a_backlog_at_the_end_is_written_within_the_grace_period() {
    for spawned in ["", "--spawned"] {
        let env = TestEnv::new();
        let line = format!("publish --count 200 --stay record --to a --delay 5ms {spawned}");
        let mut process = env.spawn(&line);
        process.wait_for_line("publish: published all");
        process.wait_for_line("record: begun");
        process.signal(Signal::TERM);
        let output = process.wait();
        output.assert_code(Exit::Success).assert_has(&["record: recorded 200"]);
        assert_eq!(numbers(&env, "a"), (1..=200).collect::<Vec<_>>(), "{output}");
    }
}

#[test]
fn what_does_not_fit_into_the_grace_period_is_counted_and_named() {
    for way in ["", "--spawned", "--borrowed"] {
        let env = TestEnv::new();
        let line =
            format!("--grace 300ms publish --count 500 --stay record --to a --delay 10ms {way}");
        let mut process = env.spawn(&line);
        process.wait_for_line("publish: published all");
        process.wait_for_line("record: begun");
        process.signal(Signal::TERM);
        let output = process.wait();
        output.assert_code(Exit::Plugin);
        let written = numbers(&env, "a").len() as u64;
        let lost = output.stderr.lines().find_map(|line| {
            let line = line.strip_prefix("warning: ")?;
            line.split_once(" messages on topic `numbers` lost").map(|(lost, _)| lost)
        });
        let lost: u64 =
            lost.and_then(|lost| lost.split(' ').next_back()?.parse().ok()).unwrap_or(0);
        // One was being written when the time was over.
        let all = written + lost;
        assert!(
            written > 0 && (499..=500).contains(&all),
            "{written} written, {lost} lost\n{output}"
        );
        output.assert_has(&["'record' did not get"]);
    }
}

#[test]
fn what_tear_down_still_reads_is_not_lost() {
    let env = TestEnv::new();
    let record = "record --to a --delay 10ms --borrowed --rest";
    let mut process = env.spawn(&format!("--grace 300ms publish --count 500 --stay {record}"));
    process.wait_for_line("publish: published all");
    process.wait_for_line("record: begun");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Success).assert_has_not(&[" lost"]);
    output.assert_has(&["'record' did not end within its grace period"]);
    // One was being written when the time was over.
    assert!(numbers(&env, "a").len() >= 499, "{output}");
}

#[test]
fn losses_are_counted_though_the_whole_shutdown_has_no_time_for_the_tear_down() {
    let env = TestEnv::new();
    let limits = "--grace 300ms --teardown-timeout 1h --shutdown-timeout 1s";
    let record = "record --to a --delay 10ms --borrowed";
    let line = format!("{limits} publish --count 500 --stay {record} probe --teardown 1h");
    let mut process = env.spawn(&line);
    process.wait_for_line("publish: published all");
    process.wait_for_line("record: begun");
    process.signal(Signal::TERM);
    let output = process.wait();
    output.assert_code(Exit::Plugin).assert_has(&["`record` was abandoned"]);
    output.assert_has(&["'record' did not get", "on topic `numbers` lost for `record`"]);
}

#[test]
fn a_clean_end_of_a_publisher_at_work_is_clean() {
    for _ in 0..5 {
        let env = TestEnv::new();
        let mut process = env.spawn("publish record --to a record --to b");
        process.wait_for_line("publish: begun");
        process.wait_for_line("record: begun");
        process.signal(Signal::TERM);
        let output = process.wait();
        output.assert_code(Exit::Success);
        let (a, b) = (numbers(&env, "a"), numbers(&env, "b"));
        assert!(a == b && a.is_sorted() && a.len() as u64 == a[a.len() - 1], "{output}");
    }
}

#[test]
fn three_instances_that_have_ended_do_not_block_a_publisher() {
    let env = TestEnv::new();
    let output = env.run("--until publish deaf deaf deaf publish --count 20000 record --to a");
    output.assert_code(Exit::Success).assert_has(&["publish: published all"]);
    assert_eq!(numbers(&env, "a").len(), 20_000, "{output}");
}

#[test]
fn a_publisher_that_waits_can_be_ended() {
    let env = TestEnv::new();
    let mut process = env.spawn("--grace 300ms publish stuck");
    process.wait_for_line("publish: begun");
    // Long enough for any ring to be full.
    process.wait_for_line("has taken nothing from topic");
    process.signal(Signal::TERM);
    let start = Instant::now();
    let output = process.wait();
    assert!(start.elapsed() < Duration::from_secs(15), "{output}");
    output.assert_has(&["publish: tear-down", "stuck: tear-down, cancelled"]);
    // What it never read is lost, and named.
    output.assert_code(Exit::Plugin).assert_has(&["topic `numbers` lost"]);
}

#[test]
fn a_subscription_that_stays_full_is_named() {
    let env = TestEnv::new();
    let mut process = env.spawn("publish stuck");
    process.wait_for_line("has taken nothing from topic");
    let so_far = process.stderr_so_far();
    let warning =
        so_far.lines().find(|line| line.contains("has taken nothing")).unwrap_or_default();
    assert!(warning.contains("'stuck'") && warning.contains("'numbers'"), "{so_far}");
}

#[test]
fn an_option_says_after_how_long_it_is_named() {
    let env = TestEnv::new();
    let mut process = env.spawn("--stall-warning 300ms publish stuck");
    process.wait_for_line("has taken nothing from topic 'numbers' for 0.");
    // And again each time that the time has doubled.
    process.wait_for_line("has taken nothing from topic 'numbers' for 1.");
    let patient = env.run("--stall-warning 1h --until publish publish --count 2000 stuck --for 3");
    patient.assert_code(Exit::Success).assert_has_not(&["has taken nothing"]);
}

#[test]
fn an_instance_that_ends_lets_those_go_on_who_wait_for_it() {
    let output = TestEnv::new().run("--until publish publish --count 20000 stuck --for 500ms");
    output.assert_code(Exit::Success).assert_in_order(&[
        "stuck: has been stuck for long enough",
        "publish: published all",
        "stuck: tear-down, finished",
    ]);
}

#[test]
fn a_publisher_that_dies_leaves_nobody_waiting() {
    // Its task panics, while subscribers wait and another waits for room: all are torn down.
    let env = TestEnv::new();
    let start = Instant::now();
    let output = env.run(
        "mortal --count 9 --death panic publish record --to a --delay 1ms record --to b --spawned",
    );
    assert!(start.elapsed() < Duration::from_secs(4), "not at once\n{output}");
    output.assert_code(Exit::Plugin).assert_has(&["the publisher dies", "mortal: tear-down, "]);
    output.assert_has(&["record: tear-down, ", "record@2: tear-down, ", "publish: tear-down, "]);
    for file in ["a", "b"] {
        let dead: Vec<_> = numbers(&env, file).into_iter().filter(|it| *it >= MILLION).collect();
        assert_eq!(dead, (MILLION..MILLION + 9).collect::<Vec<_>>(), "{output}");
    }
    // What it has spawned dies, at work or while it waits for room: the others do not notice.
    for (count, death) in [(9, "spawned-panic"), (1_000_000, "abort")] {
        let env = TestEnv::new();
        let output = env.run(&format!(
            "--until publish mortal --count {count} --death {death} \
             publish --count 500 --every 1ms record --to a --delay 1ms"
        ));
        output.assert_has(&["mortal: its publisher is dead", "publish: published all"]);
        let living: Vec<_> = numbers(&env, "a").into_iter().filter(|it| *it < MILLION).collect();
        assert_eq!(living, (1..=500).collect::<Vec<_>>(), "{output}");
    }
}

#[test]
fn whoever_receives_without_a_pause_starves_nobody() {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    for how in ["messages", "lossy", "updates", "pattern"] {
        let gluttons = format!("glutton --how {how} ").repeat(workers + 1);
        let output = TestEnv::new().run(&format!("--until probe {gluttons} probe --task 300ms"));
        output.assert_code(Exit::Success).assert_has(&["probe: tear-down, finished"]);
        output.assert_has_not(&["blocking a worker"]);
    }
}

#[test]
fn publishing_to_a_full_topic_in_set_up_is_an_error() {
    let output = TestEnv::new().run("stuck publish --at setup --count 20000");
    output.assert_code(Exit::Plugin).assert_has(&["error: publish: set-up: ", "stuck: tear-down"]);
    output.assert_has(&["publish: could not publish"]);
}

#[test]
fn publishing_in_tear_down_never_waits() {
    let output =
        TestEnv::new().run("--grace 300ms stuck publish --at teardown --count 20000 ender");
    output.assert_code(Exit::Success).assert_in_order(&[
        "publish: tear-down",
        "publish: could not publish 1",
        "the tear-down of 'publish' ended early: publishing has ended",
        "stuck: tear-down",
    ]);
}

#[test]
fn waiting_for_oneself_is_an_error() {
    let output = TestEnv::new().run("selfish");
    output.assert_code(Exit::Plugin).assert_has(&["error: selfish: task: "]);
}

#[test]
fn another_type_is_an_error_that_names_both_sides() {
    let output = TestEnv::new().run("publish@one --count 1 clash@two");
    output.assert_code(Exit::Plugin).assert_has(&["error: clash@two: set-up: "]);
    let error = output.stderr.split("error: clash@two: ").nth(1).unwrap_or_default();
    for part in ["numbers", "publish@one", "u64"] {
        assert!(error.contains(part), "`{part}` is missing\n{output}");
    }
}

#[test]
fn a_late_subscriber_starts_with_the_current_value() {
    let output = TestEnv::new().run(
        "publish --count 7 --at setup onlooker@all onlooker@news --only-news ender --after 300ms",
    );
    output.assert_code(Exit::Success).assert_has(&["onlooker@all: 7"]);
    output.assert_has_not(&["onlooker@news: 7"]);
}

#[test]
fn a_lossy_subscriber_counts_what_it_skips() {
    let env = TestEnv::new();
    let output = env.run("--until publish publish --count 20000 record --lossy --to a --delay 1ms");
    output.assert_code(Exit::Success).assert_has(&["record: 20000 in all"]);
}

#[test]
fn no_news_is_recognisable() {
    let env = TestEnv::new();
    let mut process = env.spawn("publish --count 1 onlooker --timeout 100ms");
    process.wait_for_line("onlooker: 1");
    process.wait_for_line("onlooker: no news since 1");
}
