//! A host in small for lifespans that are looked at: one thread polls everything, the time leaps over
//! sleeps, and a phase can be held before a poll.
//!
//! It calls an instance in the order in which the dispatcher does, and knows the same ends. What it
//! does not know is a chain: whoever is here is here alone, but for further instances of the same
//! plugin. Nothing of it waits for ever, unless the plugin blocks the thread.

mod hosted;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{Ending, InstanceBox, Report, Stance, WireReport};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Span;

use self::hosted::Hosted;
use super::Finding;
use super::census::Threads;
use super::polls::{Counted, Ledger};
use super::time::Time;
use crate::bus::{Bus, BusOptions, Phase as BusPhase};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::idle::Idle;
use crate::limits::Deadlines;
use crate::probe::Probe;
use crate::services::{Context, Shared};
use crate::shutdown::Shutdown;
use crate::worker::{Owner, Tracked, busy};

/// How long is waited between two looks at what happens elsewhere.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How much faster than the time of others ours is while something happens elsewhere, on a thread of
/// the plugin's: it should not find that all its time is over before it has begun.
const PACE: u32 = 20;

/// How long a thread that has nothing to do is kept.
const KEEP_THREADS: Duration = Duration::from_millis(1);

/// A world, in which instances live.
pub(super) struct World {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    idle: Arc<Idle>,
    time: Time,
    shutdown: Shutdown,
    bus: Bus,
    shared: Shared,
    begun: watch::Sender<Option<Arc<str>>>,
    /// The threads that there were before anything of the plugin's ran: they do nothing for it.
    threads: Threads,
}

/// An instance in it.
pub(super) struct Inhabitant {
    instance: ManuallyDrop<Arc<InstanceBox>>,
    context: Arc<Context>,
    deadlines: Deadlines,
    ledger: Arc<Ledger>,
    setup: Option<Going<Stance>>,
    task: Option<Going<Ending>>,
}

type Going<T> = JoinHandle<Result<T, Report>>;

/// How a phase ended.
#[derive(Debug)]
pub(super) enum End<T> {
    /// By itself.
    Ended(T),
    /// By an error or a panic.
    Failed(Report),
    /// Not yet: it has had the polls that it may have.
    Held,
    /// Not at all: nothing will ever wake it.
    Asleep,
    /// Not in its time.
    Late(Duration),
}

/// What an instance leaves.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// What it has reported beside its phases, each with its place.
    pub(super) reports: Vec<(String, Report)>,
    /// The names of spawned jobs that do not end.
    pub(super) jobs: Vec<String>,
}

/// How long is waited for something.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// In the world's own time.
    pub(super) own: Duration,
    /// In the time of others.
    pub(super) real: Duration,
    /// While nothing happens at all.
    pub(super) quiet: Duration,
}

/// Why a wait ended.
enum Stop {
    Done,
    Quiet,
    Late,
}

impl Wait {
    /// For what must happen.
    fn must(limit: Duration) -> Self {
        Wait { own: limit, real: limit, quiet: limit }
    }

    /// To see what happens.
    pub(super) fn look() -> Self {
        Wait {
            own: Duration::from_secs(60),
            real: Duration::from_millis(500),
            quiet: Duration::from_millis(30),
        }
    }

    /// To see what happens, in a hurry.
    pub(super) fn glance() -> Self {
        Wait {
            own: Duration::from_secs(60),
            real: Duration::from_millis(30),
            quiet: Duration::from_millis(5),
        }
    }
}

impl World {
    /// An empty world, with a probe between whoever lives there and their host services. `threads` are
    /// those that there were before anything of the plugin's ran.
    pub(super) fn new(threads: &Threads, probe: Option<Probe>) -> Result<Self, Finding> {
        let idle = Arc::<Idle>::default();
        let told = idle.clone();
        let runtime = Builder::new_current_thread()
            .enable_time()
            .thread_keep_alive(KEEP_THREADS)
            .on_thread_park(move || told.tell())
            .build()
            .map_err(|error| {
                let finding = Finding::failed(format!("the runtime could not be started: {error}"));
                Finding { exit: Some(Exit::Host.code()), ..finding }
            })?;
        let clock = Clock::start();
        let (begun, has_begun) = watch::channel(None);
        let shutdown = Shutdown::new();
        Ok(World {
            idle,
            time: Time::new(clock.clone()),
            bus: Bus::new(BusOptions::new(clock.clone())),
            shared: Shared {
                runtime: runtime.handle().clone(),
                timer: runtime.handle().clone(),
                clock,
                shutdown: shutdown.clone(),
                begun: has_begun,
                probe,
            },
            shutdown,
            runtime: Some(runtime),
            begun,
            threads: threads.clone(),
        })
    }

    /// Adds an instance, whose polls are written into that ledger.
    pub(super) fn add(
        &self,
        name: &str,
        instance: InstanceBox,
        deadlines: Deadlines,
        ledger: &Arc<Ledger>,
    ) -> Inhabitant {
        let member = self.bus.member(name, 1);
        // A host looks at who holds a thread; here there is nobody who would.
        let owner = Owner { id: 0, span: Span::none() };
        Inhabitant {
            instance: ManuallyDrop::new(Arc::new(instance)),
            context: Context::new(self.shared.clone(), name.into(), 1, owner, member),
            deadlines,
            ledger: ledger.clone(),
            setup: None,
            task: None,
        }
    }

    /// The bus, to look at what passes.
    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Sets an instance up, with so many polls at most for now.
    pub(super) fn set_up(&self, who: &mut Inhabitant, limit: usize) -> End<Stance> {
        let services = Hosted::boxed(who.context.services(), &self.time, &who.ledger);
        who.ledger.begin_phase(limit);
        let mut setup = self.begin(who, "its set-up", move |instance| instance.setup(services));
        let end = self.end(&mut setup, &who.ledger, who.deadlines.setup);
        who.setup = Some(setup).filter(|_| matches!(end, End::Held));
        end
    }

    /// Drops a set-up that is held, as a shutdown does.
    pub(super) fn drop_set_up(&self, who: &mut Inhabitant) {
        self.shut_down();
        if let Some(setup) = who.setup.take() {
            setup.abort();
            self.wait(&|| setup.is_finished(), &[who], Wait::must(who.deadlines.teardown));
        }
    }

    /// Starts the task of an instance, with so many polls at most for now.
    pub(super) fn start(&self, who: &mut Inhabitant, limit: usize) {
        who.context.member.set_phase(BusPhase::Running);
        who.ledger.begin_phase(limit);
        who.task = Some(self.begin(who, "its task", |instance| instance.run()));
    }

    /// Looks on until all tasks have ended or are held, nothing happens any more, somebody asks for the
    /// end, or it has been long enough.
    pub(super) fn look_on(&self, all: &[&Inhabitant], wait: Wait) {
        let asked = self.shutdown.watch();
        let done = || {
            asked.borrow().request.is_some()
                || all.iter().all(|who| who.ledger.is_held() || who.has_no_task_left())
        };
        self.wait(&done, all, wait);
    }

    /// Begins the shutdown: publishing ends.
    pub(super) fn shut_down(&self) {
        let _context = self.shared.runtime.enter();
        self.bus.close();
        self.begun.send_replace(Some("the check is over".into()));
    }

    /// Ends the task of an instance; one that ends by itself has the time to.
    pub(super) fn cancel(&self, who: &mut Inhabitant, patiently: bool) -> End<Ending> {
        let Some(mut task) = who.task.take() else { return End::Ended(Ending::FINISHED) };
        let (context, deadlines) = (&who.context, who.deadlines);
        if patiently && !task.is_finished() {
            who.ledger.let_go();
            if context.ends_itself() || context.member.backlog() > 0 {
                let done = || task.is_finished();
                self.wait(&done, &[who], Wait::must(deadlines.grace));
            }
        }
        if !task.is_finished() {
            let _context = self.shared.runtime.enter();
            who.instance.cancel();
            who.ledger.let_go();
        }
        self.end(&mut task, &who.ledger, deadlines.teardown)
    }

    /// Tears an instance down.
    pub(super) fn tear_down(&self, who: &mut Inhabitant) -> End<()> {
        who.ledger.begin_phase(super::polls::NO_LIMIT);
        let member = who.context.member.clone();
        let mut phase = self.begin(who, "its tear-down", move |instance| {
            member.set_phase(BusPhase::Teardown);
            instance.teardown()
        });
        self.end(&mut phase, &who.ledger, who.deadlines.teardown)
    }

    /// Lets an instance go, with all that it has spawned.
    pub(super) fn release(&self, mut who: Inhabitant) -> Left {
        who.setup.iter().for_each(JoinHandle::abort);
        who.task.iter().for_each(JoinHandle::abort);
        (who.setup, who.task) = (None, None);
        let tasks = who.context.tasks.clone();
        tasks.close();
        self.wait(&|| tasks.is_empty(), &[&who], Wait::must(who.deadlines.teardown));
        let jobs = tasks.names();
        let Inhabitant { instance, context, .. } = who;
        context.member.set_phase(BusPhase::Gone);
        let _context = self.shared.runtime.enter();
        busy(&context.owner, || drop(ManuallyDrop::into_inner(instance)));
        Left { reports: context.take_reports().0, jobs }
    }

    fn begin<T: Send + 'static>(
        &self,
        who: &Inhabitant,
        place: &str,
        call: impl FnOnce(&InstanceBox) -> FfiFuture<RResult<T, WireReport>> + Send + 'static,
    ) -> Going<T> {
        let instance = Arc::clone(&who.instance);
        let tracked = Tracked::new(who.context.owner.clone(), async move {
            match call(&instance).await {
                RResult::ROk(value) => Ok(value),
                RResult::RErr(report) => Err(Report::from(report)),
            }
        });
        let counted = Counted::phase(&who.ledger, place, tracked);
        self.shared.runtime.spawn(async move { counted.await.and_then(|ended| ended) })
    }

    /// Waits for the end of a phase.
    fn end<T>(&self, phase: &mut Going<T>, ledger: &Ledger, own: Duration) -> End<T> {
        let done = || phase.is_finished() || ledger.is_held();
        match self.wait_for(&done, || ledger.activity(), Wait::must(own)) {
            Stop::Quiet => return End::Asleep,
            Stop::Late => return End::Late(own),
            Stop::Done if !phase.is_finished() => return End::Held,
            Stop::Done => {}
        }
        match self.block_on(phase) {
            Ok(Ok(value)) => End::Ended(value),
            Ok(Err(report)) => End::Failed(report),
            Err(error) => End::Failed(Report::error(format!("the runtime dropped it: {error}"))),
        }
    }

    fn wait(&self, done: &dyn Fn() -> bool, who: &[&Inhabitant], wait: Wait) -> Stop {
        self.wait_for(done, || who.iter().map(|it| it.ledger.activity()).sum(), wait)
    }

    fn wait_for(&self, done: &dyn Fn() -> bool, activity: impl Fn() -> u64, wait: Wait) -> Stop {
        let (begun, own_begun) = (Instant::now(), self.time.now());
        let own_end =
            own_begun.saturating_add(u64::try_from(wait.own.as_nanos()).unwrap_or(u64::MAX));
        self.block_on(async {
            // Since when nothing has happened, and how much had by then.
            let mut still = (Instant::now(), activity());
            loop {
                // Before it waits: whoever has ended by then has woken whom it wanted to.
                let alone = self.threads.are_all();
                // Only a busy thread is late here.
                let is_idle = timeout(LOOK_AGAIN, self.idle.told()).await.is_ok();
                if done() {
                    return Stop::Done;
                }
                if begun.elapsed() >= wait.real || self.time.now() >= own_end {
                    return Stop::Late;
                }
                if !is_idle || still.1 != activity() {
                    still = (Instant::now(), activity());
                    continue;
                }
                let still_for = still.0.elapsed();
                let next = self.time.until_next();
                let own_left = Duration::from_nanos(own_end.saturating_sub(self.time.now()));
                let leap = next.map(|next| next.min(own_left));
                let is_still = |quiet| alone || still_for >= quiet && !self.threads.are_at_work();
                match leap {
                    None if is_still(wait.quiet) => return Stop::Quiet,
                    Some(leap) if is_still(leap / PACE) => {
                        // Who sleeps longer than there is time finds it over first.
                        if next > Some(leap) {
                            return Stop::Late;
                        }
                        self.time.leap();
                    }
                    _ => tokio::time::sleep(LOOK_AGAIN).await,
                }
            }
        })
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => unreachable!("the runtime is there until the world is dropped"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What blocks a thread has been told of.
            runtime.shutdown_background();
        }
    }
}

impl Inhabitant {
    fn has_no_task_left(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

#[cfg(test)]
mod tests;
