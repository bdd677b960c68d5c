//! Values that crossed, as a set of values of the host's `tracing`.

use tracing::field::{DisplayValue, display};
use tracing_core::Metadata;
use tracing_core::field::{Value, ValueSet};

use lifespan_abi::{FieldKind, FieldValue};

/// A value that crossed, by its kind.
enum Crossed<'a> {
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Bool(bool),
    Str(&'a str),
    /// Was formatted by the plugin: shown as it is, without quotes.
    Shown(DisplayValue<&'a str>),
}

/// Lends the values as a set for the site's fields. What belongs to no field of the site is left
/// out.
pub(super) fn with_values<R>(
    metadata: &'static Metadata<'static>,
    values: &[FieldValue<'_>],
    call: impl FnOnce(&ValueSet<'_>) -> R,
) -> R {
    let fields = metadata.fields();
    let crossed: Vec<Crossed<'_>> = values.iter().map(Crossed::from).collect();
    let mut set: Vec<Option<&dyn Value>> = vec![None; fields.len()];
    for (value, crossed) in values.iter().zip(&crossed) {
        let place = usize::try_from(value.field).ok();
        if let Some(slot) = place.and_then(|place| set.get_mut(place)) {
            *slot = Some(crossed.value());
        }
    }
    call(&fields.value_set_all(&set))
}

impl<'a> From<&'a FieldValue<'_>> for Crossed<'a> {
    fn from(value: &'a FieldValue<'_>) -> Self {
        let wide = u128::from(value.high) << 64 | u128::from(value.low);
        match value.kind {
            FieldKind::I64 => Crossed::I64(value.low.cast_signed()),
            FieldKind::U64 => Crossed::U64(value.low),
            FieldKind::I128 => Crossed::I128(wide.cast_signed()),
            FieldKind::U128 => Crossed::U128(wide),
            FieldKind::F64 => Crossed::F64(f64::from_bits(value.low)),
            FieldKind::BOOL => Crossed::Bool(value.low != 0),
            FieldKind::STR => Crossed::Str(value.text.as_str()),
            // A later kind than this host knows still has its text.
            _ => Crossed::Shown(display(value.text.as_str())),
        }
    }
}

impl Crossed<'_> {
    fn value(&self) -> &dyn Value {
        match self {
            Crossed::I64(value) => value,
            Crossed::U64(value) => value,
            Crossed::I128(value) => value,
            Crossed::U128(value) => value,
            Crossed::F64(value) => value,
            Crossed::Bool(value) => value,
            Crossed::Str(value) => value,
            Crossed::Shown(value) => value,
        }
    }
}
