//! The bus: typed topics that every instance of the program may publish on and subscribe to.
//!
//! | A subscriber says | and gets |
//! |---|---|
//! | [`topic.updates()`](Topic::updates) | the latest value; several publishes while it is busy become one; starts with the current value ([can be turned off](Updates::without_current)) |
//! | [`… .timeout(d)`](Updates::timeout) | after `d` without news an [item that is recognisably not an update](Update::Timeout), with the current value |
//! | [`… .at_most_every(d)`](Updates::at_most_every) | the first at once, then the latest, measured from item to item |
//! | [`topic.messages()`](Topic::messages) | every message, in order, none lost: a full subscriber makes `publish().await` wait |
//! | [`… .lossy()`](Messages::lossy) | every message that fits; when it lags, the oldest are skipped and [counted](Lent::skipped) |
//! | [`topic.updates_by(key)`](Topic::updates_by) | the latest value for each key |
//! | [`Merge`] of several streams | one stream, each item says where it is from |
//! | [`Pattern`] | every topic that matches, those that come later too |
//!
//! A subscription exists from the call, and ends when it is dropped. A `recv()` that is dropped
//! before it is ready loses nothing. `recv()` lends a message until the next one; `.keep()` takes a
//! reference to it; `owned()` turns a subscription into a stream of kept messages. When the program
//! shuts down, publishing ends, every stream delivers what it has not delivered yet, and then ends.
//!
//! In here, all is built on two ways to receive: a batch that the host lends
//! (`message::lending`), and one that it gives away (`giving`).

mod error;
mod giving;
mod keyed;
mod merge;
mod messages;
mod owned;
mod pattern;
mod timed;
mod timer;
mod updates;

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{
    BusBox, KeyBox, Message as AbiMessage, Mode, PollStatus, PublishReply, PublishStatus,
    ServicesBox, SubscribeOptions, SubscriptionBox, TopicBox,
};
use serde::Serialize;

pub use crate::bus::error::{BusError, PublishError};
pub use crate::bus::keyed::UpdatesBy;
pub use crate::bus::merge::Merge;
pub use crate::bus::messages::{Lossy, Messages};
pub use crate::bus::owned::{Owned, Source};
pub use crate::bus::pattern::{Delivered, Pattern};
pub use crate::bus::timed::{TimedUpdates, Update};
pub use crate::bus::updates::Updates;
use crate::message::kind;
pub use crate::message::{Encoded, Kept, Lent, Message};
use crate::task::{crossing, may_go_on};
use crate::time::Clock;

/// A topic of messages of type `T`.
///
/// Its clones are the same handle. The topic, with its type and its last value, lasts as long as any
/// instance has a handle of it or a subscription to it.
///
/// ```no_run
/// # use lifespan_plugin_api::bus::{PublishError, Topic};
/// # async fn example(count: Topic<u32>) -> Result<(), PublishError> {
/// let mut counts = count.updates();
/// count.publish(3).await?;
/// while let Some(n) = counts.recv().await {
///     println!("{n}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Topic<T: Message> {
    handle: Arc<TopicBox>,
    clock: Clock,
    kind: PhantomData<fn() -> T>,
}

impl<T: Message> Topic<T> {
    /// Opens a topic, or makes it.
    pub(crate) fn open(bus: &BusBox, clock: Clock, name: &str) -> Result<Topic<T>, BusError> {
        Topic::open_with_capacity(bus, clock, name, 0)
    }

    /// As [`open`](Self::open), for so many messages if the topic is made by this.
    pub(crate) fn open_with_capacity(
        bus: &BusBox,
        clock: Clock,
        name: &str,
        capacity: u32,
    ) -> Result<Topic<T>, BusError> {
        let handle = bus.topic(name.into(), kind::kind::<T>(), capacity).into_result()?;
        Ok(Topic { handle: Arc::new(handle), clock, kind: PhantomData })
    }

    /// For tests of hosts, which have services and no context.
    #[doc(hidden)]
    pub fn of_services(
        services: Arc<ServicesBox>,
        name: &str,
        capacity: u32,
    ) -> Result<Topic<T>, BusError> {
        let bus = services.bus();
        Topic::open_with_capacity(&bus, Clock::new(services), name, capacity)
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        self.handle.name().as_str()
    }

    /// Publishes a value; where a lossless subscription is behind, waits until it is not.
    ///
    /// Dropped before it is ready, it has published nothing.
    ///
    /// # Errors
    ///
    /// Publishing has ended, another instance has claimed the topic, waiting could never help, or
    /// the value cannot be encoded: see [`PublishError`].
    pub async fn publish(&self, value: T) -> Result<(), PublishError> {
        let mut message = Some(kind::message(value)?);
        poll_fn(|context| self.poll_publish(context, &mut message)).await
    }

    /// Publishes a value if that needs no waiting.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::Full`].
    pub fn try_publish(&self, value: T) -> Result<(), PublishError> {
        let reply = self.handle.try_publish(kind::message(value)?);
        if reply.status == PublishStatus::FULL {
            return Err(PublishError::Full { topic: self.name().to_owned() });
        }
        answer(reply)
    }

    /// The last value, if there is one.
    pub fn get(&self) -> Option<Kept<T>> {
        self.handle.get().into_option().map(|message| Kept::new(message, None, 0))
    }

    /// Whether anything has been published.
    pub fn has_value(&self) -> bool {
        self.handle.get().is_some()
    }

    /// Whether any instance is subscribed.
    pub fn has_subscribers(&self) -> bool {
        self.handle.subscribers() > 0
    }

    /// Tells all [`updates`](Self::updates) the last value again.
    pub fn notify(&self) {
        self.handle.notify();
    }

    /// Makes this instance the only one that may publish here, until it ends.
    ///
    /// # Errors
    ///
    /// Another instance has claimed the topic; the error names it. Or the topic is closed.
    pub fn claim(&self) -> Result<(), BusError> {
        Ok(self.handle.claim().into_result()?)
    }

    /// Ends the topic for all: subscriptions deliver what they have, then end.
    ///
    /// # Errors
    ///
    /// Another instance has claimed the topic; the error names it.
    pub fn close(&self) -> Result<(), BusError> {
        Ok(self.handle.close().into_result()?)
    }

    /// Subscribes to the latest value.
    pub fn updates(&self) -> Updates<T> {
        Updates::new(self.clone())
    }

    /// Subscribes to every message from now on.
    pub fn messages(&self) -> Messages<T> {
        Messages::new(self.clone())
    }

    /// Subscribes to the latest value for each key, which may be any serde value.
    ///
    /// ```no_run
    /// # use lifespan_plugin_api::bus::{Encoded, Topic};
    /// # async fn example(lines: Topic<String>) {
    /// let mut by_letter = lines.updates_by(|line| line.chars().next());
    /// while let Some(line) = by_letter.recv().await {
    ///     println!("the last one with its letter: {line}");
    /// }
    /// # }
    /// ```
    ///
    /// The key of an encoded value is found by decoding it:
    ///
    /// ```no_run
    /// # use lifespan_plugin_api::bus::{Encoded, Topic};
    /// # fn example(scores: Topic<Encoded<(u32, u32)>>) {
    /// let by_court = scores.updates_by(|bytes| {
    ///     Encoded::<(u32, u32)>::decode(bytes).ok().map(|(court, _points)| court)
    /// });
    /// # }
    /// ```
    ///
    /// A message whose key panics, or cannot be encoded, is one without a key, as are the others
    /// like it. The key is asked for by whoever publishes, so it shall be quick.
    pub fn updates_by<K, F>(&self, key: F) -> UpdatesBy<T>
    where
        K: Serialize + 'static,
        F: Fn(&T::View) -> K + Send + Sync + 'static,
    {
        UpdatesBy::new(self, key)
    }

    fn poll_publish(
        &self,
        context: &mut Context<'_>,
        message: &mut Option<AbiMessage>,
    ) -> Poll<Result<(), PublishError>> {
        loop {
            if !may_go_on(context) {
                return Poll::Pending;
            }
            let Some(attempt) = message.take() else { return Poll::Ready(Ok(())) };
            let reply = self.handle.try_publish(attempt);
            if reply.status != PublishStatus::FULL {
                return Poll::Ready(answer(reply));
            }
            *message = reply.message.into_option();
            if message.is_none() {
                let detail = "the host has not given back what it did not publish".to_owned();
                return Poll::Ready(Err(PublishError::Other { detail }));
            }
            let polled = crossing(context, |context, own| {
                context.with_ffi_context(|context| self.handle.poll_room(context, own))
            });
            match polled {
                PollStatus::PENDING => return Poll::Pending,
                PollStatus::READY | PollStatus::CLOSED => {}
                PollStatus(status) => return Poll::Ready(Err(unknown(status, ""))),
            }
        }
    }

    /// Subscribes; a stream that cannot be is one that has ended.
    fn subscribe(&self, mode: Mode, current: bool, key: Option<KeyBox>) -> Option<SubscriptionBox> {
        match self.handle.subscribe(SubscribeOptions::new(mode, current, key)).into_result() {
            Ok(subscription) => Some(subscription),
            Err(fault) => {
                // The topic is open and the options are ours: only a host that fails comes here.
                tracing::error!(topic = self.name(), "cannot subscribe: {}", fault.reason);
                None
            }
        }
    }
}

impl<T: Message> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Topic { handle: self.handle.clone(), clock: self.clock.clone(), kind: PhantomData }
    }
}

impl<T: Message> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", &self.name()).field("type", &T::NAME).finish()
    }
}

fn answer(reply: PublishReply) -> Result<(), PublishError> {
    let detail = reply.detail.into_string();
    Err(match reply.status {
        PublishStatus::PUBLISHED => return Ok(()),
        PublishStatus::STUCK => PublishError::Stuck { detail },
        PublishStatus::CLAIMED => PublishError::Claimed { detail },
        PublishStatus::CLOSED => PublishError::Closed { detail },
        PublishStatus::FAILED if !detail.is_empty() => PublishError::Other { detail },
        PublishStatus(status) => unknown(status, &detail),
    })
}

/// What a newer host may answer, or one that fails.
fn unknown(status: u32, detail: &str) -> PublishError {
    let colon = if detail.is_empty() { "" } else { ": " };
    PublishError::Other { detail: format!("the host answers with status {status}{colon}{detail}") }
}

#[cfg(test)]
mod tests;
