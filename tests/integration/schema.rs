//! Checks what a command prints against the schema in `host/schemas`.
//!
//! It knows the part of JSON Schema that these are written in, and refuses a schema that uses more: a
//! word that is not understood would check nothing.

use std::fs;

use serde_json::{Map, Value};

use crate::artifacts::workspace_root;

/// Fails the test unless the value is as the schema of that name says.
#[track_caller]
pub(crate) fn check(name: &str, value: &Value) {
    let file = workspace_root().join("host/schemas").join(format!("{name}.json"));
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let schema: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut faults = Vec::new();
    judge(&schema, &schema, value, "$", &mut faults);
    assert!(faults.is_empty(), "{name}:\n{}\n{value:#}", faults.join("\n"));
}

fn judge(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let words = schema.as_object().expect("a schema is an object");
    for (word, rule) in words {
        match word.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" => {}
            "$ref" => judge(root, definition(root, rule), value, at, faults),
            "type" => {
                if !types(rule).any(|kind| is(kind, value)) {
                    faults.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    faults.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "properties" | "required" | "additionalProperties" => {
                if let Some(object) = value.as_object() {
                    judge_object(root, words, word, object, at, faults);
                }
            }
            "items" => {
                for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                    judge(root, rule, item, &format!("{at}[{nth}]"), faults);
                }
            }
            other => panic!("{at}: `{other}` is not understood"),
        }
    }
}

fn judge_object(
    root: &Value,
    words: &Map<String, Value>,
    word: &str,
    object: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    let rule = &words[word];
    match word {
        "properties" => {
            for (name, rule) in rule.as_object().expect("an object") {
                if let Some(value) = object.get(name) {
                    judge(root, rule, value, &format!("{at}.{name}"), faults);
                }
            }
        }
        "required" => {
            let missing = rule.as_array().expect("a list").iter().filter_map(Value::as_str);
            let missing = missing.filter(|name| !object.contains_key(*name));
            faults.extend(missing.map(|name| format!("{at}: `{name}` is missing")));
        }
        _ => {
            let known = words.get("properties").and_then(Value::as_object);
            let is_unknown = |name: &str| known.is_none_or(|it| !it.contains_key(name));
            for (name, value) in object.iter().filter(|(name, _)| is_unknown(name)) {
                match rule {
                    Value::Bool(false) => {
                        faults.push(format!("{at}: `{name}` is not in the schema"));
                    }
                    Value::Object(_) => judge(root, rule, value, &format!("{at}.{name}"), faults),
                    other => panic!("{at}: `{other}` is not understood"),
                }
            }
        }
    }
}

fn definition<'s>(root: &'s Value, name: &Value) -> &'s Value {
    let name = name.as_str().and_then(|it| it.strip_prefix("#/$defs/")).expect("a definition");
    root["$defs"].get(name).unwrap_or_else(|| panic!("there is no definition `{name}`"))
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let several = rule.as_array().into_iter().flatten();
    std::iter::once(rule).chain(several).filter_map(Value::as_str)
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not understood"),
    }
}

#[test]
fn a_value_that_is_otherwise_is_told() {
    let schema: Value = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"type": ["string", "null"]}, "b": {"$ref": "#/$defs/b"}},
        "$defs": {"b": {"type": "array", "items": {"enum": ["x", "y"]}}},
    });
    for (value, count) in [
        (serde_json::json!({"a": null, "b": ["x"]}), 0),
        (serde_json::json!({}), 1),
        (serde_json::json!({"a": 1}), 1),
        (serde_json::json!({"a": "", "b": ["x", "z"], "c": 1}), 2),
        (serde_json::json!([]), 1),
    ] {
        let mut faults = Vec::new();
        judge(&schema, &schema, &value, "$", &mut faults);
        assert_eq!(faults.len(), count, "{value}: {faults:?}");
    }
}
