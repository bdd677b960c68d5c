//! MessagePack as JSON, without knowing the type.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::message::EncodeError;

/// The JSON text of MessagePack bytes. Keys that are no strings become their JSON text, bytes become
/// arrays of numbers, and numbers that JSON has not (such as NaN) become `null`.
pub(super) fn of_msgpack(bytes: &[u8]) -> Result<String, EncodeError> {
    let Any(value) = rmp_serde::from_slice(bytes).map_err(EncodeError::new)?;
    Ok(value.to_string())
}

struct Any(Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Any)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_f32<E: Error>(self, value: f32) -> Result<Value, E> {
        // By way of its text: 0.1 shall not become 0.10000000149011612.
        let number = value.to_string().parse().ok().and_then(Number::from_f64);
        Ok(number.map_or(Value::Null, Value::Number))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Any(value)) = access.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((Any(key), Any(value))) = access.next_entry()? {
            let key = match key {
                Value::String(text) => text,
                other => other.to_string(),
            };
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_has_not() {
        for (bytes, json) in [
            (&[0xc4, 2, 1, 255][..], "[1,255]"),      // bytes
            (&[0xca, 0x3d, 0xcc, 0xcc, 0xcd], "0.1"), // f32
            (&[0xca, 0x7f, 0xc0, 0, 0], "null"),      // NaN
            (&[0x82, 0x01, 0x02, 0xc3, 0x04], r#"{"1":2,"true":4}"#),
        ] {
            assert_eq!(of_msgpack(bytes).unwrap(), json);
        }
        assert!(of_msgpack(&[0x92, 1]).is_err());
    }
}
