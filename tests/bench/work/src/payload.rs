//! The messages: 16 bytes and 1 KiB, filled anew for each publish, checked by each who receives one.
//!
//! A check reads the sequence and, in every cache line of the payload, a word that depends on the
//! sequence: a torn, stale or overwritten message does not pass. Reading all words would only add the
//! same time to every side.

use std::sync::Arc;

use abi_stable::StableAbi;
use lifespan_plugin_api::message::Message;
use serde::{Deserialize, Serialize};

/// Something that is published.
pub trait Payload: Send + Sync + Sized + 'static {
    /// Its size.
    const BYTES: u32;

    /// The message of that number.
    fn make(sequence: u64) -> Self;

    /// Its number; `None` if what was read is not what was made.
    fn read(&self) -> Option<u64>;
}

/// 16 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi, Serialize, Deserialize, Message)]
pub struct Small {
    sequence: u64,
    check: u64,
}

/// 1 KiB.
#[repr(C)]
#[derive(Clone, Debug, StableAbi, Serialize, Deserialize, Message)]
pub struct Large {
    /// The first is the sequence.
    words: [[u64; LINE]; LINES],
}

/// Words in a row. Two of the usual cache lines: serde knows arrays of up to 32.
const LINE: usize = 16;

const LINES: usize = 8;

/// Words in a cache line.
const STEP: usize = 8;

impl Payload for Small {
    const BYTES: u32 = size_of::<Small>() as u32;

    fn make(sequence: u64) -> Self {
        Small { sequence, check: mix(sequence) }
    }

    fn read(&self) -> Option<u64> {
        (self.check == mix(self.sequence)).then_some(self.sequence)
    }
}

impl Payload for Large {
    const BYTES: u32 = size_of::<Large>() as u32;

    fn make(sequence: u64) -> Self {
        let base = mix(sequence);
        let mut words = [[0; LINE]; LINES];
        for (line, row) in words.iter_mut().enumerate() {
            for (at, word) in row.iter_mut().enumerate() {
                *word = base.wrapping_add((line * LINE + at) as u64);
            }
        }
        words[0][0] = sequence;
        Large { words }
    }

    fn read(&self) -> Option<u64> {
        let sequence = self.words[0][0];
        let base = mix(sequence);
        let mut wrong = self.words[LINES - 1][LINE - 1] ^ base.wrapping_add(LAST);
        for (line, row) in self.words.iter().enumerate() {
            // The first line's first word is the sequence itself: its last stands for it.
            for at in [STEP - 1, LINE - 1] {
                wrong |= row[at] ^ base.wrapping_add((line * LINE + at) as u64);
            }
        }
        (wrong == 0).then_some(sequence)
    }
}

const LAST: u64 = (LINES * LINE - 1) as u64;

/// For peers that would copy a large message for each subscriber.
impl<P: Payload> Payload for Arc<P> {
    const BYTES: u32 = P::BYTES;

    fn make(sequence: u64) -> Self {
        Arc::new(P::make(sequence))
    }

    fn read(&self) -> Option<u64> {
        P::read(self)
    }
}

/// A number that depends on all bits of another.
fn mix(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_is_said() {
        assert_eq!((Small::BYTES, Large::BYTES, Arc::<Large>::BYTES), (16, 1024, 1024));
    }

    #[test]
    fn what_is_made_is_read() {
        for sequence in [0, 1, 77, u64::MAX] {
            assert_eq!(Small::make(sequence).read(), Some(sequence));
            assert_eq!(Arc::<Large>::make(sequence).read(), Some(sequence));
        }
    }

    #[test]
    fn what_is_torn_is_seen() {
        let (one, mut other) = (Small::make(1), Small::make(2));
        other.check = one.check;
        assert_eq!(other.read(), None);
        for line in 0..LINES {
            for half in 0..2 {
                let mut torn = Large::make(1);
                let stale = Large::make(2);
                let half = half * STEP..(half + 1) * STEP;
                torn.words[line][half.clone()].copy_from_slice(&stale.words[line][half]);
                assert_eq!(torn.read(), None, "line {line}");
            }
        }
    }
}
