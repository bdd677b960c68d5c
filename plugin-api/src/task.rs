//! The host's task that is polling this plugin on this thread.
//!
//! The host polls a lifespan, or a spawned future, with a waker that the boundary has wrapped. As
//! long as a future is polled with that very waker, a call to the host may say so ([`on_task`]) and
//! be woken through the host's own waker; below a combinator with a waker of its own it may not.
//!
//! The poll also has a budget: tokio's cooperative budget does nothing on this side of the boundary,
//! so what receives and publishes in a loop asks [`may_go_on`] and yields when it is used up.

use std::cell::Cell;
use std::task::{Context, Waker};

/// How many messages one poll may move before it yields, as many as tokio's own budget allows.
const BUDGET: u32 = 128;

#[derive(Clone, Copy)]
struct Current {
    waker: (*const (), usize),
    budget: u32,
}

thread_local! {
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
}

/// Polls for the host: `context` is the one of its task until `poll` returns or unwinds.
pub(crate) fn polling<R>(context: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
    struct Restore(Option<Current>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let current = Current { waker: identity(context.waker()), budget: BUDGET };
    let _restore = Restore(CURRENT.replace(Some(current)));
    poll(context)
}

/// Whether `context` has the waker of the host's task that is being polled on this thread.
pub(crate) fn on_task(context: &Context<'_>) -> bool {
    CURRENT.get().is_some_and(|current| current.waker == identity(context.waker()))
}

/// Takes one from the budget of this poll. When it is used up, wakes the task for another poll and
/// answers `false`: the caller then returns pending. Should it be asked again in this very poll, the
/// budget is a new one: the caller is one that polls until it is ready (a `block_on`, a loop around
/// `now_or_never`), and would wait for ever. Outside a poll of the host's there is no budget.
pub(crate) fn may_go_on(context: &Context<'_>) -> bool {
    let Some(mut current) = CURRENT.get() else { return true };
    if current.budget == 0 {
        current.budget = BUDGET;
        CURRENT.set(Some(current));
        context.waker().wake_by_ref();
        return false;
    }
    current.budget -= 1;
    CURRENT.set(Some(current));
    true
}

/// What tells one waker from another: [`Waker::will_wake`] compares the same two.
fn identity(waker: &Waker) -> (*const (), usize) {
    (waker.data(), std::ptr::from_ref(waker.vtable()).addr())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

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

    #[test]
    fn a_poll_yields_when_its_budget_is_used_up() {
        let count = Arc::<Count>::default();
        let waker = Waker::from(count.clone());
        polling(&mut Context::from_waker(&waker), |context| {
            assert!((0..BUDGET).all(|_| may_go_on(context)));
            assert_eq!(count.0.load(Ordering::Relaxed), 0);
            assert!(!may_go_on(context));
            assert_eq!(count.0.load(Ordering::Relaxed), 1);
            assert!(may_go_on(context), "a poll that goes on all the same is not stuck");
        });
        assert!(may_go_on(&Context::from_waker(&waker)));
    }
}
