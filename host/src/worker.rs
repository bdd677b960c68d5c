//! What each thread of the runtime is doing for an instance at this moment.
//!
//! Everything of an instance that the host polls, calls or drops goes through [`Tracked`] or
//! [`busy`]. So calls that come back from the plugin meanwhile find the waker of the host's own task
//! ([`task_waker`]) and need not carry the plugin's copy of it over the boundary; and the watchdog
//! sees which instance holds which thread, also one that never returns.
//!
//! The slots belong to one runtime: a thread has one from [`Workers::thread_started`] to
//! [`Workers::thread_stopped`]. Blocking threads come and go, and the runtime does not say which are
//! workers, so a slot is given to the next thread.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use lifespan_abi::Report;
use tracing::Span;

use crate::guard::{discard, message};

/// The threads of one runtime.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    /// As many as there were threads at once. A slot keeps its place, by which the watchdog knows it.
    all: Vec<Arc<Slot>>,
    /// Those of threads that have ended.
    free: Vec<Arc<Slot>>,
}

/// The threads with the names of those who may hold them.
#[derive(Clone, Debug)]
pub(crate) struct Holders {
    workers: Arc<Workers>,
    names: Arc<HashMap<u64, Arc<str>>>,
}

/// One thread. Written by that thread only, read by the watchdog.
///
/// `turn` counts what the thread began; while `owner` is not 0 it is busy with that instance. Reading
/// the same two numbers twice means that it has not returned in between, so nothing here needs a
/// clock. The order in which the two are seen does not matter: a mixed pair is only seen once.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    owner: AtomicU64,
    turn: AtomicU64,
}

/// On whose behalf something is polled.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Its number within the run, from 1.
    pub(crate) id: u64,
    /// Entered around everything that runs on its behalf.
    pub(crate) span: Span,
}

#[derive(Default)]
struct Thread {
    slot: Option<Arc<Slot>>,
    waker: Option<Waker>,
}

thread_local! {
    static THREAD: RefCell<Thread> = RefCell::default();
}

impl Workers {
    /// To be called on each new thread of the runtime.
    pub(crate) fn thread_started(&self) {
        let slot = {
            let mut slots = self.lock();
            slots.free.pop().unwrap_or_else(|| {
                let slot = Arc::<Slot>::default();
                slots.all.push(slot.clone());
                slot
            })
        };
        THREAD.with_borrow_mut(|thread| thread.slot = Some(slot));
    }

    /// To be called on each thread of the runtime before it ends.
    pub(crate) fn thread_stopped(&self) {
        let slot = THREAD.with_borrow_mut(|thread| thread.slot.take());
        self.lock().free.extend(slot);
    }

    /// What each thread is busy with: the owner's number (0: nothing) and the turn.
    pub(crate) fn look(&self) -> Vec<(u64, u64)> {
        let slots = self.lock();
        slots
            .all
            .iter()
            .map(|slot| (slot.owner.load(Ordering::Relaxed), slot.turn.load(Ordering::Relaxed)))
            .collect()
    }

    /// How many slots no thread has.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.lock().free.len()
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holders {
    /// `names` has the instances' names by their numbers.
    pub(crate) fn new(workers: Arc<Workers>, names: HashMap<u64, Arc<str>>) -> Self {
        Holders { workers, names: Arc::new(names) }
    }

    /// What each thread is busy with: see [`Workers::look`].
    pub(crate) fn look(&self) -> Vec<(u64, u64)> {
        self.workers.look()
    }

    /// The name of an owner.
    pub(crate) fn name(&self, owner: u64) -> &str {
        self.names.get(&owner).map_or("?", |name| name)
    }

    /// The names of those who hold a thread at this moment.
    pub(crate) fn now(&self) -> BTreeSet<&str> {
        self.look()
            .into_iter()
            .filter(|(owner, _)| *owner != 0)
            .map(|(id, _)| self.name(id))
            .collect()
    }
}

/// The waker of the host's task that is being polled on this thread.
pub(crate) fn task_waker() -> Option<Waker> {
    THREAD.with_borrow(|thread| thread.waker.clone())
}

/// Does something on behalf of an instance, outside a poll.
pub(crate) fn busy<R>(owner: &Owner, work: impl FnOnce() -> R) -> R {
    let _busy = Busy::begin(owner, None);
    work()
}

/// Marks this thread as busy until it is dropped, also by a panic.
struct Busy<'a> {
    _span: tracing::span::Entered<'a>,
    outer_owner: u64,
    outer_waker: Option<Waker>,
}

impl<'a> Busy<'a> {
    fn begin(owner: &'a Owner, waker: Option<Waker>) -> Self {
        let span = owner.span.enter();
        THREAD.with_borrow_mut(|thread| Busy {
            _span: span,
            outer_owner: thread.slot.as_ref().map_or(0, |slot| slot.enter(owner.id)),
            outer_waker: std::mem::replace(&mut thread.waker, waker),
        })
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        THREAD.with_borrow_mut(|thread| {
            if let Some(slot) = &thread.slot {
                slot.owner.store(self.outer_owner, Ordering::Relaxed);
            }
            thread.waker = self.outer_waker.take();
        });
    }
}

impl Busy<'_> {
    /// Takes back the waker that it began with.
    fn take_waker(&self) -> Option<Waker> {
        THREAD.with_borrow_mut(|thread| thread.waker.take())
    }
}

impl Slot {
    /// Begins a turn; answers who was there before, 0 for nobody.
    fn enter(&self, owner: u64) -> u64 {
        let turn = self.turn.load(Ordering::Relaxed).wrapping_add(1);
        self.turn.store(turn, Ordering::Relaxed);
        let outer = self.owner.load(Ordering::Relaxed);
        self.owner.store(owner, Ordering::Relaxed);
        outer
    }
}

/// A future of an instance: polled and dropped on its behalf, its panics turned into reports.
pub(crate) struct Tracked<F> {
    owner: Owner,
    future: Option<Pin<Box<F>>>,
    /// The task's own, kept from poll to poll: a clone for each would cost two atomic operations.
    waker: Option<Waker>,
}

impl<F: Future> Tracked<F> {
    pub(crate) fn new(owner: Owner, future: F) -> Self {
        Tracked { owner, future: Some(Box::pin(future)), waker: None }
    }
}

impl<F: Future> Future for Tracked<F> {
    /// An error if the future panicked. The SDK catches what a plugin throws and tells more of it;
    /// this is for futures that were not made by the SDK.
    type Output = Result<F::Output, Report>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(future) = this.future.as_mut() else { return Poll::Pending };
        let kept = this.waker.take().filter(|kept| kept.will_wake(context.waker()));
        let waker = kept.unwrap_or_else(|| context.waker().clone());
        let busy = Busy::begin(&this.owner, Some(waker));
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        let output = match polled {
            Ok(Poll::Pending) => {
                this.waker = busy.take_waker();
                return Poll::Pending;
            }
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => {
                let report = Report::panic(message(panic.as_ref()), None);
                discard(panic);
                Err(report)
            }
        };
        drop_caught(&mut this.future);
        Poll::Ready(output)
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        if self.future.is_some() {
            let _busy = Busy::begin(&self.owner, None);
            drop_caught(&mut self.future);
        }
    }
}

/// Drops what is there; a panic of its drop stays here.
fn drop_caught<T>(value: &mut Option<T>) {
    let value = value.take();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        tracing::error!("panicked while it was dropped: {}", message(panic.as_ref()));
        discard(panic);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use super::*;

    fn owner(id: u64) -> Owner {
        Owner { id, span: Span::none() }
    }

    #[test]
    fn a_poll_is_seen_with_its_waker_and_its_owner() {
        let workers = Workers::default();
        workers.thread_started();
        let mut context = Context::from_waker(Waker::noop());
        let mut tracked = std::pin::pin!(Tracked::new(
            owner(7),
            poll_fn(|_| {
                assert!(task_waker().is_some());
                assert_eq!(workers.look(), [(7, 1)]);
                busy(&owner(8), || assert_eq!(workers.look(), [(8, 2)]));
                assert_eq!(workers.look(), [(7, 2)]);
                Poll::Ready(())
            })
        ));
        assert_eq!(tracked.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert!(task_waker().is_none());
        assert_eq!(workers.look(), [(0, 2)]);
    }

    #[test]
    fn a_slot_is_given_to_the_next_thread() {
        let workers = Workers::default();
        workers.thread_started();
        for _ in 0..10 {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    workers.thread_started();
                    busy(&owner(7), || assert_eq!(workers.look()[1].0, 7));
                    workers.thread_stopped();
                    // Whoever looks for a thread's slot now finds none.
                    busy(&owner(8), || assert_eq!(workers.look()[1].0, 0));
                });
            });
        }
        // Turns go on counting: what one thread did is never taken for what another does.
        assert_eq!(workers.look(), [(0, 0), (0, 10)]);
    }

    #[test]
    fn a_panic_becomes_a_report() {
        let mut context = Context::from_waker(Waker::noop());
        let mut tracked = std::pin::pin!(Tracked::new(owner(1), async { panic!("no {}", "fish") }));
        let Poll::Ready(Err(report)) = tracked.as_mut().poll(&mut context) else {
            panic!("it panicked at its first poll");
        };
        assert_eq!(report.message, "no fish");
    }

    #[test]
    fn a_panic_in_a_drop_stays_here() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }
        let bomb = Bomb;
        drop(Tracked::new(owner(1), async move {
            pending::<()>().await;
            drop(bomb);
        }));
    }
}
