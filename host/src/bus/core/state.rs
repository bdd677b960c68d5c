//! What is under a core's lock: the ring, the cursors, and what happens to them.
//!
//! All in here is plain data and arithmetic. What must be woken or dropped goes into the caller's
//! [`Afterwards`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use lifespan_abi::KeyBox;

use crate::bus::core::{Afterwards, Attach, CursorId, Entry, Keys, Mode, Polled};
use crate::bus::member::Instance;
use crate::bus::signal::{Signal, Slot};

/// A topic's messages and cursors.
#[derive(Default)]
pub(super) struct State {
    /// Consecutive messages; the last one is the topic's value.
    pub(super) entries: VecDeque<Entry>,
    /// The next message's number.
    pub(super) next: u64,
    /// No gating cursor holds anything below this; looked up anew only when the ring looks full.
    gate: u64,
    pub(super) cursors: BTreeMap<CursorId, Cursor>,
    next_cursor: CursorId,
    /// Counts up whenever a keyed cursor comes or goes; 0 is before the first.
    pub(super) keyed_version: u64,
    /// Publishers that wait for room.
    pub(super) waiting: Vec<Waker>,
    pub(super) closed: bool,
}

/// How far a subscription has read.
pub(super) struct Cursor {
    pub(super) view: View,
    owner: Arc<Instance>,
    signal: Arc<Signal>,
    slot: Slot,
    /// Found empty: the next message raises the signal.
    armed: bool,
    /// The next message to lend; of the latest and keyed ones, the first not seen.
    pub(super) next: u64,
    /// Below this nothing is lent any more: what gates.
    pub(super) released: u64,
}

/// How a cursor reads.
pub(super) enum View {
    Latest { unseen: bool },
    Lossless,
    Lossy,
    Keyed(Keyed),
}

/// What waits for a keyed subscription.
pub(super) struct Keyed {
    key: Arc<KeyBox>,
    /// The keys that wait, in the order in which they came.
    pub(super) order: VecDeque<MessageKey>,
    /// The latest entry of each, and how many before it nobody saw.
    latest: HashMap<MessageKey, (Entry, u64)>,
}

/// What a keyed subscription's plugin says makes a message the same as another; a message without a
/// key is the same as the others without.
pub(super) type MessageKey = Option<Vec<u8>>;

impl State {
    /// The oldest message's number; the next one's if there is none.
    pub(super) fn first(&self) -> u64 {
        self.next - self.entries.len() as u64
    }

    pub(super) fn subscribers(&self) -> u64 {
        self.cursors.values().filter(|cursor| !cursor.owner.observes).count() as u64
    }

    pub(super) fn is_full(&mut self, capacity: u64) -> bool {
        if self.next - self.gate < capacity {
            return false;
        }
        let gates = self.cursors.values().filter(|cursor| cursor.gates());
        self.gate = gates.map(|cursor| cursor.released).min().unwrap_or(self.next);
        self.next - self.gate >= capacity
    }

    /// Who keeps publishers waiting: how far the slowest is, and all that hold the ring full.
    pub(super) fn jam(&mut self, capacity: u64) -> Option<(u64, Vec<Arc<str>>)> {
        if self.closed || self.waiting.is_empty() || !self.is_full(capacity) {
            return None;
        }
        let full = |cursor: &&Cursor| cursor.gates() && self.next - cursor.released >= capacity;
        let behind = self.cursors.values().filter(full).map(|cursor| cursor.owner.name.clone());
        let mut behind: Vec<_> = behind.collect();
        behind.sort_unstable();
        behind.dedup();
        Some((self.gate, behind))
    }

    /// Of a full ring: whether nobody but the publisher itself is in the way.
    pub(super) fn is_own(&self, capacity: u64, publisher: &Arc<Instance>) -> bool {
        self.cursors
            .values()
            .filter(|cursor| cursor.gates() && self.next - cursor.released >= capacity)
            .all(|cursor| Arc::ptr_eq(&cursor.owner, publisher))
    }

    pub(super) fn append(
        &mut self,
        entry: Entry,
        mut keys: Keys,
        capacity: u64,
        after: &mut Afterwards,
    ) {
        for (id, cursor) in &mut self.cursors {
            match &mut cursor.view {
                View::Latest { unseen } => *unseen = true,
                View::Lossless | View::Lossy => {}
                View::Keyed(keyed) => {
                    keyed.put(entry.clone(), keys.keys.remove(id).flatten(), after);
                }
            }
            cursor.raise(after);
        }
        self.entries.push_back(entry);
        self.next += 1;
        if self.entries.len() as u64 > capacity {
            after.entries.extend(self.entries.pop_front());
        }
        self.trim(after);
    }

    /// Gives up what no cursor will lend; the last value stays.
    pub(super) fn trim(&mut self, after: &mut Afterwards) {
        let readers = self.cursors.values().filter(|cursor| cursor.reads_ring());
        let needed = readers.map(|cursor| cursor.next).min().unwrap_or(self.next);
        while self.entries.len() > 1 && self.first() < needed {
            after.entries.extend(self.entries.pop_front());
        }
    }

    pub(super) fn attach(
        &mut self,
        attach: Attach,
        first: Option<(Entry, MessageKey)>,
        after: &mut Afterwards,
    ) -> CursorId {
        let current = attach.current && !self.entries.is_empty();
        let start = self.next - u64::from(current);
        let view = match attach.mode {
            Mode::Latest => View::Latest { unseen: current },
            Mode::Lossless => View::Lossless,
            Mode::Lossy => View::Lossy,
            Mode::Keyed(key) => {
                self.keyed_version += 1;
                let mut keyed = Keyed { key, order: VecDeque::new(), latest: HashMap::new() };
                if let Some((entry, key)) = first {
                    keyed.put(entry, key, after);
                }
                View::Keyed(keyed)
            }
        };
        let cursor = Cursor {
            view,
            owner: attach.owner,
            signal: attach.signal,
            slot: attach.slot,
            armed: false,
            next: start,
            released: start,
        };
        self.gate = self.gate.min(start);
        let id = self.next_cursor;
        self.next_cursor += 1;
        self.cursors.insert(id, cursor);
        id
    }

    pub(super) fn poll(&mut self, id: CursorId, max: u64, out: &mut Vec<Entry>) -> Polled {
        let (first, next) = (self.first(), self.next);
        let Some(cursor) = self.cursors.get_mut(&id) else { return Polled::Ended };
        let mut skipped = 0;
        match &mut cursor.view {
            View::Latest { unseen } => {
                if std::mem::take(unseen) {
                    // What a busy subscriber did not see; of a value that is shown again, nothing.
                    skipped = (next - 1).saturating_sub(cursor.next);
                    out.extend(self.entries.back().cloned());
                    cursor.next = next;
                }
            }
            View::Lossless | View::Lossy => {
                let start = cursor.next.max(first);
                skipped = start - cursor.next;
                let end = next.min(start.saturating_add(max));
                let range = (start - first) as usize..(end - first) as usize;
                out.extend(self.entries.range(range).cloned());
                cursor.next = end;
            }
            View::Keyed(keyed) => {
                if let Some((entry, replaced)) = keyed.take() {
                    skipped = replaced;
                    out.push(entry);
                }
                cursor.next = next;
            }
        }
        if !out.is_empty() {
            return Polled::Ready { skipped };
        }
        if self.closed {
            return Polled::Ended;
        }
        cursor.armed = true;
        Polled::Empty
    }

    /// Whom to ask for the key of a message.
    pub(super) fn keyed(&self) -> (u64, Vec<(CursorId, Arc<KeyBox>)>) {
        let keyed = self.cursors.iter().filter_map(|(id, cursor)| match &cursor.view {
            View::Keyed(keyed) => Some((*id, keyed.key.clone())),
            View::Latest { .. } | View::Lossless | View::Lossy => None,
        });
        (self.keyed_version, keyed.collect())
    }
}

impl Cursor {
    fn gates(&self) -> bool {
        matches!(self.view, View::Lossless) && self.owner.gates()
    }

    /// Whether it takes its messages from the ring.
    fn reads_ring(&self) -> bool {
        matches!(self.view, View::Lossless | View::Lossy)
    }

    pub(super) fn raise(&mut self, after: &mut Afterwards) {
        if std::mem::take(&mut self.armed) {
            after.wake.extend(self.signal.raise(self.slot));
        }
    }
}

impl Keyed {
    fn put(&mut self, entry: Entry, key: MessageKey, after: &mut Afterwards) {
        if let Some((latest, replaced)) = self.latest.get_mut(&key) {
            after.entries.push(std::mem::replace(latest, entry));
            *replaced += 1;
            return;
        }
        self.order.push_back(key.clone());
        self.latest.insert(key, (entry, 0));
    }

    fn take(&mut self) -> Option<(Entry, u64)> {
        let key = self.order.pop_front()?;
        self.latest.remove(&key)
    }
}
