//! The host's clock, as streams and timers use it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lifespan_abi::ServicesBox;
use lifespan_abi::async_ffi::FfiFuture;

/// The host's monotonic clock.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Arc<ServicesBox>);

impl Clock {
    /// Nanoseconds since some moment.
    pub(crate) fn now(&self) -> u64 {
        self.0.now()
    }

    /// Ready once [`now`](Self::now) has reached `deadline`.
    pub(crate) fn sleep_until(&self, deadline: u64) -> Sleep {
        Sleep(self.0.sleep_until(deadline))
    }
}

/// A wait for a moment.
pub(crate) struct Sleep(FfiFuture<()>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}
