//! What one subscriber has counted: how many messages came, and whether each was the next one.

use crate::payload::Payload;

/// The most publishers of one topic.
pub const PUBLISHERS: usize = 2;

/// The bits of a sequence that count; above them stands the publisher.
const COUNT_BITS: u32 = 56;

/// Counts messages and checks each.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// What is to come next from each publisher.
    next: [u64; PUBLISHERS],
    /// How many have come that were none of those, and how many are to come in all.
    damaged: u64,
    all: u64,
    /// How many never came.
    pub lost: u64,
    /// How many came twice, late or damaged.
    pub wrong: u64,
}

impl Tally {
    /// For so many messages.
    pub fn of(messages: u64) -> Tally {
        Tally { next: [0; PUBLISHERS], damaged: 0, all: messages, lost: 0, wrong: 0 }
    }

    /// Whether all have come or are known to be lost.
    pub fn is_complete(&self) -> bool {
        self.left() == 0
    }

    /// Counts a message. The usual case, the next one of the only publisher, costs next to nothing, so
    /// that it is the channels that are measured.
    #[inline]
    pub fn see(&mut self, payload: &impl Payload) {
        let read = payload.read();
        if read == Some(self.next[0]) {
            self.next[0] += 1;
        } else {
            // By value, so that a loop around this may keep the tally in registers.
            *self = self.other(read);
        }
    }

    #[inline(never)]
    fn other(mut self, read: Option<u64>) -> Tally {
        let Some(sequence) = read else {
            self.wrong += 1;
            self.damaged += 1;
            return self;
        };
        let (publisher, count) = (sequence >> COUNT_BITS, sequence & ((1 << COUNT_BITS) - 1));
        let Some(next) = self.next.get_mut(publisher as usize) else {
            self.wrong += 1;
            return self;
        };
        if count >= *next {
            self.lost += count - *next;
            *next = count + 1;
        } else {
            self.wrong += 1;
        }
        self
    }

    /// No more will come: what is left is lost.
    pub fn end(&mut self) {
        self.lost += self.left();
        self.damaged += self.left();
    }

    fn left(&self) -> u64 {
        self.all.saturating_sub(self.next.iter().sum::<u64>() + self.damaged)
    }
}

/// The sequence of a publisher's message of that count.
pub fn sequence(publisher: u64, count: u64) -> u64 {
    publisher << COUNT_BITS | count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Small;

    fn seen(total: u64, sequences: &[u64]) -> Tally {
        let mut tally = Tally::of(total);
        sequences.iter().for_each(|number| tally.see(&Small::make(*number)));
        tally
    }

    #[test]
    fn publishers_are_counted_apart() {
        let (a, b) = (|count| sequence(0, count), |count| sequence(1, count));
        let tally = seen(5, &[a(0), b(0), a(1), b(1), b(2)]);
        assert!(tally.is_complete());
        assert_eq!((tally.lost, tally.wrong), (0, 0));
    }

    #[test]
    fn what_is_missing_is_lost() {
        let mut tally = seen(6, &[0, 1, 4]);
        assert!(!tally.is_complete());
        assert_eq!(tally.lost, 2);
        tally.end();
        assert_eq!((tally.lost, tally.wrong), (3, 0));
    }

    #[test]
    fn what_comes_again_is_wrong() {
        let tally = seen(3, &[0, 1, 1, 0, sequence(9, 2)]);
        assert_eq!((tally.lost, tally.wrong), (0, 3));
        assert!(!tally.is_complete());
    }
}
