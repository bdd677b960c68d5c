//! The plugin `countdown`: counts down, and publishes each number on the topic of the same name.
//!
//! A model for plugins that publish. It knows nobody who listens.

use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct Countdown {
    /// Count down from this number
    #[arg(long, short, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    from: u32,
    /// Sleep this long between counts (seconds, or with a unit: 200ms)
    #[arg(long, short, default_value = "1")]
    sleep: Seconds,
}

/// Count down, telling everyone
#[plugin]
async fn countdown(args: Countdown, ctx: Context) -> Result<()> {
    let count = ctx.topic::<u32>("countdown")?;

    ctx.run(async {
        for n in (1..=args.from).rev() {
            info!("Counting down… {n}");
            debug!("Notifying subscribers of update to 'countdown'…");
            count.publish(n).await?;
            ctx.sleep(args.sleep).await;
        }
        info!("Finished counting down");
        Ok(())
    })
    .await;

    debug!("Lifespan over for {}", ctx.instance());
    Ok(())
}

lifespan_plugin_api::export![countdown];
