//! Subscriptions to the latest value of each key.
//!
//! They need no ring: each has a list of what waits for it. All in here happens under the core's lock;
//! what must be woken or dropped goes into the caller's [`Afterwards`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use lifespan_abi::{KeyBox, Message};

use crate::bus::core::{Afterwards, Attach, Entry};
use crate::bus::member::Instance;
use crate::bus::signal::{Signal, Slot};

/// Which keyed subscription of a core.
pub(super) type KeyedId = u64;

/// What a keyed subscription's plugin says makes a message the same as another; a message without a
/// key is the same as the others without.
pub(super) type MessageKey = Option<Vec<u8>>;

/// A topic's keyed subscriptions.
#[derive(Default)]
pub(super) struct Keyed {
    lists: BTreeMap<KeyedId, List>,
    next: KeyedId,
    /// Counts up whenever one comes or goes; 0 is before the first.
    version: u64,
}

/// The keys of one message for each subscription, asked for outside the lock.
#[derive(Default)]
pub(super) struct Keys {
    version: u64,
    keys: HashMap<KeyedId, MessageKey>,
}

/// Whom to ask for the key of a message.
pub(super) struct Asked {
    version: u64,
    whom: Vec<(KeyedId, Arc<KeyBox>)>,
}

/// What waits for one subscription.
pub(super) struct List {
    key: Arc<KeyBox>,
    pub(super) owner: Arc<Instance>,
    signal: Arc<Signal>,
    slot: Slot,
    /// Found empty: the next message raises the signal.
    armed: bool,
    /// The keys that wait, in the order in which they came.
    order: VecDeque<MessageKey>,
    /// The latest entry of each, and how many before it nobody saw.
    latest: HashMap<MessageKey, (Entry, u64)>,
}

impl Keyed {
    pub(super) fn add(
        &mut self,
        key: Arc<KeyBox>,
        attach: Attach,
        first: Option<(Entry, MessageKey)>,
        after: &mut Afterwards,
    ) -> KeyedId {
        let Attach { owner, signal, slot, .. } = attach;
        let (order, latest) = (VecDeque::new(), HashMap::new());
        let mut list = List { key, owner, signal, slot, armed: false, order, latest };
        if let Some((entry, key)) = first {
            list.put(entry, key, after);
        }
        self.version += 1;
        self.next += 1;
        self.lists.insert(self.next, list);
        self.next
    }

    pub(super) fn remove(&mut self, id: KeyedId, after: &mut Afterwards) {
        self.version += 1;
        after.lists.extend(self.lists.remove(&id));
    }

    /// Gives all a message; `keys` must be [of](Self::knows) this version.
    pub(super) fn put(&mut self, entry: &Entry, mut keys: Keys, after: &mut Afterwards) {
        for (id, list) in &mut self.lists {
            list.put(entry.clone(), keys.keys.remove(id).flatten(), after);
            list.raise(after);
        }
    }

    /// The next entry, and how many before it nobody saw; if there is none, the signal is raised when
    /// there is one.
    pub(super) fn take(&mut self, id: KeyedId) -> Option<(Entry, u64)> {
        let list = self.lists.get_mut(&id)?;
        let next = list.order.pop_front().and_then(|key| list.latest.remove(&key));
        list.armed = next.is_none();
        next
    }

    /// How many entries wait.
    pub(super) fn pending(&self, id: KeyedId) -> u64 {
        self.lists.get(&id).map_or(0, |list| list.order.len() as u64)
    }

    pub(super) fn raise_all(&mut self, after: &mut Afterwards) {
        self.lists.values_mut().for_each(|list| list.raise(after));
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &List> {
        self.lists.values()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Whether the keys are those of all subscriptions that there are.
    pub(super) fn knows(&self, keys: &Keys) -> bool {
        self.version == keys.version || self.lists.is_empty()
    }

    pub(super) fn ask(&self) -> Asked {
        let whom = self.lists.iter().map(|(id, list)| (*id, list.key.clone())).collect();
        Asked { version: self.version, whom }
    }
}

impl Keys {
    /// Asks the plugins: not under a lock.
    pub(super) fn of(message: &Message, asked: Asked) -> Keys {
        let keys = asked.whom.into_iter().map(|(id, key)| (id, key_of(&key, message))).collect();
        Keys { version: asked.version, keys }
    }
}

impl List {
    fn put(&mut self, entry: Entry, key: MessageKey, after: &mut Afterwards) {
        if let Some((latest, replaced)) = self.latest.get_mut(&key) {
            after.entries.push(std::mem::replace(latest, entry));
            *replaced += 1;
            return;
        }
        self.order.push_back(key.clone());
        self.latest.insert(key, (entry, 0));
    }

    fn raise(&mut self, after: &mut Afterwards) {
        if std::mem::take(&mut self.armed) {
            after.wake.extend(self.signal.raise(self.slot));
        }
    }
}

/// Asks a plugin; the answer is copied, so that what is kept is the host's own.
pub(super) fn key_of(key: &KeyBox, message: &Message) -> MessageKey {
    key.of(message).into_option().map(|bytes| bytes.as_slice().to_vec())
}
