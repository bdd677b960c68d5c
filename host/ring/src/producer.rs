//! Publishing: who has the producer, has the topic's lock.
#![expect(unsafe_code, reason = "taking messages out of slots; see the comments")]

use std::mem::{self, ManuallyDrop};
use std::sync::Arc;

use crate::consumer::Consumer;
use crate::cursor::{Cursor, Mode, Reader};
use crate::garbage::Garbage;
use crate::pointer::Pointer;
use crate::ring::Ring;
use crate::slots::Origin;
use crate::survey::Seen;
use crate::sync::Ordering;

/// How many bytes of messages that everybody has read are kept to be written anew. What is beyond is
/// given up at once; the last value stays.
const KEPT_BYTES: usize = 2 << 20;

/// How far ahead a message is fetched that is to be written anew: a few times what one takes, so that
/// it is there when its turn comes.
const AHEAD: u64 = 12;

/// How many messages out of limbo are kept to be written anew.
const SPARES: usize = 32;

/// How much limbo holds before it is looked through.
const LIMBO: usize = if cfg!(loom) { 0 } else { 32 };

/// How many of those who wait may have ended before they are looked for; as many as there are
/// subscriptions, if these are more: looking costs as much as there are of both.
const LEFT: usize = 64;

/// The side that publishes. There is one a ring; publishers share it under a lock of the caller's.
pub struct Producer<M: Pointer, R: Reader> {
    pub(crate) ring: Arc<Ring<M, R>>,
    pub(crate) cursors: Vec<Arc<Cursor<R>>>,
    /// The next message's number: `head` of the ring.
    pub(crate) next: u64,
    /// The oldest message that the ring owns: `first` of the ring.
    pub(crate) first: u64,
    /// At this number the cursors must be looked at anew before the next push.
    pub(crate) limit: u64,
    /// Every cursor gates, as of when they were looked at: what is overwritten nobody can read.
    pub(crate) exclusive: bool,
    /// The bytes of the messages that the ring owns, and where they are too many.
    bytes: usize,
    trim_above: usize,
    /// Overwritten, and perhaps pinned; in the order of their numbers.
    limbo: Vec<(u64, M)>,
    reclaim_above: usize,
    /// Overwritten and unpinned, to be written anew.
    spares: Vec<M>,
    /// How many have ended while they waited, since somebody was last told to look for them. What was
    /// published meanwhile may have taken them off the list already.
    left: usize,
}

impl<M: Pointer, R: Reader> Producer<M, R> {
    pub(crate) fn new(ring: Arc<Ring<M, R>>) -> Self {
        Producer {
            ring,
            cursors: Vec::new(),
            next: 0,
            first: 0,
            limit: 0,
            exclusive: true,
            bytes: 0,
            trim_above: KEPT_BYTES,
            limbo: Vec::new(),
            reclaim_above: LIMBO,
            spares: Vec::new(),
            left: 0,
        }
    }

    /// What it shares with the consumers.
    pub fn ring(&self) -> &Arc<Ring<M, R>> {
        &self.ring
    }

    /// Whether a message may be pushed: no subscription that gates is behind by the capacity.
    pub fn has_room(&mut self, garbage: &mut Garbage<M>) -> bool {
        self.next < self.limit || self.survey(garbage)
    }

    /// Appends a message.
    ///
    /// # Panics
    ///
    /// Without [room](Self::has_room).
    pub fn push(&mut self, message: M, origin: Origin, garbage: &mut Garbage<M>) {
        assert!(self.next < self.limit, "the caller has made room");
        if self.next - self.first >= self.ring.slots().len() {
            let sequence = self.first;
            if let Some(old) = self.take_first() {
                self.retire(sequence, old, garbage);
            }
        }
        self.bytes += message.weight();
        self.ring.slots().put(self.next, message.into_raw(), origin);
        self.next += 1;
        self.ring.set_head(self.next);
        if self.bytes > self.trim_above {
            let seen = self.look();
            self.trim(&seen, garbage);
        }
    }

    /// Appends a message that nobody holds any more, after `write` has written it anew. If there is
    /// none, or `write` says that it cannot, nothing is appended. It is seen after the next
    /// [`commit`](Self::commit), so that a burst is told once.
    ///
    /// # Panics
    ///
    /// Without [room](Self::has_room).
    pub fn place(
        &mut self,
        write: impl FnOnce(&mut M) -> bool,
        origin: Origin,
        garbage: &mut Garbage<M>,
    ) -> bool {
        assert!(self.next < self.limit, "the caller has made room");
        // What is overwritten anyway, if nobody can have it pinned.
        if self.exclusive && self.next - self.first >= self.ring.slots().len() {
            return self.place_again(write, origin, garbage);
        }
        let Some(mut message) = self.spares.pop() else { return false };
        let written = write(&mut message);
        if written {
            self.push(message, origin, garbage);
        } else {
            // Somebody keeps it, or it is of another type: then so are those around it.
            garbage.put(message);
        }
        written
    }

    /// Writes the oldest message anew where it lies, whose slot is the next one's.
    #[inline]
    fn place_again(
        &mut self,
        write: impl FnOnce(&mut M) -> bool,
        origin: Origin,
        garbage: &mut Garbage<M>,
    ) -> bool {
        let slots = self.ring.slots();
        slots.expect(self.first + AHEAD);
        let Some(raw) = slots.message(self.first) else { return false };
        // All gate, and have passed it: whatever `first` says, nobody reads this slot.
        self.first += 1;
        // SAFETY: the ring owned it, being between `first` and `next`; from here on this does.
        let mut message = unsafe { M::from_raw(raw) };
        if !write(&mut message) {
            self.ring.set_first(self.first);
            self.bytes = self.bytes.saturating_sub(message.weight());
            garbage.put(message);
            return false;
        }
        // It weighs what it weighed, and lies where it lay: the two numbers have one slot.
        slots.renumber(self.next, origin);
        mem::forget(message);
        self.next += 1;
        true
    }

    /// Shows what has been [placed](Self::place).
    pub fn commit(&mut self) {
        self.ring.set_first(self.first);
        self.ring.set_head(self.next);
    }

    /// The last message with its number and where it is from.
    pub fn with_last<T>(&self, look: impl FnOnce(&M, u64, Origin) -> T) -> Option<T> {
        let sequence = self.next.checked_sub(1)?;
        let slots = self.ring.slots();
        let raw = slots.message(sequence)?;
        // SAFETY: the ring owns its last message, and only this producer overwrites it; the copy is
        // not dropped.
        let last = ManuallyDrop::new(unsafe { M::from_raw(raw) });
        Some(look(&last, sequence, slots.origin(sequence)))
    }

    /// Adds a subscription. From now on it misses nothing; with `current` it starts with the last
    /// message, where there is one.
    pub fn attach(&mut self, mode: Mode, current: bool, reader: R) -> Consumer<M, R> {
        let start = self.next - u64::from(current && self.next > 0);
        let shown = self.ring.shown();
        let cursor = Arc::new(Cursor::new(mode, start, shown, reader));
        self.exclusive &= mode == Mode::Lossless && cursor.reader.gates();
        if mode != Mode::Latest {
            let reach = self.ring.slots().len().min(self.ring.capacity);
            self.limit = self.limit.min(start + reach);
        }
        self.cursors.push(cursor.clone());
        Consumer::new(self.ring.clone(), cursor, start, shown)
    }

    /// Ends a subscription; what it had lent is not to be read any more. Says whether those who wait
    /// are to be [swept](Ring::sweep): many of them may have ended, and stay on the list as long as
    /// nothing is published.
    #[must_use]
    pub fn detach(&mut self, consumer: &Consumer<M, R>) -> bool {
        self.cursors.retain(|cursor| !Arc::ptr_eq(cursor, consumer.cursor()));
        // So that the next push looks who is left.
        self.limit = self.next;
        self.left += usize::from(consumer.cursor().parked.load(Ordering::Relaxed));
        let sweeps = self.left > LEFT.max(self.cursors.len());
        if sweeps {
            self.left = 0;
        }
        sweeps
    }

    /// Ends publishing. Then [`Ring::wake`].
    pub fn close(&mut self) {
        self.ring.set_closed();
    }

    /// Shows the last message again to those of [`Mode::Latest`]. Then [`Ring::wake`].
    pub fn show_again(&mut self) {
        if self.next > 0 {
            self.ring.show_again();
        }
    }

    /// Takes the oldest message out of the ring: readers see beforehand that its slot is no longer to
    /// be read.
    fn take_first(&mut self) -> Option<M> {
        let raw = self.ring.slots().message(self.first);
        self.first += 1;
        self.ring.set_first(self.first);
        // SAFETY: the ring owned it, being between `first` and `next`, and now does no more.
        let message = unsafe { M::from_raw(raw?) };
        self.bytes = self.bytes.saturating_sub(message.weight());
        Some(message)
    }

    /// Gives up a message that is no longer in the ring.
    fn retire(&mut self, sequence: u64, message: M, garbage: &mut Garbage<M>) {
        if self.exclusive && self.limbo.is_empty() {
            garbage.put(message);
            return;
        }
        self.limbo.push((sequence, message));
        if self.limbo.len() > self.reclaim_above {
            self.reclaim(garbage);
        }
    }

    pub(crate) fn has_limbo(&self) -> bool {
        !self.limbo.is_empty()
    }

    /// Gives up what in limbo nobody has pinned.
    pub(crate) fn reclaim(&mut self, garbage: &mut Garbage<M>) {
        let pins = self.pins();
        let mut pins = pins.iter().copied().peekable();
        for (sequence, message) in mem::take(&mut self.limbo) {
            while pins.next_if(|(_, end)| *end <= sequence).is_some() {}
            if pins.peek().is_some_and(|(from, _)| *from <= sequence) {
                self.limbo.push((sequence, message));
            } else if message.reusable() && self.spares.len() < SPARES {
                self.spares.push(message);
            } else {
                garbage.put(message);
            }
        }
        // Looking through it costs as much as it holds; so it may double first.
        self.reclaim_above = self.limbo.len() * 2 + LIMBO;
    }

    /// Gives up what everybody has read, but the last value, if it is too much to be kept.
    #[cold]
    pub(crate) fn trim(&mut self, seen: &Seen, garbage: &mut Garbage<M>) {
        self.exclusive = seen.exclusive;
        if self.bytes > KEPT_BYTES {
            let needed = seen.low.min(self.next - 1);
            while self.first < needed {
                let sequence = self.first;
                if let Some(message) = self.take_first() {
                    self.retire(sequence, message, garbage);
                }
            }
        }
        self.trim_above = KEPT_BYTES.max(self.bytes * 2);
    }
}

impl<M: Pointer, R: Reader> Drop for Producer<M, R> {
    fn drop(&mut self) {
        self.commit();
        // Consumers may still have pinned some of it.
        let limbo = mem::take(&mut self.limbo);
        self.ring.adopt(limbo.into_iter().map(|(_, message)| message));
    }
}
