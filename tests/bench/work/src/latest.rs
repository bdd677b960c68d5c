//! A publisher that publishes as fast as it can, and subscribers of which each wants the latest value.

use clap::Args;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::{Context as _, Result};
use lifespan_plugin_api::bus::{Encoded, Topic, Updates};

use crate::CAPACITY;
use crate::calls::{publish, receive_latest};
use crate::figures::{self, Figure, tell};
use crate::payload::{Payload, Small};

const TOPIC: &str = "bench/latest";

/// After how many publishes each side's publisher lets the subscribers run: as often as the SDK does
/// by itself.
pub const YIELD_EVERY: u64 = 128;

/// One such run.
#[derive(Args, Clone, Debug)]
pub struct Latest {
    /// How many values
    #[arg(long)]
    pub messages: u64,
}

/// The publisher's part.
pub struct Publisher {
    run: Latest,
    topic: Topic<Small>,
    figures: Topic<Encoded<Figure>>,
}

/// A subscriber's part.
pub struct Subscriber {
    run: Latest,
    updates: Updates<Small>,
    figures: Topic<Encoded<Figure>>,
}

impl Publisher {
    /// Its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn new(ctx: &Context, run: &Latest) -> Result<Self> {
        let topic = ctx.topic_with_capacity(TOPIC, CAPACITY)?;
        Ok(Publisher { run: run.clone(), topic, figures: figures::topic(ctx)? })
    }

    /// Its task.
    ///
    /// # Errors
    ///
    /// Publishing has ended.
    pub async fn run(self, ctx: Context) -> Result<()> {
        let at = ctx.now();
        for count in 0..self.run.messages {
            publish(&self.topic, Small::make(count)).await?;
        }
        Ok(tell(&self.figures, Figure::Began { at }).await?)
    }
}

impl Subscriber {
    /// Its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn new(ctx: &Context, run: &Latest) -> Result<Self> {
        let updates = ctx.topic_with_capacity::<Small>(TOPIC, CAPACITY)?.updates();
        Ok(Subscriber { run: run.clone(), updates, figures: figures::topic(ctx)? })
    }

    /// Its task, until it has seen the very last value.
    ///
    /// # Errors
    ///
    /// A value is damaged or older than the one before.
    pub async fn run(mut self, ctx: Context) -> Result<()> {
        let (mut seen, mut wrong) = (None, 0);
        while seen != Some(self.run.messages - 1) {
            let next = receive_latest(&mut self.updates).await;
            let next = next.context("the publisher has ended, or a value is damaged")?;
            wrong += u64::from(seen.is_some_and(|seen| seen >= next));
            seen = Some(next);
        }
        Ok(tell(&self.figures, Figure::Ended { at: ctx.now(), lost: 0, wrong }).await?)
    }
}
