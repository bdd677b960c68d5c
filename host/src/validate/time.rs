//! The time in a world of its own, which goes on as everywhere and can leap: to where the next sleep
//! ends, when nobody has anything else to do.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Clock;

/// The time; clones are the same.
#[derive(Clone)]
pub(super) struct Time {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// How much was leapt over, in nanoseconds.
    leapt: u64,
    /// Who sleeps, by when and a number of its own.
    sleepers: BTreeMap<(u64, u64), Waker>,
    next: u64,
}

/// A sleep.
pub(super) struct Sleep {
    time: Time,
    key: (u64, u64),
}

impl Time {
    pub(super) fn new(clock: Clock) -> Self {
        Time { clock, state: Arc::default() }
    }

    /// Nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        self.clock.now().saturating_add(self.lock().leapt)
    }

    /// Ready once it is so late.
    pub(super) fn sleep_until(&self, deadline: u64) -> Sleep {
        let mut state = self.lock();
        state.next += 1;
        Sleep { time: self.clone(), key: (deadline, state.next) }
    }

    /// How long it is until the first sleep ends; `None` if nobody sleeps.
    pub(super) fn until_next(&self) -> Option<Duration> {
        let (deadline, _) = *self.lock().sleepers.first_key_value()?.0;
        Some(Duration::from_nanos(deadline.saturating_sub(self.now())))
    }

    /// Goes to where the first sleep ends, and wakes all whose end has come.
    pub(super) fn leap(&self) {
        let now = self.now();
        let due: Vec<Waker> = {
            let mut state = self.lock();
            let Some((&(deadline, _), _)) = state.sleepers.first_key_value() else { return };
            state.leapt += deadline.saturating_sub(now);
            let later = state.sleepers.split_off(&(deadline.max(now), u64::MAX));
            std::mem::replace(&mut state.sleepers, later).into_values().collect()
        };
        // Not under the lock: these are wakers of the plugin's.
        due.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let is_over = self.time.now() >= self.key.0;
        let mut state = self.time.lock();
        let before = if is_over {
            state.sleepers.remove(&self.key)
        } else {
            state.sleepers.insert(self.key, waker)
        };
        drop(state);
        drop(before);
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.time.lock().sleepers.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaps_from_end_to_end() {
        let time = Time::new(Clock::standing(1_000));
        let mut context = Context::from_waker(Waker::noop());
        let mut sleeps = [5_000, 9_000, 5_000].map(|deadline| Box::pin(time.sleep_until(deadline)));
        for sleep in &mut sleeps {
            assert!(sleep.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(time.until_next(), Some(Duration::from_nanos(4_000)));
        time.leap();
        assert_eq!(time.now(), 5_000);
        let ready = |sleep: &mut Pin<Box<Sleep>>, context: &mut Context<'_>| {
            sleep.as_mut().poll(context).is_ready()
        };
        assert_eq!(sleeps.each_mut().map(|it| ready(it, &mut context)), [true, false, true]);
        assert_eq!(time.until_next(), Some(Duration::from_nanos(4_000)));
        drop(sleeps);
        assert_eq!(time.until_next(), None);
        time.leap();
        assert_eq!(time.now(), 5_000);
    }

    #[test]
    fn a_sleep_until_the_past_is_over_at_once() {
        let time = Time::new(Clock::standing(1_000));
        let mut sleep = Box::pin(time.sleep_until(0));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
