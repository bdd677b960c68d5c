//! The fields of an event or span, taken out of `tracing` so that they can be shown later, in either
//! format.

use std::fmt;

use serde_json::{Number, Value};
use tracing::field::{Field, Visit};

/// Fields in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Shown)>);

/// A value by how it is shown.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// A text, which people see in quotes.
    Text(String),
    /// What was formatted, seen as it is.
    Formatted(String),
    /// A number or truth value.
    Other(Value),
}

/// The field that is the text of an event.
const MESSAGE: &str = "message";

impl Fields {
    /// What `record` tells of.
    pub(super) fn of(record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut fields = Fields::default();
        record(&mut fields);
        fields
    }

    /// Takes later values of fields that are there, and those that are not.
    pub(super) fn update(&mut self, new: Fields) {
        for (name, value) in new.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => self.0.push((name, value)),
            }
        }
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(match value {
            Shown::Text(text) | Shown::Formatted(text) => text.clone(),
            Shown::Other(value) => value.to_string(),
        })
    }

    /// Takes a field out; its text.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        self.0.retain(|(known, _)| *known != name);
        Some(text)
    }

    /// The text of the event.
    pub(super) fn message(&self) -> Option<String> {
        self.text(MESSAGE)
    }

    /// All fields but the text of the event.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&'static str, &Shown)> {
        self.0.iter().filter(|(name, _)| *name != MESSAGE).map(|(name, value)| (*name, value))
    }

    fn put(&mut self, field: &Field, value: Shown) {
        self.0.push((field.name(), value));
    }

    fn number(&mut self, field: &Field, number: Option<Number>, text: impl fmt::Display) {
        // What JSON has no number for is told as text.
        let value =
            number.map_or_else(|| Shown::Formatted(text.to_string()), |it| Shown::Other(it.into()));
        self.put(field, value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Shown::Formatted(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Shown::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Shown::Other(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Shown::Other(value.into()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, Number::from_i128(value), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, Number::from_u128(value), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, Number::from_f64(value), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Shown::Other(value.into()));
    }
}
