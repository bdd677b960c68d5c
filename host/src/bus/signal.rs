//! How a subscription learns that one of its topics has something, and wakes whoever waits for it.
//!
//! A signal's lock is the innermost of the bus: nothing is called under it, and wakers leave it to
//! be woken or dropped by the caller, outside every lock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Which of a subscription's topics: its place among the subscription's feeds.
pub(super) type Slot = u64;

/// The ready topics of one subscription, and its waker while it waits.
#[derive(Default)]
pub(super) struct Signal {
    one_topic: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Topics that may have something. A topic raises its slot only when the cursor there was found
    /// empty; a slot may be here twice where that raise came late, and is then looked at once too often.
    ready: VecDeque<Slot>,
    waker: Option<Waker>,
}

impl Signal {
    /// Of a subscription of one topic, which looks there whenever it is polled.
    pub(super) fn of_one_topic() -> Signal {
        Signal { one_topic: true, state: Mutex::default() }
    }

    /// Notes that a topic may have something; the waker is to be woken outside every lock.
    #[must_use]
    pub(super) fn raise(&self, slot: Slot) -> Option<Waker> {
        let mut state = self.lock();
        let waker = state.waker.take();
        // Where there is one topic only, it is noted just for who is about to wait.
        if !self.one_topic || waker.is_none() {
            state.ready.push_back(slot);
        }
        waker
    }

    /// Forgets what was raised: for who has looked.
    pub(super) fn clear(&self) {
        self.lock().ready.clear();
    }

    /// Takes the next topic that may have something.
    pub(super) fn next(&self) -> Option<Slot> {
        self.lock().ready.pop_front()
    }

    /// Puts a topic that has been polled, and may have more, behind the others.
    pub(super) fn again(&self, slot: Slot) {
        self.lock().ready.push_back(slot);
    }

    /// Waits, unless something has become ready: then the waker is given back. What it replaced is
    /// to be dropped outside every lock.
    pub(super) fn park(&self, waker: Waker) -> Result<Option<Waker>, Waker> {
        let mut state = self.lock();
        if !state.ready.is_empty() {
            return Err(waker);
        }
        Ok(state.waker.replace(waker))
    }

    /// Nobody waits any more: the waker is to be dropped outside every lock. Topics on which nothing
    /// happens may have the signal for long.
    pub(super) fn end(&self) -> Option<Waker> {
        self.lock().waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
