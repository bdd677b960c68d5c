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
    Batch, BusFault, Delivery, FaultCode, Message, Mode as AbiMode, OwnedBatch, PollStatus,
    SubscribeOptions, SubscriptionBox,
};

use crate::bus::core::{Attach, CursorId, Entry, Mode, Polled};
use crate::bus::fault;
use crate::bus::member::Instance;
use crate::bus::names::Pattern;
use crate::bus::registry::{Handle, Shared};
use crate::bus::signal::{Signal, Slot};
use crate::bus::topic::Topic;
use crate::guard::guard;
use crate::worker::task_waker;

/// A subscription on behalf of an instance.
pub(super) struct Subscription {
    feeds: Arc<Feeds>,
    shared: Arc<Shared>,
    /// Its number among the instance's.
    number: u64,
    /// Of one topic: the handle that keeps it. By pattern there is none.
    handle: Option<Handle>,
    /// The batch that is lent, as the plugin sees it.
    lent: Vec<Message>,
    /// Where a poll puts what it finds; empty between polls.
    found: Vec<Entry>,
}

/// A subscription's cursors, by slot, and how much it has delivered.
pub(super) struct Feeds {
    mode: Mode,
    owner: Arc<Instance>,
    signal: Arc<Signal>,
    state: Mutex<FeedState>,
}

#[derive(Default)]
struct FeedState {
    feeds: BTreeMap<Slot, Feed>,
    next: Slot,
    lent: Option<Lent>,
    /// The subscription has ended: nothing is added any more.
    over: bool,
}

/// The batch that is lent, or has been given away last.
#[derive(Clone, Copy)]
struct Lent {
    from: Slot,
    messages: u64,
    taken: u64,
}

#[derive(Clone)]
struct Feed {
    topic: Arc<Topic>,
    cursor: CursorId,
}

/// What a poll of all feeds found.
enum Found {
    /// Messages of this feed, after so many that were skipped.
    Ready(Feed, u64),
    Nothing(PollStatus),
}

impl Subscription {
    /// Subscribes to one topic.
    pub(super) fn to_topic(
        handle: &Handle,
        instance: &Arc<Instance>,
        options: SubscribeOptions,
    ) -> Result<SubscriptionBox, BusFault> {
        let current = options.current;
        let feeds = Feeds::new(instance, options)?;
        if let Some(waker) = feeds.add(handle.topic(), current) {
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
        let feeds = Feeds::new(instance, options)?;
        shared.listen(pattern, &feeds, current);
        Ok(Subscription::boxed(feeds, shared.clone(), None))
    }

    fn boxed(feeds: Arc<Feeds>, shared: Arc<Shared>, handle: Option<Handle>) -> SubscriptionBox {
        let number = feeds.owner.began(&feeds);
        let (lent, found) = (Vec::new(), Vec::new());
        let subscription = Subscription { feeds, shared, number, handle, lent, found };
        SubscriptionBox::from_value(subscription, TD_Opaque)
    }

    /// Gives back what was lent, then looks for more; `found` has it.
    fn poll(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Found {
        self.lent.clear();
        self.feeds.release();
        loop {
            while let Some(slot) = self.feeds.signal.next() {
                let Some(feed) = self.feeds.get(slot) else { continue };
                match feed.topic.core.poll(feed.cursor, max, &mut self.found) {
                    Polled::Ready { skipped } => {
                        self.feeds.signal.again(slot);
                        self.feeds.lend(slot, self.found.len() as u64);
                        return Found::Ready(feed, skipped);
                    }
                    Polled::Empty => {}
                    Polled::Ended => self.feeds.remove(slot),
                }
            }
            if self.has_ended() {
                return Found::Nothing(PollStatus::CLOSED);
            }
            if self.feeds.signal.park(waker(context, on_task)).is_ok() {
                return Found::Nothing(PollStatus::PENDING);
            }
        }
    }

    fn poll_batch(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> Batch {
        match self.poll(context, on_task, max) {
            Found::Nothing(status) => nothing(status),
            Found::Ready(_, skipped) => {
                let sequence = self.found.first().map_or(0, |entry| entry.sequence);
                self.lent.extend(self.found.drain(..).map(|entry| entry.message));
                Batch {
                    status: PollStatus::READY,
                    len: self.lent.len() as u32,
                    messages: self.lent.as_ptr(),
                    sequence,
                    skipped,
                }
            }
        }
    }

    fn poll_owned(&mut self, context: &mut FfiContext<'_>, on_task: bool, max: u32) -> OwnedBatch {
        match self.poll(context, on_task, max) {
            Found::Nothing(status) => OwnedBatch::nothing(status),
            Found::Ready(feed, mut skipped) => {
                let deliveries = self.found.drain(..).map(|entry| Delivery {
                    message: entry.message,
                    publisher: entry.publisher,
                    published: entry.published,
                    sequence: entry.sequence,
                    skipped: mem::take(&mut skipped),
                });
                OwnedBatch {
                    status: PollStatus::READY,
                    topic: (*feed.topic.name).into(),
                    deliveries: deliveries.collect(),
                }
            }
        }
    }

    fn has_ended(&self) -> bool {
        // Of one topic: its feed has been drained and removed. By pattern, others may come until
        // the bus is closed.
        (self.handle.is_some() || self.shared.is_closed()) && self.feeds.is_empty()
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

    fn backlog(&self) -> u64 {
        guard("bus: backlog", || 0, || self.feeds.backlog())
    }
}

impl Feeds {
    fn new(owner: &Arc<Instance>, options: SubscribeOptions) -> Result<Arc<Feeds>, BusFault> {
        let mode = match (options.mode, options.key.into_option()) {
            (AbiMode::LATEST, None) => Mode::Latest,
            (AbiMode::LOSSLESS, None) => Mode::Lossless,
            (AbiMode::LOSSY, None) => Mode::Lossy,
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
        let (owner, signal) = (owner.clone(), Arc::default());
        Ok(Arc::new(Feeds { mode, owner, signal, state: Mutex::default() }))
    }

    /// Adds a topic; whom to wake, outside every lock. With `current` the plugin may be asked for a
    /// key, so it is not called under a lock then.
    #[must_use]
    pub(super) fn add(&self, topic: &Arc<Topic>, current: bool) -> Option<Waker> {
        let slot = {
            let mut state = self.lock();
            state.next += 1;
            state.next
        };
        let cursor = topic.core.attach(Attach {
            mode: self.mode.clone(),
            current,
            owner: self.owner.clone(),
            signal: self.signal.clone(),
            slot,
        });
        let feed = Feed { topic: topic.clone(), cursor };
        {
            let mut state = self.lock();
            if !state.over {
                state.feeds.insert(slot, feed);
                return self.signal.raise(slot);
            }
        }
        topic.core.detach(cursor);
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

    /// How many messages of each topic have not been delivered.
    pub(super) fn undelivered(&self) -> Vec<(Arc<str>, u64)> {
        let (feeds, lent) = {
            let state = self.lock();
            (state.feeds.clone(), state.lent)
        };
        let count = |(slot, feed): (Slot, Feed)| {
            let lent = lent.filter(|lent| lent.from == slot);
            let untaken = lent.map_or(0, |lent| lent.messages.saturating_sub(lent.taken));
            (feed.topic.name.clone(), untaken + feed.topic.core.pending(feed.cursor))
        };
        feeds.into_iter().map(count).collect()
    }

    fn get(&self, slot: Slot) -> Option<Feed> {
        self.lock().feeds.get(&slot).cloned()
    }

    fn remove(&self, slot: Slot) {
        let removed = self.lock().feeds.remove(&slot);
        if let Some(feed) = removed {
            feed.topic.core.detach(feed.cursor);
        }
    }

    fn is_empty(&self) -> bool {
        self.lock().feeds.is_empty()
    }

    fn lend(&self, slot: Slot, messages: u64) {
        self.lock().lent = Some(Lent { from: slot, messages, taken: 0 });
    }

    fn taken(&self, count: u64) {
        if let Some(lent) = &mut self.lock().lent {
            lent.taken = count;
        }
    }

    fn release(&self) {
        let lent = self.lock().lent.take();
        if let Some(lent) = lent
            && let Some(feed) = self.get(lent.from)
        {
            feed.topic.core.release(feed.cursor);
        }
    }

    fn end(&self) {
        let feeds = {
            let mut state = self.lock();
            state.over = true;
            mem::take(&mut state.feeds)
        };
        for feed in feeds.into_values() {
            feed.topic.core.detach(feed.cursor);
        }
    }

    fn lock(&self) -> MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
