//! Which types meet on a topic.

use abi_stable::StableAbi;
use lifespan_abi::{BusFault, FaultCode};
use lifespan_plugin_api::bus::Encoded;
use lifespan_plugin_api::message::{DecodeError, EncodeError};
use serde::{Deserialize, Serialize};

use super::*;

/// A type of one author.
mod mine {
    use super::*;

    #[repr(C)]
    #[derive(StableAbi, Serialize, Deserialize, lifespan_plugin_api::message::Message)]
    pub(super) struct Point {
        x: u32,
    }
}

/// One that another wrote separately.
mod yours {
    use super::*;

    #[repr(C)]
    #[derive(StableAbi, Serialize, Deserialize, lifespan_plugin_api::message::Message)]
    pub(super) struct Point {
        x: u32,
        y: u32,
    }
}

/// Types of which one side may know more than the other.
mod growing {
    #![expect(non_local_definitions, dead_code, reason = "the expansion of `StableAbi`")]

    use super::*;

    #[repr(u8)]
    #[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[sabi(kind(WithNonExhaustive(size = 16, traits(Debug))))]
    #[non_exhaustive]
    pub(super) enum Open {
        One,
    }

    #[repr(C)]
    #[derive(StableAbi)]
    #[sabi(kind(Prefix(prefix_ref = VtableRef)))]
    #[sabi(missing_field(panic))]
    pub(super) struct Vtable {
        #[sabi(last_prefix_field)]
        pub(super) call: extern "C" fn(),
    }
}

/// A message whose wire form is what a test asks for.
macro_rules! hand_made {
    ($name:ident, $wire:ty) => {
        struct $name($wire);
        impl Message for $name {
            type Wire = $wire;
            type View = $wire;
            const NAME: &'static str = stringify!($name);
            fn into_wire(self) -> Result<$wire, EncodeError> {
                Ok(self.0)
            }
            fn view(wire: &$wire) -> &$wire {
                wire
            }
            fn to_json(_: &$wire) -> Result<String, EncodeError> {
                Ok("null".to_owned())
            }
            fn from_json(_: &str) -> Result<Self, DecodeError> {
                lifespan_plugin_api::message::of_json::<()>("!").map(|()| unreachable!())
            }
            fn to_bytes(_: &$wire) -> Result<Vec<u8>, EncodeError> {
                Ok(Vec::new())
            }
            fn from_bytes(_: &[u8]) -> Result<$wire, DecodeError> {
                lifespan_plugin_api::message::of_json::<()>("!").map(|()| unreachable!())
            }
        }
    };
}
hand_made!(HoldsPrefix, growing::VtableRef);
hand_made!(HoldsOpen, abi_stable::nonexhaustive_enum::NonExhaustiveFor<growing::Open>);
hand_made!(Nested, abi_stable::std_types::RVec<mine::Point>);

fn open<T: Message>(party: &Party, name: &str) -> Result<Topic<T>, BusFault> {
    let bus = party.bus();
    let opened = bus.topic(name.into(), kind_of::<T>(), TopicOptions::default()).into_result();
    opened.map(|_| party.topic(name, 0))
}

#[test]
fn one_type_meets_itself() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let _a = open::<mine::Point>(&one, "p").unwrap();
    open::<mine::Point>(&two, "p").unwrap();
    let _b = open::<Vec<u8>>(&one, "bytes").unwrap();
    open::<Vec<u8>>(&two, "bytes").unwrap();
}

#[test]
fn another_type_is_refused_whoever_comes_first() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let _a = open::<mine::Point>(&one, "p").unwrap();
    let refused = open::<yours::Point>(&two, "p").unwrap_err();
    assert_eq!(refused.code, FaultCode::TYPE);
    for part in ["`p`", "`one`", "`two`", "mine::Point (lifespan ", "yours::Point (lifespan "] {
        assert!(refused.reason.contains(part), "{part}: {}", refused.reason);
    }
    let _b = open::<yours::Point>(&two, "q").unwrap();
    assert_eq!(open::<mine::Point>(&one, "q").unwrap_err().code, FaultCode::TYPE);
    assert_eq!(open::<u32>(&one, "q").unwrap_err().code, FaultCode::TYPE);
    let _c = open::<u32>(&one, "n").unwrap();
    assert_eq!(open::<i32>(&one, "n").unwrap_err().code, FaultCode::TYPE);
}

#[test]
fn encoded_types_meet_each_other_and_no_others() {
    let world = World::new();
    let (one, two) = (world.running("one"), world.running("two"));
    let _a = open::<Encoded<u32>>(&one, "e").unwrap();
    open::<Encoded<String>>(&two, "e").unwrap();
    for (topic, refused) in [
        ("e", open::<u32>(&two, "e").unwrap_err()),
        ("e", open::<Vec<u8>>(&two, "e").unwrap_err()),
        ("l", {
            let _l = open::<u32>(&one, "l").unwrap();
            open::<Encoded<u32>>(&two, "l").unwrap_err()
        }),
    ] {
        assert_eq!(refused.code, FaultCode::TYPE);
        assert!(refused.reason.contains(&format!("`{topic}`")), "{}", refused.reason);
        assert!(refused.reason.contains("a crate that both plugins depend on, or `Encoded`"));
    }
}

#[test]
fn types_that_may_grow_on_one_side_are_refused() {
    let world = World::new();
    let party = world.running("a");
    let prefix = open::<HoldsPrefix>(&party, "p").unwrap_err();
    assert_eq!(prefix.code, FaultCode::UNSHAREABLE);
    assert!(prefix.reason.contains("prefix type"), "{}", prefix.reason);
    let open_enum = open::<HoldsOpen>(&party, "p").unwrap_err();
    assert_eq!(open_enum.code, FaultCode::UNSHAREABLE);
    assert!(open_enum.reason.contains("non-exhaustive"), "{}", open_enum.reason);
    // What abi_stable's own vectors are made of is another matter.
    open::<Nested>(&party, "p").unwrap();
}
