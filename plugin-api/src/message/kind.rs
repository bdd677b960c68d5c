//! A message type as it is told to the host, and the way from values to messages and back.
//!
//! **Invariant**: a message's payload is only taken as the `Wire` of a `T` where the message came
//! from a topic that was opened with `T`'s kind. The host has then compared the layouts of both sides
//! or, for encoded types, their encodings; of those the payload is always `RVec<u8>`.
#![expect(unsafe_code, reason = "payloads are taken by their type, which the host has checked")]

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, needs_drop};

use lifespan_abi::abi_stable::StableAbi;
use lifespan_abi::abi_stable::prefix_type::WithMetadata;
use lifespan_abi::abi_stable::staticref;
use lifespan_abi::abi_stable::std_types::{ROption, RResult, RSlice, RStr, RString, RVec};
use lifespan_abi::abi_stable::type_layout::TypeLayout;
use lifespan_abi::{
    Message as AbiMessage, MessageType, MessageTypeRef, TopicBox, Values, ValuesReply,
};

use crate::message::{EncodeError, Message};
use crate::panics::{self, catch, guarded_drop};

/// The kind of `T`.
pub(crate) fn kind<T: Message>() -> MessageTypeRef {
    // The host compares only the encodings of encoded types; so there all must have one layout.
    assert!(
        T::ENCODING.is_empty() || TypeId::of::<T::Wire>() == TypeId::of::<RVec<u8>>(),
        "a message type with an encoding travels as bytes"
    );
    MessageTypeRef(Kind::<T>::TYPE.as_prefix())
}

/// The kind of `T` at one address.
///
/// The host tells kinds by their addresses when it writes a value over a message, and a constant may
/// have several: so what opens a topic keeps the one that it was opened with.
pub(crate) struct KindOf<T> {
    raw: MessageTypeRef,
    kind: PhantomData<fn() -> T>,
}

impl<T: Message> KindOf<T> {
    /// Whether values of `T` own nothing, and so can be published without a message of their own.
    pub(crate) const PLAIN: bool = T::ENCODING.is_empty() && !needs_drop::<T::Wire>();

    pub(crate) fn new() -> Self {
        KindOf::at(kind::<T>())
    }

    /// The kind of `T` at an address that is known already: the host says the one that its function
    /// stands in, by the contract of [`MessageType`].
    fn at(raw: MessageTypeRef) -> Self {
        KindOf { raw, kind: PhantomData }
    }

    /// The kind as it is told to the host.
    pub(crate) fn raw(self) -> MessageTypeRef {
        self.raw
    }

    /// A message of a value.
    pub(crate) fn message(self, wire: T::Wire) -> AbiMessage {
        let size = T::size(&wire);
        // SAFETY: the kind is that of `T`, whose functions take the payload as `T::Wire`, and its
        // layout is told as that; `Guarded` has the same layout.
        unsafe { AbiMessage::new(self.raw, Guarded(ManuallyDrop::new(wire)), size) }
    }

    /// Publishes [plain](Self::PLAIN) values from where they lie, as many as there is room for.
    #[inline]
    pub(crate) fn try_publish(self, topic: &TopicBox, wires: &[T::Wire]) -> ValuesReply {
        debug_assert!(Self::PLAIN, "the host would copy what is owned");
        // The pointer is to `len` values of this very kind, as `Values` demands, until the call ends.
        let values = Values { kind: self.raw, first: wires.as_ptr().cast(), len: wires.len() };
        topic.try_publish_values(values)
    }
}

impl<T> Clone for KindOf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for KindOf<T> {}

/// A message of a value.
pub(crate) fn message<T: Message>(value: T) -> Result<AbiMessage, EncodeError> {
    Ok(KindOf::<T>::new().message(value.into_wire()?))
}

/// What is in a message that came from a topic of `T`: see the invariant above.
#[inline]
pub(crate) fn view<T: Message>(message: &AbiMessage) -> &T::View {
    // SAFETY: the message is from a topic that was opened with `kind::<T>()`, whose layout is that of
    // `T::Wire`; the host lets only messages of a compatible layout onto it.
    let wire = unsafe { message.payload::<T::Wire>() };
    T::view(wire)
}

/// A payload. Whoever drops the last reference drops it, and is no one to tell a panic to.
#[repr(transparent)]
struct Guarded<W>(ManuallyDrop<W>);

impl<W> Drop for Guarded<W> {
    fn drop(&mut self) {
        if needs_drop::<W>() {
            // SAFETY: it is taken once, by the drop of what holds it, and not seen again.
            let payload = unsafe { ManuallyDrop::take(&mut self.0) };
            guarded_drop(payload, |panic| panics::log(&panic, "dropping a message panicked"));
        }
    }
}

struct Kind<T>(PhantomData<T>);

impl<T: Message> Kind<T> {
    staticref! {
        const TYPE: WithMetadata<MessageType> = WithMetadata::new(MessageType {
            name: RStr::from_str(T::NAME),
            layout: layout::<T>,
            encoding: RStr::from_str(T::ENCODING),
            size: size_of::<T::Wire>(),
            align: align_of::<T::Wire>(),
            plain: !needs_drop::<T::Wire>(),
            to_json: to_json::<T>,
            from_json: from_json::<T>,
            to_bytes: to_bytes::<T>,
            from_bytes: from_bytes::<T>,
        });
    }
}

extern "C" fn layout<T: Message>(_: MessageTypeRef) -> ROption<&'static TypeLayout> {
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

unsafe extern "C" fn from_json<T: Message>(
    kind: MessageTypeRef,
    text: RStr<'_>,
) -> RResult<AbiMessage, RString> {
    contained(|| {
        let value = T::from_json(text.as_str()).map_err(|error| error.to_string())?;
        let wire = value.into_wire().map_err(|error| error.to_string())?;
        Ok::<_, String>(KindOf::<T>::at(kind).message(wire))
    })
}

unsafe extern "C" fn to_bytes<T: Message>(message: &AbiMessage) -> RResult<RVec<u8>, RString> {
    contained(|| {
        // SAFETY: by the contract of `MessageType::to_bytes`, as in `to_json`.
        let wire = unsafe { message.payload::<T::Wire>() };
        T::to_bytes(wire).map(RVec::from)
    })
}

unsafe extern "C" fn from_bytes<T: Message>(
    kind: MessageTypeRef,
    bytes: RSlice<'_, u8>,
) -> RResult<AbiMessage, RString> {
    contained(|| T::from_bytes(bytes.as_slice()).map(|wire| KindOf::<T>::at(kind).message(wire)))
}

/// Runs an author's code on behalf of the host: a panic becomes an error.
fn contained<R, E: fmt::Display>(body: impl FnOnce() -> Result<R, E>) -> RResult<R, RString> {
    // The error's text is the author's code, too.
    let result = catch(|| body().map_err(|error| error.to_string()));
    let result = result.unwrap_or_else(|panic| {
        panics::log(&panic, "a message type panicked");
        Err(format!("the message type {panic}"))
    });
    result.map_err(RString::from).into()
}

#[cfg(test)]
mod tests;
