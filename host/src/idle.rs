//! Tells when a runtime of one thread has nothing to do: for worlds of `validate` and runs of tests, which
//! own such a thread. It knows neither what is polled there nor any time.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    waiting: Mutex<Option<Waker>>,
}

impl Idle {
    /// To be called before the runtime's thread is parked.
    pub(crate) fn tell(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the thread is about to be parked: it then is not, but for who waits. One may wait at
    /// a time.
    pub(crate) async fn told(&self) {
        let mut asked = false;
        poll_fn(|context| {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if asked && waiting.is_none() {
                return Poll::Ready(());
            }
            asked = true;
            *waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
