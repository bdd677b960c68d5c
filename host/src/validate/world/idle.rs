//! Tells when a runtime of one thread has nothing to do.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::timeout;

/// See the module.
#[derive(Default)]
pub(super) struct Idle {
    waiting: Mutex<Option<Waker>>,
}

impl Idle {
    /// To be called before the runtime's thread is parked.
    pub(super) fn tell(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the thread is about to be parked; where it never is, so long.
    pub(super) async fn wait(&self, limit: Duration) {
        let mut asked = false;
        let told = poll_fn(|context| {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if asked && waiting.is_none() {
                return Poll::Ready(());
            }
            asked = true;
            *waiting = Some(context.waker().clone());
            Poll::Pending
        });
        // Only a busy thread is late here.
        let _ = timeout(limit, told).await;
    }
}
