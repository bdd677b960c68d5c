//! What all actors share: the bus, what is counted, and what was found wrong.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use lifespan::bench::{Stage, Step};
use lifespan_plugin_api::{Context, JoinError};

/// How many mistakes are told; one is enough, and a broken bus would make millions.
const TOLD: usize = 20;

/// What a panic says that belongs to the soak.
const ON_PURPOSE: &str = "soak: a panic on purpose";

pub(crate) struct World {
    stage: Stage,
    pub(crate) counts: Counts,
    /// Time is up.
    over: AtomicBool,
    /// How many lives of topics there have been.
    lives: AtomicU64,
    instances: AtomicU64,
    mistakes: Mutex<Vec<String>>,
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) published: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) subscriptions: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) aborted: AtomicU64,
}

/// An instance.
pub(crate) struct Party {
    world: Arc<World>,
    name: String,
    pub(crate) ctx: Context,
    ended: Arc<AtomicBool>,
}

/// What an actor is told at its end.
pub(crate) type Verdict = Result<(), String>;

impl World {
    pub(crate) fn new(stage: Stage) -> Arc<World> {
        Arc::new(World {
            stage,
            counts: Counts::default(),
            over: AtomicBool::new(false),
            lives: AtomicU64::new(0),
            instances: AtomicU64::new(0),
            mistakes: Mutex::default(),
        })
    }

    /// Whether no topic is to come again.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How many lives of topics there have been.
    pub(crate) fn lives(&self) -> u64 {
        self.lives.load(Ordering::SeqCst)
    }

    /// A number for one more.
    pub(crate) fn begin_life(&self) -> u64 {
        self.lives.fetch_add(1, Ordering::SeqCst)
    }

    /// How many instances there have been.
    pub(crate) fn instances(&self) -> u64 {
        self.instances.load(Ordering::Relaxed)
    }

    /// An instance whose task runs.
    pub(crate) fn party(self: &Arc<Self>) -> Party {
        let number = self.instances.fetch_add(1, Ordering::Relaxed);
        let name = format!("party-{number}");
        let ctx = Context::of_services(Arc::new(self.stage.instance(&name)));
        self.stage.step(&name, Step::Runs);
        Party { world: self.clone(), name, ctx, ended: Arc::default() }
    }

    /// Something is not as it has to be.
    pub(crate) fn complain(&self, mistake: String) {
        let mut mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        if mistakes.len() < TOLD {
            mistakes.push(mistake);
        }
    }

    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.mistakes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An actor has ended.
    pub(crate) fn ended(&self, how: Result<Verdict, JoinError>) {
        match how {
            Ok(Ok(())) => {}
            Ok(Err(mistake)) => self.complain(mistake),
            Err(JoinError::Aborted) => add(&self.counts.aborted, 1),
            Err(JoinError::Panicked(failure)) if failure.message() == ON_PURPOSE => {
                add(&self.counts.panics, 1);
            }
            Err(JoinError::Panicked(failure)) => self.complain(failure.message().to_owned()),
            Err(other) => self.complain(other.to_string()),
        }
    }
}

impl Party {
    /// Whether nobody waits for its subscriptions any more; for its actors.
    pub(crate) fn released(&self) -> Arc<AtomicBool> {
        self.ended.clone()
    }

    /// Its task has ended; what it has spawned goes on.
    pub(crate) fn end(&self) {
        // Beforehand, so that whoever misses something since finds it set.
        self.ended.store(true, Ordering::SeqCst);
        self.world.stage.step(&self.name, Step::Ended);
    }
}

impl Drop for Party {
    /// Whatever it has spawned is aborted.
    fn drop(&mut self) {
        self.end();
        self.world.stage.step(&self.name, Step::Gone);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(
            f,
            "{} published, {} received, {} skipped, {} kept, {} cancelled; \
             {} subscriptions, {} panics, {} aborted",
            get(&self.published),
            get(&self.received),
            get(&self.skipped),
            get(&self.kept),
            get(&self.cancelled),
            get(&self.subscriptions),
            get(&self.panics),
            get(&self.aborted),
        )
    }
}

pub(crate) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

/// Panics without a word from the panic hook.
pub(crate) fn panic_on_purpose() -> ! {
    resume_unwind(Box::new(ON_PURPOSE))
}

/// Polls a future once, and drops it: `None` if it was not ready.
pub(crate) async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
