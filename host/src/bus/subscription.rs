//! A subscription: its cursors on one topic, or on all that match a pattern, and what it has lent.
//!
//! Used by one task at a time; other threads only add topics to it and ask what it has not
//! delivered. Nobody waits in here: whoever finds nothing leaves a waker with the signal.

use std::collections::BTreeMap;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::async_ffi::FfiContext;
use lifespan_abi::bus::Subscription as AbiSubscription;
use lifespan_abi::{
    Batch, BusFault, Delivery, FaultCode, Mode as AbiMode, OwnedBatch, PollStatus,
    SubscribeOptions, SubscriptionBox,
};

use crate::bus::core::{Afterwards, Attach, Cursor, LentBatch, Mode};
use crate::bus::member::Instance;
use crate::bus::names::Pattern;
use crate::bus::registry::{Handle, Shared};
use crate::bus::signal::{Signal, Slot};
use crate::bus::topic::Topic;
use crate::bus::{fault, no_settings};
use crate::guard::guard;
use crate::worker::task_waker;
use lifespan_ring::Polled;

/// A subscription on behalf of an instance.
pub(super) struct Subscription {
    feeds: Arc<Feeds>,
    shared: Arc<Shared>,
    /// Its number among the instance's.
    number: u64,
    /// Of one topic: the handle that keeps it. By pattern there is none.
    handle: Option<Handle>,
}

/// A subscription's cursors, by slot, and how much it has delivered.
pub(super) struct Feeds {
    owner: Arc<Instance>,
    /// Whether it is told when messages were published: by pattern.
    stamped: bool,
    signal: Arc<Signal>,
    state: Mutex<FeedState>,
}

struct FeedState {
    mode: Mode,
    feeds: BTreeMap<Slot, Feed>,
    next: Slot,
    /// The feed whose batch is lent, or has been given away last; its messages, and how many of them
    /// are taken.
    lent: Option<(Slot, Lent)>,
    /// It has had several messages at a time, of a topic that many receive from:
    /// before it waits, it goes once round the run queue, since there may be more by then.
    lingers: bool,
    /// The subscription has ended: nothing is added any more.
    over: bool,
    /// What it has not delivered, another one delivers.
    handed_over: bool,
}

#[derive(Clone, Copy)]
struct Lent {
    messages: u64,
    taken: u64,
}

struct Feed {
    topic: Arc<Topic>,
    cursor: Cursor,
}

/// What a poll of all feeds found.
enum Found {
    /// Messages of the feed in this slot, after so many that were skipped.
    Ready(Slot, u64),
    /// None now: whoever polls is to wait.
    Empty,
    Nothing(PollStatus),
}

/// How to poll.
#[derive(Clone, Copy)]
struct Poll {
    on_task: bool,
    max: u32,
    /// Whether references are given away, with where they are from.
    gives: bool,
}

impl Subscription {
    /// Subscribes to one topic.
    pub(super) fn to_topic(
        handle: &Handle,
        instance: &Arc<Instance>,
        options: SubscribeOptions,
    ) -> Result<SubscriptionBox, BusFault> {
        let current = options.current;
        let feeds = Feeds::new(instance, options, false)?;
        if let Some(waker) = feeds.add(handle.topic(), current, &mut Afterwards::default()) {
            waker.wake();
        }
        Ok(Subscription::boxed(feeds, handle.shared().clone(), Some(handle.clone())))
    }

    /// Subscribes to all topics that match, those that come later too.
    pub(super) fn to_pattern(
        shared: &Arc<Shared>,
        instance: &Arc<Instance>,
        pattern: &str,
        options: SubscribeOptions,
    ) -> Result<SubscriptionBox, BusFault> {
        let parsed = Pattern::parse(pattern).map_err(|error| {
            fault(FaultCode::NAME, format!("`{pattern}` is not a pattern: {error}"))
        })?;
        Subscription::to_matching(shared, instance, parsed, options)
    }

    /// The same for a pattern that has been read.
    pub(super) fn to_matching(
        shared: &Arc<Shared>,
        instance: &Arc<Instance>,
        pattern: Pattern,
        options: SubscribeOptions,
    ) -> Result<SubscriptionBox, BusFault> {
        let current = options.current;
        let feeds = Feeds::new(instance, options, true)?;
        shared.listen(pattern, &feeds, current);
        Ok(Subscription::boxed(feeds, shared.clone(), None))
    }

    fn boxed(feeds: Arc<Feeds>, shared: Arc<Shared>, handle: Option<Handle>) -> SubscriptionBox {
        let number = feeds.owner.began(&feeds);
        let subscription = Subscription { feeds, shared, number, handle };
        SubscriptionBox::from_value(subscription, TD_Opaque)
    }

    /// Looks for messages: what `take` makes of them; or else the status, and whoever polls is woken
    /// when there may be some.
    fn look<T>(
        &self,
        context: &mut FfiContext<'_>,
        poll: Poll,
        take: impl Fn(&FeedState, Slot, u64) -> Option<T>,
    ) -> Result<T, PollStatus> {
        let signal = &self.feeds.signal;
        let mut waker = None;
        loop {
            {
                let mut after = Afterwards::default();
                let mut state = self.feeds.lock();
                match self.poll(&mut state, poll, &mut after) {
                    Found::Ready(slot, skipped) => {
                        return take(&state, slot, skipped).ok_or(PollStatus::FAILED);
                    }
                    Found::Nothing(status) => return Err(status),
                    Found::Empty => {}
                }
            }
            // Without a lock, since copying and dropping a plugin's waker is code of the plugin's. What
            // has been raised since the look is in the signal.
            let ours = waker.take().unwrap_or_else(|| self::waker(context, poll.on_task));
            match signal.park(ours) {
                Ok(_before) => return Err(PollStatus::PENDING),
                Err(ours) => waker = Some(ours),
            }
            if self.handle.is_some() {
                signal.clear();
            }
        }
    }

    /// Gives back what was lent, then looks for more.
    fn poll(&self, state: &mut FeedState, poll: Poll, after: &mut Afterwards) -> Found {
        match self.handle {
            Some(_) => self.poll_topic(state, poll, after),
            None => self.poll_pattern(state, poll, after),
        }
    }

    /// Of one topic: it is looked at whether the signal was raised or not.
    fn poll_topic(&self, state: &mut FeedState, poll: Poll, after: &mut Afterwards) -> Found {
        loop {
            let Some((&slot, feed)) = state.feeds.iter_mut().next() else {
                return Found::Nothing(PollStatus::CLOSED);
            };
            if state.lingers && !feed.cursor.has_news() && linger(poll.on_task) {
                state.lingers = false;
                state.release(after);
                return Found::Nothing(PollStatus::PENDING);
            }
            // It releases what it has lent.
            state.lent = None;
            match feed.poll(poll, after) {
                Polled::Ready { skipped } => {
                    state.lend(slot);
                    return Found::Ready(slot, skipped);
                }
                Polled::Ended => state.remove(slot, after),
                Polled::Empty => return Found::Empty,
            }
        }
    }

    /// By pattern: what has raised the signal is looked at in turn.
    fn poll_pattern(&self, state: &mut FeedState, poll: Poll, after: &mut Afterwards) -> Found {
        let signal = &self.feeds.signal;
        state.release(after);
        while let Some(slot) = signal.next() {
            let Some(feed) = state.feeds.get_mut(&slot) else { continue };
            match feed.poll(poll, after) {
                Polled::Ready { skipped } => {
                    signal.again(slot);
                    state.lend(slot);
                    return Found::Ready(slot, skipped);
                }
                Polled::Empty => {}
                Polled::Ended => state.remove(slot, after),
            }
        }
        // Others may come until the bus is closed.
        if self.shared.is_closed() && state.feeds.is_empty() {
            return Found::Nothing(PollStatus::CLOSED);
        }
        Found::Empty
    }

    fn poll_batch(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Batch {
        let batch =
            self.look(context, Poll { on_task, max, gives: false }, |state, slot, skipped| {
                let LentBatch { messages, len, sequence } = state.feeds.get(&slot)?.cursor.lent();
                Some(Batch { status: PollStatus::READY, len, messages, sequence, skipped })
            });
        batch.unwrap_or_else(nothing)
    }

    fn poll_owned(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> OwnedBatch {
        let batch =
            self.look(context, Poll { on_task, max, gives: true }, |state, slot, mut skipped| {
                let feed = state.feeds.get(&slot)?;
                let deliveries = feed.cursor.entries().into_iter().map(|entry| Delivery {
                    message: entry.message,
                    publisher: entry.origin.publisher,
                    published: entry.origin.published,
                    sequence: entry.sequence,
                    skipped: mem::take(&mut skipped),
                });
                Some(OwnedBatch {
                    status: PollStatus::READY,
                    topic: (*feed.topic.name).into(),
                    deliveries: deliveries.collect(),
                })
            });
        batch.unwrap_or_else(OwnedBatch::nothing)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        guard(
            "bus: end a subscription",
            || (),
            || {
                let undelivered = self.feeds.undelivered();
                self.feeds.owner.ended(self.number, undelivered, self.shared.is_closed());
                self.feeds.end();
            },
        );
    }
}

impl AbiSubscription for Subscription {
    fn poll_batch(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Batch {
        let poll = || self.poll_batch(context, on_task, max);
        guard("bus: receive", || nothing(PollStatus::FAILED), poll)
    }

    fn taken(&mut self, count: u32) {
        guard("bus: taken", || (), || self.feeds.taken(count.into()));
    }

    fn poll_owned(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> OwnedBatch {
        let failed = || OwnedBatch::nothing(PollStatus::FAILED);
        guard("bus: receive", failed, || self.poll_owned(context, on_task, max))
    }

    fn hand_over(&mut self) {
        guard("bus: hand over", || (), || self.feeds.lock().handed_over = true);
    }

    fn backlog(&self) -> u64 {
        guard("bus: backlog", || 0, || self.feeds.backlog())
    }
}

impl Feeds {
    fn new(
        owner: &Arc<Instance>,
        options: SubscribeOptions,
        stamped: bool,
    ) -> Result<Arc<Feeds>, BusFault> {
        no_settings("a subscription", &options.settings)?;
        let mode = match (options.mode, options.key.into_option()) {
            (AbiMode::LATEST, None) => Mode::Ring(lifespan_ring::Mode::Latest),
            (AbiMode::LOSSLESS, None) => Mode::Ring(lifespan_ring::Mode::Lossless),
            (AbiMode::LOSSY, None) => Mode::Ring(lifespan_ring::Mode::Lossy),
            (AbiMode::KEYED, Some(key)) => Mode::Keyed(Arc::new(key)),
            (AbiMode::KEYED, None) => {
                return Err(fault(FaultCode::OPTIONS, "a subscription by key needs a key"));
            }
            (AbiMode::LATEST | AbiMode::LOSSLESS | AbiMode::LOSSY, Some(_)) => {
                return Err(fault(FaultCode::OPTIONS, "only a subscription by key has a key"));
            }
            (AbiMode(other), _) => {
                let reason = format!("this host knows no mode {other} of subscriptions");
                return Err(fault(FaultCode::OPTIONS, reason));
            }
        };
        let state = Mutex::new(FeedState::new(mode));
        let signal = if stamped { Signal::default() } else { Signal::of_one_topic() };
        Ok(Arc::new(Feeds { owner: owner.clone(), stamped, signal: Arc::new(signal), state }))
    }

    /// Adds a topic; whom to wake, and what to drop, outside every lock. With `current` the plugin may
    /// be asked for a key, so it is not called under a lock then.
    #[must_use]
    pub(super) fn add(
        &self,
        topic: &Arc<Topic>,
        current: bool,
        after: &mut Afterwards,
    ) -> Option<Waker> {
        let (slot, mode) = {
            let mut state = self.lock();
            state.next += 1;
            (state.next, state.mode.clone())
        };
        let cursor = topic.core.attach(Attach {
            mode,
            current,
            stamped: self.stamped,
            owner: self.owner.clone(),
            signal: self.signal.clone(),
            slot,
        });
        {
            let mut state = self.lock();
            if !state.over {
                state.feeds.insert(slot, Feed { topic: topic.clone(), cursor });
                return self.signal.raise(slot);
            }
        }
        topic.core.detach(cursor, after);
        None
    }

    /// Lets whoever waits look again, though no topic has anything.
    pub(super) fn nudge(&self) {
        // Slots count from 1.
        if let Some(waker) = self.signal.raise(0) {
            waker.wake();
        }
    }

    /// How many messages have not been delivered.
    pub(super) fn backlog(&self) -> u64 {
        self.undelivered().into_iter().map(|(_, messages)| messages).sum()
    }

    /// How many messages of each topic have not been delivered, and will not be by others.
    pub(super) fn undelivered(&self) -> Vec<(Arc<str>, u64)> {
        // Under the lock, so that nothing that is a plugin's is held, and perhaps dropped, here.
        let state = self.lock();
        if state.handed_over {
            return Vec::new();
        }
        let count = |(slot, feed): (&Slot, &Feed)| {
            let lent = state.lent.filter(|(from, _)| from == slot);
            let untaken = lent.map_or(0, |(_, lent)| lent.messages.saturating_sub(lent.taken));
            (feed.topic.name.clone(), untaken + feed.cursor.pending(&feed.topic.core))
        };
        state.feeds.iter().map(count).collect()
    }

    fn taken(&self, count: u64) {
        if let Some((_, lent)) = &mut self.lock().lent {
            lent.taken = count;
        }
    }

    fn end(&self) {
        let mut after = Afterwards::default();
        let (feeds, _mode) = {
            let mut state = self.lock();
            state.over = true;
            state.lent = None;
            // Whoever has this at the moment may be the last, and shall not drop what is a plugin's.
            let mode = mem::replace(&mut state.mode, Mode::Ring(lifespan_ring::Mode::Latest));
            (mem::take(&mut state.feeds), mode)
        };
        after.drop_waker(self.signal.end());
        for feed in feeds.into_values() {
            feed.topic.core.detach(feed.cursor, &mut after);
        }
    }

    fn lock(&self) -> MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FeedState {
    fn new(mode: Mode) -> FeedState {
        let (feeds, lent) = (BTreeMap::new(), None);
        FeedState { mode, feeds, next: 0, lent, lingers: false, over: false, handed_over: false }
    }

    fn lend(&mut self, slot: Slot) {
        let feed = self.feeds.get(&slot);
        let messages = feed.map_or(0, |feed| feed.cursor.lent().len.into());
        self.lingers = messages > 1 && feed.is_some_and(|feed| feed.topic.core.has_many());
        self.lent = Some((slot, Lent { messages, taken: 0 }));
    }

    fn release(&mut self, after: &mut Afterwards) {
        if let Some((slot, _)) = self.lent.take()
            && let Some(feed) = self.feeds.get_mut(&slot)
        {
            feed.cursor.release(&feed.topic.core, after);
        }
    }

    fn remove(&mut self, slot: Slot, after: &mut Afterwards) {
        if let Some(feed) = self.feeds.remove(&slot) {
            feed.topic.core.detach(feed.cursor, after);
            after.forget_topic(feed.topic);
        }
    }
}

impl Feed {
    fn poll(&mut self, poll: Poll, after: &mut Afterwards) -> Polled {
        let core = &self.topic.core;
        let max = if poll.max == 0 { core.batch() } else { poll.max.into() };
        self.cursor.poll(core, max, poll.gives, after)
    }
}

/// Lets the task be polled again when the others have been, if it is one of the host's own.
fn linger(on_task: bool) -> bool {
    let own = if on_task { task_waker() } else { None };
    own.is_some_and(|own| {
        own.wake();
        true
    })
}

/// Who is to be woken: the host's own waker of the task that polls, where there is one and the
/// plugin says that it is polled by it; a copy of the plugin's otherwise.
pub(super) fn waker(context: &mut FfiContext<'_>, on_task: bool) -> Waker {
    let own = if on_task { task_waker() } else { None };
    own.unwrap_or_else(|| context.with_context(|context| context.waker().clone()))
}

fn nothing(status: PollStatus) -> Batch {
    Batch { status, len: 0, messages: ptr::null(), sequence: 0, skipped: 0 }
}
