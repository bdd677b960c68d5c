//! Which topics there are: by name, while somebody holds a handle; and who listens by pattern.
//!
//! The registry's lock is the outermost of the bus. Under it topics are made and forgotten, and
//! cursors of patterns attached; nothing foreign runs, and nothing is dropped that is foreign's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use lifespan_abi::{BusFault, FaultCode};

use crate::bus::core::Afterwards;
use crate::bus::member::Instances;
use crate::bus::names::{Pattern, check_name};
use crate::bus::subscription::Feeds;
use crate::bus::topic::Topic;
use crate::bus::types::{TypeChecks, TypeError, TypeUse};
use crate::bus::{BusOptions, fault};
use crate::guard::guard;

/// What all of a bus share.
pub(super) struct Shared {
    options: BusOptions,
    checks: TypeChecks,
    pub(super) instances: Instances,
    /// Set under the registry's lock, so that no topic is made open after it.
    closed: AtomicBool,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    topics: HashMap<Arc<str>, Listed>,
    patterns: Vec<(Pattern, Weak<Feeds>)>,
}

struct Listed {
    topic: Arc<Topic>,
    handles: u64,
}

/// A topic on which publishers wait for room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jam {
    /// Its name.
    pub(crate) topic: Arc<str>,
    /// How far the slowest subscription is: as long as this stays, nothing moves.
    pub(crate) position: u64,
    /// The instances whose subscriptions are in the way.
    pub(crate) behind: Vec<Arc<str>>,
}

/// A handle of a topic: the topic lasts as long as there is one.
pub(super) struct Handle {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
}

impl Shared {
    pub(super) fn new(options: BusOptions) -> Arc<Shared> {
        let (checks, instances) = (TypeChecks::default(), Instances::default());
        let (closed, registry) = (AtomicBool::new(false), Mutex::default());
        Arc::new(Shared { options, checks, instances, closed, registry })
    }

    /// Opens a topic, or makes it with that type.
    pub(super) fn open(
        self: &Arc<Self>,
        name: &str,
        ours: TypeUse,
        capacity: u32,
    ) -> Result<Handle, BusFault> {
        check_name(name).map_err(|error| {
            fault(FaultCode::NAME, format!("`{name}` is not a topic's name: {error}"))
        })?;
        self.checks.shareable(name, &ours).map_err(type_fault)?;

        let handle = self.open_or_make(name, &ours, capacity);
        // Outside the lock: it takes its time, and logs.
        self.checks.same(name, &handle.topic.kind, &ours).map_err(type_fault)?;
        Ok(handle)
    }

    /// Opens a topic that is there, whatever its type.
    pub(super) fn existing(self: &Arc<Self>, name: &str) -> Result<Handle, BusFault> {
        let mut registry = self.lock();
        let listed = registry
            .topics
            .get_mut(name)
            .ok_or_else(|| fault(FaultCode::UNKNOWN, format!("there is no topic `{name}` now")))?;
        listed.handles += 1;
        Ok(Handle { shared: self.clone(), topic: listed.topic.clone() })
    }

    /// The names of all topics that are there now, in no order.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.lock().topics.keys().cloned().collect()
    }

    /// Lets a subscription have every topic that matches, those that come later too.
    pub(super) fn listen(&self, pattern: Pattern, feeds: &Arc<Feeds>, current: bool) {
        let existing: Vec<Arc<Topic>> = {
            let mut registry = self.lock();
            let topics = registry.topics.values().map(|listed| &listed.topic);
            let existing = topics.filter(|topic| pattern.matches(&topic.name)).cloned().collect();
            registry.patterns.push((pattern, Arc::downgrade(feeds)));
            existing
        };
        for topic in existing {
            // Outside the lock: the plugin may be asked for a key.
            if let Some(waker) = feeds.add(&topic, current, &mut Afterwards::default()) {
                waker.wake();
            }
        }
    }

    /// Ends publishing on all topics. Only the first call does something.
    pub(super) fn close(&self) {
        let (topics, listeners) = {
            let mut registry = self.lock();
            if self.closed.swap(true, Ordering::AcqRel) {
                return;
            }
            let listeners: Vec<_> =
                registry.patterns.drain(..).filter_map(|(_, feeds)| feeds.upgrade()).collect();
            (registry.all(), listeners)
        };
        for topic in topics {
            topic.core.close();
        }
        for feeds in listeners {
            feeds.nudge();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Lets every publisher that waits look again.
    pub(super) fn wake_publishers(&self) {
        let mut after = Afterwards::default();
        for listed in self.lock().topics.values() {
            listed.topic.core.wake_publishers(&mut after);
        }
    }

    fn open_or_make(self: &Arc<Self>, name: &str, ours: &TypeUse, capacity: u32) -> Handle {
        // Declared before the guard, so dropped after it: the last of a subscription may free
        // messages.
        let mut listeners = Vec::new();
        let mut wakers = Vec::new();
        let mut after = Afterwards::default();
        let topic = {
            let mut registry = self.lock();
            if let Some(listed) = registry.topics.get_mut(name) {
                listed.handles += 1;
                listed.topic.clone()
            } else {
                let topic = self.make(name, ours.clone(), capacity);
                registry.patterns.retain(|(_, feeds)| feeds.strong_count() > 0);
                for (pattern, feeds) in &registry.patterns {
                    if pattern.matches(name) {
                        listeners.extend(feeds.upgrade());
                    }
                }
                wakers.extend(
                    listeners.iter().filter_map(|feeds| feeds.add(&topic, false, &mut after)),
                );
                let listed = Listed { topic: topic.clone(), handles: 1 };
                registry.topics.insert(topic.name.clone(), listed);
                topic
            }
        };
        wakers.into_iter().for_each(Waker::wake);
        Handle { shared: self.clone(), topic }
    }

    /// The topics on which publishers wait now.
    pub(super) fn jams(&self) -> Vec<Jam> {
        // Under the lock: were a topic taken out of the list, this might be the last to have it, and
        // drop what is a plugin's.
        let registry = self.lock();
        let jam = |listed: &Listed| {
            let (position, behind) = listed.topic.core.jam()?;
            Some(Jam { topic: listed.topic.name.clone(), position, behind })
        };
        registry.topics.values().filter_map(jam).collect()
    }

    fn make(&self, name: &str, kind: TypeUse, capacity: u32) -> Arc<Topic> {
        let capacity = if capacity == 0 { self.options.capacity } else { capacity };
        let topic = Arc::new(Topic::new(name.into(), kind, capacity.into()));
        if self.is_closed() {
            topic.core.close();
        }
        topic
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn all(&self) -> Vec<Arc<Topic>> {
        self.topics.values().map(|listed| listed.topic.clone()).collect()
    }
}

impl Handle {
    pub(super) fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn is_bus_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// The time, for a message.
    pub(super) fn now(&self) -> u64 {
        self.shared.options.clock.now()
    }

    fn end(&self) {
        // What is taken from the list is dropped behind the lock.
        let last = {
            let mut registry = self.shared.lock();
            let Some(listed) = registry.topics.get_mut(&self.topic.name) else { return };
            listed.handles -= 1;
            if listed.handles > 0 {
                return;
            }
            registry.topics.remove(&self.topic.name)
        };
        if let Some(Listed { topic, .. }) = last {
            // Subscriptions by pattern have no handle: they deliver what they have, then forget it.
            topic.core.close();
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        let mut registry = self.shared.lock();
        // It is listed as long as there is a handle, and `self` is one.
        if let Some(listed) = registry.topics.get_mut(&self.topic.name) {
            listed.handles += 1;
        }
        Handle { shared: self.shared.clone(), topic: self.topic.clone() }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        guard("bus: end a handle", || (), || self.end());
    }
}

fn type_fault(error: TypeError) -> BusFault {
    let code = match error {
        TypeError::Unshareable { .. } => FaultCode::UNSHAREABLE,
        TypeError::Mismatch { .. } => FaultCode::TYPE,
    };
    fault(code, error.to_string())
}
