//! Values on their way: as messages, as JSON, as bytes; and what panics on it.

use super::*;
use crate::message::Encoded;
use crate::panics::tests::{hook, logged};

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
    let made = AbiMessage::from_json(kind::<u32>(), "42").unwrap();
    assert_eq!(*view::<u32>(&made), 42);
    assert!(AbiMessage::from_json(kind::<u32>(), "-1").is_err());
}

#[test]
fn a_panicking_type_is_an_error_to_the_host_that_says_which() {
    hook();
    let mut told = String::new();
    let text = logged(|| {
        let result: RResult<(), RString> =
            contained(|| -> Result<(), EncodeError> { panic!("no view") });
        told = result.into_result().unwrap_err().into_string();
    });
    for text in [told, text] {
        assert!(text.contains("no view") && text.contains("tests.rs:"), "{text}");
    }
}

#[test]
fn a_payload_whose_drop_panics_is_told() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb in a message");
        }
    }
    hook();
    let text = logged(|| drop(Guarded(ManuallyDrop::new(Bomb))));
    assert!(text.contains("bomb in a message") && text.contains("tests.rs:"), "{text}");
}

#[repr(C)]
#[derive(StableAbi, serde::Serialize, serde::Deserialize, lifespan_plugin_macros::Message)]
struct Sample {
    at: u64,
    values: [f64; 2],
}

/// By way of bytes, as a bridge sends it.
fn sent<T: Message>(value: T) -> AbiMessage {
    let bytes = message(value).unwrap().to_bytes().unwrap();
    AbiMessage::from_bytes(kind::<T>(), &bytes).unwrap()
}

#[test]
fn bytes_lose_nothing() {
    assert_eq!(*view::<u64>(&sent(u64::MAX)), u64::MAX);
    assert!(view::<f64>(&sent(f64::NAN)).is_nan());
    assert_eq!(*view::<f32>(&sent(f32::NEG_INFINITY)), f32::NEG_INFINITY);
    assert_eq!(view::<String>(&sent("größe".to_owned())), "größe");
    assert_eq!(view::<Vec<u8>>(&sent(vec![0, 255])), [0, 255]);
    assert_eq!(message(vec![0_u8, 255]).unwrap().to_bytes().unwrap(), [0xc4, 2, 0, 255]);
    view::<()>(&sent(()));
    let sample = sent(Sample { at: u64::MAX, values: [f64::NAN, f64::INFINITY] });
    let sample = view::<Sample>(&sample);
    assert_eq!((sample.at, sample.values[1]), (u64::MAX, f64::INFINITY));
    assert!(sample.values[0].is_nan());
    assert!(AbiMessage::from_bytes(kind::<u8>(), &[0xcd, 1, 0]).is_err());
}

#[test]
fn encoded_bytes_are_taken_as_they_are() {
    // More than a `u8` would make of them.
    let bytes = rmp_serde::to_vec_named(&(1_u8, "more")).unwrap();
    let made = AbiMessage::from_bytes(kind::<Encoded<u8>>(), &bytes).unwrap();
    assert_eq!(made.to_bytes().unwrap(), bytes);
}

#[test]
fn what_a_message_owns_is_counted() {
    assert_eq!(message(7_u32).unwrap().size(), 4);
    assert!(message("x".repeat(1000)).unwrap().size() > 1000);
    assert!(message(vec![0_u8; 1000]).unwrap().size() > 1000);
    assert!(message(Encoded("x".repeat(1000))).unwrap().size() > 1000);
}

#[test]
fn what_is_made_of_text_or_bytes_is_of_the_very_kind_that_was_asked() {
    // A constant may have several addresses: those of a topic are compared.
    let kind = KindOf::<u32>::new().raw();
    let text = AbiMessage::from_json(kind, "7").unwrap();
    let bytes = AbiMessage::from_bytes(kind, &text.to_bytes().unwrap()).unwrap();
    for made in [text, bytes] {
        assert!(std::ptr::eq(made.kind().0.to_raw_ptr(), kind.0.to_raw_ptr()));
        assert_eq!(*view::<u32>(&made), 7);
    }
}
