//! The host's task that is polling this plugin on this thread.
//!
//! The host polls a lifespan, or a spawned future, with a waker that the boundary has wrapped. As
//! long as a future is polled with that very waker, a call to the host may say so ([`on_task`]) and
//! be woken through the host's own waker; below a combinator with a waker of its own it may not.
//! Such a waker is the author's code, which the host will call: it crosses guarded ([`crossing`]).
//!
//! The poll also has a budget: tokio's cooperative budget does nothing on this side of the boundary,
//! so what receives and publishes in a loop asks [`take`] and yields when it is used up.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use lifespan_abi::Report;

use crate::panics::{catch, guarded_drop, log};

/// How many messages one poll may move before it yields, as many as tokio's own budget allows.
pub(crate) const BUDGET: u32 = 512;

/// What a message costs that is moved by itself: as many as tokio's own budget allows, 128, are moved
/// in a poll. One in a batch costs a quarter: it takes a few nanoseconds and no call.
pub(crate) const SINGLE: u32 = 4;

#[derive(Clone, Copy)]
struct Current {
    /// The waker of the host's task; there is none where a runtime of the plugin's own polls.
    waker: Option<(*const (), usize)>,
    /// Which gate's lifespan is polled, by its address; 0 for what was spawned.
    gate: usize,
    budget: u32,
}

/// A waker of the author's in the host's hands. Nothing it does may unwind into the host, or be
/// cloned there: its clones are this one.
struct Guarded(Option<Waker>);

thread_local! {
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
    static OF_PLUGIN: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread is one of the plugin's own: nothing that it polls is a task of the host's.
#[cfg(feature = "tokio")]
pub(crate) fn thread_of_plugin() {
    OF_PLUGIN.set(true);
}

/// Whether this thread is one of a plugin's own.
pub(crate) fn on_thread_of_plugin() -> bool {
    OF_PLUGIN.try_with(Cell::get).unwrap_or_default()
}

/// Polls for the host, or for a runtime of the plugin's own: `context` is the one of the task until
/// `poll` returns or unwinds.
pub(crate) fn polling<R>(context: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
    polling_lifespan(0, context, poll)
}

/// The same for a lifespan, by the address of its gate.
pub(crate) fn polling_lifespan<R>(
    gate: usize,
    context: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> R,
) -> R {
    struct Restore(Option<Current>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let waker = (!on_thread_of_plugin()).then(|| identity(context.waker()));
    let current = Current { waker, gate, budget: BUDGET };
    let _restore = Restore(CURRENT.replace(Some(current)));
    poll(context)
}

/// Whether `context` has the waker of the host's task that is being polled on this thread.
pub(crate) fn on_task(context: &Context<'_>) -> bool {
    CURRENT.get().is_some_and(|current| current.waker == Some(identity(context.waker())))
}

/// Whether the lifespan of the gate at that address is being polled on this thread.
pub(crate) fn polls_lifespan(gate: usize) -> bool {
    CURRENT.get().is_some_and(|current| current.gate == gate)
}

/// Calls the host with `context`, and with whether it is [`on_task`]. Everything that is polled in
/// the host is polled by this.
///
/// Unless it is on the task, its waker is the author's. Should that panic when the host wakes or
/// drops it, the panic ends here, in the log, since it belongs to no poll of any instance.
pub(crate) fn crossing<R>(
    context: &mut Context<'_>,
    call: impl FnOnce(&mut Context<'_>, bool) -> R,
) -> R {
    if on_task(context) {
        return call(context, true);
    }
    // That clone is within the author's own poll: should it panic, the poll has panicked.
    let waker = Waker::from(Arc::new(Guarded(Some(context.waker().clone()))));
    call(&mut Context::from_waker(&waker), false)
}

/// Takes a message that is moved by itself from the budget of this poll.
#[inline]
pub(crate) fn may_go_on(context: &Context<'_>) -> bool {
    take(context, SINGLE) > 0
}

/// Takes as many of `wanted` from the budget of this poll as it has, and says how many. When it is
/// used up, wakes the task for another poll and answers 0: the caller then returns pending. Should it
/// be asked again in this very poll, the budget is a new one: the caller is one that polls until it is
/// ready (a `block_on`, a loop around `now_or_never`), and would wait for ever. Outside a poll of the
/// host's there is no budget.
#[inline]
pub(crate) fn take(context: &Context<'_>, wanted: u32) -> u32 {
    let Some(mut current) = CURRENT.get() else { return wanted };
    if current.budget == 0 {
        current.budget = BUDGET;
        CURRENT.set(Some(current));
        context.waker().wake_by_ref();
        return 0;
    }
    let taken = wanted.min(current.budget);
    current.budget -= taken;
    CURRENT.set(Some(current));
    taken
}

/// Takes `count` from the budget of this poll for what is moved in any case. What the budget does not
/// have is forgiven; it is used up then.
pub(crate) fn charge(count: u32) {
    if let Some(mut current) = CURRENT.get() {
        current.budget = current.budget.saturating_sub(count);
        CURRENT.set(Some(current));
    }
}

/// Gives back what [`take`] granted in this poll and was not used.
pub(crate) fn give_back(count: u32) {
    if let Some(mut current) = CURRENT.get() {
        current.budget = current.budget.saturating_add(count).min(BUDGET);
        CURRENT.set(Some(current));
    }
}

impl Wake for Guarded {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(waker) = &self.0 else { return };
        if let Err(panic) = catch(|| waker.wake_by_ref()) {
            tell(&panic, "a waker panicked");
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        guarded_drop(self.0.take(), |panic| tell(&panic, "a waker panicked when it was dropped"));
    }
}

/// Logs a panic. On a thread of the author's the log may be the author's code too.
fn tell(panic: &Report, what: &str) {
    let _ = catch(|| log(panic, what));
}

/// What tells one waker from another: [`Waker::will_wake`] compares the same two.
fn identity(waker: &Waker) -> (*const (), usize) {
    (waker.data(), std::ptr::from_ref(waker.vtable()).addr())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use lifespan_abi::async_ffi::ContextExt;

    use super::*;
    use crate::panics::tests::{hook, logged};

    #[derive(Default)]
    struct Count(AtomicU32);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_the_tasks_own_waker_is_on_the_task() {
        let (own, other) =
            (Waker::from(Arc::<Count>::default()), Waker::from(Arc::<Count>::default()));
        let mut context = Context::from_waker(&own);
        assert!(!on_task(&context));
        polling(&mut context, |context| {
            assert!(on_task(context));
            assert!(!on_task(&Context::from_waker(&other)));
        });
        assert!(!on_task(&context));
    }

    /// A waker that panics when it is woken, and when it is dropped.
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("woken");
        }
        fn wake_by_ref(self: &Arc<Self>) {
            panic!("woken by reference");
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    /// A clone of `waker` as the host gets it, through the boundary: a panic of it would abort.
    fn crossed(waker: &Waker) -> Waker {
        crossing(&mut Context::from_waker(waker), |context, own| {
            assert!(!own);
            context.with_ffi_context(|ffi| ffi.with_context(|host| host.waker().clone()))
        })
    }

    #[test]
    fn a_waker_that_panics_in_the_host_is_logged() {
        hook();
        let author = Waker::from(Arc::new(Bomb));
        let (one, two) = (crossed(&author), crossed(&author));
        let text = logged(|| {
            two.wake_by_ref();
            one.wake();
        });
        for part in ["a waker panicked", "woken by reference", "task.rs:"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("panic=\"dropped\""), "{text}");
        let text = logged(|| {
            // The last of the author's wakers goes with the host's.
            assert!(catch(|| drop(author)).is_ok());
            drop(two);
        });
        for part in ["a waker panicked when it was dropped", "panic=\"dropped\""] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_waker_that_panics_may_be_woken_by_any_thread() {
        hook();
        let (author, count) = (Waker::from(Arc::new(Bomb)), Arc::<Count>::default());
        let (bomb, counting) = (crossed(&author), crossed(&Waker::from(count.clone())));
        std::mem::forget(author);
        let host = thread::spawn(move || {
            bomb.wake();
            counting.wake();
        });
        host.join().unwrap();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_tasks_own_waker_crosses_as_it_is() {
        let waker = Waker::from(Arc::<Count>::default());
        polling(&mut Context::from_waker(&waker), |context| {
            crossing(context, |context, own| {
                assert!(own && context.waker().will_wake(&waker));
            });
        });
    }

    #[test]
    fn a_poll_yields_when_its_budget_is_used_up() {
        let count = Arc::<Count>::default();
        let waker = Waker::from(count.clone());
        polling(&mut Context::from_waker(&waker), |context| {
            assert!((0..BUDGET / SINGLE).all(|_| may_go_on(context)));
            assert_eq!(count.0.load(Ordering::Relaxed), 0);
            assert!(!may_go_on(context));
            assert_eq!(count.0.load(Ordering::Relaxed), 1);
            assert!(may_go_on(context), "a poll that goes on all the same is not stuck");
        });
        assert!(may_go_on(&Context::from_waker(&waker)));
    }

    #[test]
    fn many_are_taken_at_once_but_no_more_than_there_are() {
        let mut context = Context::from_waker(Waker::noop());
        polling(&mut context, |context| {
            assert_eq!(take(context, 400), 400);
            assert_eq!(take(context, 400), BUDGET - 400);
            assert_eq!(take(context, 400), 0);
            assert_eq!(take(context, 1), 1);
            give_back(1);
            assert_eq!(take(context, 1000), BUDGET);
            give_back(10);
            charge(1000);
            assert_eq!(take(context, 1), 0);
        });
        assert_eq!(take(&context, 1000), 1000);
    }
}
