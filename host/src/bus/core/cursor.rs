//! A subscription's cursor on one topic: of the ring, or of a list by key.
//!
//! Used by whoever has the subscription. What it lends stays valid until it is released.

use std::ptr;

use lifespan_abi::Message;
use lifespan_ring::{Consumer, Origin, Polled};

use crate::bus::core::held::{Held, as_messages};
use crate::bus::core::keyed::KeyedId;
use crate::bus::core::{Afterwards, Core, Entry, Tag};

/// A cursor of a [`Core`]. All its methods are given that very core.
pub(in crate::bus) enum Cursor {
    Ring(Consumer<Held, Tag>),
    /// With the entry that is lent, at a place of its own: it is lent by its address.
    Keyed(KeyedId, Option<Box<Entry>>),
}

/// What a cursor lends, as it crosses.
pub(in crate::bus) struct LentBatch {
    pub(in crate::bus) messages: *const Message,
    pub(in crate::bus) len: u32,
    /// The first one's number.
    pub(in crate::bus) sequence: u64,
}

impl Cursor {
    /// Releases what is lent, and lends the next, at most `max`. With `origins` it is noted where
    /// they are from.
    pub(in crate::bus) fn poll(
        &mut self,
        core: &Core,
        max: u64,
        origins: bool,
        after: &mut Afterwards,
    ) -> Polled {
        match self {
            Cursor::Ring(consumer) => {
                let polled = consumer.poll(max, origins);
                if consumer.take_wanted() {
                    core.room_may_have_come(after);
                }
                polled
            }
            Cursor::Keyed(id, lent) => {
                after.entries.extend(lent.take().map(|entry| *entry));
                let mut state = core.lock();
                if let Some((entry, replaced)) = state.keyed.take(*id) {
                    *lent = Some(Box::new(entry));
                    return Polled::Ready { skipped: replaced };
                }
                if core.is_closed() { Polled::Ended } else { Polled::Empty }
            }
        }
    }

    /// Gives back what is lent.
    pub(in crate::bus) fn release(&mut self, core: &Core, after: &mut Afterwards) {
        match self {
            Cursor::Ring(consumer) => {
                consumer.release();
                if consumer.take_wanted() {
                    core.room_may_have_come(after);
                }
            }
            Cursor::Keyed(_, lent) => after.entries.extend(lent.take().map(|entry| *entry)),
        }
    }

    /// What is lent.
    pub(in crate::bus) fn lent(&self) -> LentBatch {
        match self {
            Cursor::Ring(consumer) => LentBatch {
                messages: as_messages(consumer.batch()),
                // A batch is no longer than `BATCH`.
                len: consumer.batch().len() as u32,
                sequence: consumer.start(),
            },
            Cursor::Keyed(_, Some(entry)) => {
                LentBatch { messages: &raw const entry.message, len: 1, sequence: entry.sequence }
            }
            Cursor::Keyed(_, None) => LentBatch { messages: ptr::null(), len: 0, sequence: 0 },
        }
    }

    /// References to what is lent, each with where it is from, which the poll was asked to note.
    pub(in crate::bus) fn entries(&self) -> Vec<Entry> {
        match self {
            Cursor::Ring(consumer) => {
                let entry = |((held, origin), sequence): ((&_, &Origin), u64)| {
                    let held: &std::mem::ManuallyDrop<Held> = held;
                    Entry { message: held.0.clone(), origin: *origin, sequence }
                };
                let batch = consumer.batch().iter().zip(consumer.origins());
                batch.zip(consumer.start()..).map(entry).collect()
            }
            Cursor::Keyed(_, lent) => lent.iter().map(|entry| Entry::clone(entry)).collect(),
        }
    }

    /// Whether a poll would find something, as far as is seen now; of one by key nobody knows.
    pub(in crate::bus) fn has_news(&self) -> bool {
        match self {
            Cursor::Ring(consumer) => consumer.has_news(),
            Cursor::Keyed(..) => true,
        }
    }

    /// How many messages it has not been lent. Any thread may ask.
    pub(in crate::bus) fn pending(&self, core: &Core) -> u64 {
        match self {
            Cursor::Ring(consumer) => consumer.pending(),
            Cursor::Keyed(id, _) => core.lock().keyed.pending(*id),
        }
    }
}
