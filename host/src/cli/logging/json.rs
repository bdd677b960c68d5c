//! An event as one JSON object. Every object has the same keys, in the same order.

use serde_json::{Value, json};

use super::Line;
use super::fields::{Fields, Shown};

/// The line, with its end.
pub(super) fn line(line: &Line<'_>) -> String {
    let spans: Vec<Value> = line
        .spans
        .iter()
        .map(|(name, fields)| json!({"name": name, "fields": all(fields)}))
        .collect();
    let members: [(&str, Value); 7] = [
        ("timestamp", json!(line.timestamp)),
        ("level", json!(line.metadata.level().as_str())),
        ("target", json!(line.metadata.target())),
        ("instance", json!(line.instance)),
        ("spans", json!(spans)),
        ("message", json!(line.fields.message())),
        ("fields", all(&line.fields)),
    ];
    // An object of `serde_json` would sort its keys.
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}\n", members.join(","))
}

fn all(fields: &Fields) -> Value {
    let value = |shown: &Shown| match shown {
        Shown::Text(text) | Shown::Formatted(text) => json!(text),
        Shown::Other(value) => value.clone(),
    };
    Value::Object(fields.rest().map(|(name, shown)| (name.to_owned(), value(shown))).collect())
}
