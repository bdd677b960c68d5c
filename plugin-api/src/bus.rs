//! The bus: typed topics that every instance of the program may publish on and subscribe to.
//!
//! | A subscriber says | and gets |
//! |---|---|
//! | [`topic.updates()`](Topic::updates) | the latest value; several publishes while it is busy become one; starts with the current value ([can be turned off](Updates::without_current)) |
//! | [`… .timeout(d)`](Updates::timeout) | after `d` without news an [item that is recognisably not an update](Update::Timeout), with the current value |
//! | [`… .at_most_every(d)`](Updates::at_most_every) | the first at once, then the latest, measured from item to item |
//! | [`topic.messages()`](Topic::messages) | every message, in order, none lost: a full subscriber makes `publish().await` wait; one by one, or [in batches](Messages::recv_batch) |
//! | [`topic.on_messages(f)`](Topic::on_messages) | a function called with every batch: for sinks that do not wait |
//! | [`… .lossy()`](Messages::lossy) | every message that fits; when it lags, the oldest are skipped and [counted](Lent::skipped) |
//! | [`topic.updates_by(key)`](Topic::updates_by) | the latest value for each key |
//! | [`Merge`] of several streams | one stream, each item says where it is from |
//! | [`Pattern`] | every topic that matches, those that come later too |
//!
//! | A publisher says | and |
//! |---|---|
//! | [`topic.publish(v).await`](Topic::publish) | waits for those that want every message |
//! | [`topic.publish_all(v).await`](Topic::publish_all) | so with many, as many as possible at a time |
//! | [`topic.try_publish(v)`](Topic::try_publish) | does not wait; [`try_publish_all`](Topic::try_publish_all) for many |
//! | [`AnyTopic`] | publishes JSON text or bytes, without knowing the type |
//!
//! Each row is shown by an example where it leads; so is each error by one at its variant in
//! [`PublishError`] and [`BusError`].
//!
//! A subscription exists from the call, and ends when it is dropped. A `recv()` that is dropped
//! before it is ready loses nothing. `recv()` lends a message until the next one; `.keep()` takes a
//! reference to it; `owned()` turns a subscription into a stream of kept messages. When the program
//! shuts down, publishing ends, every stream delivers what it has not delivered yet, and then ends.
//!
//! In here, all is built on two ways to receive: a batch that the host lends
//! (`message::lending`), and one that it gives away (`giving`).

mod any;
mod burst;
mod error;
mod giving;
mod handlers;
mod keyed;
mod merge;
mod messages;
mod owned;
mod pattern;
mod publishing;
mod timed;
mod timer;
mod updates;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use lifespan_abi::{
    KeyBox, Mode, ServicesBox, SubscribeOptions, SubscriptionBox, TopicBox, TopicOptions,
};
use serde::Serialize;

pub use crate::bus::any::AnyTopic;
pub use crate::bus::error::{BurstError, BusError, PublishError};
pub(crate) use crate::bus::handlers::Dispatcher;
pub use crate::bus::handlers::{Handler, HandlerResult};
pub use crate::bus::keyed::UpdatesBy;
pub use crate::bus::merge::Merge;
pub use crate::bus::messages::{Lossy, Messages};
pub use crate::bus::owned::{Owned, Source};
pub use crate::bus::pattern::{Delivered, Pattern};
pub use crate::bus::timed::{TimedUpdates, Update};
pub use crate::bus::updates::Updates;
use crate::message::kind::KindOf;
pub use crate::message::{BatchIter, Encoded, Kept, Lent, LentBatch, Message};
use crate::time::Clock;

/// A topic of messages of type `T`.
///
/// Its clones are the same handle. The topic, with its type and its last value, lasts as long as any
/// instance has a handle of it or a subscription to it.
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
/// let count = ctx.topic::<u32>("count")?;
/// let mut counts = count.updates();
/// count.publish(3).await?;
/// if let Some(n) = counts.recv().await {
///     assert_eq!(*n, 3);
/// }
/// # Ok(()) });
/// ```
pub struct Topic<T: Message> {
    handle: Arc<TopicBox>,
    clock: Clock,
    dispatcher: Arc<Dispatcher>,
    /// What it was opened with, and what is published by.
    kind: KindOf<T>,
}

impl<T: Message> Topic<T> {
    /// Opens a topic, or makes it, then for so many messages; 0 takes the host's default. Its
    /// handlers are the dispatcher's.
    pub(crate) fn open(
        dispatcher: &Arc<Dispatcher>,
        name: &str,
        capacity: u32,
    ) -> Result<Topic<T>, BusError> {
        let (services, kind) = (dispatcher.services(), KindOf::new());
        let options = TopicOptions::new(capacity);
        let handle = services.bus().topic(name.into(), kind.raw(), options).into_result()?;
        let (clock, dispatcher) = (Clock::new(services.clone()), dispatcher.clone());
        Ok(Topic { handle: Arc::new(handle), clock, dispatcher, kind })
    }

    /// For tests of hosts, which have services and no context. Each topic has handlers of its own.
    #[doc(hidden)]
    pub fn of_services(
        services: Arc<ServicesBox>,
        name: &str,
        capacity: u32,
    ) -> Result<Topic<T>, BusError> {
        Topic::open(&Dispatcher::new(services), name, capacity)
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        self.handle.name().as_str()
    }

    /// The last value, if there is one.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let speed = ctx.topic::<u32>("speed")?;
    /// assert!(!speed.has_value() && speed.get().is_none());
    /// speed.publish(30).await?;
    /// speed.publish(50).await?;
    /// assert!(speed.has_value());
    /// assert_eq!(speed.get().as_deref(), Some(&50));
    /// # Ok(()) });
    /// ```
    pub fn get(&self) -> Option<Kept<T>> {
        self.handle.get().into_option().map(|message| Kept::new(message, None, 0))
    }

    /// Whether anything has been published.
    pub fn has_value(&self) -> bool {
        self.handle.get().is_some()
    }

    /// Whether any instance is subscribed.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["camera", "screen"];
    /// # lifespan::example::run(names, Context::of_services, async |[camera, screen]| {
    /// let frames = camera.topic::<Vec<u8>>("frames")?;
    /// assert!(!frames.has_subscribers()); // no need to take a picture
    /// let shown = screen.topic::<Vec<u8>>("frames")?.updates();
    /// assert!(frames.has_subscribers());
    /// drop(shown);
    /// assert!(!frames.has_subscribers());
    /// # Ok(()) });
    /// ```
    pub fn has_subscribers(&self) -> bool {
        self.handle.subscribers() > 0
    }

    /// Tells all [`updates`](Self::updates) the last value again.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let mode = ctx.topic::<String>("mode")?;
    /// let mut modes = mode.updates();
    /// mode.publish("day".to_owned()).await?;
    /// assert_eq!(modes.recv().await.as_deref(), Some("day"));
    /// assert_eq!(modes.backlog(), 0);
    /// mode.notify();
    /// assert_eq!(modes.recv().await.as_deref(), Some("day"));
    /// # Ok(()) });
    /// ```
    pub fn notify(&self) {
        self.handle.notify();
    }

    /// Makes this instance the only one that may publish here, until it ends.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["umpire", "player"];
    /// # lifespan::example::run(names, Context::of_services, async |[umpire, player]| {
    /// let score = umpire.topic::<u32>("score")?;
    /// let theirs = player.topic::<u32>("score")?;
    /// score.claim()?;
    /// score.publish(15).await?;
    /// let refused = theirs.publish(40).await.unwrap_err();
    /// assert!(matches!(refused, PublishError::Claimed { .. }));
    /// assert_eq!(refused.to_string(), "topic `score` is claimed by `umpire`");
    /// assert_eq!(theirs.get().as_deref(), Some(&15)); // reading is free
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// Another instance has claimed the topic; the error names it. Or the topic is closed.
    pub fn claim(&self) -> Result<(), BusError> {
        Ok(self.handle.claim().into_result()?)
    }

    /// Ends the topic for all: subscriptions deliver what they have, then end.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["reader", "writer"];
    /// # lifespan::example::run(names, Context::of_services, async |[reader, writer]| {
    /// let rows = reader.topic::<u32>("rows")?;
    /// let mut all = writer.topic::<u32>("rows")?.messages();
    /// rows.publish_all(1..=2).await?;
    /// rows.close()?;
    /// assert!(rows.publish(3).await.unwrap_err().is_closed());
    /// assert_eq!(all.recv().await.as_deref(), Some(&1));
    /// assert_eq!(all.recv().await.as_deref(), Some(&2));
    /// assert!(all.recv().await.is_none());
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// Another instance has claimed the topic; the error names it.
    pub fn close(&self) -> Result<(), BusError> {
        Ok(self.handle.close().into_result()?)
    }

    /// Subscribes to the latest value: several publishes while the subscriber is busy become one. It
    /// starts with the current value.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["compass", "screen"];
    /// # lifespan::example::run(names, Context::of_services, async |[compass, screen]| {
    /// let heading = compass.topic::<u32>("heading")?;
    /// heading.publish(10).await?;
    /// let mut updates = screen.topic::<u32>("heading")?.updates();
    /// assert_eq!(updates.recv().await.as_deref(), Some(&10));
    /// for degrees in [20, 30, 40] {
    ///     heading.publish(degrees).await?; // nobody makes it wait
    /// }
    /// let latest = updates.recv().await.context("it has ended")?;
    /// assert_eq!((*latest, latest.skipped()), (40, 2));
    /// # Ok(()) });
    /// ```
    pub fn updates(&self) -> Updates<T> {
        Updates::new(self.clone())
    }

    /// Subscribes to every message from now on: in order, and none is lost, since publishers wait for
    /// whoever is behind.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["timer", "board"], Context::of_services, async |[timer, board]| {
    /// let laps = timer.topic_with_capacity::<u32>("laps", 4)?;
    /// let mut all = board.topic::<u32>("laps")?.messages();
    /// let race = timer.spawn(async move {
    ///     for lap in 0..20 {
    ///         laps.publish(lap).await?; // there is room for four
    ///     }
    ///     Ok::<_, PublishError>(())
    /// });
    /// for lap in 0..20 {
    ///     board.sleep(Duration::from_micros(100)).await;
    ///     assert_eq!(all.recv().await.as_deref(), Some(&lap));
    /// }
    /// race.await??;
    /// # Ok(()) });
    /// ```
    pub fn messages(&self) -> Messages<T> {
        Messages::new(self.clone())
    }

    /// Calls a function with every message from now on, in batches: for sinks that do not wait.
    ///
    /// All handlers of an instance are called in one task, one after the other, so that they cost one
    /// wake-up; none shall take long. The task is a part of the instance, as what it has
    /// [spawned](crate::Context::spawn): handlers are called from set-up on, whatever the instance's own
    /// task does, and after its end. At the end of the program or of the topic they are called with
    /// what is left, and end. What waits for a handler counts as waiting for the instance, and
    /// publishers wait for it as for [`messages`](Self::messages). Handlers of one handle of a topic,
    /// or its clones, share one subscription as soon as they have been called with the same: what they
    /// are not called with before the end then counts as lost once.
    ///
    /// A handler that fails or panics ends, and is reported as a failure of the instance; the others
    /// go on. One that fails because [publishing has ended](PublishError::is_closed) is only logged.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let samples = ctx.topic::<f64>("samples")?;
    /// let mut sum = 0.0;
    /// let sums = ctx.topic::<f64>("sum")?;
    /// samples.on_messages(move |batch| {
    ///     for sample in batch {
    ///         sum += sample;
    ///     }
    ///     sums.try_publish(sum)?; // a failure would end it, and be reported
    ///     Ok(())
    /// });
    /// let mut sum = ctx.topic::<f64>("sum")?.messages();
    /// samples.publish_all([0.5, 1.0, 2.5]).await?;
    /// assert_eq!(sum.recv().await.as_deref(), Some(&4.0));
    /// # Ok(()) });
    /// ```
    #[track_caller]
    pub fn on_messages<F, R>(&self, handler: F) -> Handler
    where
        F: FnMut(LentBatch<'_, T>) -> R + Send + 'static,
        R: HandlerResult + 'static,
    {
        self.dispatcher.add(self.messages(), handler, Location::caller())
    }

    /// Subscribes to the latest value for each key, which may be any serde value.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let lines = ctx.topic::<String>("lines")?;
    /// let mut by_letter = lines.updates_by(|line| line.chars().next());
    /// for line in ["ant", "bee", "ape", "asp"] {
    ///     lines.publish(line.to_owned()).await?;
    /// }
    /// let last = by_letter.recv().await.context("it has ended")?;
    /// assert_eq!((&*last, last.skipped()), ("asp", 2));
    /// assert_eq!(by_letter.recv().await.as_deref(), Some("bee"));
    /// # Ok(()) });
    /// ```
    ///
    /// The key of an encoded value is found by decoding it:
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let scores = ctx.topic::<Encoded<(u32, u32)>>("scores")?;
    /// let mut by_court = scores.updates_by(|bytes| {
    ///     Encoded::<(u32, u32)>::decode(bytes).ok().map(|(court, _points)| court)
    /// });
    /// scores.publish_all([(1, 15), (2, 0), (1, 30)].map(Encoded)).await?;
    /// let mut last = Vec::new();
    /// while by_court.backlog() > 0 {
    ///     last.push(by_court.recv().await.context("it has ended")?.decode()?);
    /// }
    /// assert_eq!(last, [(1, 30), (2, 0)]);
    /// # Ok(()) });
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

    /// Whether it is the same handle as another.
    fn is(&self, other: &Topic<T>) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
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
        let (clock, dispatcher) = (self.clock.clone(), self.dispatcher.clone());
        Topic { handle: self.handle.clone(), clock, dispatcher, kind: self.kind }
    }
}

impl<T: Message> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", &self.name()).field("type", &T::NAME).finish()
    }
}

#[cfg(test)]
mod tests;
