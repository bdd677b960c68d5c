//! For tests of plugins only, and no part of the interface: what is done to the host services of
//! instances, and what is seen of them.
//!
//! A [`Probe`] has chosen calls fail, counts all, and keeps what is published. It stands between an
//! instance and its services as a wrapper of the same kind (`services`, `bus`), so that a run
//! without one does not know of it. It changes nothing else, runs no code of plugins under its lock,
//! and knows neither the dispatcher nor the SDK.

mod bus;
mod services;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lifespan_abi::{Message, ServicesBox};

/// A call of an instance to its host.
///
/// What may be cut off and tried again counts when it comes to its end: a publish that finds no room
/// and is tried again is one, of values published together each is one, and a receive is what finds
/// messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// To open a topic.
    Topic,
    /// To open a topic of whatever type.
    AnyTopic,
    /// To subscribe to a topic, or by a pattern.
    Subscribe,
    /// To receive.
    Receive,
    /// To publish.
    Publish,
    /// To claim a topic.
    Claim,
    /// To close a topic.
    Close,
    /// To sleep.
    Sleep,
    /// To wait for the shutdown.
    Shutdown,
    /// To spawn a future.
    Spawn,
    /// To spawn a job that may block.
    SpawnBlocking,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// As where the host itself has failed; of what is to be spawned: it is dropped, as at the end.
    Fails,
    /// As where publishing has ended.
    Closed,
    /// As where another instance has claimed the topic.
    Claimed,
    /// As where there is no room, and waiting for it is in vain.
    Stuck,
    /// It does not end: neither does what is done again with the same topic or subscription.
    Hangs,
    /// The host's future panics when it is polled.
    Panics,
}

/// What to do to instances, and what was seen of them. Its clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Inner>);

/// A fault and its place: the `nth` call of that kind by the instance, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The instance's name.
    pub instance: String,
    /// Which call.
    pub call: Call,
    /// Which of these, from 1.
    pub nth: u64,
    /// How it fails.
    pub fault: Fault,
}

/// A message that an instance has published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The instance's name.
    pub instance: Arc<str>,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The message.
    pub message: Message,
}

#[derive(Debug, Default)]
struct Inner {
    records: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    planned: Vec<Planned>,
    struck: Vec<Planned>,
    counts: BTreeMap<(Arc<str>, Call), u64>,
    published: Vec<Published>,
}

/// A probe as one instance's services have it.
#[derive(Clone)]
struct Probed {
    probe: Probe,
    instance: Arc<str>,
}

impl Call {
    /// All there are.
    pub const ALL: [Call; 11] = [
        Call::Topic,
        Call::AnyTopic,
        Call::Subscribe,
        Call::Receive,
        Call::Publish,
        Call::Claim,
        Call::Close,
        Call::Sleep,
        Call::Shutdown,
        Call::Spawn,
        Call::SpawnBlocking,
    ];

    /// The ways in which it can fail.
    pub fn faults(self) -> &'static [Fault] {
        match self {
            Call::Topic | Call::AnyTopic | Call::Subscribe => &[Fault::Fails, Fault::Closed],
            Call::Receive => &[Fault::Fails, Fault::Closed, Fault::Hangs],
            Call::Publish => {
                &[Fault::Fails, Fault::Closed, Fault::Claimed, Fault::Stuck, Fault::Hangs]
            }
            Call::Claim | Call::Close => &[Fault::Fails, Fault::Closed, Fault::Claimed],
            Call::Sleep | Call::Shutdown => &[Fault::Hangs, Fault::Panics],
            Call::Spawn | Call::SpawnBlocking => &[Fault::Fails],
        }
    }
}

impl Probe {
    /// One that lets all pass.
    pub fn new() -> Probe {
        Probe::default()
    }

    /// Has the `nth` call of that kind by an instance fail, once. The first is 1.
    ///
    /// # Panics
    ///
    /// The call cannot fail in that way, or `nth` is 0.
    pub fn plan(&self, instance: &str, call: Call, nth: u64, fault: Fault) {
        let faults = call.faults();
        assert!(faults.contains(&fault), "`{call:?}` fails in one of the ways {faults:?}");
        assert!(nth > 0, "the first call is number 1");
        let instance = instance.to_owned();
        self.lock().planned.push(Planned { instance, call, nth, fault });
    }

    /// Keeps what is published from now on.
    pub fn record(&self) {
        self.0.records.store(true, Ordering::Relaxed);
    }

    /// What was planned and has not come about yet.
    pub fn planned(&self) -> Vec<Planned> {
        self.lock().planned.clone()
    }

    /// What has come about of what was planned, in that order. A call that hangs does so from now on.
    pub fn struck(&self) -> Vec<Planned> {
        self.lock().struck.clone()
    }

    /// How many calls of that kind an instance has made.
    pub fn count(&self, instance: &str, call: Call) -> u64 {
        let state = self.lock();
        let mut counts = state.counts.iter();
        counts.find(|((of, what), _)| **of == *instance && *what == call).map_or(0, |(_, n)| *n)
    }

    /// What was kept of what was published, in that order; it is forgotten by this.
    pub fn take_published(&self) -> Vec<Published> {
        std::mem::take(&mut self.lock().published)
    }

    /// The services of an instance, with this in between.
    pub fn services(&self, services: ServicesBox) -> ServicesBox {
        let instance = services.instance().as_str().into();
        services::probed(Probed { probe: self.clone(), instance }, services)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Probed {
    /// Counts a call; answers how it is to fail, if it is.
    fn call(&self, call: Call) -> Option<Fault> {
        let fault = self.due(call);
        self.count(call, 1);
        fault
    }

    /// How the next call is to fail, if it is. It then has; the call is still to be counted.
    fn due(&self, call: Call) -> Option<Fault> {
        let mut state = self.probe.lock();
        let next = state.count(&self.instance, call) + 1;
        let at = state.planned.iter().position(|it| self.is_of(it, call) && it.nth <= next)?;
        let struck = state.planned.remove(at);
        let fault = struck.fault;
        state.struck.push(struck);
        Some(fault)
    }

    /// How many calls there are before one that is to fail.
    fn until_due(&self, call: Call) -> Option<u64> {
        let state = self.probe.lock();
        let before = state.count(&self.instance, call);
        let planned = state.planned.iter().filter(|it| self.is_of(it, call));
        planned.filter_map(|it| it.nth.checked_sub(before + 1)).min()
    }

    fn count(&self, call: Call, calls: u64) {
        *self.probe.lock().counts.entry((self.instance.clone(), call)).or_default() += calls;
    }

    fn records(&self) -> bool {
        self.probe.0.records.load(Ordering::Relaxed)
    }

    fn has_published(&self, topic: &Arc<str>, message: Message) {
        let (instance, topic) = (self.instance.clone(), topic.clone());
        self.probe.lock().published.push(Published { instance, topic, message });
    }

    fn is_of(&self, planned: &Planned, call: Call) -> bool {
        *planned.instance == *self.instance && planned.call == call
    }
}

impl State {
    fn count(&self, instance: &Arc<str>, call: Call) -> u64 {
        self.counts.get(&(instance.clone(), call)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Planned { instance, call, nth, fault } = self;
        write!(f, "call {nth} of `{call:?}` by `{instance}`: `{fault:?}`")
    }
}

/// What is told with a fault.
fn told(fault: Fault) -> String {
    let why = match fault {
        Fault::Fails => "the host has failed",
        Fault::Closed => "publishing has ended",
        Fault::Claimed => "the topic is claimed by another",
        Fault::Stuck => "the topic is full, and waiting cannot help",
        Fault::Hangs => "it never ends",
        Fault::Panics => "the host panics",
    };
    format!("{why}: a test wants it so")
}

#[cfg(test)]
mod tests;
