//! What a thread of the runtime is doing for an instance at this moment.
//!
//! Everything of an instance that the host polls is polled through [`polling`], so that calls which
//! come back from the plugin within that poll find the waker of the host's own task here, and need
//! not carry the plugin's copy of it over the boundary.

use std::cell::RefCell;
use std::task::{Context, Waker};

thread_local! {
    static WAKER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// The waker of the host's task that is being polled on this thread.
pub(crate) fn task_waker() -> Option<Waker> {
    WAKER.with_borrow(Clone::clone)
}

/// Polls something of an instance: its waker is known on this thread until `poll` returns.
pub(crate) fn polling<R>(context: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
    /// Puts the outer waker back, also when `poll` unwinds.
    struct Restore(Option<Waker>);
    impl Drop for Restore {
        fn drop(&mut self) {
            WAKER.set(self.0.take());
        }
    }
    let _restore = Restore(WAKER.replace(Some(context.waker().clone())));
    poll(context)
}
