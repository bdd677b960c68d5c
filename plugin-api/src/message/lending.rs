//! Batches that the host lends, handed out one message after the other or all that is left at once.
//!
//! A batch is drained without crossing the boundary. The host learns that it is used up by the next
//! poll, and not before: until then the last message is being worked on, and an instance that works
//! is not through. Before the subscription is dropped it is told what was handed out, so that its count
//! of what was not delivered is exact.
#![expect(unsafe_code, reason = "a lent batch crosses as a pointer; see the SAFETY comments")]

use std::ptr;
use std::slice;
use std::task::{Context, Poll};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{Batch, Message, PollStatus, SubscriptionBox};

use crate::task::{SINGLE, charge, crossing, may_go_on};

/// A subscription, and the batch that it has lent.
pub(crate) struct Lending {
    /// `None` if subscribing failed: the stream has ended.
    subscription: Option<SubscriptionBox>,
    /// Valid until the subscription is polled again or dropped: only the methods here do either.
    batch: Batch,
    /// How many of the batch have been handed out.
    at: u32,
    /// How many of them the host knows of.
    told: u32,
}

/// A message that is handed out.
pub(crate) struct Arrived<'a> {
    pub(crate) message: &'a Message,
    pub(crate) sequence: u64,
    pub(crate) skipped: u64,
}

/// Messages that are handed out together: at least one, of consecutive numbers.
#[derive(Clone, Copy)]
pub(crate) struct ArrivedAll<'a> {
    pub(crate) messages: &'a [Message],
    /// The first one's number.
    pub(crate) sequence: u64,
    /// How many were skipped just before the first.
    pub(crate) skipped: u64,
}

// SAFETY: the pointer in `batch` is to messages, which are `Send` and `Sync`, and it is only read
// through `self`; the host's subscription may be polled by any thread, one at a time.
unsafe impl Send for Lending {}

impl Lending {
    pub(crate) fn new(subscription: Option<SubscriptionBox>) -> Lending {
        Lending { subscription, batch: nothing(PollStatus::CLOSED), at: 0, told: 0 }
    }

    /// Ready with `true` if there is a message for [`take`](Self::take), with `false` at the end.
    /// Nothing is lost or taken by polling, however often.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        self.poll_for(context, 0)
    }

    /// As [`poll`](Self::poll), for [`take_all`](Self::take_all): all of it is taken from the budget.
    /// What is received anew is at most so much; 0 is the host's choice.
    pub(crate) fn poll_all(&mut self, context: &mut Context<'_>, most: u32) -> Poll<bool> {
        let polled = self.poll_for(context, most);
        if polled == Poll::Ready(true) {
            // The poll has paid for one that is moved by itself.
            charge((self.batch.len - self.at).saturating_sub(SINGLE));
        }
        polled
    }

    fn poll_for(&mut self, context: &mut Context<'_>, most: u32) -> Poll<bool> {
        if self.at == self.batch.len {
            self.receive(context, most);
            match self.batch.status {
                PollStatus::READY => {}
                PollStatus::PENDING => return Poll::Pending,
                status => {
                    tell_end(status);
                    return Poll::Ready(false);
                }
            }
        }
        if !may_go_on(context) {
            return Poll::Pending;
        }
        Poll::Ready(true)
    }

    /// Hands out the next message of the batch; `None` if there is none.
    pub(crate) fn take(&mut self) -> Option<Arrived<'_>> {
        if self.at == self.batch.len {
            return None;
        }
        let index = self.at as usize;
        self.at += 1;
        // SAFETY: `index` is below `len`, and the host lends an array of that length.
        let place = unsafe { self.batch.messages.add(index) };
        // SAFETY: the array and its references are valid until the subscription is polled or
        // dropped, and both need `self` exclusively, which the result borrows.
        let message = unsafe { &*place };
        let skipped = if index == 0 { self.batch.skipped } else { 0 };
        Some(Arrived { message, sequence: self.batch.sequence + index as u64, skipped })
    }

    /// Hands out what is left of the batch; `None` if that is nothing.
    pub(crate) fn take_all(&mut self) -> Option<ArrivedAll<'_>> {
        let index = self.at as usize;
        let left = self.batch.len as usize - index;
        if left == 0 {
            return None;
        }
        self.at = self.batch.len;
        // SAFETY: `index` is below `len`, and the host lends an array of that length.
        let first = unsafe { self.batch.messages.add(index) };
        // SAFETY: so many are left of the array, which is valid, with its references, until the
        // subscription is polled or dropped; both need `self` exclusively, which the result borrows.
        let messages = unsafe { slice::from_raw_parts(first, left) };
        let skipped = if index == 0 { self.batch.skipped } else { 0 };
        Some(ArrivedAll { messages, sequence: self.batch.sequence + index as u64, skipped })
    }

    /// Whether a message has been lent that was not handed out.
    pub(crate) fn has_message(&self) -> bool {
        self.at < self.batch.len
    }

    /// How many messages have not been handed out.
    pub(crate) fn backlog(&self) -> u64 {
        // The host does not know yet what has been handed out of this batch.
        let backlog = self.subscription.as_ref().map_or(0, |subscription| subscription.backlog());
        backlog.saturating_sub((self.at - self.told).into())
    }

    /// Says that another subscription delivers what this one does not: its end is no loss.
    pub(crate) fn hand_over(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            subscription.hand_over();
        }
    }

    /// Says that what was handed out last is done with. The next poll that receives says so too; this
    /// is for whoever waits for something else before.
    pub(crate) fn done(&mut self) {
        if let (Some(subscription), true) = (&mut self.subscription, self.told < self.at) {
            self.told = self.at;
            subscription.taken(self.at);
        }
    }

    fn receive(&mut self, context: &mut Context<'_>, most: u32) {
        // Should the call unwind, the old batch, which it may have released, is not read again.
        (self.at, self.told) = (0, 0);
        self.batch = nothing(PollStatus::CLOSED);
        let Some(subscription) = &mut self.subscription else { return };
        let batch = crossing(context, |context, own| {
            context.with_ffi_context(|context| subscription.poll_batch(context, own, most))
        });
        let any = batch.status == PollStatus::READY && batch.len > 0;
        self.batch = if any { batch } else { nothing(batch.status) };
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        self.done();
    }
}

/// Tells of a stream that ends by another status than the one that says so: its author sees the end.
pub(crate) fn tell_end(status: PollStatus) {
    match status {
        PollStatus::CLOSED => {}
        PollStatus::FAILED => tracing::error!("a subscription ends: the host failed"),
        PollStatus(unknown) => {
            tracing::error!(status = unknown, "a subscription ends: the host's answer is unknown");
        }
    }
}

fn nothing(status: PollStatus) -> Batch {
    Batch { status, len: 0, messages: ptr::null(), sequence: 0, skipped: 0 }
}

#[cfg(test)]
mod tests;
