//! The messages of one topic: a ring that all its subscriptions share, under the lock of those who
//! publish; beside it what does not fit a ring, the subscriptions by key.
//!
//! It is used through [`Core`] and [`Cursor`] only, and knows nothing of names, types, claims and
//! shutdowns. The ring itself, and what makes it fast, is the package `lifespan-ring`.
//!
//! **Invariant**: nothing foreign runs under the lock. Wakers are woken, and messages and wakers
//! dropped, by an [`Afterwards`] that outlives the guard; keys are asked for between two locks.

mod cursor;
mod held;
mod keyed;
mod waiting;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use lifespan_abi::{KeyBox, Message, Values};
use lifespan_ring::{Garbage, Origin, Producer, Reader, Ring};

pub(super) use crate::bus::core::cursor::{Cursor, LentBatch};
use crate::bus::core::held::Held;
use crate::bus::core::keyed::{Keyed, Keys, List, MessageKey, key_of};
use crate::bus::core::waiting::Waiting;
use crate::bus::member::Instance;
use crate::bus::signal::{Signal, Slot};
use crate::bus::topic::Topic;

/// One topic's messages.
pub(super) struct Core {
    ring: Arc<Ring<Held, Tag>>,
    /// Whether somebody wants to know when messages were published; set once.
    stamps: AtomicBool,
    /// How many cursors of the ring there are. Written under the lock; a guess is enough for who reads.
    readers: AtomicUsize,
    state: Mutex<State>,
}

/// With so many, one that runs dry goes once round the run queue before it waits.
///
/// To wake them costs the publisher more than all else then. Where there are few it would cost more
/// to go round: a task that wakes itself has tokio wake another worker, which takes it to another core
/// than the messages.
const MANY: usize = 8;

struct State {
    producer: Producer<Held, Tag>,
    keyed: Keyed,
    /// Publishers that wait for room.
    waiting: Waiting,
}

/// A message with where it is from.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) message: Message,
    pub(super) origin: Origin,
    pub(super) sequence: u64,
}

/// How a cursor treats what it cannot keep up with.
#[derive(Clone)]
pub(super) enum Mode {
    /// One of the ring's.
    Ring(lifespan_ring::Mode),
    Keyed(Arc<KeyBox>),
}

/// What a cursor is attached with.
pub(super) struct Attach {
    pub(super) mode: Mode,
    /// Whether it starts with the last value.
    pub(super) current: bool,
    /// Whether it is told when messages were published.
    pub(super) stamped: bool,
    pub(super) owner: Arc<Instance>,
    pub(super) signal: Arc<Signal>,
    pub(super) slot: Slot,
}

/// Who reads by a cursor of the ring.
pub(in crate::bus) struct Tag {
    owner: Arc<Instance>,
    signal: Arc<Signal>,
    slot: Slot,
}

impl Reader for Tag {
    fn gates(&self) -> bool {
        self.owner.gates()
    }

    fn raise(&self) -> Option<Waker> {
        self.signal.raise(self.slot)
    }
}

/// Who publishes, and when.
pub(super) struct Publisher<'a, N, R> {
    pub(super) instance: &'a Arc<Instance>,
    /// Tells the time, if it is wanted.
    pub(super) now: N,
    /// Asked under the lock: whether it may not publish here.
    pub(super) refused: R,
}

/// Why something was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unpublished {
    /// There is no room; `own` says that only the publisher's own subscriptions are in the way.
    Full { own: bool },
    /// Publishing has ended.
    Closed,
    /// It may not publish.
    Refused,
    /// There is no message to write a value over.
    Unplaced,
}

/// What is left to do when the lock is free: wakers to wake, the rest to drop. Declared before the
/// guard, it is dropped after it, also when something unwinds.
#[derive(Default)]
pub(super) struct Afterwards {
    wake: Vec<Waker>,
    spare: Vec<Waker>,
    garbage: Garbage<Held>,
    entries: Vec<Entry>,
    lists: Vec<List>,
    cursors: Vec<Cursor>,
    topics: Vec<Arc<Topic>>,
}

impl Afterwards {
    pub(super) fn drop_waker(&mut self, waker: Option<Waker>) {
        self.spare.extend(waker);
    }

    /// It may be the last that has it.
    pub(super) fn forget_topic(&mut self, topic: Arc<Topic>) {
        self.topics.push(topic);
    }
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
        let producer = Ring::new(capacity);
        let ring = producer.ring().clone();
        let state = State { producer, keyed: Keyed::default(), waiting: Waiting::new() };
        Core {
            ring,
            stamps: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
            state: Mutex::new(state),
        }
    }

    /// Publishes a message if there is room; gives it back if not.
    pub(super) fn push(
        &self,
        message: Message,
        publisher: &Publisher<'_, impl Fn() -> u64, impl Fn() -> bool>,
    ) -> Result<(), (Message, Unpublished)> {
        let mut keys = Keys::default();
        loop {
            let mut after = Afterwards::default();
            let mut state = self.lock();
            if let Err(why) = self.may_begin(publisher) {
                return Err((message, why));
            }
            if !state.producer.has_room(&mut after.garbage) {
                return Err((message, state.full(publisher.instance)));
            }
            if state.keyed.knows(&keys) {
                let origin = self.origin(publisher);
                if !state.keyed.is_empty() {
                    let (message, sequence) = (message.clone(), self.ring.head());
                    state.keyed.put(&Entry { message, origin, sequence }, keys, &mut after);
                }
                state.producer.push(Held(message), origin, &mut after.garbage);
                drop(state);
                self.ring.wake();
                return Ok(());
            }
            let asked = state.keyed.ask();
            drop(state);
            keys = Keys::of(&message, asked);
        }
    }

    /// Publishes values by writing them over messages that nobody holds any more: how many, and why
    /// not all.
    pub(super) fn push_values(
        &self,
        values: &Values,
        publisher: &Publisher<'_, impl Fn() -> u64, impl Fn() -> bool>,
    ) -> (usize, Result<(), Unpublished>) {
        let mut garbage = Garbage::default();
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Err(why) = self.may_begin(publisher) {
            return (0, Err(why));
        }
        // Who asks for a key is shown a message.
        let keyed = !state.keyed.is_empty();
        let origin = self.origin(publisher);
        let (mut published, mut all) = (0, Ok(()));
        while published < values.len {
            if !state.producer.has_room(&mut garbage) {
                all = Err(state.full(publisher.instance));
                break;
            }
            let write = |held: &mut Held| held.overwrite(values, published);
            if keyed || !state.producer.place(write, origin, &mut garbage) {
                all = Err(Unpublished::Unplaced);
                break;
            }
            published += 1;
        }
        state.producer.commit();
        drop(guard);
        if published > 0 {
            self.ring.wake();
        }
        (published, all)
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
        if self.is_closed() || hopeless() {
            after.spare.push(waker);
            return true;
        }
        let mark = state.producer.wait();
        let behind = Behind::of(state.producer.behind(mark));
        if behind == Behind::Nobody {
            // Also for those who wait already: whoever came to the mark may have seen that nobody does.
            after.spare.push(waker);
            state.wake_all(&mut after);
            return true;
        }
        // What keeps it from publishing, now or soon, is only its own: it is told so, or goes on.
        let own = behind == Behind::Only(publisher.number);
        if own || state.waiting.knows(&waker) {
            after.spare.push(waker);
            return own;
        }
        state.waiting.add(publisher.clone(), waker, &mut after);
        false
    }

    /// Attaches a cursor; from now on nothing is missed. It counts as ready until it is found empty:
    /// the caller raises its slot once, when the subscription knows it.
    pub(super) fn attach(&self, attach: Attach) -> Cursor {
        if attach.stamped {
            self.stamps.store(true, Ordering::Relaxed);
        }
        let key = match &attach.mode {
            Mode::Ring(mode) => {
                let Attach { owner, signal, slot, .. } = attach;
                let tag = Tag { owner, signal, slot };
                let mut state = self.lock();
                self.readers.fetch_add(1, Ordering::Relaxed);
                return Cursor::Ring(state.producer.attach(*mode, attach.current, tag));
            }
            Mode::Keyed(key) => key.clone(),
        };
        // A key is asked for outside the lock, and again should the last value have changed.
        let mut first = None;
        loop {
            let mut after = Afterwards::default();
            let mut state = self.lock();
            let last = if attach.current { state.last() } else { None };
            let asked = first.as_ref().map(|(entry, _): &(Entry, MessageKey)| entry.sequence);
            if asked == last.as_ref().map(|entry| entry.sequence) {
                after.entries.extend(last);
                return Cursor::Keyed(state.keyed.add(key, attach, first, &mut after), None);
            }
            drop(state);
            first = last.map(|entry| {
                let key = key_of(&key, &entry.message);
                (entry, key)
            });
        }
    }

    /// Detaches a cursor, with what it had not delivered.
    pub(super) fn detach(&self, cursor: Cursor, after: &mut Afterwards) {
        let mut state = self.lock();
        let sweeps = match &cursor {
            Cursor::Ring(consumer) => {
                self.readers.fetch_sub(1, Ordering::Relaxed);
                state.producer.detach(consumer)
            }
            Cursor::Keyed(id, _) => {
                state.keyed.remove(*id, after);
                false
            }
        };
        state.wake_all(after);
        drop(state);
        if sweeps {
            self.ring.sweep(&mut after.wake);
        }
        after.cursors.push(cursor);
    }

    /// Whoever waits for room is woken if it is there, or if only its own subscriptions are in the
    /// way.
    fn room_may_have_come(&self, after: &mut Afterwards) {
        let mut state = self.lock();
        let Some(mark) = state.producer.mark() else { return };
        match Behind::of(state.producer.behind(mark)) {
            Behind::Nobody => state.wake_all(after),
            Behind::Only(one) => state.waiting.take_of(one, after),
            Behind::Several => {}
        }
    }

    /// The last value.
    pub(super) fn last(&self) -> Option<Message> {
        self.lock().last().map(|entry| entry.message)
    }

    /// Shows the last value again to the cursors of the latest value.
    pub(super) fn notify(&self) {
        if !self.is_closed() {
            self.lock().producer.show_again();
            self.ring.wake();
        }
    }

    /// How many cursors there are, without those of observers.
    pub(super) fn subscribers(&self) -> u64 {
        let state = self.lock();
        let owners = state.producer.readers().map(|tag| &tag.owner);
        let owners = owners.chain(state.keyed.lists().map(|list| &list.owner));
        owners.filter(|owner| !owner.observes).count() as u64
    }

    /// Who keeps publishers waiting: how far the slowest is, and all that have not come to where
    /// they go on.
    pub(super) fn jam(&self) -> Option<(u64, Vec<Arc<str>>)> {
        let state = self.lock();
        if self.is_closed() || state.waiting.is_empty() {
            return None;
        }
        let mark = state.producer.mark()?;
        let mut behind: Vec<_> =
            state.producer.behind(mark).map(|tag| tag.owner.name.clone()).collect();
        behind.sort_unstable();
        behind.dedup();
        (!behind.is_empty()).then(|| (state.producer.gate(), behind))
    }

    /// Whether there are [`MANY`] cursors.
    pub(super) fn has_many(&self) -> bool {
        self.readers.load(Ordering::Relaxed) >= MANY
    }

    /// Takes the publishers that wait, to look again.
    pub(super) fn wake_publishers(&self, after: &mut Afterwards) {
        self.lock().wake_all(after);
    }

    /// Ends publishing; cursors deliver what they have, then end.
    pub(super) fn close(&self) {
        {
            let mut after = Afterwards::default();
            let mut state = self.lock();
            state.producer.close();
            state.keyed.raise_all(&mut after);
            state.wake_all(&mut after);
        }
        self.ring.wake();
    }

    /// Whether publishing has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// The most that one poll lends if the subscription leaves it to the host: half the ring, so that
    /// a publisher fills the other half meanwhile.
    pub(super) fn batch(&self) -> u64 {
        (self.ring.capacity() / 2).max(1)
    }

    /// Whether anything may be published. Whoever ends publishing, or claims the topic, takes the lock
    /// afterwards; so one look under it holds for all that is published under it.
    fn may_begin(
        &self,
        publisher: &Publisher<'_, impl Fn() -> u64, impl Fn() -> bool>,
    ) -> Result<(), Unpublished> {
        if self.is_closed() {
            return Err(Unpublished::Closed);
        }
        if (publisher.refused)() {
            return Err(Unpublished::Refused);
        }
        Ok(())
    }

    fn origin(&self, publisher: &Publisher<'_, impl Fn() -> u64, impl Fn() -> bool>) -> Origin {
        let stamps = self.stamps.load(Ordering::Relaxed);
        let published = if stamps { (publisher.now)() } else { 0 };
        Origin { publisher: publisher.instance.number, published }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose subscriptions are behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Nobody,
    /// Those of the instance with this number.
    Only(u64),
    Several,
}

impl Behind {
    fn of<'a>(mut tags: impl Iterator<Item = &'a Tag>) -> Behind {
        let Some(one) = tags.next().map(|tag| tag.owner.number) else { return Behind::Nobody };
        if tags.all(|tag| tag.owner.number == one) { Behind::Only(one) } else { Behind::Several }
    }
}

impl State {
    /// Why there is no room for this publisher.
    #[cold]
    fn full(&self, publisher: &Instance) -> Unpublished {
        // There may be nobody in the way by now.
        let own = Behind::of(self.producer.blockers()) == Behind::Only(publisher.number);
        Unpublished::Full { own }
    }

    fn last(&self) -> Option<Entry> {
        let entry =
            |held: &Held, sequence, origin| Entry { message: held.0.clone(), origin, sequence };
        self.producer.with_last(entry)
    }

    fn wake_all(&mut self, after: &mut Afterwards) {
        self.producer.stop_waiting();
        self.waiting.take(after);
    }
}
