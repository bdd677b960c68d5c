//! `--bus-trace`: each message that passes as a JSON object on a line of stdout.
//!
//! Who brings a line waits for room in the queue: the library has given the trace a thread of its own,
//! and counts what that one skips meanwhile.

use serde_json::json;

use super::logging::json::timestamp;
use super::output::Output;
use super::point;
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::trace::{BusTrace, PatternError, TracedMessage, parse_pattern};

/// The option, as it is typed.
const OPTION: &str = "--bus-trace";

/// The trace that the line asks for, if it does; every pattern that is wrong is told.
pub(crate) fn wanted(patterns: &[String], stdout: &Output) -> Result<Option<BusTrace>, Failures> {
    let wrong = patterns.iter().filter_map(|text| parse_pattern(text).err());
    Failures::check(wrong.map(|error| bad_pattern(&error)).collect())?;
    if patterns.is_empty() {
        return Ok(None);
    }
    let stdout = stdout.clone();
    let trace = BusTrace::new(patterns, move |message| stdout.data(line(message)));
    trace.map(Some).map_err(|error| bad_pattern(&error).into())
}

/// A message's line, with its end.
fn line(message: &TracedMessage) -> String {
    let members = [
        ("time", json!(message.published.map(timestamp)).to_string()),
        ("topic", json!(*message.topic).to_string()),
        ("publisher", json!(*message.publisher).to_string()),
        ("sequence", message.sequence.to_string()),
        ("skipped", message.skipped.to_string()),
        ("type", json!(message.type_name).to_string()),
        match &message.value {
            // As its plugin shows it: another's reading could lose digits, or the order of keys.
            Ok(json) => ("value", json.clone()),
            Err(reason) => ("error", json!(reason).to_string()),
        },
    ];
    let members = members.map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}\n", members.join(","))
}

fn bad_pattern(error: &PatternError) -> Failure {
    let mut failure = Failure::from_error(Exit::Usage, error).hint(
        "`*` stands for one segment and `**` for the rest; quote a pattern, since shells know stars \
         too",
    );
    failure.pointer = point(OPTION, &error.pattern, error.segment.clone());
    failure
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn message() -> TracedMessage {
        TracedMessage {
            topic: "courts/1".into(),
            publisher: "umpire@night \"\n".into(),
            sequence: u64::MAX,
            skipped: 3,
            published: Some(UNIX_EPOCH + Duration::from_micros(1_764_068_645_123_999)),
            type_name: "tennis::Score",
            value: Ok(r#"{"z":1.0,"a":18446744073709551616}"#.to_owned()),
        }
    }

    #[test]
    fn a_line_has_all_in_one_order_and_the_value_as_it_is() {
        let expect = concat!(
            r#"{"time":"2025-11-25T11:04:05.123Z","topic":"courts/1","#,
            r#""publisher":"umpire@night \"\n","sequence":18446744073709551615,"skipped":3,"#,
            r#""type":"tennis::Score","value":{"z":1.0,"a":18446744073709551616}}"#,
            "\n"
        );
        assert_eq!(line(&message()), expect);
    }

    #[test]
    fn what_cannot_be_shown_or_is_not_known_is_told_so() {
        let value = Err("no \"number\"\nof JSON".to_owned());
        let text = line(&TracedMessage { published: None, value, ..message() });
        assert_eq!(text.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["time"], serde_json::Value::Null);
        assert_eq!(read["error"], "no \"number\"\nof JSON");
        assert!(read.get("value").is_none(), "{text}");
    }

    #[test]
    fn all_wrong_patterns_are_pointed_at() {
        let patterns = ["größe/b*/c", "a/b", "a//b"].map(str::to_owned);
        let failures = wanted(&patterns, &Output::stdout()).unwrap_err();
        let pointers = failures.as_slice().iter().map(|it| it.pointer.as_deref().unwrap());
        let expect = [
            "  --bus-trace größe/b*/c\n                    ^^\n",
            "  --bus-trace a//b\n                ^\n",
        ];
        assert_eq!(pointers.collect::<Vec<_>>(), expect);
        assert_eq!(failures.exit(), Exit::Usage);
        assert!(wanted(&[], &Output::stdout()).unwrap().is_none());
    }
}
