//! The latest value, with items that tell that there was none.

use std::future::poll_fn;
use std::ops::Deref;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::bus::owned::{Owned, Source};
use crate::bus::timer::Timer;
use crate::bus::updates::Updates;
use crate::message::{Kept, Lent, Message};
use crate::time::nanos;

/// [`Updates`] with a timeout. See [`Updates::timeout`].
///
/// ```
/// # use lifespan_plugin_api::prelude::*;
/// # lifespan::example::run(["ctx"], Context::of_services, async |[ctx]| {
/// let heartbeat = ctx.topic::<u32>("heartbeat")?;
/// let mut beats = heartbeat.updates().timeout(Duration::from_millis(5));
/// let say = |beat: Update<Lent<'_, u32>>| match beat {
///     Update::New(beat) => format!("alive at {beat}"),
///     Update::Timeout(Some(last)) => format!("silent since {last}"),
///     Update::Timeout(None) => "never heard of".to_owned(),
/// };
/// assert_eq!(beats.recv().await.map(say).as_deref(), Some("never heard of"));
/// heartbeat.publish(7).await?;
/// assert_eq!(beats.recv().await.map(say).as_deref(), Some("alive at 7"));
/// assert_eq!(beats.recv().await.map(say).as_deref(), Some("silent since 7"));
/// # Ok(()) });
/// ```
pub struct TimedUpdates<T: Message> {
    updates: Updates<T>,
    limit: u64,
    timer: Timer,
    /// When the wait that is under way ends.
    deadline: Option<u64>,
}

/// An item of [`TimedUpdates`]: of [`Lent`] values, or of [`Kept`] ones from its stream.
#[derive(Debug)]
pub enum Update<V> {
    /// A new value, or the current one at the beginning.
    New(V),
    /// There was none for that long: no update. With the current value, if there is one.
    Timeout(Option<V>),
}

impl<V> Update<V> {
    /// Whether this is no update.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Update::Timeout(_))
    }
}

impl<V: Deref> Update<V> {
    /// The current value, new or not.
    pub fn value(&self) -> Option<&V::Target> {
        match self {
            Update::New(value) => Some(value),
            Update::Timeout(value) => value.as_deref(),
        }
    }
}

impl<T: Message> TimedUpdates<T> {
    pub(super) fn new(updates: Updates<T>, time: Duration) -> Self {
        let timer = Timer::new(updates.topic().clock.clone());
        TimedUpdates { updates, limit: nanos(time), timer, deadline: None }
    }

    /// As [`Updates::at_most_every`]. While an update waits for its time there is no timeout.
    #[must_use]
    pub fn at_most_every(mut self, time: impl Into<Duration>) -> Self {
        self.updates = self.updates.at_most_every(time);
        self
    }

    /// As [`Updates::without_current`].
    #[must_use]
    pub fn without_current(mut self) -> Self {
        self.updates = self.updates.without_current();
        self
    }

    /// The next item, lent until the next call; `None` at the end.
    ///
    /// Dropped before it is ready, it has taken nothing.
    pub async fn recv(&mut self) -> Option<Update<Lent<'_, T>>> {
        match poll_fn(|context| self.poll(context)).await {
            Found::News => self.updates.current().map(|current| Update::New(current.lend())),
            Found::Timeout => Some(Update::Timeout(self.updates.current().map(Kept::lend))),
            Found::End => None,
        }
    }

    /// How many items wait: an update, or none.
    pub fn backlog(&self) -> u64 {
        self.updates.backlog()
    }

    /// The subscription as a stream of kept messages.
    pub fn owned(self) -> Owned<Self> {
        Owned::new(self)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Found> {
        if let Poll::Ready(news) = self.updates.poll(context) {
            self.deadline = None;
            return Poll::Ready(if news { Found::News } else { Found::End });
        }
        if self.updates.is_yielding() {
            // There is news: the task has been woken to fetch it.
            return Poll::Pending;
        }
        let limit = self.limit;
        let deadline = *self.deadline.get_or_insert_with(|| self.timer.now().saturating_add(limit));
        if self.updates.is_holding() || self.timer.poll_until(deadline, context).is_pending() {
            return Poll::Pending;
        }
        self.deadline = None;
        Poll::Ready(Found::Timeout)
    }
}

enum Found {
    News,
    Timeout,
    End,
}

impl<T: Message> Source for TimedUpdates<T> {
    type Item = Update<Kept<T>>;

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context).map(|found| match found {
            Found::News => self.updates.current().cloned().map(Update::New),
            Found::Timeout => Some(Update::Timeout(self.updates.current().cloned())),
            Found::End => None,
        })
    }
}
