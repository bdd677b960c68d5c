//! The plugin `echo`: says each number that appears on the topic `countdown`.
//!
//! A model for plugins that subscribe. It knows nobody who publishes.

use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Echo {
    /// Begin with the current count, if there is one, and not with the next
    #[arg(long)]
    immediately: bool,
}

/// Say what the countdown tells
#[plugin]
async fn echo(args: Echo, ctx: Context) -> Result<()> {
    let countdown = ctx.topic::<u32>("countdown")?;
    let mut counts = countdown.updates();
    if !args.immediately {
        counts = counts.without_current();
    }

    ctx.run(async {
        loop {
            debug!("Waiting for update to 'countdown'…");
            let Some(count) = counts.recv().await else { return Ok(()) };
            info!("Countdown currently at {count}");
        }
    })
    .await;

    debug!("Lifespan over for {}", ctx.instance());
    Ok(())
}

lifespan_plugin_api::export![echo];
