//! Waiting for a moment, by a stream whose receives may be dropped at any time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::time::{Clock, Sleep};

/// A wait that is kept between polls, so that dropping a receive does not begin it anew.
pub(super) struct Timer {
    clock: Clock,
    sleep: Option<(u64, Sleep)>,
}

impl Timer {
    pub(super) fn new(clock: Clock) -> Timer {
        Timer { clock, sleep: None }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Whether a wait is under way.
    pub(super) fn is_waiting(&self) -> bool {
        self.sleep.is_some()
    }

    /// Ready once the clock has reached `deadline`.
    pub(super) fn poll_until(&mut self, deadline: u64, context: &mut Context<'_>) -> Poll<()> {
        let (_, sleep) = match &mut self.sleep {
            Some(sleep) if sleep.0 == deadline => sleep,
            other => other.insert((deadline, self.clock.sleep_until(deadline))),
        };
        let polled = Pin::new(sleep).poll(context);
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}
