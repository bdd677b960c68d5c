//! `--bus-trace`: everything that passes is on stdout, and nothing is different because of it.

use std::time::{Duration, Instant};

use lifespan::Exit;
use rustix::process::Signal;
use serde_json::Value;

use crate::env::{Output, TestEnv};

/// The lines of stdout, which are JSON all.
fn lines(output: &Output) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    output.stdout.lines().map(parse).collect()
}

/// stdout, with the times masked, which have the form of the log's.
fn masked(output: &Output) -> String {
    let mask = |line: &str| {
        let rest = line.strip_prefix("{\"time\":\"").unwrap_or_else(|| panic!("{output}"));
        let (time, rest) = rest.split_at("2026-11-25T09:56:01.889Z".len());
        assert_eq!(
            time.replace(|c: char| c.is_ascii_digit(), "0"),
            "0000-00-00T00:00:00.000Z",
            "{output}"
        );
        format!("{{\"time\":\"TIME{rest}\n")
    };
    output.stdout.lines().map(mask).collect()
}

/// The numbers of what a trace of `numbers` has shown, which are without a gap if what was skipped is
/// counted; and how many were skipped.
#[track_caller]
fn counted(output: &Output) -> (u64, u64) {
    let (mut next, mut skipped) = (0, 0);
    for line in lines(output) {
        let number = |key: &str| line[key].as_u64().unwrap_or_else(|| panic!("no {key}: {line}"));
        skipped += number("skipped");
        assert_eq!(number("sequence"), next + number("skipped"), "{line}");
        next = number("sequence") + 1;
    }
    (next, skipped)
}

/// Fails the test unless all went well for the others: `record` has got everything.
#[track_caller]
fn assert_recorded(env: &TestEnv, output: &Output) {
    output.assert_code(Exit::Success);
    assert_eq!(env.read("a").lines().count(), 20_000, "{output}");
}

#[test]
fn what_passes_is_a_json_line_each() {
    for line in ["--until countdown", "-v --log-format json --stall-warning 1 --until countdown"] {
        let output = TestEnv::new().run(&format!(
            "{line} --bus-trace ** countdown --from 3 --sleep 10ms echo --immediately"
        ));
        output.assert_code(Exit::Success);
        let line = |sequence, value| {
            format!(
                "{{\"time\":\"TIME\",\"topic\":\"countdown\",\"publisher\":\"countdown\",\
                 \"sequence\":{sequence},\"skipped\":0,\"type\":\"u32\",\"value\":{value}}}\n"
            )
        };
        assert_eq!(masked(&output), [line(0, 3), line(1, 2), line(2, 1)].concat(), "{output}");
        assert!(lines(&output).is_sorted_by_key(|line| line["time"].to_string()), "{output}");
    }
}

#[test]
fn only_topics_that_match_one_of_the_patterns_are_shown_and_each_once() {
    let publishers = "publish@a --topic x/a --count 2 publish@b --topic y/b --count 2 \
                      publish@c --topic z --count 2";
    let env = TestEnv::new();
    let shown = |options: &str| {
        let output = env.run(&format!("{options} {publishers}"));
        output.assert_code(Exit::Success);
        let topics = lines(&output).into_iter().map(|line| line["topic"].to_string());
        let mut topics: Vec<_> = topics.collect();
        topics.sort_unstable();
        topics.join(" ").replace('"', "")
    };
    assert_eq!(shown("--bus-trace x/* --bus-trace z --bus-trace */a"), "x/a x/a z z");
    assert_eq!(shown("--bus-trace *"), "z z");
    assert_eq!(shown("--bus-trace nothing/**"), "");
}

#[test]
fn nothing_is_missing_from_the_first_set_up_to_the_last_task() {
    let env = TestEnv::new();
    let output = env.run(
        "--bus-trace ** publish@first --at setup --count 1 odd --numbers 7 \
         publish@last --count 900",
    );
    output.assert_code(Exit::Success);
    let by = |name: &str| {
        lines(&output).iter().filter(|line| line["publisher"] == name).cloned().collect::<Vec<_>>()
    };
    assert_eq!((by("publish@first").len(), by("odd").len()), (1, 1), "{output}");
    let values: Vec<_> = by("publish@last").iter().map(|line| line["value"].as_u64()).collect();
    assert_eq!(values, (1..=900).map(Some).collect::<Vec<_>>(), "{output}");
    // The first of all was published before anything else was set up.
    assert_eq!(lines(&output)[0]["publisher"], "publish@first", "{output}");
}

#[test]
fn what_cannot_be_shown_is_told_with_the_reason() {
    let output = TestEnv::new().run("--bus-trace ** odd --numbers 0,1,2,3,5");
    output.assert_code(Exit::Success);
    let lines = lines(&output);
    for (line, reason) in lines.iter().zip(["key", "panicked", "is no JSON"]) {
        let error = line["error"].as_str().unwrap_or_default();
        assert!(error.contains(reason) && line.get("value").is_none(), "{line}");
        assert_eq!(line["type"], "Odd", "{line}");
    }
    assert_eq!(lines[3]["value"], serde_json::json!({"a": "b\n"}), "{output}");
    assert_eq!(lines[4]["value"], 5, "{output}");
}

#[test]
fn a_plugin_that_blocks_while_it_is_shown_holds_up_nobody() {
    let start = Instant::now();
    let line =
        "--until publish --bus-trace ** odd --numbers 5,4,5 publish --count 20000 record --to a";
    let env = TestEnv::new();
    let output = env.run(line);
    assert!(start.elapsed() < Duration::from_secs(20), "{output}");
    assert_recorded(&env, &output);
    output.assert_has(&["the trace of the bus is cut off"]);
    assert_eq!(lines(&output)[0]["value"], 5, "{output}");
}

#[test]
fn a_closed_stdout_is_no_failure() {
    let env = TestEnv::new();
    let line = "--until publish --bus-trace ** publish --count 20000 record --to a";
    let mut process = env.spawn(line);
    process.close_stdout();
    let output = process.wait();
    assert_recorded(&env, &output);
    output.assert_has_not(&["panicked", "error", "warning"]);
}

#[test]
fn a_stdout_that_nobody_reads_holds_up_nobody_and_what_is_skipped_is_counted() {
    let env = TestEnv::new();
    let line = "--until publish --bus-trace numbers publish --count 20000 --stay record --to a";
    let mut process = env.spawn(line);
    // Nobody has read anything by then.
    process.wait_for_line("publish: published all");
    process.signal(Signal::TERM);
    let output = process.wait();
    assert_recorded(&env, &output);
    let (seen, skipped) = counted(&output);
    assert_eq!(seen, 20_000, "{output}");
    assert!(skipped > 0, "nothing was skipped: the test shows nothing");
}

#[test]
fn a_stdout_that_nobody_will_read_does_not_hold_up_the_end() {
    let env = TestEnv::new();
    let line = "--bus-trace numbers publish --count 20000 record --to a ender --after 1";
    let start = Instant::now();
    let mut process = env.spawn(line);
    process.wait_for_line("the trace of the bus is cut off");
    process.wait_for_end();
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_full_disk_is_told() {
    let env = TestEnv::new();
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let mut command = env.command();
    command.args(["--bus-trace", "**", "publish", "--count", "3"]).stdout(full);
    let output = command.output().expect("the host can be started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(Exit::Host.code().into()), "{told}");
    assert!(told.contains("error: cannot write to stdout"), "{told}");
}

#[test]
fn a_bad_pattern_is_a_usage_error_that_points_at_it_before_anything_runs() {
    let output = TestEnv::new().run("--bus-trace a/b* --bus-trace a --bus-trace **/b probe");
    output.assert_code(Exit::Usage).assert_told(&[]).assert_in_order(&[
        "error: `a/b*` is not a pattern of topics: `*` and `**` are whole segments",
        "  --bus-trace a/b*\n",
        "                ^^\n",
        "hint: `*` stands for one segment",
        "error: `**/b` is not a pattern of topics: ",
        "  --bus-trace **/b\n",
        "              ^^\n",
    ]);
    assert_eq!(output.stdout, "", "{output}");
}
