//! Many values in a row: as many as possible for each call of the host.
//!
//! Plain values are taken from the author's iterator in chunks and tried together; a value for which
//! the host has no message to write it over goes as a message of its own, and so do all others. What
//! has been taken from the iterator and not published is dropped with the burst.

use std::collections::VecDeque;
use std::iter::Fuse;
use std::task::{Context, Poll};

use lifespan_abi::{Message as AbiMessage, PublishStatus};

use crate::bus::Topic;
use crate::bus::error::{BurstError, PublishError};
use crate::bus::publishing::{Attempt, attempt_message, conclude, full, poll_room};
use crate::message::Message;
use crate::message::kind::KindOf;
use crate::task::{give_back, take};

/// How many plain values are taken from the author's iterator, and tried, at a time.
const CHUNK: usize = 128;

/// A burst on its way.
pub(super) struct Burst<'t, T: Message, I> {
    topic: &'t Topic<T>,
    values: Fuse<I>,
    /// Plain values that have been taken from `values`, the next one first.
    plain: VecDeque<T::Wire>,
    /// The value before those, as a message.
    message: Option<AbiMessage>,
    published: u64,
    /// Why no more is taken from `values`: the one after what is published cannot be encoded.
    failed: Option<PublishError>,
}

impl<'t, T: Message, I: Iterator<Item = T>> Burst<'t, T, I> {
    pub(super) fn new(topic: &'t Topic<T>, values: I) -> Self {
        let (values, plain) = (values.fuse(), VecDeque::new());
        Burst { topic, values, plain, message: None, published: 0, failed: None }
    }

    /// Publishes all there is, and waits for room.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BurstError>> {
        loop {
            let next = self.next();
            if next == 0 {
                return Poll::Ready(self.end());
            }
            let granted = take(context, next);
            if granted == 0 {
                return Poll::Pending;
            }
            let before = self.published;
            let attempt = self.attempt(granted);
            // An attempt that moves nothing costs one all the same: nobody tries for ever in one poll.
            let used = u32::try_from(self.published - before).unwrap_or(granted).max(1);
            give_back(granted.saturating_sub(used));
            let waited = match attempt {
                Ok(Attempt::Published) => continue,
                Ok(Attempt::Full) => poll_room(&self.topic.handle, context),
                Err(error) => Poll::Ready(Err(error)),
            };
            match waited {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Publishes what there is room for.
    pub(super) fn try_all(mut self) -> Result<(), BurstError> {
        loop {
            let next = self.next();
            if next == 0 {
                return self.end();
            }
            match self.attempt(next) {
                Ok(Attempt::Published) => {}
                Ok(Attempt::Full) => return Err(self.broken(full(&self.topic.handle))),
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// How many values can be tried now, of those taken from the iterator; takes more where there
    /// are none. 0 at the end.
    fn next(&mut self) -> u32 {
        if self.message.is_none() && self.plain.is_empty() && self.failed.is_none() {
            self.fill();
        }
        // No more than a chunk.
        if self.message.is_some() { 1 } else { self.plain.len() as u32 }
    }

    fn fill(&mut self) {
        // From its beginning, so that the values lie in one piece.
        self.plain.clear();
        let many = if KindOf::<T>::PLAIN { CHUNK } else { 1 };
        self.plain.reserve(self.values.size_hint().0.min(many));
        for value in self.values.by_ref().take(many) {
            match value.into_wire() {
                Ok(wire) if KindOf::<T>::PLAIN => self.plain.push_back(wire),
                Ok(wire) => self.message = Some(self.topic.kind.message(wire)),
                Err(error) => {
                    self.failed = Some(error.into());
                    break;
                }
            }
        }
    }

    /// Tries as many of the [`next`](Self::next) ones as are granted, at least one.
    fn attempt(&mut self, granted: u32) -> Result<Attempt, PublishError> {
        let topic = self.topic;
        if self.message.is_none() {
            let plain = self.plain.make_contiguous();
            let values = &plain[..plain.len().min(granted as usize)];
            let reply = topic.kind.try_publish(&topic.handle, values);
            let published = match reply.status {
                PublishStatus::PUBLISHED => values.len(),
                _ => reply.published.min(values.len()),
            };
            self.plain.drain(..published);
            self.published += published as u64;
            if reply.status != PublishStatus::UNPLACED {
                return conclude(reply.status, reply.detail);
            }
            self.message = self.plain.pop_front().map(|wire| topic.kind.message(wire));
        }
        let attempt = attempt_message(&topic.handle, &mut self.message)?;
        self.published += u64::from(attempt == Attempt::Published);
        Ok(attempt)
    }

    fn end(&mut self) -> Result<(), BurstError> {
        match self.failed.take() {
            Some(error) => Err(self.broken(error)),
            None => Ok(()),
        }
    }

    fn broken(&self, error: PublishError) -> BurstError {
        BurstError::new(self.published, error)
    }
}
