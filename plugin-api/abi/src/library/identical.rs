//! Whether two descriptions of layouts say the same, word for word.
//!
//! That is the common case of the [`verdict`](super::verdict): host and library were built against one
//! version of this package. abi_stable's own check then answers yes, but takes a good part of the time
//! that a library needs to be opened, since it may have to explain each difference, and to compare
//! prefix types of all libraries with each other. This one only walks both descriptions side by side,
//! and asks for more than abi_stable does; whatever differs at all is left to it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr;

use abi_stable::StableAbi;
use abi_stable::abi_stability::extra_checks::ExtraChecksStaticRef;
use abi_stable::erased_types::RequiredTraits;
use abi_stable::type_layout::{TLData, TLField, TLFields, TLFunction, TLPrimitive, TypeLayout};

/// A type as one side describes it and as the other does.
type Pair = (&'static TypeLayout, &'static TypeLayout);

/// Whether abi_stable must find the two compatible, in whatever direction, since they and all types
/// that they refer to agree in everything that it compares.
///
/// Knows only the extra checks of trait objects, the constant parameters of arrays, and enums that do
/// not grow: this package has no others. A type that has is not found identical.
pub(super) fn identical(one: &'static TypeLayout, other: &'static TypeLayout) -> bool {
    let mut walk = Walk::default();
    walk.meet(one, other);
    while let Some((one, other)) = walk.pending.pop() {
        if !walk.agree(one, other) {
            return false;
        }
    }
    true
}

#[derive(Default)]
struct Walk {
    /// Those that have been met, by their addresses: types refer to each other in circles.
    met: HashSet<(*const TypeLayout, *const TypeLayout), BuildHasherDefault<Addresses>>,
    /// Those of them that have not been compared.
    pending: Vec<Pair>,
}

/// Hashes addresses, which nobody chooses to collide: much cheaper than the standard hasher. As in
/// rustc's `FxHasher`.
#[derive(Default)]
struct Addresses(u64);

impl Hasher for Addresses {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(byte.into()));
    }

    fn write_usize(&mut self, address: usize) {
        const SEED: u64 = 0x517c_c1b7_2722_0a95;
        self.0 = (self.0.rotate_left(5) ^ address as u64).wrapping_mul(SEED);
    }

    fn finish(&self) -> u64 {
        // The low bits, which choose the bucket, are those that a multiplication mixes least.
        self.0.rotate_left(26)
    }
}

impl Walk {
    /// Has a pair compared, once.
    fn meet(&mut self, one: &'static TypeLayout, other: &'static TypeLayout) {
        if !ptr::eq(one, other) && self.met.insert((one, other)) {
            self.pending.push((one, other));
        }
    }

    /// Compares all of a pair but the types that it refers to, which are met.
    fn agree(&mut self, one: &'static TypeLayout, other: &'static TypeLayout) -> bool {
        one.name() == other.name()
            && one.item_info().package_and_version() == other.item_info().package_and_version()
            && (one.size(), one.alignment()) == (other.size(), other.alignment())
            && one.is_nonzero() == other.is_nonzero()
            && one.repr_attr() == other.repr_attr()
            && one.tag() == other.tag()
            && one.generics().lifetime_count() == other.generics().lifetime_count()
            && [one, other].into_iter().all(constants_are_known)
            && self.extra_checks(one.extra_checks(), other.extra_checks())
            && self.fields(one.phantom_fields(), other.phantom_fields())
            && self.data(one.data(), other.data())
    }

    /// Compares what trait objects ask of what is in them; knows no other extra checks.
    fn extra_checks(
        &mut self,
        one: Option<ExtraChecksStaticRef>,
        other: Option<ExtraChecksStaticRef>,
    ) -> bool {
        let (one, other) = match (one, other) {
            (None, None) => return true,
            (Some(one), Some(other)) => (one, other),
            _ => return false,
        };
        self.meet(one.type_layout(), RequiredTraits::LAYOUT);
        self.meet(other.type_layout(), RequiredTraits::LAYOUT);
        // If they are these at all, they are two sets of traits, and show both.
        format!("{one:?}") == format!("{other:?}")
    }

    fn data(&mut self, one: TLData, other: TLData) -> bool {
        match (one, other) {
            (TLData::Opaque, TLData::Opaque) => true,
            (TLData::Primitive(one), TLData::Primitive(other)) => one == other,
            (TLData::Struct { fields: one }, TLData::Struct { fields: other })
            | (TLData::Union { fields: one }, TLData::Union { fields: other }) => {
                self.fields(one, other)
            }
            (TLData::Enum(one), TLData::Enum(other)) => {
                one.field_count == other.field_count
                    && one.variant_names == other.variant_names
                    && one.discriminants == other.discriminants
                    && one.exhaustiveness.is_exhaustive()
                    && other.exhaustiveness.is_exhaustive()
                    && self.fields(one.fields, other.fields)
            }
            (TLData::PrefixType(one), TLData::PrefixType(other)) => {
                one.first_suffix_field == other.first_suffix_field
                    && one.conditional_prefix_fields == other.conditional_prefix_fields
                    && one.accessible_fields == other.accessible_fields
                    && self.fields(one.fields, other.fields)
            }
            _ => false,
        }
    }

    fn fields(&mut self, one: TLFields, other: TLFields) -> bool {
        one.len() == other.len()
            && one.iter().zip(other.iter()).all(|(one, other)| self.field(&one, &other))
    }

    fn field(&mut self, one: &TLField, other: &TLField) -> bool {
        let (functions, others) = (one.function_range(), other.function_range());
        self.meet(one.layout(), other.layout());
        one.name() == other.name()
            && one.lifetime_indices() == other.lifetime_indices()
            && functions.len() == others.len()
            && functions.iter().zip(others).all(|(one, other)| self.function(&one, &other))
    }

    fn function(&mut self, one: &TLFunction, other: &TLFunction) -> bool {
        let (parameters, others) = (&one.param_type_layouts, &other.param_type_layouts);
        for (one, other) in parameters.iter().zip(others.iter()) {
            self.meet(one(), other());
        }
        let returned = match (one.return_type_layout(), other.return_type_layout()) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                self.meet(one(), other());
                true
            }
            _ => false,
        };
        returned
            && parameters.len() == others.len()
            && one.name == other.name
            && one.bound_lifetimes == other.bound_lifetimes
            && one.param_names == other.param_names
            && one.paramret_lifetime_indices == other.paramret_lifetime_indices
            && one.fn_qualifs == other.fn_qualifs
    }
}

/// Whether it has no constant parameters, or is an array: its length follows from its size and its
/// elements'.
fn constants_are_known(layout: &'static TypeLayout) -> bool {
    let is_array = || layout.data() == TLData::Primitive(TLPrimitive::Array);
    layout.generics().const_params().is_empty() || (layout.size() > 0 && is_array())
}

#[cfg(test)]
mod tests;
