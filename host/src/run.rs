//! One run: the runtimes, the watchdog, and the instances' contexts around the dispatcher.
//!
//! Plugins share one multi-threaded runtime and its timer's thread. The dispatcher has a small runtime
//! of its own on the caller's thread, with its own timer and its own blocking threads: whatever
//! plugins block, deadlines still pass.

use std::io;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::bind::BoundStage;
use crate::bus::{Bus, BusOptions};
use crate::clock::Clock;
use crate::error::Failure;
use crate::exit::Exit;
use crate::lifespan::{BoundPlugin, Dispatcher, Outcome, dispatch};
use crate::limits::Deadlines;
use crate::log::instance_span;
use crate::probe::Probe;
use crate::runtime::{SharedRuntime, Starting};
use crate::services::{Context, Shared};
use crate::shutdown::Shutdown;
use crate::trace::{BusTrace, Tracer};
use crate::watchdog;
use crate::worker::{Holders, Owner, Workers};

/// How long a forced end waits for those who look on.
const A_MOMENT: Duration = Duration::from_millis(200);

/// How to run.
pub(crate) struct RunOptions {
    pub(crate) deadlines: Deadlines,
    /// With the last of these instances the run ends.
    pub(crate) until: Vec<String>,
    /// After how long a subscription that takes nothing is named.
    pub(crate) stall_warning: Duration,
    /// Who looks on.
    pub(crate) traces: Vec<BusTrace>,
    /// What a test does to the host services, and sees of them.
    pub(crate) probe: Option<Probe>,
}

/// What a run stands on.
pub(crate) struct Ground<'a> {
    /// Polls the instances.
    pub(crate) runtime: Handle,
    /// Wakes them.
    pub(crate) timer: Handle,
    pub(crate) clock: Clock,
    /// The threads of the runtime.
    pub(crate) workers: &'a Arc<Workers>,
}

/// Runs the stages, which stand in the order of their set-up, to the end.
///
/// Blocks the calling thread, which must not be one of an asynchronous runtime.
pub(crate) fn run(
    stages: Vec<BoundStage>,
    runtime: Starting,
    options: RunOptions,
    shutdown: &Shutdown,
) -> Outcome {
    let (deadlines, stall_warning) = (options.deadlines, options.stall_warning);
    let clock = Clock::start();
    let bus = Bus::new(BusOptions::new(clock.clone()));
    let started = runtime.started().and_then(|runtime| {
        let tracers = options.traces.iter().map(|trace| Tracer::start(trace, &bus, &clock));
        Ok((with_own(runtime)?, tracers.collect::<io::Result<Vec<_>>>()?))
    });
    let ((runtime, own_runtime), tracers) = match started {
        Ok(started) => started,
        Err(error) => return host_failed(&error),
    };
    let ground = Ground {
        runtime: runtime.handle().clone(),
        timer: runtime.timer().clone(),
        clock,
        workers: runtime.workers(),
    };
    let (dispatcher, bound, _) = ground.assemble(stages, &bus, options, shutdown);
    own_runtime.spawn(watchdog::watch(dispatcher.holders.clone(), bus, stall_warning));
    let outcome = own_runtime.block_on(dispatch(dispatcher, bound));
    // Never waits: what blocks a thread has been given up and named.
    own_runtime.shutdown_background();
    drop(runtime);
    // Whoever forces the end does not want to wait for what is told of it.
    let forced = matches!(outcome.exit, Exit::Signal(_));
    let limit = if forced { A_MOMENT } else { deadlines.shutdown };
    tracers.into_iter().for_each(|tracer| tracer.finish(limit));
    outcome
}

impl Ground<'_> {
    /// The dispatcher and its instances, and what these share.
    pub(crate) fn assemble(
        self,
        stages: Vec<BoundStage>,
        bus: &Bus,
        options: RunOptions,
        shutdown: &Shutdown,
    ) -> (Dispatcher, Vec<BoundPlugin>, Shared) {
        let names = stages.iter().enumerate();
        let names = names.map(|(at, stage)| (number(at), stage.instance.clone()));
        let holders = Holders::new(self.workers.clone(), names.collect());
        let (begun, has_begun) = watch::channel(None);
        let shared = Shared {
            runtime: self.runtime,
            timer: self.timer,
            clock: self.clock,
            shutdown: shutdown.clone(),
            begun: has_begun,
            probe: options.probe,
        };
        let bound = stages.into_iter().enumerate();
        let bound = bound.map(|(at, stage)| stage.into_bound(at, &shared, bus)).collect();
        let RunOptions { deadlines, until, .. } = options;
        let dispatcher =
            Dispatcher::new(holders, bus.clone(), shutdown.watch(), begun, deadlines, until);
        (dispatcher, bound, shared)
    }
}

/// Adds the dispatcher's own runtime: a timer, and threads that may block.
fn with_own(shared: SharedRuntime) -> io::Result<(SharedRuntime, Runtime)> {
    let own = Builder::new_current_thread().enable_time().build()?;
    Ok((shared, own))
}

fn host_failed(error: &io::Error) -> Outcome {
    let failure = Failure::from_error(Exit::Host, error)
        .context("the runtime could not be started")
        .hint("the system may have run out of threads or memory");
    Outcome { exit: Exit::Host, failures: vec![failure], ..Outcome::default() }
}

/// The number of an instance for the watchdog; 0 is nobody.
fn number(at: usize) -> u64 {
    at as u64 + 1
}

impl BoundStage {
    fn into_bound(self, at: usize, shared: &Shared, bus: &Bus) -> BoundPlugin {
        const FIRST_GENERATION: u32 = 1;
        let owner = Owner { id: number(at), span: instance_span(&self.instance) };
        let member = bus.member(&self.instance, FIRST_GENERATION);
        BoundPlugin {
            instance: ManuallyDrop::new(Arc::new(self.object)),
            context: Context::new(shared.clone(), self.instance, FIRST_GENERATION, owner, member),
            deadlines: self.deadlines,
        }
    }
}
