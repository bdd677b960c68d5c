//! What may be sent over the bus, and how it is seen by those who receive it.
//!
//! A type is a message by [`Message`]: numbers, strings and byte buffers are; a structured type is by
//! `#[derive(Message)]`, without a copy; any serde type is as [`Encoded`] bytes. This module makes the
//! messages of the ABI and gives access to their payloads: the only places of the bus that need
//! unsafe code are its children `kind` and `lending`.

mod batch;
mod bytes;
mod encoded;
mod json;
pub(crate) mod kind;
pub(crate) mod lending;
mod lent;

use std::fmt;

use lifespan_abi::abi_stable::StableAbi;
use lifespan_abi::abi_stable::std_types::{RString, RVec};
use lifespan_abi::{Message as AbiMessage, MessageTypeRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::message::batch::{BatchIter, LentBatch};
use crate::message::bytes::{Bytes, OwnedBytes};
pub use crate::message::encoded::{DecodeError, Encoded};
pub use crate::message::lent::{Kept, Lent};
/// Makes a type a [`Message`] that travels as it lies in memory.
///
/// The type is `#[repr(C)]`, derives `StableAbi` (of the crate `abi_stable`, which its package then
/// depends on), `serde::Serialize` and `serde::Deserialize`, and has no generic parameters. It stands
/// in a crate that publisher and subscriber both depend on: two types that were written separately,
/// however alike, do not meet. `#[message(crate = path)]` says where the SDK is, if not at its own
/// name.
///
/// ```
/// use abi_stable::StableAbi;
/// use lifespan_plugin_api::message::Message;
///
/// #[repr(C)]
/// #[derive(StableAbi, serde::Serialize, serde::Deserialize, Message)]
/// pub struct Score {
///     pub court: u32,
///     pub points: [u32; 2],
/// }
///
/// assert_eq!(Score::NAME, concat!(module_path!(), "::Score (", env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), ")"));
/// ```
pub use lifespan_plugin_macros::Message;

/// A type that can be sent over the bus.
///
/// Implemented for numbers, `bool`, `()`, [`String`], [`Vec<u8>`], [`Encoded`] values, and by
/// [`#[derive(Message)]`](derive@Message). There is rarely a reason to implement it by hand.
pub trait Message: Send + Sync + Sized + 'static {
    /// The value as it travels; both sides' libraries must agree on its layout.
    type Wire: StableAbi + Send + Sync + 'static;

    /// The value as a subscriber sees it.
    type View: ?Sized;

    /// How errors and tools name the type, with its package and version where it has one.
    const NAME: &'static str;

    /// How [`Wire`](Self::Wire) is encoded, if it is bytes of a serde type; else empty.
    #[doc(hidden)]
    const ENCODING: &'static str = "";

    /// Makes the value ready to travel.
    ///
    /// # Errors
    ///
    /// It cannot be encoded.
    fn into_wire(self) -> Result<Self::Wire, EncodeError>;

    /// The value as a subscriber sees it.
    fn view(wire: &Self::Wire) -> &Self::View;

    /// The value as JSON text, for tools that do not know the type.
    ///
    /// # Errors
    ///
    /// It cannot be shown as JSON.
    fn to_json(wire: &Self::Wire) -> Result<String, EncodeError>;

    /// A value from JSON text, for tools that do not know the type.
    ///
    /// # Errors
    ///
    /// The text is not a value of this type.
    fn from_json(text: &str) -> Result<Self, DecodeError>;

    /// The value as MessagePack with named fields, for bridges and other processes: it loses nothing.
    ///
    /// # Errors
    ///
    /// It cannot be encoded.
    fn to_bytes(wire: &Self::Wire) -> Result<Vec<u8>, EncodeError>;

    /// A value, ready to travel, from what [`to_bytes`](Self::to_bytes) has made.
    ///
    /// # Errors
    ///
    /// The bytes are not a value of this type.
    fn from_bytes(bytes: &[u8]) -> Result<Self::Wire, DecodeError>;

    /// How many bytes it takes, with what it owns; for accounting.
    fn size(_wire: &Self::Wire) -> usize {
        size_of::<Self::Wire>()
    }
}

/// A value cannot be encoded.
#[derive(Debug)]
pub struct EncodeError {
    reason: String,
}

impl EncodeError {
    pub(crate) fn new(reason: impl fmt::Display) -> EncodeError {
        EncodeError { reason: reason.to_string() }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "encode the message: {}", self.reason)
    }
}

impl std::error::Error for EncodeError {}

/// For tests of hosts: the type as it is told to the host.
#[doc(hidden)]
pub fn kind_of<T: Message>() -> MessageTypeRef {
    kind::kind::<T>()
}

/// For tests of hosts: a value as it is published.
#[doc(hidden)]
pub fn message_of<T: Message>(value: T) -> Result<AbiMessage, EncodeError> {
    kind::message(value)
}

/// For the expansion of `#[derive(Message)]`: [`Message::to_json`] of a serde type.
#[doc(hidden)]
pub fn json_of<T: Serialize>(value: &T) -> Result<String, EncodeError> {
    serde_json::to_string(value).map_err(EncodeError::new)
}

/// For the expansion of `#[derive(Message)]`: [`Message::from_json`] of a serde type.
#[doc(hidden)]
pub fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(DecodeError::new)
}

/// For the expansion of `#[derive(Message)]`: [`Message::to_bytes`] of a serde type.
#[doc(hidden)]
pub fn bytes_of<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    rmp_serde::to_vec_named(value).map_err(EncodeError::new)
}

/// For the expansion of `#[derive(Message)]`: [`Message::from_bytes`] of a serde type.
#[doc(hidden)]
pub fn of_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    rmp_serde::from_slice(bytes).map_err(DecodeError::new)
}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {$(
        impl Message for $type {
            type Wire = Self;
            type View = Self;
            const NAME: &'static str = stringify!($type);

            fn into_wire(self) -> Result<Self, EncodeError> {
                Ok(self)
            }
            fn view(wire: &Self) -> &Self {
                wire
            }
            fn to_json(wire: &Self) -> Result<String, EncodeError> {
                json_of(wire)
            }
            fn from_json(text: &str) -> Result<Self, DecodeError> {
                of_json(text)
            }
            fn to_bytes(wire: &Self) -> Result<Vec<u8>, EncodeError> {
                bytes_of(wire)
            }
            fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
                of_bytes(bytes)
            }
        }
    )*};
}

plain!((), bool, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);

impl Message for String {
    type Wire = RString;
    type View = str;
    const NAME: &'static str = "String";

    fn into_wire(self) -> Result<RString, EncodeError> {
        Ok(self.into())
    }
    fn view(wire: &RString) -> &str {
        wire
    }
    fn to_json(wire: &RString) -> Result<String, EncodeError> {
        json_of(&wire.as_str())
    }
    fn from_json(text: &str) -> Result<Self, DecodeError> {
        of_json(text)
    }
    fn to_bytes(wire: &RString) -> Result<Vec<u8>, EncodeError> {
        bytes_of(&wire.as_str())
    }
    fn from_bytes(bytes: &[u8]) -> Result<RString, DecodeError> {
        of_bytes::<String>(bytes).map(RString::from)
    }
    fn size(wire: &RString) -> usize {
        size_of::<RString>() + wire.capacity()
    }
}

impl Message for Vec<u8> {
    type Wire = RVec<u8>;
    type View = [u8];
    const NAME: &'static str = "Vec<u8>";

    fn into_wire(self) -> Result<RVec<u8>, EncodeError> {
        Ok(self.into())
    }
    fn view(wire: &RVec<u8>) -> &[u8] {
        wire
    }
    fn to_json(wire: &RVec<u8>) -> Result<String, EncodeError> {
        json_of(&wire.as_slice())
    }
    fn from_json(text: &str) -> Result<Self, DecodeError> {
        of_json(text)
    }
    fn to_bytes(wire: &RVec<u8>) -> Result<Vec<u8>, EncodeError> {
        bytes_of(&Bytes(wire))
    }
    fn from_bytes(bytes: &[u8]) -> Result<RVec<u8>, DecodeError> {
        of_bytes::<OwnedBytes>(bytes).map(|OwnedBytes(bytes)| bytes.into())
    }
    fn size(wire: &RVec<u8>) -> usize {
        size_of::<RVec<u8>>() + wire.capacity()
    }
}
