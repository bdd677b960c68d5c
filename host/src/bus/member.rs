//! An instance as the bus knows it: its name, where it is in its lifespan, and what it has not
//! received yet.
//!
//! The engine moves the phase; topics ask for it, under their locks, which takes no lock. Whoever notes
//! that a subscription begins or ends holds no lock of the bus, so that what an instance has lost is
//! asked for under its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::bus::subscription::Feeds;

/// Where an instance is in its lifespan, as far as the bus cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Its set-up runs, or is over and no task runs yet: a publish on a full topic is an error.
    Setup,
    /// Its task runs: a publish on a full topic waits.
    Running,
    /// Its task and what it spawned have ended: nobody waits for its subscriptions any more.
    Ended,
    /// Its tear-down runs: a publish never waits.
    Teardown,
    /// It is over: its claims have ended.
    Gone,
}

/// Messages of one topic that an instance was to receive, and did not before the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The topic's name.
    pub(crate) topic: String,
    /// How many.
    pub(crate) messages: u64,
}

/// All instances that there have been. An instance's number is its place.
#[derive(Default)]
pub(super) struct Instances(Mutex<Vec<(Arc<str>, u32)>>);

/// What the bus knows of an instance, shared by all that it holds there.
pub(super) struct Instance {
    /// Its number on the bus, which messages carry.
    pub(super) number: u64,
    pub(super) name: Arc<str>,
    pub(super) generation: u32,
    /// It sees what passes for somebody outside of the bus, and counts for nobody there.
    pub(super) observes: bool,
    phase: AtomicU8,
    /// Whether what it leaves unread counts as lost. Only what a running task leaves unread because
    /// the shutdown began is a loss: one that had ended by itself did not want it.
    answers_for_loss: AtomicBool,
    holdings: Mutex<Holdings>,
    /// How many subscriptions there have been, for their numbers.
    subscriptions: AtomicU64,
}

#[derive(Default)]
struct Holdings {
    living: BTreeMap<u64, Weak<Feeds>>,
    lost: BTreeMap<Arc<str>, u64>,
}

impl Instances {
    /// Makes an instance, and gives it a number that no other will have.
    pub(super) fn add(&self, name: &str, generation: u32) -> Arc<Instance> {
        let name: Arc<str> = name.into();
        let mut known = self.lock();
        known.push((name.clone(), generation));
        Instance::new(known.len() as u64 - 1, name, generation, false)
    }

    /// The name and generation of the instance of that number.
    pub(super) fn get(&self, number: u64) -> Option<(Arc<str>, u32)> {
        self.lock().get(usize::try_from(number).ok()?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instance {
    /// One that only looks on. It is none of the [`Instances`]: it never publishes, so nobody asks for
    /// its name, which therefore is nobody else's.
    pub(super) fn observer() -> Arc<Instance> {
        Instance::new(u64::MAX, Arc::default(), 0, true)
    }

    fn new(number: u64, name: Arc<str>, generation: u32, observes: bool) -> Arc<Instance> {
        Arc::new(Instance {
            number,
            name,
            generation,
            observes,
            phase: AtomicU8::new(Phase::Setup as u8),
            answers_for_loss: AtomicBool::new(false),
            holdings: Mutex::default(),
            subscriptions: AtomicU64::new(0),
        })
    }

    pub(super) fn phase(&self) -> Phase {
        // What matters is ordered by the topics' locks: whoever changes the phase takes each of them
        // afterwards to wake the publishers that wait there.
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Setup,
            1 => Phase::Running,
            2 => Phase::Ended,
            3 => Phase::Teardown,
            _ => Phase::Gone,
        }
    }

    /// Moves the phase; `closed` says whether the shutdown has begun.
    pub(super) fn set_phase(&self, phase: Phase, closed: bool) {
        // A lifespan only goes forward: whoever is late with an earlier phase changes nothing.
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
        match phase {
            Phase::Running => self.answers_for_loss.store(true, Ordering::Relaxed),
            Phase::Setup => self.answers_for_loss.store(false, Ordering::Relaxed),
            Phase::Ended | Phase::Teardown | Phase::Gone if !closed => {
                self.answers_for_loss.store(false, Ordering::Relaxed);
            }
            Phase::Ended | Phase::Teardown | Phase::Gone => {}
        }
    }

    /// Whether a publisher waits for its lossless subscriptions.
    pub(super) fn gates(&self) -> bool {
        matches!(self.phase(), Phase::Setup | Phase::Running)
    }

    /// Notes a subscription; the number is for [`ended`](Self::ended).
    pub(super) fn began(&self, feeds: &Arc<Feeds>) -> u64 {
        let number = self.subscriptions.fetch_add(1, Ordering::Relaxed);
        self.lock().living.insert(number, Arc::downgrade(feeds));
        number
    }

    /// Forgets a subscription, and with `closed` notes what it leaves undelivered.
    pub(super) fn ended(&self, number: u64, undelivered: Vec<(Arc<str>, u64)>, closed: bool) {
        let counts = closed && self.answers_for_loss.load(Ordering::Relaxed);
        let mut holdings = self.lock();
        holdings.living.remove(&number);
        if counts {
            add(&mut holdings.lost, undelivered);
        }
    }

    /// How many messages its subscriptions have not delivered.
    pub(super) fn backlog(&self) -> u64 {
        self.living().iter().map(|feeds| feeds.backlog()).sum()
    }

    /// What its subscriptions lost, those that have ended and those that live.
    pub(super) fn lost(&self, closed: bool) -> Vec<Lost> {
        // Declared before the guard, so dropped after it: the last of a subscription may free messages.
        let living: Vec<Arc<Feeds>>;
        let holdings = self.lock();
        let mut lost = holdings.lost.clone();
        if closed && self.answers_for_loss.load(Ordering::Relaxed) {
            // All under one lock: a subscription tells its number by `ended`, under this lock, before it
            // gives up what it has. So whoever is still listed here has it all, and will not be counted
            // as ended, and whoever is not is counted there. Asked between two locks, one that ends
            // meanwhile would be in neither.
            living = holdings.living.values().filter_map(Weak::upgrade).collect();
            for feeds in &living {
                add(&mut lost, feeds.undelivered());
            }
        }
        drop(holdings);
        lost.into_iter()
            .map(|(topic, messages)| Lost { topic: topic.to_string(), messages })
            .collect()
    }

    /// The living subscriptions.
    fn living(&self) -> Vec<Arc<Feeds>> {
        self.lock().living.values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Holdings> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(lost: &mut BTreeMap<Arc<str>, u64>, undelivered: Vec<(Arc<str>, u64)>) {
    for (topic, messages) in undelivered {
        if messages > 0 {
            *lost.entry(topic).or_default() += messages;
        }
    }
}
