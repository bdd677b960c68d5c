//! Batches that the host gives away, one message after the other.
//!
//! As with lent ones, the host learns by the next poll that a batch is used up, and is told what has
//! been handed out before the subscription is dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{Delivery, PollStatus, SubscriptionBox};

use crate::message::lending::tell_end;
use crate::task::{crossing, may_go_on};

/// A subscription, and the batch that it has given.
pub(super) struct Giving {
    /// `None` if subscribing failed: the stream has ended.
    subscription: Option<SubscriptionBox>,
    queue: VecDeque<Delivery>,
    /// The topic that the batch is from.
    topic: Arc<str>,
    taken: u32,
}

impl Giving {
    pub(super) fn new(subscription: Option<SubscriptionBox>) -> Giving {
        Giving { subscription, queue: VecDeque::new(), topic: "".into(), taken: 0 }
    }

    /// The next message, handed out; `None` at the end.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.queue.is_empty() {
            let Some(subscription) = &mut self.subscription else { return Poll::Ready(None) };
            let batch = crossing(context, |context, own| {
                context.with_ffi_context(|context| subscription.poll_owned(context, own, 0))
            });
            match batch.status {
                PollStatus::READY => {}
                PollStatus::PENDING => {
                    self.taken = 0;
                    return Poll::Pending;
                }
                status => {
                    self.taken = 0;
                    tell_end(status);
                    return Poll::Ready(None);
                }
            }
            self.queue.extend(batch.deliveries);
            if *self.topic != *batch.topic {
                self.topic = batch.topic.as_str().into();
            }
            self.taken = 0;
        }
        if !may_go_on(context) {
            return Poll::Pending;
        }
        let next = self.queue.pop_front();
        self.taken += 1;
        Poll::Ready(next)
    }

    /// The topic of what [`poll`](Self::poll) has handed out last.
    pub(super) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// How many messages have not been handed out.
    pub(super) fn backlog(&self) -> u64 {
        // The host does not know yet what has been handed out of this batch.
        let backlog = self.subscription.as_ref().map_or(0, |subscription| subscription.backlog());
        backlog.saturating_sub(self.taken.into())
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            subscription.taken(self.taken);
        }
    }
}
