//! Looking at all cursors: what gates, what is pinned, and whether the ring must grow.
//!
//! This is the costly part of publishing, so it is done once a lap, and not once a message.

use std::sync::Arc;

use crate::cursor::{Cursor, Mode, Reader};
use crate::garbage::Garbage;
use crate::pointer::Pointer;
use crate::producer::Producer;
use crate::slots::Slots;
use crate::sync::{Ordering, fence};

/// What the cursors say.
pub(crate) struct Seen {
    /// How far the slowest is that gates: nothing from here on may be overwritten.
    pub(crate) gate: u64,
    /// How far the slowest is that reads message by message, as far as it has a right to: that is
    /// the capacity.
    pub(crate) low: u64,
    /// Whether all of them gate.
    pub(crate) exclusive: bool,
}

impl<M: Pointer, R: Reader> Producer<M, R> {
    /// Finds out how far may be pushed, and says whether at all.
    #[cold]
    pub(crate) fn survey(&mut self, garbage: &mut Garbage<M>) -> bool {
        let capacity = self.ring.capacity;
        let seen = self.look();
        self.trim(&seen, garbage);
        let Seen { gate, low, .. } = seen;
        self.limit = gate + capacity;
        if self.next >= self.limit {
            return false;
        }
        let most = capacity.next_power_of_two();
        let mut len = self.ring.slots().len();
        if self.next - low >= len && len < most {
            // What somebody has still to read does not fit any more: it may double, and once more.
            len = ((self.next - low + 1).next_power_of_two() * 2).min(most.max(len));
            self.grow(len);
        }
        // Nobody reads below `gate`. One that lags without gating is overrun; it would be looked at
        // with every push, so it is passed over for half a lap.
        let lagging = self.next - low >= len;
        let reach = if lagging { self.next + (len / 2).max(1) } else { low + len };
        self.limit = self.limit.min(gate + len).min(reach);
        if self.exclusive && self.has_limbo() {
            self.reclaim(garbage);
        }
        true
    }

    /// From now on a publisher waits, until all that gate have come to the mark that this gives: half
    /// of the ring is free then, so that it publishes many at once. Whoever releases up to there is
    /// [told so](crate::Consumer::take_wanted); who is there already is found by a look at who is
    /// [behind](Self::behind) after this.
    pub fn wait(&mut self) -> u64 {
        let capacity = self.ring.capacity;
        let mark = (self.next + (capacity / 2).max(1)).saturating_sub(capacity);
        self.ring.set_want(Some(mark));
        mark
    }

    /// What publishers wait for, if any does.
    pub fn mark(&self) -> Option<u64> {
        self.ring.want()
    }

    /// No publisher waits any more.
    pub fn stop_waiting(&mut self) {
        self.ring.set_want(None);
    }

    /// Who gates, and has not come to that number.
    pub fn behind(&self, mark: u64) -> impl Iterator<Item = &R> {
        let behind = move |cursor: &&Arc<Cursor<R>>| {
            gates(cursor.mode, &cursor.reader) && cursor.place.floor() < mark
        };
        self.cursors.iter().filter(behind).map(|cursor| &cursor.reader)
    }

    /// Who keeps the ring full: nobody if it is not.
    pub fn blockers(&self) -> impl Iterator<Item = &R> {
        self.behind((self.next + 1).saturating_sub(self.ring.capacity))
    }

    /// Who reads.
    pub fn readers(&self) -> impl Iterator<Item = &R> {
        self.cursors.iter().map(|cursor| &cursor.reader)
    }

    /// How far the slowest is that gates.
    pub fn gate(&self) -> u64 {
        self.look().gate
    }

    /// Looks at each cursor once: whether a reader gates may change at any time, and what is
    /// overwritten and what is called exclusive must follow from one answer.
    pub(crate) fn look(&self) -> Seen {
        let (mut gate, mut low, mut exclusive) = (self.next, self.next, true);
        for cursor in &self.cursors {
            if gates(cursor.mode, &cursor.reader) {
                gate = gate.min(cursor.place.floor());
                continue;
            }
            exclusive = false;
            if cursor.mode != Mode::Latest {
                low = low.min(cursor.place.next());
            }
        }
        let low = low.max(self.next.saturating_sub(self.ring.capacity)).min(gate);
        Seen { gate, low, exclusive }
    }

    /// What is pinned, in the order of where it ends, and so that none reaches into another.
    pub(crate) fn pins(&self) -> Vec<(u64, u64)> {
        // With the fence of the reader: either we see its pin, or it sees that the slot is gone.
        fence(Ordering::SeqCst);
        let pins = self.cursors.iter().map(|cursor| cursor.place.pinned(cursor.mode));
        let mut pins: Vec<_> = pins.filter(|(from, end)| from < end).collect();
        pins.sort_unstable();
        // In the order of the beginnings, each ends at the latest end so far: no end is passed over.
        let mut latest = 0;
        for (_, end) in &mut pins {
            latest = latest.max(*end);
            *end = latest;
        }
        pins
    }

    fn grow(&mut self, len: u64) {
        let (old, slots) = (self.ring.slots(), Slots::new(len));
        for sequence in self.first..self.next {
            if let Some(message) = old.message(sequence) {
                slots.put(sequence, message, old.origin(sequence));
            }
        }
        self.ring.replace_slots(slots);
    }
}

fn gates<R: Reader>(mode: Mode, reader: &R) -> bool {
    mode == Mode::Lossless && reader.gates()
}
