//! The messages: one that lies in itself, which the bus writes anew in its place, and one that owns
//! memory. Both say where they are from, and whether they are whole.

use abi_stable::StableAbi;
use lifespan_plugin_api::bus::{Delivered, Encoded};
use lifespan_plugin_api::message::Message;
use serde::{Deserialize, Serialize};

/// Where a message is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Which life of which topic.
    pub(crate) life: u64,
    /// A number for the publisher, of those of that life.
    pub(crate) publisher: u64,
    /// The publisher's own number for the message.
    pub(crate) number: u64,
}

/// Something that is published.
pub(crate) trait Payload: Message {
    fn make(stamp: Stamp) -> Self;

    /// Where it is from; `None` if what was read is not what was made.
    fn read(view: &Self::View) -> Option<Stamp>;
}

/// It owns nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi, Serialize, Deserialize, Message)]
pub(crate) struct Plain {
    life: u64,
    publisher: u64,
    number: u64,
    check: u64,
    more: [u64; 12],
}

/// It is encoded, and its length differs from message to message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Owning {
    life: u64,
    publisher: u64,
    number: u64,
    check: u64,
    text: String,
}

/// What is read of either by whom no type is known to.
#[derive(Deserialize)]
struct Any {
    life: u64,
    publisher: u64,
    number: u64,
    check: u64,
}

impl Payload for Plain {
    fn make(stamp: Stamp) -> Self {
        let Stamp { life, publisher, number } = stamp;
        let check = stamp.check();
        Plain { life, publisher, number, check, more: [check; 12] }
    }

    fn read(view: &Plain) -> Option<Stamp> {
        let Plain { life, publisher, number, check, more } = *view;
        let whole = more.iter().all(|word| *word == check);
        Stamp { life, publisher, number }.checked(check).filter(|_| whole)
    }
}

impl Payload for Encoded<Owning> {
    fn make(stamp: Stamp) -> Self {
        let Stamp { life, publisher, number } = stamp;
        let text = "x".repeat(text_length(number));
        Encoded(Owning { life, publisher, number, check: stamp.check(), text })
    }

    fn read(view: &[u8]) -> Option<Stamp> {
        let Owning { life, publisher, number, check, text } = Encoded::decode(view).ok()?;
        let whole = text.len() == text_length(number);
        Stamp { life, publisher, number }.checked(check).filter(|_| whole)
    }
}

/// What a message says whose type is not known.
pub(crate) fn read_any(delivered: &Delivered) -> Option<Stamp> {
    let bytes = delivered.bytes().ok()?;
    let Any { life, publisher, number, check } = Encoded::decode(&bytes).ok()?;
    Stamp { life, publisher, number }.checked(check)
}

fn text_length(number: u64) -> usize {
    (number % 97 * 5) as usize
}

impl Stamp {
    fn check(self) -> u64 {
        let Stamp { life, publisher, number } = self;
        let mixed = life.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ publisher.rotate_left(23);
        mixed.wrapping_mul(0x94D0_49BB_1331_11EB) ^ number.wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }

    fn checked(self, check: u64) -> Option<Stamp> {
        (check == self.check()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_read_and_what_is_damaged_is_not() {
        let stamp = Stamp { life: 3, publisher: 1, number: 96 };
        let plain = Plain::make(stamp);
        assert_eq!(Plain::read(&plain), Some(stamp));
        assert_eq!(Plain::read(&Plain { number: 95, ..plain }), None);
        let more = Plain::make(Stamp { number: 95, ..stamp }).more;
        assert_eq!(Plain::read(&Plain { more, ..plain }), None);
        let wire = Encoded::<Owning>::make(stamp).into_wire().unwrap();
        assert_eq!(Encoded::<Owning>::read(Encoded::<Owning>::view(&wire)), Some(stamp));
        let cut = &wire[..wire.len() - 1];
        assert_eq!(Encoded::<Owning>::read(cut), None);
    }
}
