//! What is found identical, and that abi_stable agrees wherever it is.
#![expect(dead_code, reason = "of these types only the descriptions are looked at")]
#![expect(clippy::bad_bit_mask, reason = "what the derive makes of a field that is hidden")]
#![expect(non_local_definitions, reason = "the derive of abi_stable makes some in a macro")]

use std::marker::PhantomData;

use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::std_types::{self, RBox, ROption, RString, RVec};
use abi_stable::type_layout::{Tag, TypeLayout};
use abi_stable::{DynTrait, StableAbi};

use super::identical;

/// A type named `Subject` in a module of its own, whose description lies at an address of its own.
macro_rules! subject {
    ($module:ident, $($definition:tt)*) => {
        mod $module {
            use super::*;

            #[repr(C)]
            #[derive(StableAbi)]
            pub(super) $($definition)*
        }
    };
}

subject! {base, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(u8) -> RString }}
subject! {same, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(u8) -> RString }}
subject! {field_name, struct Subject { two: u32, more: RVec<RString>, call: extern "C" fn(u8) -> RString }}
subject! {field_type, struct Subject { one: i32, more: RVec<RString>, call: extern "C" fn(u8) -> RString }}
subject! {deep, struct Subject { one: u32, more: RVec<RVec<u8>>, call: extern "C" fn(u8) -> RString }}
subject! {parameter, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(i8) -> RString }}
subject! {parameters, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(u8, u8) -> RString }}
subject! {answer, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(u8) -> RVec<u8> }}
subject! {no_answer, struct Subject { one: u32, more: RVec<RString>, call: extern "C" fn(u8) }}
subject! {unsafe_call, struct Subject { one: u32, more: RVec<RString>, call: unsafe extern "C" fn(u8) -> RString }}
subject! {order, struct Subject { more: RVec<RString>, one: u32, call: extern "C" fn(u8) -> RString }}
subject! {fewer, struct Subject { one: u32, more: RVec<RString> }}
subject! {union, union Subject { one: u32, more: u64 }}

mod enums {
    use super::*;

    subject! {base, enum Subject { A(u8), B }}
    subject! {same, enum Subject { A(u8), B }}
    subject! {variant_name, enum Subject { A(u8), C }}
    subject! {variant_field, enum Subject { A(u8), B(u8) }}
    subject! {field_type, enum Subject { A(i8), B }}
    subject! {plain, enum Subject { A, B }}
    subject! {discriminant, enum Subject { A, B = 7 }}

    pub(super) const BASE: &TypeLayout = base::Subject::LAYOUT;
    pub(super) const SAME: &TypeLayout = same::Subject::LAYOUT;
    pub(super) const PLAIN: &TypeLayout = plain::Subject::LAYOUT;
    pub(super) const DISCRIMINANT: &TypeLayout = discriminant::Subject::LAYOUT;
    pub(super) const OTHERS: [&TypeLayout; 4] = [
        variant_name::Subject::LAYOUT,
        variant_field::Subject::LAYOUT,
        field_type::Subject::LAYOUT,
        PLAIN,
    ];
}

/// Refers to itself, through another.
mod circles {
    use super::*;

    subject! {one, struct Subject { own: ROption<&'static Subject>, at: u32 }}
    subject! {same, struct Subject { own: ROption<&'static Subject>, at: u32 }}
    subject! {other, struct Subject { own: ROption<&'static Subject>, at: i32 }}

    pub(super) const ONE: &TypeLayout = one::Subject::LAYOUT;
    pub(super) const SAME: &TypeLayout = same::Subject::LAYOUT;
    pub(super) const OTHER: &TypeLayout = other::Subject::LAYOUT;
}

/// What the attributes of a type say, and what its name alone does not.
mod facts {
    use super::*;

    subject! {base, struct Subject<'a> { one: &'a u8, call: extern "C" fn(&u8) }}
    subject! {same, struct Subject<'a> { one: &'a u8, call: extern "C" fn(&u8) }}
    subject! {field_lifetime, struct Subject<'a> { one: &'static u8, call: extern "C" fn(&u8), it: PhantomData<&'a ()> }}
    subject! {no_lifetime, struct Subject { one: &'static u8, call: extern "C" fn(&u8) }}
    subject! {call_lifetime, struct Subject<'a> { one: &'a u8, call: extern "C" fn(&'static u8) }}
    subject! {answered_lifetime, struct Subject<'a> { one: &'a u8, call: extern "C" fn(&'a u8) }}

    subject! {two, struct Subject<'a, 'b> { one: &'a u8, two: &'b u8 }}
    subject! {swapped, struct Subject<'a, 'b> { one: &'b u8, two: &'a u8 }}
    subject! {named, struct Subject { call: extern "C" fn(one: u8) }}
    subject! {named_otherwise, struct Subject { call: extern "C" fn(two: u8) }}

    macro_rules! attributed {
        ($module:ident, [$($attribute:tt)*], $($definition:tt)*) => {
            mod $module {
                use super::*;

                #[derive(StableAbi)]
                $($attribute)*
                pub(super) $($definition)*
            }
        };
    }

    attributed! {plain, [#[repr(C)]], struct Subject { one: u8 }}
    attributed! {transparent, [#[repr(transparent)]], struct Subject { one: u8 }}
    attributed! {tagged, [#[repr(C)] #[sabi(tag = Tag::str("one"))]], struct Subject { one: u8 }}
    attributed! {tagged_so, [#[repr(C)] #[sabi(tag = Tag::str("one"))]], struct Subject { one: u8 }}
    attributed! {tagged_otherwise, [#[repr(C)] #[sabi(tag = Tag::str("two"))]], struct Subject { one: u8 }}
    attributed! {never_null, [#[repr(transparent)]], struct Subject { one: &'static u8 }}
    attributed! {maybe_null, [#[repr(transparent)]], struct Subject { one: *const u8 }}

    /// As in abi_stable, and not from there.
    #[repr(u8)]
    #[derive(StableAbi)]
    pub(super) enum RCmpOrdering {
        Less,
        Equal,
        Greater,
    }

    pub(super) const BASE: &TypeLayout = base::Subject::LAYOUT;
    pub(super) const PLAIN: &TypeLayout = plain::Subject::LAYOUT;
    pub(super) const TAGGED: &TypeLayout = tagged::Subject::LAYOUT;
    pub(super) const SAME: [(&TypeLayout, &TypeLayout); 2] =
        [(BASE, same::Subject::LAYOUT), (TAGGED, tagged_so::Subject::LAYOUT)];
    pub(super) const OTHERS: [(&TypeLayout, &TypeLayout); 11] = [
        (two::Subject::LAYOUT, swapped::Subject::LAYOUT),
        (named::Subject::LAYOUT, named_otherwise::Subject::LAYOUT),
        (BASE, field_lifetime::Subject::LAYOUT),
        (BASE, no_lifetime::Subject::LAYOUT),
        (BASE, call_lifetime::Subject::LAYOUT),
        (BASE, answered_lifetime::Subject::LAYOUT),
        (PLAIN, transparent::Subject::LAYOUT),
        (PLAIN, TAGGED),
        (TAGGED, tagged_otherwise::Subject::LAYOUT),
        (never_null::Subject::LAYOUT, maybe_null::Subject::LAYOUT),
        (RCmpOrdering::LAYOUT, std_types::RCmpOrdering::LAYOUT),
    ];
}

/// Vtables and root modules.
mod prefixes {
    use super::*;

    macro_rules! prefix {
        ($module:ident, $($fields:tt)*) => {
            mod $module {
                use super::*;

                #[repr(C)]
                #[derive(StableAbi)]
                #[sabi(kind(Prefix(prefix_ref = SubjectRef)))]
                #[sabi(missing_field(panic))]
                pub(super) struct Subject { $($fields)* }
            }
        };
    }

    prefix! {base, one: u8, #[sabi(last_prefix_field)] two: u16, three: u32}
    prefix! {same, one: u8, #[sabi(last_prefix_field)] two: u16, three: u32}
    prefix! {later_last, one: u8, two: u16, #[sabi(last_prefix_field)] three: u32}
    prefix! {longer, one: u8, #[sabi(last_prefix_field)] two: u16, three: u32, four: u16}
    prefix! {field_type, one: u8, #[sabi(last_prefix_field)] two: u16, three: i32}
    prefix! {hidden, one: u8, #[sabi(last_prefix_field)] two: u16, #[sabi(accessible_if = size_of::<u8>() == 2)] three: u32}
    prefix! {maybe, one: u8, #[sabi(accessible_if = size_of::<u8>() == 1)] #[sabi(last_prefix_field)] two: u16, three: u32}
    prefix! {optional, one: u8, #[sabi(last_prefix_field)] two: u16, #[sabi(missing_field(option))] three: u32}

    pub(super) const BASE: &TypeLayout = base::SubjectRef::LAYOUT;
    /// What a reader does about a field that is missing is its own matter.
    pub(super) const SAME: [&TypeLayout; 2] =
        [same::SubjectRef::LAYOUT, optional::SubjectRef::LAYOUT];
    pub(super) const OTHERS: [&TypeLayout; 5] = [
        later_last::SubjectRef::LAYOUT,
        longer::SubjectRef::LAYOUT,
        field_type::SubjectRef::LAYOUT,
        hidden::SubjectRef::LAYOUT,
        maybe::SubjectRef::LAYOUT,
    ];
}

mod arrays {
    use super::*;

    subject! {one, struct Subject { all: [u16; 3] }}
    subject! {same, struct Subject { all: [u16; 3] }}
    subject! {longer, struct Subject { all: [u16; 4] }}
    subject! {empty, struct Subject { all: [(); 3], one: u8 }}
    subject! {also_empty, struct Subject { all: [(); 4], one: u8 }}

    pub(super) const ONE: &TypeLayout = one::Subject::LAYOUT;
    pub(super) const SAME: &TypeLayout = same::Subject::LAYOUT;
    pub(super) const LONGER: &TypeLayout = longer::Subject::LAYOUT;
    pub(super) const EMPTY: &TypeLayout = empty::Subject::LAYOUT;
    pub(super) const ALSO_EMPTY: &TypeLayout = also_empty::Subject::LAYOUT;
}

/// Trait objects differ in what they ask of what is in them: an extra check.
mod objects {
    use super::*;

    macro_rules! object {
        ($module:ident, $($traits:ident),+) => {
            mod $module {
                use super::*;

                #[repr(C)]
                #[derive(StableAbi)]
                #[sabi(impl_InterfaceType($($traits),+))]
                pub(super) struct Interface;

                #[repr(C)]
                #[derive(StableAbi)]
                pub(super) struct Subject {
                    object: DynTrait<'static, RBox<()>, Interface>,
                }
            }
        };
    }

    object! {one, Send, Sync}
    object! {same, Send, Sync}
    object! {fewer, Send}
    object! {more, Send, Sync, Clone}

    pub(super) const ONE: &TypeLayout = one::Subject::LAYOUT;
    pub(super) const SAME: &TypeLayout = same::Subject::LAYOUT;
    pub(super) const FEWER: &TypeLayout = fewer::Subject::LAYOUT;
    pub(super) const MORE: &TypeLayout = more::Subject::LAYOUT;
}

/// Both directions, and what abi_stable says where they are identical.
fn check(one: &'static TypeLayout, other: &'static TypeLayout, expect: bool) {
    let case = || format!("{:?}\nand {:?}", one.mono_type_layout(), other.mono_type_layout());
    assert_eq!(identical(one, other), expect, "{}", case());
    assert_eq!(identical(other, one), expect, "{}", case());
    if expect {
        assert!(check_layout_compatibility(one, other).is_ok(), "{}", case());
    }
}

#[test]
fn what_says_the_same_is_identical_and_abi_stable_agrees() {
    check(base::Subject::LAYOUT, same::Subject::LAYOUT, true);
    check(enums::BASE, enums::SAME, true);
    check(circles::ONE, circles::SAME, true);
    check(objects::ONE, objects::SAME, true);
    check(arrays::ONE, arrays::SAME, true);
    prefixes::SAME.into_iter().for_each(|other| check(prefixes::BASE, other, true));
    facts::SAME.into_iter().for_each(|(one, other)| check(one, other, true));
}

#[test]
fn any_difference_is_seen() {
    let others = [
        field_name::Subject::LAYOUT,
        field_type::Subject::LAYOUT,
        deep::Subject::LAYOUT,
        parameter::Subject::LAYOUT,
        parameters::Subject::LAYOUT,
        answer::Subject::LAYOUT,
        no_answer::Subject::LAYOUT,
        unsafe_call::Subject::LAYOUT,
        order::Subject::LAYOUT,
        fewer::Subject::LAYOUT,
        union::Subject::LAYOUT,
        enums::BASE,
    ];
    others.into_iter().for_each(|other| check(base::Subject::LAYOUT, other, false));
    enums::OTHERS.into_iter().for_each(|other| check(enums::BASE, other, false));
    prefixes::OTHERS.into_iter().for_each(|other| check(prefixes::BASE, other, false));
    facts::OTHERS.into_iter().for_each(|(one, other)| check(one, other, false));
    check(enums::PLAIN, enums::DISCRIMINANT, false);
    check(circles::ONE, circles::OTHER, false);
    check(objects::ONE, objects::FEWER, false);
    check(objects::ONE, objects::MORE, false);
    check(arrays::ONE, arrays::LONGER, false);
    // The length of an array without a size is not known.
    check(arrays::EMPTY, arrays::ALSO_EMPTY, false);
}
