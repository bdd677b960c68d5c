//! The messages of one topic: a ring that all its subscriptions share, and a cursor for each.
//!
//! This is the simple core: one mutex, no unsafe code. It is used through [`Core`]'s methods only, so
//! that another core can take its place. It knows nothing of names, types, claims and shutdowns.
//!
//! **Invariant**: nothing foreign runs under the lock. Wakers are woken, and messages and wakers
//! dropped, by an [`Afterwards`] that outlives the guard; keys are asked for between two locks.

mod state;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use lifespan_abi::{KeyBox, Message};

use crate::bus::core::state::{Cursor, MessageKey, State, View};
use crate::bus::member::Instance;
use crate::bus::signal::{Signal, Slot};

/// How many wakers of publishers are kept before all are woken to register again: wakers that are
/// copies of the boundary never equal each other, and those of cancelled publishers stay behind.
const MAX_WAITING: usize = 1024;

/// The most that one poll lends if the subscription leaves it to the host.
const BATCH: u64 = 128;

/// One topic's messages.
pub(super) struct Core {
    capacity: u64,
    state: Mutex<State>,
}

/// A message with where it is from.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) message: Message,
    /// The number of the instance that published it.
    pub(super) publisher: u64,
    pub(super) published: u64,
    pub(super) sequence: u64,
}

/// How a cursor treats what it cannot keep up with.
#[derive(Clone)]
pub(super) enum Mode {
    Latest,
    Lossless,
    Lossy,
    Keyed(Arc<KeyBox>),
}

/// What a cursor is attached with.
pub(super) struct Attach {
    pub(super) mode: Mode,
    /// Whether it starts with the last value.
    pub(super) current: bool,
    pub(super) owner: Arc<Instance>,
    pub(super) signal: Arc<Signal>,
    pub(super) slot: Slot,
}

/// Which cursor of a core.
pub(super) type CursorId = u64;

/// How a push ended.
pub(super) enum Push {
    Published,
    /// There is no room; `own` says that only the publisher's own subscriptions are in the way.
    Full {
        message: Message,
        own: bool,
    },
    Closed(Message),
}

/// What a cursor had.
pub(super) enum Polled {
    /// Messages, after so many that were skipped.
    Ready { skipped: u64 },
    /// Nothing: the signal will be raised when there is something.
    Empty,
    /// Nothing, and never will be.
    Ended,
}

/// The keys of one message for each keyed cursor, asked for outside the lock.
#[derive(Default)]
struct Keys {
    version: u64,
    keys: HashMap<CursorId, MessageKey>,
}

/// What is left to do when the lock is free: wakers to wake, the rest to drop. Declared before the
/// guard, it is dropped after it, also when something unwinds.
#[derive(Default)]
struct Afterwards {
    wake: Vec<Waker>,
    spare: Option<Waker>,
    entries: Vec<Entry>,
    cursors: Vec<Cursor>,
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        for waker in self.wake.drain(..) {
            waker.wake();
        }
    }
}

impl Core {
    /// A ring that holds `capacity` messages, at least one.
    pub(super) fn new(capacity: u64) -> Core {
        Core { capacity: capacity.max(1), state: Mutex::default() }
    }

    /// Publishes if there is room.
    pub(super) fn push(&self, message: Message, publisher: &Arc<Instance>, now: u64) -> Push {
        let mut keys = Keys::default();
        loop {
            let asked = {
                let mut after = Afterwards::default();
                let mut state = self.lock();
                if state.closed {
                    return Push::Closed(message);
                }
                if state.is_full(self.capacity) {
                    return Push::Full { message, own: state.is_own(self.capacity, publisher) };
                }
                if state.keyed_version == keys.version {
                    let entry = Entry {
                        message,
                        publisher: publisher.number,
                        published: now,
                        sequence: state.next,
                    };
                    state.append(entry, keys, self.capacity, &mut after);
                    return Push::Published;
                }
                state.keyed()
            };
            keys = Keys::of(&message, asked);
        }
    }

    /// Whether a publisher whom [`push`](Self::push) refused may go on; else its waker is registered.
    /// `hopeless` is asked under the lock, and says whether waiting can never help.
    pub(super) fn poll_room(
        &self,
        publisher: &Arc<Instance>,
        waker: Waker,
        hopeless: impl FnOnce() -> bool,
    ) -> bool {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        let room = state.closed
            || hopeless()
            || !state.is_full(self.capacity)
            || state.is_own(self.capacity, publisher);
        let known = state.waiting.iter().any(|waiting| waiting.will_wake(&waker));
        if room || known {
            after.spare = Some(waker);
            return room;
        }
        if state.waiting.len() >= MAX_WAITING {
            after.wake.append(&mut state.waiting);
        }
        state.waiting.push(waker);
        false
    }

    /// Attaches a cursor; from now on nothing is missed. It counts as ready until it is found empty:
    /// the caller raises its slot once, when the subscription knows it.
    pub(super) fn attach(&self, attach: Attach) -> CursorId {
        // A key is asked for outside the lock, and again should the last value have changed.
        let mut first = self.first_key(&attach);
        let mut after = Afterwards::default();
        loop {
            let mut state = self.lock();
            let last = state.entries.back().map(|entry| entry.sequence);
            if attach.needs_first_key() && first.as_ref().map(|(entry, _)| entry.sequence) != last {
                drop(state);
                first = self.first_key(&attach);
                continue;
            }
            return state.attach(attach, first, &mut after);
        }
    }

    /// Detaches a cursor, with what it had not delivered.
    pub(super) fn detach(&self, cursor: CursorId) {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        let Some(detached) = state.cursors.remove(&cursor) else { return };
        if matches!(detached.view, View::Keyed(_)) {
            state.keyed_version += 1;
        }
        after.cursors.push(detached);
        state.trim(&mut after);
        after.wake.append(&mut state.waiting);
    }

    /// Moves a cursor's next messages to `out`, at most `max` of them (0: the host's choice). They
    /// gate until [`release`](Self::release).
    pub(super) fn poll(&self, cursor: CursorId, max: u32, out: &mut Vec<Entry>) -> Polled {
        let mut after = Afterwards::default();
        let max = match u64::from(max) {
            // Half the ring, so that a publisher fills the other half meanwhile.
            0 => BATCH.min((self.capacity / 2).max(1)),
            max => max,
        };
        let mut state = self.lock();
        let polled = state.poll(cursor, max, out);
        state.trim(&mut after);
        polled
    }

    /// What was lent to a cursor no longer gates.
    pub(super) fn release(&self, cursor: CursorId) {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        let Some(cursor) = state.cursors.get_mut(&cursor) else { return };
        cursor.released = cursor.next;
        if !state.waiting.is_empty() && !state.is_full(self.capacity) {
            after.wake.append(&mut state.waiting);
        }
    }

    /// How many messages a cursor has not been lent.
    pub(super) fn pending(&self, cursor: CursorId) -> u64 {
        let state = self.lock();
        let Some(cursor) = state.cursors.get(&cursor) else { return 0 };
        match &cursor.view {
            View::Latest { unseen } => u64::from(*unseen),
            View::Keyed(keyed) => keyed.order.len() as u64,
            View::Lossless | View::Lossy => state.next - cursor.next.max(state.first()),
        }
    }

    /// The last value.
    pub(super) fn last(&self) -> Option<Message> {
        self.lock().entries.back().map(|entry| entry.message.clone())
    }

    /// Shows the last value again to the cursors of the latest value.
    pub(super) fn notify(&self) {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        if state.entries.is_empty() || state.closed {
            return;
        }
        for cursor in state.cursors.values_mut() {
            if let View::Latest { unseen } = &mut cursor.view {
                *unseen = true;
                cursor.raise(&mut after);
            }
        }
    }

    /// How many cursors there are, without those of observers.
    pub(super) fn subscribers(&self) -> u64 {
        self.lock().subscribers()
    }

    /// Who keeps publishers waiting: how far the slowest is, and all that hold the ring full.
    pub(super) fn jam(&self) -> Option<(u64, Vec<Arc<str>>)> {
        self.lock().jam(self.capacity)
    }

    /// Wakes the publishers that wait, to look again.
    pub(super) fn wake_publishers(&self) {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        after.wake.append(&mut state.waiting);
    }

    /// Ends publishing; cursors deliver what they have, then end.
    pub(super) fn close(&self) {
        let mut after = Afterwards::default();
        let mut state = self.lock();
        state.closed = true;
        for cursor in state.cursors.values_mut() {
            cursor.raise(&mut after);
        }
        after.wake.append(&mut state.waiting);
    }

    /// Whether publishing has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// With a keyed cursor that is to start with the last value: that value and its key.
    fn first_key(&self, attach: &Attach) -> Option<(Entry, MessageKey)> {
        let Mode::Keyed(key) = &attach.mode else { return None };
        if !attach.needs_first_key() {
            return None;
        }
        let last = self.lock().entries.back().cloned()?;
        let key = key_of(key, &last.message);
        Some((last, key))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attach {
    fn needs_first_key(&self) -> bool {
        self.current && matches!(self.mode, Mode::Keyed(_))
    }
}

impl Keys {
    fn of(message: &Message, (version, keyed): (u64, Vec<(CursorId, Arc<KeyBox>)>)) -> Keys {
        let keys = keyed.into_iter().map(|(id, key)| (id, key_of(&key, message))).collect();
        Keys { version, keys }
    }
}

/// Asks a plugin; the answer is copied, so that what is kept is the host's own.
fn key_of(key: &KeyBox, message: &Message) -> MessageKey {
    key.of(message).into_option().map(|bytes| bytes.as_slice().to_vec())
}
