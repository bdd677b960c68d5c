//! Receiving: one subscription's side, which takes no lock.
#![expect(unsafe_code, reason = "reading pointers out of slots; see the comments")]

use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::BATCH;
use crate::cursor::{Cursor, Mode, Reader};
use crate::pointer::Pointer;
use crate::ring::Ring;
use crate::slots::{Origin, Slots};
use crate::sync::{Ordering, fence};

/// The side that receives, one a subscription.
///
/// The producer still counts it until it is told by [`detach`](crate::Producer::detach).
pub struct Consumer<M: Pointer, R: Reader> {
    ring: Arc<Ring<M, R>>,
    cursor: Arc<Cursor<R>>,
    /// The next message to lend; of the latest, the first not seen.
    next: u64,
    /// Lossless: what the cursor's floor is.
    floor: u64,
    /// How often the last message had been shown again, when it was looked at.
    shown: u64,
    /// Copies of the pointers that are lent. They are not owned: what keeps the messages alive is the
    /// floor or the pin. Read only until the next release.
    batch: Vec<ManuallyDrop<M>>,
    /// Where each is from, if that was asked for.
    origins: Vec<Origin>,
    /// The number of the batch's first.
    start: u64,
    /// A publisher waited for what has been released.
    wanted: bool,
}

/// What a poll found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Messages, after so many that were skipped.
    Ready {
        /// How many were skipped just before the first.
        skipped: u64,
    },
    /// Nothing: the reader will be [raised](Reader::raise) when there may be something.
    Empty,
    /// Nothing, and never will be.
    Ended,
}

impl<M: Pointer, R: Reader> Consumer<M, R> {
    pub(crate) fn new(
        ring: Arc<Ring<M, R>>,
        cursor: Arc<Cursor<R>>,
        next: u64,
        shown: u64,
    ) -> Self {
        let (batch, origins) = (Vec::new(), Vec::new());
        Consumer {
            ring,
            cursor,
            next,
            floor: next,
            shown,
            batch,
            origins,
            start: next,
            wanted: false,
        }
    }

    /// Releases the batch before, then lends the next messages: at most `max`, and at most
    /// [`BATCH`]. With `origins` it is noted where they are from.
    pub fn poll(&mut self, max: u64, origins: bool) -> Polled {
        let released = self.let_go();
        // Between a floor that was set and what is looked at next, a fence must stand. One that parks
        // has its own.
        let mut fenced = released.is_none();
        let max = max.clamp(1, BATCH);
        let mut from = self.next;
        let polled = loop {
            if self.has_news() {
                if !fenced {
                    fence(Ordering::SeqCst);
                    fenced = true;
                }
                match self.read(from, max, origins) {
                    Ok(skipped) => break Polled::Ready { skipped },
                    // Further on: whoever overwrites may be kept from saying how far it is.
                    Err(overrun) => from = overrun,
                }
                continue;
            }
            if self.ring.is_closed() {
                // What was published before the close is seen now.
                if self.has_news() {
                    continue;
                }
                break Polled::Ended;
            }
            self.ring.park(&self.cursor);
            fenced = true;
            if !self.has_news() && !self.ring.is_closed() {
                break Polled::Empty;
            }
        };
        if let Some((before, floor)) = released {
            // After the end nobody waits for room.
            self.wanted |= fenced && self.ring.is_wanted(before, floor);
        }
        polled
    }

    /// Gives back what is lent; it is in nobody's way any more.
    pub fn release(&mut self) {
        if let Some((before, floor)) = self.let_go() {
            fence(Ordering::SeqCst);
            self.wanted |= self.ring.is_wanted(before, floor);
        }
    }

    /// Whether a publisher waited for what has been released since this was asked last: then the
    /// producer is to look who is still [behind](crate::Producer::behind).
    pub fn take_wanted(&mut self) -> bool {
        mem::take(&mut self.wanted)
    }

    /// Gives back what is lent: of one that gates, where the floor was and where it is. Then a fence
    /// must stand before anything is looked at.
    fn let_go(&mut self) -> Option<(u64, u64)> {
        if self.batch.is_empty() {
            return None;
        }
        self.batch.clear();
        self.origins.clear();
        if self.cursor.mode != Mode::Lossless {
            self.cursor.place.unpin();
            return None;
        }
        let before = mem::replace(&mut self.floor, self.next);
        self.cursor.place.set_floor(self.next);
        Some((before, self.next))
    }

    /// What is lent.
    pub fn batch(&self) -> &[ManuallyDrop<M>] {
        &self.batch
    }

    /// Where each of it is from, if the poll was asked to note it.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The number of the first that is lent.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Whether a poll would find something, as far as is seen now.
    pub fn has_news(&self) -> bool {
        let head = self.ring.head();
        head != self.next
            || self.cursor.mode == Mode::Latest && head > 0 && self.ring.shown() != self.shown
    }

    /// How many messages it has not been lent. Any thread may ask.
    pub fn pending(&self) -> u64 {
        let (place, head) = (&self.cursor.place, self.ring.head());
        match self.cursor.mode {
            Mode::Latest => {
                let again = head > 0 && self.ring.shown() != place.shown();
                u64::from(head > place.next() || again)
            }
            // What was overwritten is skipped, and nobody will have it.
            Mode::Lossless | Mode::Lossy => {
                head.saturating_sub(place.next().max(self.ring.first()).max(self.reach(head)))
            }
        }
    }

    pub(crate) fn cursor(&self) -> &Arc<Cursor<R>> {
        &self.cursor
    }

    /// Takes a snapshot of what is there from a number on, and says how many messages were skipped. An
    /// error if all of it was overwritten meanwhile, with the number from which on something is left.
    fn read(&mut self, from: u64, max: u64, origins: bool) -> Result<u64, u64> {
        let mode = self.cursor.mode;
        let (pinned, head) = match mode {
            // The floor is its pin, and was followed by a fence when it was set.
            Mode::Lossless => (self.floor, self.ring.head()),
            Mode::Lossy | Mode::Latest => self.pin(from),
        };
        let shown = self.ring.shown();
        let from = match mode {
            Mode::Latest => head - 1,
            Mode::Lossy | Mode::Lossless => pinned.max(self.reach(head)),
        };
        // Nothing beyond the pin may be lent. Where the head has run away from it, it is set anew.
        let end = head.min(pinned + BATCH).min(from.saturating_add(max));
        let first = if from < end { self.snapshot(from, end, origins) } else { from };
        let start = from.max(first);
        if start >= end {
            self.overrun(start);
            return Err(start);
        }
        let gone = (start - from) as usize;
        if gone > 0 {
            self.batch.drain(..gone);
            self.origins.drain(..gone.min(self.origins.len()));
        }
        let skipped = start.saturating_sub(self.next);
        (self.start, self.next, self.shown) = (start, end, shown);
        let place = &self.cursor.place;
        if mode != Mode::Lossless {
            // No more than is lent, so that limbo holds no more.
            place.pin(start, end - start);
        }
        place.set_next(end);
        place.set_shown(shown);
        Ok(skipped)
    }

    /// Copies pointers, and says below which number they are not to be used.
    fn snapshot(&mut self, from: u64, end: u64, origins: bool) -> u64 {
        let slots: &Slots = self.ring.slots();
        self.batch.clear();
        let (early, late) = slots.run(from, end);
        self.batch.reserve(early.len() + late.len());
        for run in [early, late] {
            self.batch.extend(run.iter().map(|slot| {
                let raw = slot.load(Ordering::Relaxed);
                // Empty is only one of a number that was gone when the ring grew: `first` says so below.
                let raw = NonNull::new(raw).unwrap_or(NonNull::dangling());
                // SAFETY: a copy that is never dropped. It is only read if `first` says below that the
                // slot had not been overwritten: then the floor or the pin, there before, keeps it.
                ManuallyDrop::new(unsafe { M::from_raw(raw) })
            }));
        }
        self.origins.clear();
        if origins {
            self.origins.extend((from..end).map(|sequence| slots.origin(sequence)));
        }
        // With the fence of whoever overwrites: if we saw anything of that, we see `first`.
        fence(Ordering::Acquire);
        self.ring.first()
    }

    /// Pins from the first message that it has a right to, but not before that number: where the pin
    /// begins, and the head as seen afterwards.
    fn pin(&self, from: u64) -> (u64, u64) {
        let head = self.ring.head();
        let from = match self.cursor.mode {
            Mode::Latest => head - 1,
            Mode::Lossy | Mode::Lossless => from.max(self.reach(head)),
        };
        self.cursor.place.pin(from, BATCH);
        // With the fence of whoever reclaims: either it sees the pin, or we see that the slot is gone.
        fence(Ordering::SeqCst);
        (from, self.ring.head())
    }

    /// All before was overwritten while it was read.
    fn overrun(&mut self, start: u64) {
        self.batch.clear();
        self.origins.clear();
        if self.cursor.mode == Mode::Lossless {
            // Its reader gates no more. The floor is its pin: it moves to where there is something.
            self.floor = start;
            self.cursor.place.set_floor(self.floor);
            fence(Ordering::SeqCst);
        }
    }

    /// The first message that one that lags has a right to: the ring may still have others.
    fn reach(&self, head: u64) -> u64 {
        head.saturating_sub(self.ring.capacity)
    }
}
