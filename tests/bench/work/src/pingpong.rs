//! Two tasks of which each waits for the other's message: what a wake-up costs.

use clap::Args;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::{Context as _, Result, ensure};
use lifespan_plugin_api::bus::{Encoded, Messages, Topic, Updates};

use crate::CAPACITY;
use crate::calls::{publish, receive_latest, receive_one};
use crate::figures::{self, Figure, tell, waits};
use crate::payload::{Payload, Small};

/// One such run.
#[derive(Args, Clone, Debug)]
pub struct PingPong {
    /// How many round trips
    #[arg(long)]
    pub messages: u64,
    /// Receive the latest value instead of every message
    #[arg(long)]
    pub updates: bool,
}

/// One side: what it publishes on and what it receives.
pub struct Side {
    run: PingPong,
    to: Topic<Small>,
    from: Receiver,
    figures: Topic<Encoded<Figure>>,
}

enum Receiver {
    Messages(Messages<Small>),
    Updates(Updates<Small>),
}

impl PingPong {
    /// The run as arguments of a plugin.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["--messages".to_owned(), self.messages.to_string()];
        words.extend(self.updates.then(|| "--updates".to_owned()));
        words
    }
}

impl Side {
    /// The one that begins: its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn ping(ctx: &Context, run: &PingPong) -> Result<Side> {
        Side::new(ctx, run, "bench/ping", "bench/pong")
    }

    /// The one that answers: its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn pong(ctx: &Context, run: &PingPong) -> Result<Side> {
        Side::new(ctx, run, "bench/pong", "bench/ping")
    }

    fn new(ctx: &Context, run: &PingPong, to: &str, from: &str) -> Result<Side> {
        let from = ctx.topic_with_capacity::<Small>(from, CAPACITY)?;
        let from = if run.updates {
            Receiver::Updates(from.updates())
        } else {
            Receiver::Messages(from.messages())
        };
        let to = ctx.topic_with_capacity(to, CAPACITY)?;
        Ok(Side { run: run.clone(), to, from, figures: figures::topic(ctx)? })
    }

    /// Sends, waits for the answer, and so on; tells the times.
    ///
    /// # Errors
    ///
    /// An answer is not the one that was waited for.
    pub async fn begin(mut self, ctx: Context) -> Result<()> {
        let mut samples = Vec::with_capacity(self.run.messages as usize);
        let mut before = ctx.now();
        for count in 0..self.run.messages {
            publish(&self.to, Small::make(count)).await?;
            self.from.expect(count).await?;
            let now = ctx.now();
            samples.push(now - before);
            before = now;
        }
        Ok(tell(&self.figures, waits(samples)).await?)
    }

    /// Waits for a message, and answers.
    ///
    /// # Errors
    ///
    /// A message is not the one that was waited for.
    pub async fn answer(mut self) -> Result<()> {
        for count in 0..self.run.messages {
            self.from.expect(count).await?;
            publish(&self.to, Small::make(count)).await?;
        }
        Ok(())
    }
}

impl Receiver {
    async fn expect(&mut self, count: u64) -> Result<()> {
        let got = match self {
            Receiver::Messages(messages) => receive_one(messages).await,
            Receiver::Updates(updates) => receive_latest(updates).await,
        };
        let got = got.context("the other side has ended")?;
        ensure!(got == count, "message {got} came instead of {count}");
        Ok(())
    }
}
