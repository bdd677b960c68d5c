//! The host's clock, and futures of the runtime that work wherever they are polled.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

/// What is farther away is as good as never: the system's clock could not count there.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// So long from now.
pub(crate) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(FAR)
}

/// A monotonic clock that counts nanoseconds from its making.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    #[cfg(test)]
    standing: Option<u64>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Clock {
            origin: Instant::now(),
            #[cfg(test)]
            standing: None,
        }
    }

    /// A clock that stands still.
    #[cfg(test)]
    pub(crate) fn standing(nanos: u64) -> Self {
        Clock { standing: Some(nanos), ..Clock::start() }
    }

    /// Nanoseconds since the start; a run of more than 584 years stays at the end.
    pub(crate) fn now(&self) -> u64 {
        #[cfg(test)]
        if let Some(standing) = self.standing {
            return standing;
        }
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Ready once [`now`](Self::now) has reached `deadline`. Needs the runtime's context.
    pub(crate) fn sleep_until(&self, deadline: u64) -> Sleep {
        tokio::time::sleep_until(self.origin + Duration::from_nanos(deadline).min(FAR))
    }
}

/// A future that enters the host's runtime whenever it is polled or dropped, so that it works on a
/// plugin's own runtime and on a plain thread.
pub(crate) struct Entered<F> {
    runtime: Handle,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Entered<F> {
    /// Makes the future within the runtime's context.
    pub(crate) fn new(runtime: &Handle, make: impl FnOnce() -> F) -> Self {
        let _context = runtime.enter();
        Entered { runtime: runtime.clone(), future: Some(Box::pin(make())) }
    }
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let _context = this.runtime.enter();
        match &mut this.future {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Entered<F> {
    fn drop(&mut self) {
        let _context = self.runtime.enter();
        self.future = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Wake, Waker};
    use std::thread::Thread;

    use super::*;

    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn a_sleep_works_on_a_plain_thread() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
        let clock = Clock::start();
        let deadline = clock.now() + 5_000_000;
        let mut sleep = Box::pin(Entered::new(runtime.handle(), || clock.sleep_until(deadline)));
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        while sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            std::thread::park();
        }
        assert!(clock.now() >= deadline);
    }

    #[test]
    fn a_deadline_beyond_all_time_is_no_panic() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
        drop(Entered::new(runtime.handle(), || Clock::start().sleep_until(u64::MAX)));
    }
}
