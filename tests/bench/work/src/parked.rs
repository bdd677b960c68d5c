//! One message to many subscriptions that all wait, in few tasks: how long until all have it.
//!
//! Each instance merges its subscriptions into one stream that one task receives, or has handlers in
//! their place, which share what they receive: so a message wakes a task for each instance, and not for
//! each subscription.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::{Context as _, Result, ensure};
use lifespan_plugin_api::bus::{Encoded, Kept, Merge, Messages, Topic};

use crate::CAPACITY;
use crate::calls::publish;
use crate::figures::{self, Figure, tell, waits};
use crate::payload::{Payload, Small};

/// How long the publisher waits between two messages, so that all wait again.
pub const PAUSE: Duration = Duration::from_micros(300);

/// One such run.
#[derive(Args, Clone, Debug)]
pub struct Parked {
    /// How many messages, one after the other
    #[arg(long)]
    pub messages: u64,
    /// How many instances wait
    #[arg(long)]
    pub instances: u64,
    /// How many subscriptions each of them has
    #[arg(long)]
    pub subscriptions: u64,
    /// Handlers in place of subscriptions
    #[arg(long)]
    pub handlers: bool,
}

/// The publisher's part.
pub struct Beat {
    run: Parked,
    topic: Topic<Small>,
    arrivals: Messages<u64>,
    figures: Topic<Encoded<Figure>>,
}

/// The part of one instance that waits.
pub struct Waiting {
    run: Parked,
    /// What its own task waits for; handlers are called from the set-up on.
    merged: Merge<u64, Kept<Small>>,
    topic: Topic<Small>,
    arrivals: Topic<u64>,
}

impl Parked {
    /// The run as arguments of a plugin.
    pub fn words(&self) -> Vec<String> {
        let Parked { messages, instances, subscriptions, handlers } = self;
        let pairs = [
            ("--messages", messages),
            ("--instances", instances),
            ("--subscriptions", subscriptions),
        ];
        let words =
            pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_string()]);
        words.chain(handlers.then(|| "--handlers".to_owned())).collect()
    }
}

impl Beat {
    /// Its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn new(ctx: &Context, run: &Parked) -> Result<Beat> {
        Ok(Beat {
            run: run.clone(),
            topic: ctx.topic_with_capacity("bench/parked", CAPACITY)?,
            arrivals: ctx.topic("bench/arrivals")?.messages(),
            figures: figures::topic(ctx)?,
        })
    }

    /// Its task: publishes, and waits until each instance has told when it had everything.
    ///
    /// # Errors
    ///
    /// Publishing has ended.
    pub async fn run(mut self, ctx: Context) -> Result<()> {
        let mut samples = Vec::with_capacity(self.run.messages as usize);
        for count in 0..self.run.messages {
            ctx.sleep(PAUSE).await;
            let before = ctx.now();
            publish(&self.topic, Small::make(count)).await?;
            let mut last = before;
            for _ in 0..self.run.instances {
                let at = *self.arrivals.recv().await.context("an instance has ended")?;
                last = last.max(at);
            }
            samples.push(last - before);
        }
        self.topic.close()?;
        Ok(tell(&self.figures, waits(samples)).await?)
    }
}

impl Waiting {
    /// Its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn new(ctx: &Context, run: &Parked) -> Result<Waiting> {
        let topic = ctx.topic_with_capacity("bench/parked", CAPACITY)?;
        let arrivals = ctx.topic("bench/arrivals")?;
        let mut waiting = Waiting { run: run.clone(), merged: Merge::new(), topic, arrivals };
        if run.handlers {
            waiting.handle(ctx);
        } else {
            for number in 0..run.subscriptions {
                let stream = waiting.topic.messages().owned();
                waiting.merged = waiting.merged.with(number, stream);
            }
        }
        Ok(waiting)
    }

    /// Its own task; handlers do without, and end with the topic.
    ///
    /// # Errors
    ///
    /// A message is damaged, or publishing has ended.
    pub async fn run(mut self, ctx: Context) -> Result<()> {
        if self.run.handlers {
            return Ok(());
        }
        for count in 0..self.run.messages {
            let mut right = 0;
            while right < self.run.subscriptions {
                let (_, message) = self.merged.recv().await.context("the publisher has ended")?;
                right += u64::from(message.read() == Some(count));
            }
            self.arrivals.publish(ctx.now()).await?;
        }
        Ok(())
    }

    fn handle(&self, ctx: &Context) {
        let all = self.run.subscriptions;
        // How many have had how many messages.
        let have = Arc::new(AtomicU64::new(0));
        for _ in 0..all {
            let (have, arrivals, ctx) = (have.clone(), self.arrivals.clone(), ctx.clone());
            let mut next = 0;
            self.topic.on_messages(move |batch| {
                for message in &batch {
                    ensure!(message.read() == Some(next), "a message is damaged or lost");
                    next += 1;
                    // Relaxed: all are called in one task.
                    if (have.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(all) {
                        arrivals.try_publish(ctx.now())?;
                    }
                }
                Ok(())
            });
        }
    }
}
