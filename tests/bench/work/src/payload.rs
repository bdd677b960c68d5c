//! The messages: 16 bytes and 1 KiB, filled anew for each publish, checked by each who receives one.
//!
//! A check reads the sequence, the last word, and of 1 KiB a word in a cache line that is another one
//! from message to message; each depends on the sequence. So a torn, stale or overwritten message does
//! not pass for long. Reading all of it would add the same time to every side, and hide what differs.

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
        let word = |at: usize| self.words[at / LINE][at % LINE] ^ base.wrapping_add(at as u64);
        // The last word of a cache line: the first one's first is the sequence itself.
        let line = sequence as usize % (WORDS / STEP);
        let wrong = word(WORDS - 1) | word(line * STEP + STEP - 1);
        (wrong == 0).then_some(sequence)
    }
}

const WORDS: usize = LINES * LINE;

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
        // Each cache line is looked at in its turn.
        for line in 0..WORDS / STEP {
            let (mut torn, stale) = (Large::make(line as u64), Large::make(1000));
            let (row, half) = (line / 2, (line % 2) * STEP);
            let words = half..half + STEP;
            torn.words[row][words.clone()].copy_from_slice(&stale.words[row][words]);
            assert_eq!(torn.read(), None, "line {line}");
        }
    }
}
