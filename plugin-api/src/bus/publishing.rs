//! Attempts to publish: what an answer of the host means, and waiting where it may help.
//!
//! A plain value is tried where it lies, which needs no memory; it becomes a message of its own only
//! if the host has none to write it over. Everything else is a message from the start.

use std::future::poll_fn;
use std::mem;
use std::slice;
use std::task::{Context, Poll};

use lifespan_abi::abi_stable::std_types::RString;
use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{Message as AbiMessage, PollStatus, PublishStatus, TopicBox};

use crate::bus::Topic;
use crate::bus::burst::Burst;
use crate::bus::error::{BurstError, PublishError};
use crate::message::Message;
use crate::message::kind::KindOf;
use crate::task::{crossing, may_go_on};

/// A value on its way, in the form in which it is tried next.
pub(super) enum Unsent<W> {
    /// A plain one, as it lies.
    Value(W),
    /// A message; `None` once the host has it.
    Message(Option<AbiMessage>),
}

/// How an attempt ended that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Published,
    /// A lossless subscription is behind: waiting may help.
    Full,
}

/// Publishing.
impl<T: Message> Topic<T> {
    /// Publishes a value; where a lossless subscription is behind, waits until it is not.
    ///
    /// Dropped before it is ready, it has published nothing.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["writer", "printer"];
    /// # lifespan::example::run(names, Context::of_services, async |[writer, printer]| {
    /// let lines = writer.topic_with_capacity::<u32>("lines", 1)?;
    /// let mut all = printer.topic::<u32>("lines")?.messages();
    /// lines.publish(1).await?;
    /// let second = writer.spawn(async move { lines.publish(2).await });
    /// writer.sleep(Duration::from_millis(2)).await;
    /// assert!(!second.is_finished()); // it waits for the printer
    /// assert_eq!(all.recv().await.as_deref(), Some(&1));
    /// assert_eq!(all.recv().await.as_deref(), Some(&2));
    /// second.await??;
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// Publishing has ended, another instance has claimed the topic, waiting could never help, or
    /// the value cannot be encoded: see [`PublishError`].
    pub async fn publish(&self, value: T) -> Result<(), PublishError> {
        let mut unsent = self.unsent(value)?;
        poll_fn(|context| poll_publish(&self.handle, context, || self.attempt(&mut unsent))).await
    }

    /// Publishes a value if that needs no waiting.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["sensor", "siren"];
    /// # lifespan::example::run(names, Context::of_services, async |[sensor, siren]| {
    /// let alarms = sensor.topic_with_capacity::<u32>("alarms", 1)?;
    /// let _behind = siren.topic::<u32>("alarms")?.messages();
    /// alarms.try_publish(1)?;
    /// let full = alarms.try_publish(2).unwrap_err();
    /// assert!(matches!(full, PublishError::Full { .. }));
    /// assert_eq!(alarms.get().as_deref(), Some(&1));
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::Full`].
    pub fn try_publish(&self, value: T) -> Result<(), PublishError> {
        match self.attempt(&mut self.unsent(value)?)? {
            Attempt::Published => Ok(()),
            Attempt::Full => Err(full(&self.handle)),
        }
    }

    /// Publishes one value after the other, as many as possible at a time: for bursts, faster than
    /// [`publish`](Self::publish) for each. Others' messages may come between them. Where a lossless
    /// subscription is behind, waits until it is not.
    ///
    /// Dropped before it is ready, it has published some of the first values; those and perhaps others
    /// have been taken from the iterator.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["umpire", "board"];
    /// # lifespan::example::run(names, Context::of_services, async |[umpire, board]| {
    /// let scores = umpire.topic_with_capacity::<u32>("scores", 4)?;
    /// let mut all = board.topic::<u32>("scores")?.messages();
    /// let burst = umpire.spawn(async move { scores.publish_all(0..1000).await });
    /// for n in 0..1000 {
    ///     assert_eq!(all.recv().await.as_deref(), Some(&n));
    /// }
    /// burst.await??;
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// A value is not published, for one of the reasons of [`publish`](Self::publish). Those before
    /// it are, and the error [counts](BurstError::published) them; those after it are not.
    pub async fn publish_all(&self, values: impl IntoIterator<Item = T>) -> Result<(), BurstError> {
        let mut burst = Burst::new(self, values.into_iter());
        poll_fn(|context| burst.poll(context)).await
    }

    /// As [`publish_all`](Self::publish_all), without waiting.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["sensor", "siren"];
    /// # lifespan::example::run(names, Context::of_services, async |[sensor, siren]| {
    /// let alarms = sensor.topic_with_capacity::<u32>("alarms", 2)?;
    /// let _behind = siren.topic::<u32>("alarms")?.messages();
    /// let full = alarms.try_publish_all([1, 2, 3]).unwrap_err();
    /// assert_eq!(full.published(), 2);
    /// assert!(matches!(full.error(), PublishError::Full { .. }));
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// As there, and [`PublishError::Full`].
    pub fn try_publish_all(&self, values: impl IntoIterator<Item = T>) -> Result<(), BurstError> {
        Burst::new(self, values.into_iter()).try_all()
    }
}

impl<T: Message> Topic<T> {
    /// A value, ready to be tried.
    #[inline]
    pub(super) fn unsent(&self, value: T) -> Result<Unsent<T::Wire>, PublishError> {
        let wire = value.into_wire()?;
        if KindOf::<T>::PLAIN {
            return Ok(Unsent::Value(wire));
        }
        Ok(Unsent::Message(Some(self.kind.message(wire))))
    }

    /// Tries once.
    #[inline]
    pub(super) fn attempt(&self, unsent: &mut Unsent<T::Wire>) -> Result<Attempt, PublishError> {
        if let Unsent::Value(wire) = unsent {
            let reply = self.kind.try_publish(&self.handle, slice::from_ref(wire));
            if reply.status != PublishStatus::UNPLACED {
                return conclude(reply.status, reply.detail);
            }
        }
        self.attempt_unplaced(unsent)
    }

    /// Tries once, as a message.
    fn attempt_unplaced(&self, unsent: &mut Unsent<T::Wire>) -> Result<Attempt, PublishError> {
        let mut message = match mem::replace(unsent, Unsent::Message(None)) {
            Unsent::Value(wire) => Some(self.kind.message(wire)),
            Unsent::Message(message) => message,
        };
        let attempt = attempt_message(&self.handle, &mut message);
        *unsent = Unsent::Message(message);
        attempt
    }
}

/// Tries a message once; it is still there if there was no room for it.
pub(super) fn attempt_message(
    topic: &TopicBox,
    message: &mut Option<AbiMessage>,
) -> Result<Attempt, PublishError> {
    let Some(attempt) = message.take() else { return Ok(Attempt::Published) };
    let reply = topic.try_publish(attempt);
    if reply.status == PublishStatus::FULL {
        *message = reply.message.into_option();
        if message.is_none() {
            let detail = "the host has not given back what it did not publish".to_owned();
            return Err(PublishError::Other { detail });
        }
    }
    conclude(reply.status, reply.detail)
}

/// Tries one message by `attempt` until it is published or refused, and waits for room in between.
pub(super) fn poll_publish(
    topic: &TopicBox,
    context: &mut Context<'_>,
    mut attempt: impl FnMut() -> Result<Attempt, PublishError>,
) -> Poll<Result<(), PublishError>> {
    loop {
        if !may_go_on(context) {
            return Poll::Pending;
        }
        match attempt() {
            Ok(Attempt::Published) => return Poll::Ready(Ok(())),
            Ok(Attempt::Full) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        match poll_room(topic, context) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
    }
}

/// Ready when what found no room may be tried again.
pub(super) fn poll_room(
    topic: &TopicBox,
    context: &mut Context<'_>,
) -> Poll<Result<(), PublishError>> {
    let polled = crossing(context, |context, own| {
        context.with_ffi_context(|context| topic.poll_room(context, own))
    });
    match polled {
        PollStatus::PENDING => Poll::Pending,
        PollStatus::READY | PollStatus::CLOSED => Poll::Ready(Ok(())),
        PollStatus(status) => Poll::Ready(Err(unknown(status, ""))),
    }
}

/// What is said where waiting was not wanted.
pub(super) fn full(topic: &TopicBox) -> PublishError {
    PublishError::Full { topic: topic.name().as_str().to_owned() }
}

/// What an answer means.
#[inline]
pub(super) fn conclude(status: PublishStatus, detail: RString) -> Result<Attempt, PublishError> {
    match status {
        PublishStatus::PUBLISHED => {
            if detail.capacity() == 0 {
                // It owns nothing, and its drop would be a call into the host for each message.
                mem::forget(detail);
            }
            Ok(Attempt::Published)
        }
        PublishStatus::FULL => Ok(Attempt::Full),
        status => Err(refusal(status, detail.into_string())),
    }
}

#[cold]
fn refusal(status: PublishStatus, detail: String) -> PublishError {
    match status {
        PublishStatus::STUCK => PublishError::Stuck { detail },
        PublishStatus::CLAIMED => PublishError::Claimed { detail },
        PublishStatus::CLOSED => PublishError::Closed { detail },
        PublishStatus::FAILED if !detail.is_empty() => PublishError::Other { detail },
        PublishStatus(status) => unknown(status, &detail),
    }
}

/// What a newer host may answer, or one that fails.
fn unknown(status: u32, detail: &str) -> PublishError {
    let colon = if detail.is_empty() { "" } else { ": " };
    PublishError::Other { detail: format!("the host answers with status {status}{colon}{detail}") }
}

#[cfg(test)]
mod tests;
