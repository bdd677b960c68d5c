//! Every message, or every message that fits.

use std::future::poll_fn;
use std::task::{Context, Poll};

use lifespan_abi::Mode;

use crate::bus::Topic;
use crate::bus::owned::{Owned, Source};
use crate::message::lending::{ArrivedAll, Lending};
use crate::message::{Kept, Lent, LentBatch, Message};

/// Every message in order, none lost: while this is behind by as much as the topic holds, publishers
/// wait. See [`Topic::messages`].
pub struct Messages<T: Message> {
    topic: Topic<T>,
    lending: Lending,
}

/// Every message that fits: when this lags by more than the topic holds, the oldest are skipped and
/// [counted](Lent::skipped). See [`Messages::lossy`].
pub struct Lossy<T: Message> {
    messages: Messages<T>,
}

impl<T: Message> Messages<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        Messages::subscribe(topic, Mode::LOSSLESS, false)
    }

    /// Starts with the last value, if there is one, then every message after it.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let rows = ctx.topic::<u32>("rows")?;
    /// rows.publish_all(1..=2).await?;
    /// let mut all = rows.messages().with_current();
    /// rows.publish(3).await?;
    /// assert_eq!(all.recv().await.as_deref(), Some(&2));
    /// assert_eq!(all.recv().await.as_deref(), Some(&3));
    /// # Ok(()) });
    /// ```
    #[must_use]
    pub fn with_current(self) -> Self {
        Messages::subscribe(self.topic.clone(), Mode::LOSSLESS, true)
    }

    /// Never makes a publisher wait: skips the oldest messages instead, and counts them.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["sensor", "screen"];
    /// # lifespan::example::run(names, Context::of_services, async |[sensor, screen]| {
    /// let samples = sensor.topic_with_capacity::<u32>("samples", 2)?;
    /// let mut shown = screen.topic::<u32>("samples")?.messages().lossy();
    /// for n in 0..5 {
    ///     samples.publish(n).await?; // there is room for two, and nobody makes it wait
    /// }
    /// let first = shown.recv().await.context("it has ended")?;
    /// assert_eq!((*first, first.skipped()), (3, 3));
    /// let second = shown.recv().await.context("it has ended")?;
    /// assert_eq!((*second, second.skipped()), (4, 0));
    /// # Ok(()) });
    /// ```
    #[must_use]
    pub fn lossy(self) -> Lossy<T> {
        Lossy { messages: Messages::subscribe(self.topic.clone(), Mode::LOSSY, false) }
    }

    /// The next message, lent until the next call; `None` at the end.
    ///
    /// Dropped before it is ready, it has taken nothing.
    pub async fn recv(&mut self) -> Option<Lent<'_, T>> {
        if !poll_fn(|context| self.lending.poll(context)).await {
            return None;
        }
        self.take()
    }

    /// All that the host lends at once, at most 512 messages, until the next call; `None` at the end.
    /// After [`recv`](Self::recv) it is what is left of what was lent then.
    ///
    /// All of it counts as received, however much is looked at. Publishers that wait for this
    /// subscription are let go on by the next receive. Dropped before it is ready, it has taken
    /// nothing.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # let names = ["sensor", "meter"];
    /// # lifespan::example::run(names, Context::of_services, async |[sensor, meter]| {
    /// let samples = sensor.topic::<f64>("samples")?;
    /// let mut all = meter.topic::<f64>("samples")?.messages();
    /// samples.publish_all([0.5, 1.0, 2.5]).await?;
    /// samples.close()?;
    /// let mut sum = 0.0;
    /// while let Some(batch) = all.recv_batch().await {
    ///     for sample in batch {
    ///         sum += sample;
    ///     }
    /// }
    /// assert_eq!(sum, 4.0);
    /// # Ok(()) });
    /// ```
    pub async fn recv_batch(&mut self) -> Option<LentBatch<'_, T>> {
        if !poll_fn(|context| self.poll_batch(context, 0)).await {
            return None;
        }
        self.take_batch()
    }

    /// How many messages wait to be received.
    pub fn backlog(&self) -> u64 {
        self.lending.backlog()
    }

    /// The subscription as a stream of kept messages.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }

    fn subscribe(topic: Topic<T>, mode: Mode, current: bool) -> Self {
        let lending = Lending::new(topic.subscribe(mode, current, None));
        Messages { topic, lending }
    }

    /// Ready with `true` if there is a batch to take, with `false` at the end. What is received anew
    /// is at most so much; 0 is the host's choice.
    pub(super) fn poll_batch(&mut self, context: &mut Context<'_>, most: u32) -> Poll<bool> {
        self.lending.poll_all(context, most)
    }

    fn take_batch(&mut self) -> Option<LentBatch<'_, T>> {
        self.take_arrived().map(LentBatch::new)
    }

    /// What [`poll_batch`](Self::poll_batch) has found, for several [`LentBatch`]es.
    pub(super) fn take_arrived(&mut self) -> Option<ArrivedAll<'_>> {
        self.lending.take_all()
    }

    /// Ends it; another subscription delivers what it has not.
    pub(super) fn hand_over(&mut self) {
        self.lending.hand_over();
    }

    /// Whether there is something that waits only for the task to have yielded.
    pub(super) fn is_yielding(&self) -> bool {
        self.lending.has_message()
    }

    pub(super) fn topic(&self) -> &Topic<T> {
        &self.topic
    }

    fn take(&mut self) -> Option<Lent<'_, T>> {
        let arrived = self.lending.take()?;
        Some(Lent::new(arrived.message, arrived.sequence, arrived.skipped))
    }
}

impl<T: Message> Lossy<T> {
    /// As [`Messages::recv`].
    pub async fn recv(&mut self) -> Option<Lent<'_, T>> {
        self.messages.recv().await
    }

    /// As [`Messages::recv_batch`]; what was skipped was skipped [before the
    /// first](LentBatch::skipped).
    pub async fn recv_batch(&mut self) -> Option<LentBatch<'_, T>> {
        self.messages.recv_batch().await
    }

    /// How many messages wait to be received.
    pub fn backlog(&self) -> u64 {
        self.messages.backlog()
    }

    /// The subscription as a stream of kept messages.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }
}

impl<T: Message> Source for Messages<T> {
    type Item = Kept<T>;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Kept<T>>> {
        self.lending.poll(context).map(|_| self.take().map(|lent| lent.keep()))
    }
}

impl<T: Message> Source for Lossy<T> {
    type Item = Kept<T>;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Kept<T>>> {
        self.messages.poll_source(context)
    }
}
