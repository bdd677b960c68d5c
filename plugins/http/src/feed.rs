//! Subscriptions, and the streams of clients that share them.
//!
//! A feed is one subscription, by a pattern. What it receives is made text once, and kept for a while:
//! each stream has its own place in that. A client that is slow finds that what it has not read is
//! gone, and is told how much that was; nobody waits for it, neither the bus nor another client.

mod backlog;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::Bytes;
use lifespan_plugin_api::bus::{BusError, Delivered, Pattern};
use lifespan_plugin_api::prelude::*;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::feed::backlog::{Backlog, Place};

/// How often those who want the latest values hear of them: it is as often as an eye can follow.
const PACE: Duration = Duration::from_millis(50);

/// All feeds that there are.
pub(crate) struct Hub {
    ctx: Context,
    /// They live as long as a stream of theirs.
    feeds: Mutex<HashMap<(String, Kind), Weak<Feed>>>,
}

/// What a stream has of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Each, as long as the client keeps up.
    Every,
    /// The latest of each topic.
    Latest,
}

/// One stream's place in a feed.
pub(crate) struct Subscriber {
    feed: Arc<Feed>,
    place: Place,
    told: watch::Receiver<()>,
}

/// What a stream gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// How many messages were skipped before these.
    pub(crate) skipped: u64,
    pub(crate) frames: Vec<Bytes>,
}

/// A subscription that is shared.
struct Feed {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    backlog: Mutex<Backlog>,
    told: watch::Sender<()>,
}

/// The end of a feed, however it comes.
struct Ending(Arc<Shared>);

impl Hub {
    pub(crate) fn new(ctx: &Context) -> Hub {
        Hub { ctx: ctx.clone(), feeds: Mutex::default() }
    }

    /// A stream of what is published on the topics that match, beginning with their last values.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    pub(crate) async fn subscribe(
        &self,
        pattern: &str,
        kind: Kind,
    ) -> Result<Subscriber, BusError> {
        let key = (pattern.to_owned(), kind);
        let there = self.lock().get(&key).and_then(Weak::upgrade);
        if let Some(feed) = there {
            // Topics that have ended are no news to whoever comes now.
            feed.shared.forget_ended(&self.ctx);
            return Ok(feed.join(kind));
        }
        let opened = Arc::new(Feed::open(&self.ctx, pattern, kind).await?);
        let mut feeds = self.lock();
        feeds.retain(|_, feed| feed.strong_count() > 0);
        // Another stream may have been as fast.
        let there = feeds.get(&key).and_then(Weak::upgrade);
        let feed = there.unwrap_or_else(|| {
            feeds.insert(key, Arc::downgrade(&opened));
            opened
        });
        Ok(feed.join(kind))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, Kind), Weak<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    /// What is new; `None` when the feed has ended. Dropped before it is ready, it has taken nothing.
    pub(crate) async fn next(&mut self) -> Option<News> {
        loop {
            // Before the look, so that what comes after it wakes.
            self.told.borrow_and_update();
            let shared = &self.feed.shared;
            if let Some(news) = shared.read(|backlog| backlog.after(&mut self.place)) {
                return Some(news);
            }
            if shared.read(|backlog| backlog.ended) {
                return None;
            }
            self.told.changed().await.ok()?;
        }
    }
}

impl Feed {
    async fn open(ctx: &Context, pattern: &str, kind: Kind) -> Result<Feed, BusError> {
        let (told, _) = watch::channel(());
        let shared = Arc::new(Shared { backlog: Mutex::default(), told });
        // In this order: what is published meanwhile is then in both, and in neither it is not.
        let every = match kind {
            Kind::Every => Some(ctx.lossy_messages_of(pattern)?),
            Kind::Latest => None,
        };
        let mut latest = ctx.updates_of(pattern)?;
        let mut last = HashMap::new();
        // One of each: what is published meanwhile would keep it here for ever.
        for _ in 0..latest.backlog() {
            if latest.backlog() == 0 {
                break;
            }
            let Some(message) = latest.recv().await else { break };
            last.insert(message.topic().to_owned(), message.sequence());
            shared.push(ctx, &message);
        }
        let ending = Ending(shared.clone());
        let ctx = ctx.clone();
        let task = match every {
            Some(every) => tokio::spawn(read_every(every, ctx, last, ending)),
            None => tokio::spawn(read_latest(latest, ctx, ending)),
        };
        Ok(Feed { shared, task: task.abort_handle() })
    }

    fn join(self: Arc<Self>, kind: Kind) -> Subscriber {
        let place = self.shared.read(|backlog| backlog.join(kind));
        Subscriber { place, told: self.shared.told.subscribe(), feed: self }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn push(&self, ctx: &Context, message: &Delivered) {
        let frame = frame(message);
        self.change(|backlog| backlog.push(message.topic(), message.skipped(), frame));
        if self.read(Backlog::is_crowded) {
            self.forget_ended(ctx);
        }
    }

    fn forget_ended(&self, ctx: &Context) {
        let topics = ctx.topics();
        self.change(|backlog| backlog.forget_others(&topics));
    }

    fn change(&self, change: impl FnOnce(&mut Backlog)) {
        change(&mut self.backlog.lock().unwrap_or_else(PoisonError::into_inner));
        self.told.send_replace(());
    }

    fn read<T>(&self, read: impl FnOnce(&Backlog) -> T) -> T {
        read(&self.backlog.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.change(|backlog| backlog.ended = true);
    }
}

/// Takes all that comes, but what of it is among the `last` values already.
async fn read_every(
    mut messages: Pattern,
    ctx: Context,
    last: HashMap<String, u64>,
    ending: Ending,
) {
    let mut perhaps_known = messages.backlog();
    while let Some(message) = messages.recv().await {
        let is_known = perhaps_known > 0
            && last.get(message.topic()).is_some_and(|last| message.sequence() <= *last);
        perhaps_known = perhaps_known.saturating_sub(1);
        if !is_known {
            ending.0.push(&ctx, &message);
        }
    }
}

/// Takes the latest values, and rests when each topic has had its turn.
async fn read_latest(mut messages: Pattern, ctx: Context, ending: Ending) {
    let mut taken = 0;
    while let Some(message) = messages.recv().await {
        ending.0.push(&ctx, &message);
        taken += 1;
        if messages.backlog() == 0 || taken >= ending.0.read(Backlog::topics) {
            taken = 0;
            ctx.sleep(PACE).await;
        }
    }
}

/// A message as an event: a line of JSON, with the keys that a trace of the host has.
fn frame(message: &Delivered) -> Bytes {
    // The value is added as the text that it is: a number stays as it was written.
    let (key, value) = match message.json_text() {
        // A line ends the event; in JSON it is nothing but a blank.
        Ok(text) => ("value", text.replace(['\n', '\r'], " ")),
        Err(error) => ("error", json!(error.to_string()).to_string()),
    };
    let (topic, publisher) = (json!(message.topic()), json!(message.publisher()));
    let (sequence, skipped) = (message.sequence(), message.skipped());
    let kind = json!(message.type_name());
    Bytes::from(format!(
        "data: {{\"topic\":{topic},\"publisher\":{publisher},\"sequence\":{sequence},\
         \"skipped\":{skipped},\"type\":{kind},\"{key}\":{value}}}\n\n"
    ))
}
