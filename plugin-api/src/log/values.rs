//! The values of an event or span, taken out of `tracing` into what crosses.
//!
//! A text is copied: `Visit` lends it only for the visit of its field. All texts of an event share
//! one buffer. Formatting runs the author's code, which may panic: that ends here.

use std::error::Error;
use std::fmt::{self, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_core::field::{Field, Visit};

use crate::abi::abi_stable::std_types::{RSlice, RStr};
use crate::abi::{FieldKind, FieldValue};
use crate::panics::discard_payload;

/// What stands for a value whose formatting panicked.
pub(super) const PANICKED: &str = "<panicked while formatting>";

/// Values by the place of their field.
#[derive(Default)]
pub(super) struct Values {
    text: String,
    taken: Vec<Taken>,
}

struct Taken {
    field: u32,
    kind: FieldKind,
    low: u64,
    high: u64,
    text: Range<usize>,
}

impl Values {
    /// What `record` tells of.
    pub(super) fn of(record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut values = Values::default();
        record(&mut values);
        values
    }

    /// Lends the values in the form in which they cross.
    pub(super) fn lend<R>(&self, call: impl FnOnce(RSlice<'_, FieldValue<'_>>) -> R) -> R {
        let values: Vec<FieldValue<'_>> = self
            .taken
            .iter()
            .map(|taken| FieldValue {
                field: taken.field,
                kind: taken.kind,
                low: taken.low,
                high: taken.high,
                text: RStr::from_str(&self.text[taken.text.clone()]),
            })
            .collect();
        call(RSlice::from_slice(&values))
    }

    /// A value that must be formatted.
    pub(super) fn shown(&mut self, field: u32, value: fmt::Arguments<'_>) {
        let start = self.text.len();
        let text = &mut self.text;
        // An error is the value's own: what it wrote before stands.
        let written = catch_unwind(AssertUnwindSafe(|| text.write_fmt(value).is_ok()));
        if let Err(panic) = written {
            self.text.truncate(start);
            self.text.push_str(PANICKED);
            discard_payload(panic);
        }
        self.put(field, FieldKind::DEBUG, 0, 0, start);
    }

    /// A text.
    pub(super) fn text(&mut self, field: u32, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.put(field, FieldKind::STR, 0, 0, start);
    }

    fn number(&mut self, field: &Field, kind: FieldKind, low: u64, high: u64) {
        self.put(place(field), kind, low, high, self.text.len());
    }

    fn put(&mut self, field: u32, kind: FieldKind, low: u64, high: u64, start: usize) {
        self.taken.push(Taken { field, kind, low, high, text: start..self.text.len() });
    }
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.shown(place(field), format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.shown(place(field), format_args!("{}", Chain(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(place(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, FieldKind::I64, value as u64, 0);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, FieldKind::U64, value, 0);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        let (low, high) = halves(value as u128);
        self.number(field, FieldKind::I128, low, high);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        let (low, high) = halves(value);
        self.number(field, FieldKind::U128, low, high);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, FieldKind::F64, value.to_bits(), 0);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, FieldKind::BOOL, value.into(), 0);
    }
}

/// An error with what caused it.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0;
        while let Some(cause) = error.source() {
            write!(f, ": {cause}")?;
            error = cause;
        }
        Ok(())
    }
}

fn place(field: &Field) -> u32 {
    u32::try_from(field.index()).unwrap_or(u32::MAX)
}

fn halves(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}
