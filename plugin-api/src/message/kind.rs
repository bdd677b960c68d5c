//! A message type as it is told to the host, and the way from values to messages and back.
//!
//! **Invariant**: a message's payload is only taken as the `Wire` of a `T` where the message came
//! from a topic that was opened with `T`'s kind. The host has then compared the layouts of both sides
//! or, for encoded types, their encodings; of those the payload is always `RVec<u8>`.
#![expect(unsafe_code, reason = "payloads are taken by their type, which the host has checked")]

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lifespan_abi::abi_stable::StableAbi;
use lifespan_abi::abi_stable::prefix_type::WithMetadata;
use lifespan_abi::abi_stable::staticref;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RStr, RString, RVec};
use lifespan_abi::abi_stable::type_layout::TypeLayout;
use lifespan_abi::{Message as AbiMessage, MessageType, MessageTypeRef};

use crate::message::{EncodeError, Message};

/// The kind of `T`.
pub(crate) fn kind<T: Message>() -> MessageTypeRef {
    // The host compares only the encodings of encoded types; so there all must have one layout.
    assert!(
        T::ENCODING.is_empty() || TypeId::of::<T::Wire>() == TypeId::of::<RVec<u8>>(),
        "a message type with an encoding travels as bytes"
    );
    MessageTypeRef(Kind::<T>::TYPE.as_prefix())
}

/// A message of a value.
pub(crate) fn message<T: Message>(value: T) -> Result<AbiMessage, EncodeError> {
    Ok(AbiMessage::new(kind::<T>(), value.into_wire()?))
}

/// What is in a message that came from a topic of `T`: see the invariant above.
pub(crate) fn view<T: Message>(message: &AbiMessage) -> &T::View {
    // SAFETY: the message is from a topic that was opened with `kind::<T>()`, whose layout is that of
    // `T::Wire`; the host lets only messages of a compatible layout onto it.
    let wire = unsafe { message.payload::<T::Wire>() };
    T::view(wire)
}

struct Kind<T>(PhantomData<T>);

impl<T: Message> Kind<T> {
    staticref! {
        const TYPE: WithMetadata<MessageType> = WithMetadata::new(MessageType {
            name: RStr::from_str(T::NAME),
            layout: layout::<T>,
            encoding: RStr::from_str(T::ENCODING),
            to_json: to_json::<T>,
            from_json: from_json::<T>,
        });
    }
}

extern "C" fn layout<T: Message>() -> ROption<&'static TypeLayout> {
    if T::ENCODING.is_empty() {
        ROption::RSome(<T::Wire as StableAbi>::LAYOUT)
    } else {
        ROption::RNone
    }
}

unsafe extern "C" fn to_json<T: Message>(message: &AbiMessage) -> RResult<RString, RString> {
    contained(|| {
        // SAFETY: by the contract of `MessageType::to_json` the message was made with the type that
        // this function stands in, and so by `message::<T>` of this very library.
        let wire = unsafe { message.payload::<T::Wire>() };
        T::to_json(wire).map(RString::from)
    })
}

extern "C" fn from_json<T: Message>(text: RStr<'_>) -> RResult<AbiMessage, RString> {
    contained(|| {
        let value = T::from_json(text.as_str()).map_err(EncodeError::new)?;
        message(value)
    })
}

/// Runs an author's code on behalf of the host: a panic becomes an error.
fn contained<R, E: fmt::Display>(body: impl FnOnce() -> Result<R, E>) -> RResult<R, RString> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result.map_err(|error| RString::from(error.to_string())).into(),
        Err(panic) => {
            // Dropping what was thrown may throw again; leaking it cannot.
            std::mem::forget(panic);
            RResult::RErr("the message type panicked".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_seen_as_it_was_sent() {
        assert_eq!(*view::<u32>(&message(7_u32).unwrap()), 7);
        assert_eq!(view::<String>(&message("größe".to_owned()).unwrap()), "größe");
        assert_eq!(view::<Vec<u8>>(&message(vec![1, 2]).unwrap()), [1, 2]);
    }

    #[test]
    fn every_message_can_be_shown_and_made_from_json() {
        assert_eq!(message("a\"b".to_owned()).unwrap().to_json().unwrap(), r#""a\"b""#);
        assert_eq!(message(()).unwrap().to_json().unwrap(), "null");
        let made = kind::<u32>().from_json()("42".into()).into_result().unwrap();
        assert_eq!(*view::<u32>(&made), 42);
        assert!(kind::<u32>().from_json()("-1".into()).is_err());
    }

    #[test]
    fn a_panicking_type_is_an_error_to_the_host() {
        let result: RResult<(), RString> =
            contained(|| -> Result<(), EncodeError> { panic!("no") });
        assert_eq!(result, RResult::RErr("the message type panicked".into()));
    }
}
