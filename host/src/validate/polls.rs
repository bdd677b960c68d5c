//! Polls of what belongs to an instance: counted, held before one that may not be yet, and measured.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// So many polls that there is no limit.
pub(super) const NO_LIMIT: usize = usize::MAX;

/// The polls of one instance.
#[derive(Default)]
pub(super) struct Ledger {
    /// Of everything, to see whether anything happens.
    all: AtomicU64,
    /// Of the phase that is under way.
    phase: AtomicUsize,
    /// How many the phase may have.
    limit: AtomicUsize,
    /// Of a phase that is held: what wakes it.
    held: Mutex<Option<Waker>>,
    /// By place, the longest that a poll had its thread.
    longest: Option<Mutex<BTreeMap<String, Held>>>,
}

/// How long a poll had its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    /// In which it did something or waited; not that in which others had the processor.
    pub(super) time: Duration,
    /// Which poll of the place it was, from 1.
    pub(super) nth: usize,
}

/// A future whose polls are counted.
pub(super) struct Counted<F> {
    future: Pin<Box<F>>,
    ledger: Arc<Ledger>,
    place: String,
    polls: usize,
    is_phase: bool,
}

impl Ledger {
    /// One that measures, or one that only counts.
    pub(super) fn new(measures: bool) -> Arc<Self> {
        let longest = measures.then(Mutex::default);
        Arc::new(Ledger { longest, ..Ledger::default() })
    }

    /// A phase begins, which may have so many polls for now.
    pub(super) fn begin_phase(&self, limit: usize) {
        self.phase.store(0, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
        drop(self.waker().take());
    }

    /// Lets the phase go on without a limit.
    pub(super) fn let_go(&self) {
        self.limit.store(NO_LIMIT, Ordering::Relaxed);
        let held = self.waker().take();
        held.into_iter().for_each(Waker::wake);
    }

    /// Whether the phase has had all the polls that it may have.
    pub(super) fn is_held(&self) -> bool {
        self.waker().is_some()
    }

    /// How often the phase was polled.
    pub(super) fn polls(&self) -> usize {
        self.phase.load(Ordering::Relaxed)
    }

    /// How often anything was polled.
    pub(super) fn activity(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// The longest poll of each place.
    pub(super) fn longest(&self) -> BTreeMap<String, Held> {
        let longest = self.longest.as_ref().map(|it| it.lock());
        longest.map(|it| it.unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measured<T>(&self, place: &str, nth: usize, poll: impl FnOnce() -> T) -> T {
        let Some(longest) = &self.longest else { return poll() };
        let (begun, waited) = (Instant::now(), waited());
        let polled = poll();
        let others = self::waited().saturating_sub(waited);
        let held = Held { time: begun.elapsed().saturating_sub(others), nth };
        let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = longest.entry(place.to_owned()).or_default();
        *entry = held.max(*entry);
        polled
    }
}

impl<F: Future> Counted<F> {
    /// A phase.
    pub(super) fn phase(ledger: &Arc<Ledger>, place: &str, future: F) -> Self {
        Counted { is_phase: true, ..Counted::beside(ledger, place, future) }
    }

    /// Something that goes on beside the phases.
    pub(super) fn beside(ledger: &Arc<Ledger>, place: &str, future: F) -> Self {
        let (ledger, place) = (ledger.clone(), place.to_owned());
        Counted { future: Box::pin(future), ledger, place, polls: 0, is_phase: false }
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let ledger = &*this.ledger;
        let hold = |context: &Context<'_>| {
            *ledger.waker() = Some(context.waker().clone());
            Poll::Pending
        };
        // Relaxed: all of it happens on one thread.
        let limit = ledger.limit.load(Ordering::Relaxed);
        if this.is_phase && this.polls >= limit {
            return hold(context);
        }
        this.polls += 1;
        ledger.all.fetch_add(1, Ordering::Relaxed);
        if this.is_phase {
            ledger.phase.store(this.polls, Ordering::Relaxed);
        }
        let future = this.future.as_mut();
        let polled = ledger.measured(&this.place, this.polls, || future.poll(context));
        if this.is_phase && polled.is_pending() && this.polls >= limit {
            return hold(context);
        }
        polled
    }
}

/// How long this thread could have run so far and did not, since others did.
#[cfg(target_os = "linux")]
fn waited() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().nth(1).and_then(|it| it.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// It is not known.
#[cfg(not(target_os = "linux"))]
fn waited() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn a_phase_is_held_before_the_poll_that_is_too_much() {
        let ledger = Ledger::new(false);
        let mut polled = 0;
        let future = poll_fn(|_| {
            polled += 1;
            if polled == 5 { Poll::Ready(polled) } else { Poll::Pending }
        });
        let mut counted = Box::pin(Counted::phase(&ledger, "task", future));
        let mut context = Context::from_waker(Waker::noop());
        ledger.begin_phase(2);
        for polls in [1, 2, 2, 2] {
            assert!(counted.as_mut().poll(&mut context).is_pending());
            assert_eq!((ledger.polls(), ledger.is_held()), (polls, polls == 2));
        }
        ledger.let_go();
        assert!(!ledger.is_held());
        for polls in [3, 4] {
            assert!(counted.as_mut().poll(&mut context).is_pending());
            assert_eq!((ledger.polls(), ledger.is_held()), (polls, false));
        }
        assert_eq!(counted.as_mut().poll(&mut context), Poll::Ready(5));
    }

    #[test]
    fn one_that_may_have_no_poll_has_none() {
        let ledger = Ledger::new(false);
        let mut counted = Box::pin(Counted::phase(&ledger, "task", async {}));
        ledger.begin_phase(0);
        assert!(counted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!((ledger.polls(), ledger.is_held(), ledger.activity()), (0, true, 0));
    }

    #[test]
    fn the_longest_poll_of_a_place_is_known() {
        let ledger = Ledger::new(true);
        ledger.begin_phase(NO_LIMIT);
        let mut polled = 0;
        let future = poll_fn(|_| {
            polled += 1;
            if polled == 2 {
                std::thread::sleep(Duration::from_millis(30));
            }
            Poll::<()>::Pending
        });
        let mut counted = Box::pin(Counted::phase(&ledger, "task", future));
        for _ in 0..3 {
            let _ = counted.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        let longest = ledger.longest()["task"];
        assert!(longest.nth == 2 && longest.time >= Duration::from_millis(25), "{longest:?}");
    }
}
