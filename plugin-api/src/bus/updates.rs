//! The latest value.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use lifespan_abi::Mode;

use crate::bus::Topic;
use crate::bus::owned::{Owned, Source};
use crate::bus::timed::TimedUpdates;
use crate::bus::timer::Timer;
use crate::message::lending::Lending;
use crate::message::{Kept, Lent, Message};
use crate::time::nanos;

/// The latest value: several publishes while the subscriber is busy become one. See
/// [`Topic::updates`].
pub struct Updates<T: Message> {
    topic: Topic<T>,
    lending: Lending,
    /// What was received last.
    current: Option<Kept<T>>,
    pace: Pace,
}

/// How often there may be an item.
struct Pace {
    timer: Timer,
    /// Nanoseconds from item to item; 0 is without limit.
    every: u64,
    /// Before this there is none.
    due: u64,
    /// Waiting for `due` has just ended: an item that is there already is on schedule, whenever the
    /// task was polled for it.
    on_schedule: bool,
}

impl<T: Message> Updates<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        let lending = Lending::new(topic.subscribe(Mode::LATEST, true, None));
        let pace = Pace::new(Timer::new(topic.clock.clone()));
        Updates { topic, lending, current: None, pace }
    }

    /// Does not start with the current value: the first item is what is published from now on.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let heading = ctx.topic::<u32>("heading")?;
    /// heading.publish(10).await?;
    /// let mut updates = heading.updates().without_current();
    /// heading.publish(20).await?;
    /// let first = updates.recv().await.context("it has ended")?;
    /// assert_eq!((*first, first.skipped()), (20, 0));
    /// # Ok(()) });
    /// ```
    #[must_use]
    pub fn without_current(mut self) -> Self {
        self.lending = Lending::new(self.topic.subscribe(Mode::LATEST, false, None));
        self
    }

    /// At most one item in that time, measured from item to item: the first at once, then the
    /// latest.
    ///
    /// At the end of the program an item that waits for its time still does so.
    ///
    /// ```
    /// # use lifespan_plugin_api::prelude::*;
    /// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
    /// let level = ctx.topic::<u32>("level")?;
    /// let mut levels = level.updates().at_most_every(Duration::from_millis(20));
    /// let before = ctx.now();
    /// level.publish(1).await?;
    /// assert_eq!(levels.recv().await.as_deref(), Some(&1)); // at once
    /// level.publish(2).await?;
    /// level.publish(3).await?;
    /// assert_eq!(levels.recv().await.as_deref(), Some(&3)); // in its time
    /// assert!(ctx.now() - before >= 20_000_000);
    /// # Ok(()) });
    /// ```
    #[must_use]
    pub fn at_most_every(mut self, time: impl Into<Duration>) -> Self {
        self.pace.every = nanos(time.into());
        self
    }

    /// Gives an item that is no update after that time without one: see [`TimedUpdates`].
    ///
    /// The time begins with the first [`recv`](TimedUpdates::recv) after an item; dropping a `recv`
    /// does not begin it anew.
    #[must_use]
    pub fn timeout(self, time: impl Into<Duration>) -> TimedUpdates<T> {
        TimedUpdates::new(self, time.into())
    }

    /// The next update, lent until the next call; `None` at the end.
    ///
    /// Dropped before it is ready, it has taken nothing.
    pub async fn recv(&mut self) -> Option<Lent<'_, T>> {
        if !poll_fn(|context| self.poll(context)).await {
            return None;
        }
        self.current.as_ref().map(Kept::lend)
    }

    /// How many items wait: an update, or none.
    pub fn backlog(&self) -> u64 {
        self.lending.backlog()
    }

    /// The subscription as a stream of kept messages.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }

    /// Ready with `true` when `current` is a new update, with `false` at the end.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if self.pace.every > 0 {
            // The wait may be long; without one, the receive below says it.
            self.lending.done();
            if self.pace.poll_due(context).is_pending() {
                return Poll::Pending;
            }
        }
        let polled = self.lending.poll(context);
        match polled {
            Poll::Ready(true) => {
                if let Some(arrived) = self.lending.take() {
                    let message = arrived.message.clone();
                    self.current =
                        Some(Kept::new(message, Some(arrived.sequence), arrived.skipped));
                }
                self.pace.item();
            }
            Poll::Ready(false) | Poll::Pending => self.pace.on_schedule = false,
        }
        polled
    }

    /// Whether an update, if there is one, waits for its time.
    pub(super) fn is_holding(&self) -> bool {
        self.pace.every > 0 && self.pace.timer.now() < self.pace.due
    }

    /// Whether there is an update that waits only for the task to have yielded.
    pub(super) fn is_yielding(&self) -> bool {
        self.lending.has_message()
    }

    /// What was received last; before that, the topic's value.
    pub(super) fn current(&mut self) -> Option<&Kept<T>> {
        if self.current.is_none() {
            self.current = self.topic.get();
        }
        self.current.as_ref()
    }

    pub(super) fn topic(&self) -> &Topic<T> {
        &self.topic
    }
}

impl<T: Message> Source for Updates<T> {
    type Item = Kept<T>;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Kept<T>>> {
        self.poll(context).map(|news| if news { self.current.clone() } else { None })
    }
}

impl Pace {
    fn new(timer: Timer) -> Pace {
        Pace { timer, every: 0, due: 0, on_schedule: false }
    }

    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.every == 0 || self.due <= self.timer.now() && !self.timer.is_waiting() {
            return Poll::Ready(());
        }
        let polled = self.timer.poll_until(self.due, context);
        self.on_schedule = polled.is_ready();
        polled
    }

    /// An item is handed out: the next one has its time from here.
    fn item(&mut self) {
        if self.every == 0 {
            return;
        }
        let now = self.timer.now();
        // A timer fires a little late: measured from when the item was due, that does not add up.
        let late = now.saturating_sub(self.due);
        let from = if self.on_schedule && late < self.every / 2 { self.due } else { now };
        self.due = from.saturating_add(self.every);
        self.on_schedule = false;
    }
}
