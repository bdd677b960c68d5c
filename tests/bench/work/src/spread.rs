//! Publishers that publish as fast as they can, and subscribers of which each gets every message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::{Result, ensure};
use lifespan_plugin_api::bus::{Encoded, Kept, Messages, Topic};

use crate::CAPACITY;
use crate::calls::{Keep, Sendable, get, publish, publish_burst, receive, yield_now};
use crate::figures::{self, Figure, tell};
use crate::tally::{Tally, sequence};

const TOPIC: &str = "bench/spread";

/// Messages in a burst.
pub const BURST: u64 = 128;

/// Reads of the last value between two yields.
pub const READS: u32 = 32;

/// One such run.
#[derive(Args, Clone, Debug)]
pub struct Spread {
    /// How many messages each publisher publishes
    #[arg(long)]
    pub messages: u64,
    /// How many publishers there are
    #[arg(long, default_value_t = 1)]
    pub publishers: u64,
    /// How many subscribers there are
    #[arg(long)]
    pub subscribers: u64,
    /// The size of a message: 16 or 1024
    #[arg(long)]
    pub bytes: u32,
    /// How many messages the first subscriber keeps
    #[arg(long, default_value_t = 0)]
    pub keep: usize,
    /// How often each subscriber lets others run for each message
    #[arg(long, default_value_t = 0)]
    pub yields: u32,
    /// Publish in bursts
    #[arg(long)]
    pub burst: bool,
    /// Read the last value meanwhile
    #[arg(long)]
    pub read_last: bool,
}

/// A publisher's part.
pub struct Publisher<M: Sendable> {
    spread: Spread,
    number: u64,
    topic: Topic<M>,
    figures: Topic<Encoded<Figure>>,
}

/// The part of an instance with all subscribers.
pub struct Subscribers<M: Sendable> {
    spread: Spread,
    subscriptions: Vec<Messages<M>>,
    figures: Topic<Encoded<Figure>>,
}

impl Spread {
    /// The run as arguments of a plugin.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, value) in [
            ("--messages", self.messages),
            ("--publishers", self.publishers),
            ("--subscribers", self.subscribers),
            ("--bytes", self.bytes.into()),
            ("--keep", self.keep as u64),
            ("--yields", self.yields.into()),
        ] {
            words.extend([name.to_owned(), value.to_string()]);
        }
        let flags = [(self.burst, "--burst"), (self.read_last, "--read-last")];
        words.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag.to_owned()));
        words
    }

    /// How many figures are told.
    pub fn figures(&self) -> u64 {
        self.publishers + self.subscribers
    }

    /// How many messages all subscribers together receive.
    pub fn deliveries(&self) -> u64 {
        self.messages * self.publishers * self.subscribers
    }
}

impl<M: Sendable> Publisher<M> {
    /// The publisher of that number, from 0: its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened, or the size is another.
    pub fn new(ctx: &Context, spread: &Spread, number: u64) -> Result<Self> {
        ensure!(spread.bytes == M::BYTES, "messages have {} bytes", M::BYTES);
        Ok(Publisher {
            spread: spread.clone(),
            number,
            topic: ctx.topic_with_capacity(TOPIC, CAPACITY)?,
            figures: figures::topic(ctx)?,
        })
    }

    /// Its task.
    ///
    /// # Errors
    ///
    /// Publishing has ended.
    pub async fn run(self, ctx: Context) -> Result<()> {
        let over = Arc::new(AtomicBool::new(false));
        if self.spread.read_last {
            ctx.spawn(read_last(self.topic.clone(), over.clone()));
        }
        let at = ctx.now();
        let mut next = 0;
        while next < self.spread.messages {
            let burst = if self.spread.burst { BURST } else { 1 };
            let end = (next + burst).min(self.spread.messages);
            if self.spread.burst {
                let burst = (next..end).map(|count| M::make(sequence(self.number, count)));
                publish_burst(&self.topic, burst).await?;
            } else {
                publish(&self.topic, M::make(sequence(self.number, next))).await?;
            }
            next = end;
        }
        over.store(true, Ordering::Relaxed);
        Ok(tell(&self.figures, Figure::Began { at }).await?)
    }
}

impl<M: Sendable> Subscribers<M> {
    /// All of them: their set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened, or the size is another.
    pub fn new(ctx: &Context, spread: &Spread) -> Result<Self> {
        ensure!(spread.bytes == M::BYTES, "messages have {} bytes", M::BYTES);
        let topic = ctx.topic_with_capacity::<M>(TOPIC, CAPACITY)?;
        Ok(Subscribers {
            spread: spread.clone(),
            subscriptions: (0..spread.subscribers).map(|_| topic.messages()).collect(),
            figures: figures::topic(ctx)?,
        })
    }

    /// A task each, until all have ended.
    ///
    /// # Errors
    ///
    /// One panicked.
    pub async fn run(self, ctx: Context) -> Result<()> {
        let mut tasks = Vec::new();
        for (at, messages) in self.subscriptions.into_iter().enumerate() {
            let keep = Keep::last(if at == 0 { self.spread.keep } else { 0 });
            let figures = self.figures.clone();
            tasks.push(ctx.spawn(subscriber(
                ctx.clone(),
                self.spread.clone(),
                messages,
                keep,
                figures,
            )));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    }
}

async fn subscriber<M: Sendable>(
    ctx: Context,
    spread: Spread,
    mut messages: Messages<M>,
    mut keep: Keep<Kept<M>>,
    figures: Topic<Encoded<Figure>>,
) -> Result<()> {
    let mut tally = Tally::of(spread.messages * spread.publishers);
    while !tally.is_complete() && receive(&mut messages, &mut tally, &mut keep).await {
        for _ in 0..spread.yields {
            yield_now().await;
        }
    }
    let at = ctx.now();
    tally.end();
    let Tally { lost, wrong, .. } = tally;
    Ok(tell(&figures, Figure::Ended { at, lost, wrong }).await?)
}

/// Reads the last value until the publisher has ended.
async fn read_last<M: Sendable>(topic: Topic<M>, over: Arc<AtomicBool>) {
    let mut reads = 0;
    while !over.load(Ordering::Relaxed) {
        std::hint::black_box(get(&topic));
        reads += 1;
        if reads % READS == 0 {
            yield_now().await;
        }
    }
}
