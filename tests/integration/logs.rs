//! What plugins log, as the host writes it: with spans, fields, levels and targets, filtered.
//! (That what is filtered out does not cross is proven by a counter in the SDK's own tests.)

use lifespan::Exit;
use serde_json::Value;

use crate::env::{Output, TestEnv};

/// The log lines of `--log-format json`.
fn records(output: &Output) -> Vec<Value> {
    let lines = output.stderr.lines().filter(|line| line.starts_with('{'));
    let parsed =
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    parsed.collect()
}

/// The one record with that message.
#[track_caller]
fn record(output: &Output, message: &str) -> Value {
    let mut records = records(output);
    records.retain(|record| record["message"] == message);
    assert_eq!(records.len(), 1, "there is not one `{message}`\n{output}");
    records.remove(0)
}

#[test]
fn a_line_carries_level_target_and_fields() {
    let output = TestEnv::new().run("-vv --log-format json speak");
    output.assert_code(Exit::Success);
    let error = record(&output, "speak of an error");
    assert_eq!(error["level"], "ERROR");
    assert_eq!(error["target"], "fixtures::logs");
    assert_eq!(error["fields"]["code"], 7);
    let warning = record(&output, "speak of a warning");
    assert_eq!(
        (&warning["level"], &warning["target"]),
        (&"WARN".into(), &"fixtures::elsewhere".into())
    );
    assert_eq!(warning["fields"]["share"], 0.5);
    assert_eq!(warning["fields"]["ok"], true);
    let news = record(&output, "speak of news");
    assert_eq!(
        (&news["fields"]["text"], &news["fields"]["shown"]),
        (&"a \"b\"".into(), &"Some(1)".into())
    );
    assert_eq!(record(&output, "speak of a detail")["level"], "DEBUG");
    assert_eq!(record(&output, "speak of a trifle")["level"], "TRACE");
}

#[test]
fn a_line_carries_its_spans_and_the_instances() {
    let output = TestEnv::new().run("-v --log-format json speak@here");
    output.assert_code(Exit::Success);
    let spans = |message: &str| -> Vec<String> {
        let record = record(&output, message);
        let spans = record["spans"].as_array().cloned().unwrap_or_default();
        spans.iter().map(|span| span["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(spans("speak within"), ["outer", "inner"], "{output}");
    assert_eq!(record(&output, "speak within")["spans"][1]["fields"]["name"], "Ada", "{output}");
    for message in
        ["speak of news", "speak in the task", "speak in a spawned task", "speak in tear-down"]
    {
        assert_eq!(record(&output, message)["instance"], "speak@here", "{output}");
    }
    let after = record(&output, "speak after");
    let outer = &after["spans"][0]["fields"];
    assert_eq!((&outer["court"], &outer["later"]), (&3.into(), &"now".into()), "{output}");
}

#[test]
fn records_of_the_crate_log_arrive_too() {
    let output = TestEnv::new().run("--log-format json speak");
    let old = record(&output, "speak in the old way");
    assert_eq!((&old["level"], &old["target"]), (&"INFO".into(), &"fixtures::old".into()));
    output.assert_has_not(&["speak of an old detail"]);
}

#[test]
fn levels_and_filters_say_what_is_logged() {
    for (options, has, has_not) in [
        ("", "speak of news", "speak of a detail"),
        ("-v", "speak of a detail", "speak of a trifle"),
        ("-vv", "speak of a trifle", "no such line"),
        ("-q", "speak of a warning", "speak of news"),
        ("--log error", "speak of an error", "speak of a warning"),
        ("--log fixtures::elsewhere=warn", "speak of a warning", "speak of an error"),
        ("--log warn,fixtures::logs=debug", "speak of a detail", "speak in the old way"),
        ("--log off", "", "speak"),
    ] {
        let output = TestEnv::new().run(&format!("{options} speak"));
        output.assert_code(Exit::Success).assert_has(&[has]).assert_has_not(&[has_not]);
    }
}

#[test]
fn text_lines_carry_them_for_people() {
    let output = TestEnv::new().run("speak@here");
    let line = output.stderr.lines().find(|line| line.contains("speak of an error"));
    let line = line.unwrap_or_else(|| panic!("it is missing\n{output}"));
    for part in ["ERROR", "code=7", "speak@here"] {
        assert!(line.contains(part), "`{part}` is missing in `{line}`");
    }
    assert!(!output.stderr.contains('\u{1b}'), "there is colour in a pipe\n{output}");
}

#[test]
fn a_subscriber_of_the_plugins_own_is_a_clear_error() {
    let output = TestEnv::new().run("probe own-subscriber");
    output.assert_code(Exit::Plugin).assert_has(&["probe: gone"]);
    output.assert_in_order(&[
        "error: own-subscriber: set-up: ",
        "hint: the host collects the logs of its plugins",
    ]);
}

#[test]
fn nothing_is_lost_of_much() {
    let output = TestEnv::new().run("chatter --lines 3000 chatter --lines 3000");
    output.assert_code(Exit::Success);
    assert_eq!(output.stderr.matches(" of much").count(), 6000);
}
