//! The calls of the SDK's bus that are measured, and a yield that works on every runtime.
//!
//! Whoever gives the SDK a faster call changes it here, for the plugin libraries and the program alike.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::task::Poll;

use lifespan_plugin_api::bus::{BurstError, Kept, Message, Messages, PublishError, Topic, Updates};

use crate::payload::Payload;
use crate::tally::Tally;

/// What can be published on our bus.
pub trait Sendable: Payload + Message<View = Self> {}

impl<M: Payload + Message<View = M>> Sendable for M {}

/// The messages that a subscriber keeps beyond their receive: the last so many.
pub struct Keep<K> {
    kept: VecDeque<K>,
    most: usize,
}

impl<K> Keep<K> {
    /// Keeps so many.
    pub fn last(most: usize) -> Self {
        Keep { kept: VecDeque::with_capacity(most + 1), most }
    }

    /// Whether nothing is kept at all.
    pub fn is_off(&self) -> bool {
        self.most == 0
    }

    /// Keeps one more, and lets the oldest go.
    pub fn push(&mut self, message: K) {
        self.kept.push_back(message);
        if self.kept.len() > self.most {
            self.kept.pop_front();
        }
    }
}

/// One message, one call.
pub async fn publish<M: Sendable>(topic: &Topic<M>, message: M) -> Result<(), PublishError> {
    topic.publish(message).await
}

/// Several messages that are there at once.
pub async fn publish_burst<M: Sendable>(
    topic: &Topic<M>,
    messages: impl Iterator<Item = M> + Send,
) -> Result<(), BurstError> {
    topic.publish_all(messages).await
}

/// Receives what is there, at least one message; `false` at the end.
pub async fn receive<M: Sendable>(
    messages: &mut Messages<M>,
    tally: &mut Tally,
    keep: &mut Keep<Kept<M>>,
) -> bool {
    let Some(batch) = messages.recv_batch().await else { return false };
    if keep.is_off() {
        let mut seen = *tally;
        batch.iter().for_each(|message| seen.see(message));
        *tally = seen;
        return true;
    }
    for message in batch.lent() {
        tally.see(&*message);
        keep.push(message.keep());
    }
    true
}

/// Receives the latest value's sequence; `None` at the end, or if it is damaged.
pub async fn receive_latest<M: Sendable>(updates: &mut Updates<M>) -> Option<u64> {
    updates.recv().await?.read()
}

/// Receives one message's sequence; `None` at the end, or if it is damaged.
pub async fn receive_one<M: Sendable>(messages: &mut Messages<M>) -> Option<u64> {
    messages.recv().await?.read()
}

/// Reads the last value's sequence.
pub fn get<M: Sendable>(topic: &Topic<M>) -> Option<u64> {
    topic.get()?.read()
}

/// Lets the others run once.
pub fn yield_now() -> impl Future<Output = ()> + Send {
    let mut yielded = false;
    poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let mut keep = Keep::last(2);
        (0..5).for_each(|number| keep.push(number));
        assert_eq!(keep.kept, [3, 4]);
        assert!(Keep::<u8>::last(0).is_off());
    }
}
