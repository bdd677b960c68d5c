//! The lines as the user sees them.

use std::sync::{Arc, Mutex};

use tracing::subscriber::with_default;
use tracing::{debug, debug_span, error, info, info_span, trace, warn};

use super::*;
use crate::log::instance_span;

/// Runs `log` under the program's subscriber; answers what it wrote.
fn written(filter: &str, format: LogFormat, color: bool, log: impl FnOnce()) -> String {
    let written = Arc::new(Mutex::new(String::new()));
    let out = written.clone();
    let options = LogOptions { filter: filter.to_owned(), format, color };
    let write = move |_: &tracing::Level, line: String| out.lock().unwrap().push_str(&line);
    with_default(subscriber(&options, write).unwrap(), log);
    written.lock().unwrap().clone()
}

/// The lines behind the time.
fn lines(filter: &str, log: impl FnOnce()) -> Vec<String> {
    let written = written(filter, LogFormat::Text, false, log);
    let without_time = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    written.lines().map(without_time).collect()
}

#[test]
fn a_line_reads_instance_spans_message_fields() {
    let shown = lines("trace", || {
        info!(target: "lifespan::run", "2 instances are up");
        warn!(target: "elsewhere::part", "no instance");
        let _instance = instance_span("count-down@fast").entered();
        info!(target: "count_down", "Counting down… {}", 3);
        info!(target: "lifespan_count_down::part", n = 3, text = "a b", debug = ?Some(1), "own");
        debug!(target: "hyper::proto", "of a dependency");
        debug!(target: "countdown", "of another");
        trace!(target: "lifespan::bus", "of the host");
        let span = info_span!("request", id = 3, user = tracing::field::Empty).entered();
        span.record("user", "bob");
        let _inner = debug_span!("inner").entered();
        error!(target: "count_down", code = 7);
    });
    assert_eq!(
        shown,
        [
            " INFO lifespan: 2 instances are up",
            " WARN elsewhere::part: no instance",
            " INFO count-down@fast: Counting down… 3",
            " INFO count-down@fast: own n=3 text=\"a b\" debug=Some(1)",
            "DEBUG count-down@fast: hyper::proto: of a dependency",
            "DEBUG count-down@fast: countdown: of another",
            "TRACE count-down@fast: of the host",
            "ERROR count-down@fast:request{id=3 user=\"bob\"}:inner: code=7",
        ]
    );
}

#[test]
fn a_line_begins_with_the_time_of_day() {
    let written = written("info", LogFormat::Text, false, || info!("text"));
    let time: Vec<char> = written.chars().take(13).collect();
    let shape: String = time.iter().map(|c| if c.is_ascii_digit() { '0' } else { *c }).collect();
    assert_eq!(shape, "00:00:00.000Z");
}

#[test]
fn a_text_cannot_forge_a_line_or_control_the_terminal() {
    let shown = written("info", LogFormat::Text, false, || {
        info!(target: "t", text = "a\nb\u{1b}", shown = %"c\nd", "one\n12:00:00.000Z ERROR two\u{1b}[31m\r\n");
    });
    let (_, shown) = shown.split_once("t: ").unwrap();
    assert_eq!(
        shown,
        "one\n    12:00:00.000Z ERROR two\\u{1b}[31m\\r text=\"a\\nb\\u{1b}\" shown=c\n    d\n"
    );
}

#[test]
fn colour_is_there_when_asked_for_only() {
    let log = || {
        let _instance = instance_span("echo").entered();
        warn!(n = 1, "text");
    };
    assert!(!written("info", LogFormat::Text, false, log).contains('\u{1b}'));
    let coloured = written("info", LogFormat::Text, true, log);
    assert!(coloured.contains("\u{1b}[33m WARN\u{1b}[0m"), "{coloured:?}");
    assert!(!written("info", LogFormat::Json, true, log).contains('\u{1b}'));
}

#[test]
fn the_instance_is_shown_whatever_the_filter() {
    let log = || {
        let _instance = instance_span("echo").entered();
        let _span = info_span!(target: "echo", "request").entered();
        error!(target: "echo", "text");
    };
    let check =
        |filter: &str, expected: &[&str]| assert_eq!(lines(filter, log), expected, "{filter}");
    check("off", &[]);
    check("error", &["ERROR echo: text"]);
    check("info", &["ERROR echo:request: text"]);
    check("echo=error", &["ERROR echo: text"]);
    check("off,echo=info,lifespan=off", &["ERROR echo:request: text"]);
    check("", &["ERROR echo: text"]);
    check("off,[request]=info", &["ERROR echo:request: text"]);
}

#[test]
fn one_instance_can_be_shown_in_detail() {
    let shown = lines("info,[instance{name=echo}]=debug", || {
        for name in ["countdown", "echo"] {
            instance_span(name).in_scope(|| debug!(target: "lib", "detail"));
        }
    });
    assert_eq!(shown, ["DEBUG echo: lib: detail"]);
}

#[test]
fn a_directive_may_list_fields() {
    let shown = lines("off,[request{id=3,user=4}]=info", || {
        for id in [3, 4] {
            info_span!("request", id, user = 4).in_scope(|| info!(target: "t", "text"));
        }
    });
    assert_eq!(shown, [" INFO request{id=3 user=4}: t: text"]);
}

#[test]
fn the_hosts_own_events_name_their_instance_once_and_others_keep_their_fields() {
    let log = || {
        error!(target: "lifespan::watchdog", instance = "echo@2", "it blocks");
        warn!(target: "elsewhere", instance = "3", "a field of its own");
        let _instance = instance_span("echo").entered();
        info!(target: "lifespan", instance = "other", "under one, of another");
    };
    assert_eq!(
        lines("info", log),
        [
            "ERROR echo@2: it blocks",
            " WARN elsewhere: a field of its own instance=\"3\"",
            " INFO echo: under one, of another instance=\"other\"",
        ]
    );
    let written = written("info", LogFormat::Json, false, log);
    let first: serde_json::Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!((&first["instance"], &first["fields"]), (&"echo@2".into(), &serde_json::json!({})));
}

#[test]
fn json_has_the_same_keys_on_each_line() {
    let written = written("info", LogFormat::Json, false, || {
        info!(target: "lifespan", "text");
        let _instance = instance_span("echo@2").entered();
        let _span = info_span!("request", id = 3, ok = true).entered();
        warn!(target: "echo::part", f = 0.5, wide = u128::MAX, nan = f64::NAN, text = "a\nb");
    });
    let lines: Vec<&str> = written.lines().collect();
    assert!(lines[0].starts_with(r#"{"timestamp":"2"#), "{}", lines[0]);
    let objects: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let without_time = |object: &serde_json::Value| {
        let mut object = object.clone();
        let time = object.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(humantime::parse_rfc3339(time.as_str().unwrap()).is_ok(), "{time}");
        object
    };
    assert_eq!(
        objects.iter().map(without_time).collect::<Vec<_>>(),
        [
            serde_json::json!({
                "level": "INFO", "target": "lifespan", "instance": null, "spans": [],
                "message": "text", "fields": {},
            }),
            serde_json::json!({
                "level": "WARN", "target": "echo::part", "instance": "echo@2",
                "spans": [{"name": "request", "fields": {"id": 3, "ok": true}}],
                "message": null,
                "fields": {
                    "f": 0.5, "wide": u128::MAX.to_string(), "nan": "NaN", "text": "a\nb",
                },
            }),
        ]
    );
}

#[test]
fn a_mistake_in_the_filter_is_told() {
    let check = |filter: &str, message: &str| {
        let options =
            LogOptions { filter: filter.to_owned(), format: LogFormat::Text, color: false };
        let stderr = Output::stderr(false, gap(LogFormat::Text));
        let error = install(&options, stderr).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    };
    check("info,a=loud", "log directive `a=loud`: `loud` is not a level");
    check(
        "info,[a{b=(}]=info",
        "log directive `[a{b=(}]=info`: the value of a field is no pattern",
    );
}

#[test]
fn dropped_lines_are_told_in_the_form_of_the_log() {
    assert_eq!(gap(LogFormat::Text)(1), "warning: 1 line was dropped: nobody read stderr\n");
    let line: serde_json::Value = serde_json::from_str(&gap(LogFormat::Json)(12)).unwrap();
    assert_eq!(line["message"], "12 lines were dropped: nobody read stderr");
}
