//! One thing that is told as one JSON object: an event, or a failure of the program. Every object has
//! the same keys, in the same order.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::fields::{Fields, Shown};
use super::{HOST, Line};

/// What stands in an object.
struct Object<'a> {
    /// Such as `2026-11-22T11:04:33.123Z`.
    timestamp: String,
    /// Such as `INFO`.
    level: &'a str,
    /// Who tells it.
    target: &'a str,
    /// Of which instance it is told.
    instance: Option<&'a str>,
    /// A list of objects, outermost first.
    spans: Value,
    /// The text.
    message: Option<&'a str>,
    /// An object with what else there is.
    fields: Value,
}

impl Object<'_> {
    /// The line, with its end.
    fn line(self) -> String {
        let members: [(&str, Value); 7] = [
            ("timestamp", json!(self.timestamp)),
            ("level", json!(self.level)),
            ("target", json!(self.target)),
            ("instance", json!(self.instance)),
            ("spans", self.spans),
            ("message", json!(self.message)),
            ("fields", self.fields),
        ];
        // An object of `serde_json` would sort its keys.
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}\n", members.join(","))
    }
}

/// A line of the program itself.
pub(crate) fn own(level: &str, instance: Option<&str>, message: &str, fields: Value) -> String {
    let (timestamp, message) = (now(), Some(message));
    Object { timestamp, level, target: HOST, instance, spans: json!([]), message, fields }.line()
}

/// The time now as it stands in an object.
pub(super) fn now() -> String {
    timestamp(SystemTime::now())
}

/// A time as it stands in an object.
pub(crate) fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// An event's line, with its end.
pub(super) fn line(line: &Line<'_>) -> String {
    let spans =
        line.spans.iter().map(|(name, fields)| json!({"name": name, "fields": all(fields)}));
    let message = line.fields.message();
    let object = Object {
        timestamp: line.timestamp.clone(),
        level: line.metadata.level().as_str(),
        target: line.metadata.target(),
        instance: line.instance.as_deref(),
        spans: Value::Array(spans.collect()),
        message: message.as_deref(),
        fields: all(&line.fields),
    };
    object.line()
}

fn all(fields: &Fields) -> Value {
    let value = |shown: &Shown| match shown {
        Shown::Text(text) | Shown::Formatted(text) => json!(text),
        Shown::Other(value) => value.clone(),
    };
    Value::Object(fields.rest().map(|(name, shown)| (name.to_owned(), value(shown))).collect())
}
