//! The reference counting, and what a kind's functions are told.
#![expect(unsafe_code, reason = "messages are made, read and written over as a library does it")]

use std::sync::Arc;

use abi_stable::prefix_type::WithMetadata;
use abi_stable::staticref;

use super::*;

extern "C" fn no_layout(_: MessageTypeRef) -> ROption<&'static TypeLayout> {
    ROption::RNone
}
unsafe extern "C" fn show(message: &Message) -> RResult<RString, RString> {
    // SAFETY: all tests here put an `Arc<String>` into their messages.
    let text = unsafe { message.payload::<Arc<String>>() };
    RResult::ROk(format!("{text:?}").into())
}
unsafe extern "C" fn make(_: MessageTypeRef, _: RStr<'_>) -> RResult<Message, RString> {
    RResult::RErr("none".into())
}
unsafe extern "C" fn encode(message: &Message) -> RResult<RVec<u8>, RString> {
    // SAFETY: all tests here put an `Arc<String>` into their messages.
    let text = unsafe { message.payload::<Arc<String>>() };
    RResult::ROk(text.as_bytes().to_vec().into())
}
unsafe extern "C" fn decode(_: MessageTypeRef, _: RSlice<'_, u8>) -> RResult<Message, RString> {
    RResult::RErr("none".into())
}

struct Kind;
impl Kind {
    staticref! {
        const META: WithMetadata<MessageType> = WithMetadata::new(MessageType {
            name: RStr::from_str("text"),
            layout: no_layout,
            encoding: RStr::from_str(""),
            size: size_of::<Arc<String>>(),
            align: align_of::<Arc<String>>(),
            plain: false,
            to_json: show,
            from_json: make,
            to_bytes: encode,
            from_bytes: decode,
        });
    }
}
/// A message of which nobody asks for anything that its kind would have to know.
fn made<T: Send + Sync + 'static>(payload: T) -> Message {
    // SAFETY: the kind's functions are only called on messages of an `Arc<String>`.
    unsafe { Message::new(MessageTypeRef(Kind::META.as_prefix()), payload, 3) }
}

#[test]
fn the_payload_lives_as_long_as_the_last_reference() {
    let text = Arc::new("hello".to_owned());
    let message = made(text.clone());
    let other = message.clone();
    drop(message);
    assert_eq!(Arc::strong_count(&text), 2);
    assert_eq!(other.to_json().unwrap(), "\"hello\"");
    assert_eq!(other.to_bytes().unwrap(), b"hello");
    assert_eq!(other.size(), 3);
    drop(other);
    assert_eq!(Arc::strong_count(&text), 1);
}

#[test]
fn threads_may_share_and_drop() {
    let text = Arc::new("hello".to_owned());
    let message = made(text.clone());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mine = message.clone();
            scope.spawn(move || (0..100).for_each(|_| drop(mine.clone())));
        }
    });
    drop(message);
    assert_eq!(Arc::strong_count(&text), 1);
}

#[test]
fn a_payload_whose_drop_panics_does_not_unwind() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    drop(made(Bomb));
}

struct Plain;
impl Plain {
    staticref! {
        const META: WithMetadata<MessageType> = WithMetadata::new(MessageType {
            name: RStr::from_str("wide"),
            layout: no_layout,
            encoding: RStr::from_str(""),
            size: size_of::<Wide>(),
            align: align_of::<Wide>(),
            plain: true,
            to_json: show,
            from_json: make,
            to_bytes: encode,
            from_bytes: decode,
        });
    }
}

#[repr(C, align(64))]
struct Wide(u8, u64);

#[test]
fn only_a_plain_payload_that_nobody_else_holds_is_written_over() {
    let (plain, other) =
        (MessageTypeRef(Plain::META.as_prefix()), MessageTypeRef(Kind::META.as_prefix()));
    // SAFETY: the kind says what a `Wide` is; nobody asks its other functions for anything.
    let mut message = unsafe { Message::new(plain, Wide(1, 2), 64) };
    let next = Wide(3, 4);
    let payload = std::ptr::from_ref(&next).cast();
    let read = |message: &Message| {
        // SAFETY: made with a `Wide` above.
        let Wide(one, two) = unsafe { message.payload::<Wide>() };
        (*one, *two)
    };
    let held = message.clone();
    // SAFETY: the payload is a `Wide`, and nobody else is here to read.
    let overwrite = |message: &mut Message, kind| unsafe { message.overwrite(kind, payload) };
    assert!(!overwrite(&mut message, plain));
    drop(held);
    assert!(!overwrite(&mut message, other));
    assert_eq!(read(&message), (1, 2));
    assert!(overwrite(&mut message, plain));
    assert_eq!(read(&message), (3, 4));
    let raw = message.into_raw();
    // SAFETY: from the line above.
    drop(unsafe { Message::from_raw(raw) });
}

#[test]
fn a_payload_keeps_its_alignment() {
    #[repr(C, align(64))]
    struct Wide([u8; 64]);
    let message = made(Wide([7; 64]));
    // SAFETY: made with a `Wide` one line above.
    let wide = unsafe { message.payload::<Wide>() };
    assert_eq!(std::ptr::from_ref(wide).addr() % 64, 0);
    assert_eq!(wide.0[63], 7);
}

/// Bytes of whatever type, by way of a kind that is made while the program runs.
mod made_later {
    use abi_stable::prefix_type::PrefixTypeTrait;

    use super::*;

    pub(super) fn kind(name: &'static str) -> MessageTypeRef {
        let made = MessageType {
            name: name.into(),
            layout: no_layout,
            encoding: "msgpack".into(),
            size: size_of::<RVec<u8>>(),
            align: align_of::<RVec<u8>>(),
            plain: false,
            to_json: show,
            from_json: read,
            to_bytes: encode,
            from_bytes: decode,
        };
        made.leak_into_prefix()
    }

    fn bytes(message: &Message) -> &RVec<u8> {
        // SAFETY: only `of` makes messages of these kinds.
        unsafe { message.payload() }
    }

    fn of(kind: MessageTypeRef, bytes: &[u8]) -> RResult<Message, RString> {
        // SAFETY: the kind is one of these, whose payload is this.
        RResult::ROk(unsafe { Message::new(kind, RVec::from(bytes), bytes.len()) })
    }

    unsafe extern "C" fn show(message: &Message) -> RResult<RString, RString> {
        RResult::ROk(format!("\"{} of {}\"", bytes(message).len(), message.kind().name()).into())
    }

    unsafe extern "C" fn read(kind: MessageTypeRef, _: RStr<'_>) -> RResult<Message, RString> {
        RResult::RErr(format!("{} has no schema", kind.name()).into())
    }

    unsafe extern "C" fn encode(message: &Message) -> RResult<RVec<u8>, RString> {
        RResult::ROk(bytes(message).clone())
    }

    unsafe extern "C" fn decode(
        kind: MessageTypeRef,
        bytes: RSlice<'_, u8>,
    ) -> RResult<Message, RString> {
        of(kind, bytes.as_slice())
    }
}

#[test]
fn one_set_of_functions_serves_kinds_that_are_made_while_the_program_runs() {
    for name in ["far::Weather", "far::Court"] {
        let kind = made_later::kind(name);
        let message = Message::from_bytes(kind, &[1, 2, 3]).unwrap();
        assert_eq!(message.kind().name(), name);
        assert_eq!(message.to_bytes().unwrap(), [1, 2, 3]);
        assert_eq!(message.to_json().unwrap(), format!("\"3 of {name}\""));
        let error = Message::from_json(kind, "1").unwrap_err();
        assert_eq!(error, format!("{name} has no schema"));
    }
}
