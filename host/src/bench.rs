//! For the benchmark and the soak of the bus only, and no part of the interface: instances without
//! plugins, on a runtime of the caller's.
//!
//! What is measured in one process needs a bus, and the host services of a few instances on whatever
//! runtime is compared. All are made here as a run makes them, so that a spawned task is polled
//! through `Tracked`, and a receive registers the host's own waker. There is no dispatcher and no
//! watchdog: the caller says when the tasks run, and drops the [`Stage`] when they have ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use lifespan_abi::ServicesBox;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::bus::{Bus, BusOptions, Phase};
use crate::clock::Clock;
use crate::log::instance_span;
use crate::services::{Context, Shared};
use crate::shutdown::Shutdown;
use crate::worker::{Owner, Workers};

/// The threads of all runtimes that are measured.
static WORKERS: LazyLock<Workers> = LazyLock::new(Workers::default);

/// To be called on each thread that polls tasks, as the host's own runtime does.
pub fn thread_started() {
    WORKERS.thread_started();
}

/// Where an instance is to be in its lifespan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its task runs.
    Runs,
    /// Its task has ended; what it has spawned goes on.
    Ended,
    /// It is over: what it has spawned is aborted, and it is forgotten.
    Gone,
}

/// A bus, and the instances on it.
pub struct Stage {
    bus: Bus,
    shared: Shared,
    instances: Mutex<Vec<Arc<Context>>>,
    next: AtomicU64,
    /// Instances would take its end for a shutdown.
    _begun: watch::Sender<Option<Arc<str>>>,
}

impl Stage {
    /// An empty one, whose tasks that runtime polls. It has to have a timer.
    pub fn new(runtime: &Handle) -> Stage {
        let clock = Clock::start();
        let (begun, has_begun) = watch::channel(None);
        let shared = Shared {
            runtime: runtime.clone(),
            timer: runtime.clone(),
            clock: clock.clone(),
            shutdown: Shutdown::new(),
            begun: has_begun,
            probe: None,
        };
        Stage {
            bus: Bus::new(BusOptions::new(clock)),
            shared,
            instances: Mutex::default(),
            next: AtomicU64::new(1),
            _begun: begun,
        }
    }

    /// The host services of one more instance, which is being set up.
    pub fn instance(&self, name: &str) -> ServicesBox {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let owner = Owner { id, span: instance_span(name) };
        let member = self.bus.member(name, 1);
        let context = Context::new(self.shared.clone(), name.into(), 1, owner, member);
        let services = context.services();
        self.lock().push(context);
        services
    }

    /// Moves the instances of that name.
    pub fn step(&self, name: &str, step: Step) {
        let (phase, gone) = match step {
            Step::Runs => (Phase::Running, false),
            Step::Ended => (Phase::Ended, false),
            Step::Gone => (Phase::Gone, true),
        };
        let named = |context: &Arc<Context>| *context.name == *name;
        let instances: Vec<_> = {
            let mut instances = self.lock();
            let moved = instances.iter().filter(|context| named(context)).cloned().collect();
            if gone {
                instances.retain(|context| !named(context));
            }
            moved
        };
        // Outside the lock: an abort may drop what is a plugin's.
        for instance in instances {
            instance.member.set_phase(phase);
            if gone {
                instance.tasks.close();
            }
        }
    }

    /// All instances are set up: their tasks may run.
    pub fn run(&self) {
        for instance in self.lock().iter() {
            instance.member.set_phase(Phase::Running);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Context>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bus.close();
        for instance in self.lock().iter() {
            instance.tasks.close();
            instance.member.set_phase(Phase::Gone);
        }
    }
}
