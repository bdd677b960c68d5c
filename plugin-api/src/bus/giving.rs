//! Batches that the host gives away, one message after the other.
//!
//! As with lent ones, what has been handed out is told to the host when a batch is used up and
//! before the subscription is dropped.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{Delivery, PollStatus, SubscriptionBox};

use crate::task::{may_go_on, on_task};

/// A subscription, and the batch that it has given.
pub(super) struct Giving {
    /// `None` if subscribing failed: the stream has ended.
    subscription: Option<SubscriptionBox>,
    queue: VecDeque<Delivery>,
    taken: u32,
}

impl Giving {
    pub(super) fn new(subscription: Option<SubscriptionBox>) -> Giving {
        Giving { subscription, queue: VecDeque::new(), taken: 0 }
    }

    /// The next message, handed out; `None` at the end.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.queue.is_empty() {
            let Some(subscription) = &mut self.subscription else { return Poll::Ready(None) };
            let own = on_task(context);
            let batch =
                context.with_ffi_context(|context| subscription.poll_owned(context, own, 0));
            match batch.status {
                PollStatus::READY => {}
                PollStatus::PENDING => return Poll::Pending,
                _ => return Poll::Ready(None),
            }
            self.queue.extend(batch.deliveries);
            self.taken = 0;
        }
        if !may_go_on(context) {
            return Poll::Pending;
        }
        let next = self.queue.pop_front();
        self.taken += 1;
        if self.queue.is_empty() {
            self.tell();
        }
        Poll::Ready(next)
    }

    fn tell(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            subscription.taken(self.taken);
        }
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        if !self.queue.is_empty() {
            self.tell();
        }
    }
}
