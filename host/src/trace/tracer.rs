//! The thread that looks on: it takes what is published, has it shown, and tells the sink.
//!
//! It is a thread of its own because both may take their time: a message is shown by code of the
//! plugin that made it, and the sink is the embedder's. Neither may hold up the dispatcher or a worker;
//! and workers that are blocked do not keep the tracer from telling what led to it.

use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lifespan_abi::async_ffi::ContextExt;
use lifespan_abi::{Delivery, Message, PollStatus, SubscriptionBox};
use serde::de::IgnoredAny;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tracing::{error, warn};

use super::{BusTrace, Sink, TracedMessage};
use crate::bus::Bus;
use crate::clock::Clock;
use crate::guard::{discard, message};

/// How many messages are put in the order of their times together.
const ROUND: usize = 1024;

/// How long the end of a run waits for a sink that does not return.
const PATIENCE: Duration = Duration::from_secs(2);

/// A wall clock that has moved by more than this against the host's was set, or the system slept.
const WAS_SET: Duration = Duration::from_millis(50);

/// A tracer's thread, as the run knows it.
pub(crate) struct Tracer {
    /// Dropped, it tells that the run is over.
    run: watch::Sender<()>,
    ended: Receiver<()>,
    /// How many messages the sink has had.
    told: Arc<AtomicU64>,
}

/// What the thread has.
struct Tracing {
    sink: Arc<Sink>,
    told: Arc<AtomicU64>,
    run: watch::Receiver<()>,
    feed: Feed,
    names: Names,
    wall: Wall,
}

/// What comes from the bus.
struct Feed {
    subscription: SubscriptionBox,
    /// What is told next, each with its place in time.
    round: Vec<(u64, Arc<str>, Delivery)>,
    /// How far each topic's time has come in this round. Publishers look at the clock before it is
    /// their turn, so by their times alone a topic's messages could lose their order.
    times: HashMap<Arc<str>, u64>,
}

/// The names of publishers that are known already.
struct Names {
    bus: Bus,
    known: HashMap<u64, Arc<str>>,
}

/// Tells the wall time of what has a time on the host's clock.
struct Wall {
    clock: Clock,
    /// One moment on both.
    anchor: (u64, SystemTime),
}

impl Tracer {
    /// Looks on from now.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(trace: &BusTrace, bus: &Bus, clock: &Clock) -> io::Result<Tracer> {
        let subscription = bus.observe(trace.pattern.clone());
        let subscription = subscription.map_err(|fault| io::Error::other(fault.reason.as_str()))?;
        let (run, runs) = watch::channel(());
        let (tell_end, ended) = channel();
        let told = Arc::<AtomicU64>::default();
        let mut tracing = Tracing {
            sink: trace.sink.clone(),
            told: told.clone(),
            run: runs,
            feed: Feed { subscription, round: Vec::new(), times: HashMap::new() },
            names: Names { bus: bus.clone(), known: HashMap::new() },
            wall: Wall::new(clock.clone()),
        };
        let runtime = Builder::new_current_thread().build()?;
        thread::Builder::new().name("lifespan-trace".into()).spawn(move || {
            let traced = catch_unwind(AssertUnwindSafe(|| tracing.trace(&runtime)));
            // What is left of the bus ends here, and then the run may.
            let ended = catch_unwind(AssertUnwindSafe(|| drop(tracing)));
            say_panic(traced.and(ended));
            end(&tell_end);
        })?;
        Ok(Tracer { run, ended, told })
    }

    /// Waits until everything is told, at most `limit`, and not while the sink takes nothing.
    pub(crate) fn finish(self, limit: Duration) {
        let Tracer { run, ended, told } = self;
        drop(run);
        let begun = Instant::now();
        loop {
            // Relaxed: only whether it moves matters.
            let before = told.load(Ordering::Relaxed);
            let left = limit.saturating_sub(begun.elapsed());
            match ended.recv_timeout(left.min(PATIENCE)) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if left <= PATIENCE || told.load(Ordering::Relaxed) == before {
                let waited = begun.elapsed().as_secs_f64();
                warn!("the trace of the bus is cut off: it was not taken within {waited:.1} s");
                return;
            }
        }
    }
}

impl Tracing {
    /// Tells of what passes until the bus has been closed, or the run is over.
    fn trace(&mut self, runtime: &Runtime) {
        // Once the run is over: how many messages there still were then. Somebody who was given up
        // may publish for ever.
        let mut left = None;
        while left != Some(0) && runtime.block_on(self.next_round()) {
            if left.is_none() && self.is_over() {
                left = Some(self.feed.round.len() as u64 + self.feed.subscription.backlog());
            }
            let count = self.tell_round();
            left = left.map(|left| left.saturating_sub(count));
        }
    }

    /// Waits for something to tell. Answers whether there is.
    async fn next_round(&mut self) -> bool {
        let (feed, run) = (&mut self.feed, &mut self.run);
        tokio::select! {
            biased;
            more = poll_fn(|context| feed.poll(context)) => more,
            _over = run.changed() => false,
        }
    }

    fn is_over(&self) -> bool {
        self.run.has_changed().is_err()
    }

    fn tell_round(&mut self) -> u64 {
        self.wall.look();
        let mut round = std::mem::take(&mut self.feed.round);
        round.sort_by_key(|(time, ..)| *time);
        let mut count = 0;
        for (_, topic, delivery) in round.drain(..) {
            let traced = TracedMessage {
                topic,
                publisher: self.names.get(delivery.publisher),
                sequence: delivery.sequence,
                skipped: delivery.skipped,
                published: (delivery.published > 0).then(|| self.wall.at(delivery.published)),
                type_name: delivery.message.kind().name().as_str(),
                value: shown(&delivery.message),
            };
            (self.sink)(&traced);
            self.told.fetch_add(1, Ordering::Relaxed);
            count += 1;
        }
        self.feed.round = round;
        self.feed.times.clear();
        count
    }
}

impl Feed {
    /// Takes what there is. Ready with whether there was something; not ready while there is nothing.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while self.round.len() < ROUND {
            let batch =
                context.with_ffi_context(|context| self.subscription.poll_owned(context, false, 0));
            match batch.status {
                PollStatus::READY => self.put(batch.topic.as_str(), batch.deliveries),
                PollStatus::PENDING if self.round.is_empty() => return Poll::Pending,
                PollStatus::PENDING => break,
                _ => return Poll::Ready(!self.round.is_empty()),
            }
        }
        Poll::Ready(true)
    }

    fn put(&mut self, topic: &str, deliveries: impl IntoIterator<Item = Delivery>) {
        let known = self.times.get_key_value(topic).map(|(name, time)| (name.clone(), *time));
        let (topic, mut time) = known.unwrap_or_else(|| (topic.into(), 0));
        for delivery in deliveries {
            time = time.max(delivery.published);
            self.round.push((time, topic.clone(), delivery));
        }
        self.times.insert(topic, time);
    }
}

impl Names {
    fn get(&mut self, number: u64) -> Arc<str> {
        let name = || self.bus.instance_name(number).unwrap_or_default();
        self.known.entry(number).or_insert_with(name).clone()
    }
}

impl Wall {
    fn new(clock: Clock) -> Wall {
        Wall { anchor: (clock.now(), SystemTime::now()), clock }
    }

    /// Looks whether the wall clock was set.
    fn look(&mut self) {
        let (now, wall) = (self.clock.now(), SystemTime::now());
        let expected = self.at(now);
        let off = wall.duration_since(expected).unwrap_or_else(|error| error.duration());
        if off > WAS_SET {
            self.anchor = (now, wall);
        }
    }

    fn at(&self, time: u64) -> SystemTime {
        let (anchor, wall) = self.anchor;
        let distance = Duration::from_nanos(time.abs_diff(anchor));
        let at =
            if time < anchor { wall.checked_sub(distance) } else { wall.checked_add(distance) };
        at.unwrap_or(wall)
    }
}

/// A message as JSON text on one line. The plugin's word for it is not taken.
fn shown(message: &Message) -> Result<String, String> {
    let text = message.to_json()?;
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&text) {
        return Err(format!("what its publisher shows of it is no JSON: {error}"));
    }
    // Within strings there is no line break: there it is written as `\n`.
    Ok(if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text })
}

fn say_panic(traced: Result<(), Box<dyn Any + Send>>) {
    if let Err(panic) = traced {
        error!("the trace of the bus has ended, since its sink panicked: {}", message(&*panic));
        discard(panic);
    }
}

fn end(tell: &Sender<()>) {
    // Nobody waits any more if it took too long.
    tell.send(()).unwrap_or_default();
}

#[cfg(test)]
mod tests;
