//! Publishing where nobody listens.

use clap::Args;
use lifespan_plugin_api::Context;
use lifespan_plugin_api::anyhow::Result;
use lifespan_plugin_api::bus::{Encoded, Topic};

use crate::CAPACITY;
use crate::calls::publish;
use crate::figures::{self, Figure, tell};
use crate::payload::{Payload, Small};

/// One such run.
#[derive(Args, Clone, Debug)]
pub struct Quiet {
    /// How many messages
    #[arg(long)]
    pub messages: u64,
}

/// The publisher.
pub struct Publisher {
    run: Quiet,
    topic: Topic<Small>,
    figures: Topic<Encoded<Figure>>,
}

impl Publisher {
    /// Its set-up.
    ///
    /// # Errors
    ///
    /// A topic cannot be opened.
    pub fn new(ctx: &Context, run: &Quiet) -> Result<Self> {
        let topic = ctx.topic_with_capacity("bench/quiet", CAPACITY)?;
        Ok(Publisher { run: run.clone(), topic, figures: figures::topic(ctx)? })
    }

    /// Its task.
    ///
    /// # Errors
    ///
    /// Publishing has ended.
    pub async fn run(self, ctx: Context) -> Result<()> {
        let began = ctx.now();
        for count in 0..self.run.messages {
            publish(&self.topic, Small::make(count)).await?;
        }
        let ended = ctx.now();
        tell(&self.figures, Figure::Began { at: began }).await?;
        Ok(tell(&self.figures, Figure::Ended { at: ended, lost: 0, wrong: 0 }).await?)
    }
}
