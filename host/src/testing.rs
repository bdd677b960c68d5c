//! For the testing kit of the SDK only, and no part of the interface: a run on the thread of a test.
//!
//! The bus, the services and the dispatcher are those of every run. But all is polled on the caller's
//! thread, whose clock may stand still, there is no watchdog, and the test has a part in it: host
//! services of its own, as an instance has them, from the moment in which all tasks begin. It knows
//! nothing of the SDK, and judges nothing.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use lifespan_abi::ServicesBox;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::dispatcher;

use crate::bus::{Bus, BusOptions, Phase};
use crate::clock::{Clock, after};
use crate::host::Prepared;
use crate::idle::Idle;
use crate::lifespan::{BoundPlugin, Outcome, dispatch};
use crate::log::instance_span;
use crate::probe::Probe;
use crate::run::{Ground, RunOptions};
use crate::services::{Context, Shared};
use crate::shutdown::Shutdown;
use crate::worker::{Owner, Workers};

/// The name of the test's part.
pub const TESTER: &str = "tester";

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As everywhere.
    Flows,
    /// It stands still, and moves on to where the next sleep ends when nobody has anything to do.
    Skips,
    /// As [`Time::Skips`] until the tasks begin; from then on only while the test lets it pass.
    Stands,
}

/// A run as a test wants it.
pub struct Rehearsal {
    /// What is run.
    pub prepared: Prepared,
    /// What is done to the host services.
    pub probe: Probe,
    /// How time passes.
    pub time: Time,
    /// Whether the test keeps it alive. Else it ends with the tasks that do.
    pub stays: bool,
    /// How long it may take by its own time.
    pub limit: Duration,
    /// How long it may take by the time of all.
    pub patience: Duration,
}

/// The test's part in a run.
pub struct Part {
    /// As an instance has them.
    pub services: Arc<ServicesBox>,
    hold: Rc<Hold>,
    calm: Option<Calm>,
}

/// How a run ended.
pub struct Ended<T> {
    /// As ever.
    pub outcome: Outcome,
    /// What the test came to; nothing if the tasks did not begin.
    pub value: Option<T>,
    /// How long it took by its own time.
    pub took: Duration,
}

/// A run that did not come to its end.
#[derive(Debug)]
pub enum Overdue {
    /// Its own time was over.
    Limit,
    /// The time of all was over.
    Patience,
    /// It did not begin.
    Failed(io::Error),
}

/// What tells that nothing is left to be done at a moment, where time waits for that.
struct Calm {
    idle: Arc<Idle>,
    /// Those whose jobs are waited for.
    all: Vec<Arc<Context>>,
}

/// A runtime whose drop does not wait for its threads, also where a test panics: what blocks one has
/// been given up and named, or the test fails.
struct NeverWaiting(Option<Runtime>);

impl Rehearsal {
    /// Runs it. `before` is called before the first set-up; `test` begins with the tasks, and with its
    /// end the shutdown begins.
    ///
    /// # Errors
    ///
    /// It does not come to its end.
    ///
    /// # Panics
    ///
    /// When it is called on a thread of an asynchronous runtime.
    pub fn run<T>(
        self,
        before: impl FnOnce(&Arc<ServicesBox>),
        test: impl AsyncFnOnce(Part) -> T,
    ) -> Result<Ended<T>, Overdue> {
        let idle = Arc::<Idle>::default();
        let runtime = NeverWaiting(Some(runtime(self.time, &idle).map_err(Overdue::Failed)?));
        let (mut overdue, _in_time) = alarm(self.patience).map_err(Overdue::Failed)?;
        let workers = Arc::<Workers>::default();
        workers.thread_started();
        let limit = self.limit;
        let ended = runtime.get().block_on(async {
            tokio::select! {
                biased;
                ended = self.play(&workers, idle, before, test) => Ok(ended),
                () = tokio::time::sleep_until(after(limit)) => Err(Overdue::Limit),
                Ok(()) = &mut overdue => Err(Overdue::Patience),
            }
        });
        workers.thread_stopped();
        ended
    }

    async fn play<T>(
        self,
        workers: &Arc<Workers>,
        idle: Arc<Idle>,
        before: impl FnOnce(&Arc<ServicesBox>),
        test: impl AsyncFnOnce(Part) -> T,
    ) -> Ended<T> {
        let (stages, options) = self.prepared.into_parts();
        let options = RunOptions { probe: Some(self.probe), ..options };
        let (clock, shutdown, began) = (Clock::start(), Shutdown::new(), Instant::now());
        let bus = Bus::new(BusOptions::new(clock.clone()));
        let handle = tokio::runtime::Handle::current();
        let ground = Ground { runtime: handle.clone(), timer: handle, clock, workers };
        let (mut dispatcher, bound, shared) = ground.assemble(stages, &bus, options, &shutdown);
        dispatcher.stays = self.stays;
        let tester = tester(&shared, &bus);
        let mut all: Vec<_> =
            bound.iter().map(|plugin: &BoundPlugin| plugin.context.clone()).collect();
        let first = all.first().cloned();
        all.push(tester.clone());
        let hold = Rc::new(Hold { wanted: Cell::new(false), parked: RefCell::default() });
        let calm = (self.time != Time::Flows).then_some(Calm { idle, all });
        let part = Part { services: Arc::new(tester.services()), hold: hold.clone(), calm };
        before(&part.services);

        let over = Cell::new(false);
        let run = async {
            let outcome = dispatch(dispatcher, bound).await;
            over.set(true);
            outcome
        };
        let test = async {
            // Polled after the dispatcher whenever that is polled, which starts the tasks but polls none.
            let begins = |first: &Arc<Context>| first.member.phase() == Phase::Running;
            let begun = poll_fn(|_| match first.as_ref().is_some_and(begins) {
                true => Poll::Ready(true),
                false if over.get() => Poll::Ready(false),
                false => Poll::Pending,
            });
            if !begun.await {
                return None;
            }
            tester.member.set_phase(Phase::Running);
            if self.time == Time::Stands {
                hold.begin();
            }
            let value = test(part).await;
            shutdown.request("the test is over");
            Some(value)
        };
        let (outcome, value, ()) =
            tokio::join!(biased; run, test, time_of_shutdown(shared.begun.clone(), &hold));
        tester.tasks.close();
        tester.member.set_phase(Phase::Gone);
        Ended { outcome, value, took: began.elapsed() }
    }
}

impl Part {
    /// Lets so much time pass. Where it stands still, all that was due until then has been done.
    pub async fn pass(&self, time: Duration) {
        self.hold.let_go();
        tokio::time::sleep_until(after(time)).await;
        self.hold.hold();
        // What is due at the same moment may come after this, and what that wakes does.
        if let Some(calm) = &self.calm {
            calm.comes().await;
        }
    }
}

impl Calm {
    /// Waits until nobody has anything to do. Meanwhile no time passes: it does not while a job runs, nor
    /// when somebody is told that all are idle.
    async fn comes(&self) {
        loop {
            for context in &self.all {
                context.tasks.jobs_ended().await;
            }
            self.idle.told().await;
            if self.all.iter().all(|context| context.tasks.has_no_job()) {
                return;
            }
        }
    }
}

/// What keeps a paused clock from moving by itself: it does not while a blocking thread has work.
struct Hold {
    wanted: Cell<bool>,
    parked: RefCell<Option<mpsc::Sender<()>>>,
}

impl Hold {
    fn begin(&self) {
        self.wanted.set(true);
        self.hold();
    }

    fn end(&self) {
        self.wanted.set(false);
        self.let_go();
    }

    fn hold(&self) {
        if self.wanted.get() {
            let (parked, end) = mpsc::channel::<()>();
            spawn_blocking(move || end.recv());
            self.parked.replace(Some(parked));
        }
    }

    fn let_go(&self) {
        self.parked.take();
    }
}

/// The test as one more instance, which is none of the dispatcher's.
fn tester(shared: &Shared, bus: &Bus) -> Arc<Context> {
    let owner = Owner { id: u64::MAX, span: instance_span(TESTER) };
    // What is done to the services of instances is not done to the test's own.
    let shared = Shared { probe: None, ..shared.clone() };
    Context::new(shared, TESTER.into(), 1, owner, bus.member(TESTER, 1))
}

/// A shutdown takes its time, whatever the test holds.
async fn time_of_shutdown(mut begun: watch::Receiver<Option<Arc<str>>>, hold: &Hold) {
    // An error is that of a run which is over.
    let _ = begun.wait_for(Option::is_some).await;
    hold.end();
}

impl NeverWaiting {
    fn get(&self) -> &Runtime {
        match &self.0 {
            Some(runtime) => runtime,
            None => unreachable!("only its drop takes it"),
        }
    }
}

impl Drop for NeverWaiting {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A runtime on the caller's thread. What its other threads log goes where the caller's goes.
fn runtime(time: Time, idle: &Arc<Idle>) -> io::Result<Runtime> {
    let idle = idle.clone();
    let logs = dispatcher::get_default(Clone::clone);
    Builder::new_current_thread()
        .enable_time()
        .start_paused(time != Time::Flows)
        .on_thread_park(move || idle.tell())
        .on_thread_start(move || {
            // For as long as the thread lives: nobody is to have it back.
            std::mem::forget(dispatcher::set_default(&logs));
        })
        .build()
}

/// Rings after so much of the time of all, unless what it comes with is dropped before.
fn alarm(patience: Duration) -> io::Result<(oneshot::Receiver<()>, mpsc::Sender<()>)> {
    let (ring, rung) = oneshot::channel();
    let (in_time, end) = mpsc::channel::<()>();
    thread::Builder::new().name("lifespan-patience".into()).spawn(move || {
        if end.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            // An error is that of a run which has just ended.
            let _ = ring.send(());
        }
    })?;
    Ok((rung, in_time))
}
