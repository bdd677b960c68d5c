//! The plugins of `cargo xtask bench isolation`: `pace` sends messages at a steady pace, `listen` writes
//! down how late each came, and two others block a thread meanwhile: `hog` one of its own runtime,
//! `hog-worker` one of the host's.

use std::fs;
use std::path::PathBuf;
use std::thread;

use lifespan_plugin_api::prelude::*;

/// The topic on which the time goes.
const TOPIC: &str = "time";

#[derive(clap::Args)]
struct Pace {
    /// Send a message so often
    #[arg(long, default_value = "1ms")]
    every: Seconds,
}

/// Send the time again and again
#[plugin]
async fn pace(args: Pace, ctx: Context) -> Result<()> {
    let time = ctx.topic::<u64>(TOPIC)?;
    ctx.background(async {
        let mut beat = ctx.interval(args.every);
        loop {
            beat.tick().await;
            time.publish(ctx.now()).await?;
        }
    })
    .await;
    Ok(())
}

#[derive(clap::Args)]
struct Listen {
    /// Leave so many messages out at the beginning
    #[arg(long, default_value_t = 200)]
    warm_up: usize,
    /// Listen to so many messages
    #[arg(long, default_value_t = 4500)]
    count: usize,
    /// Write the latencies into this file, in nanoseconds, a line each
    #[arg(long)]
    to: PathBuf,
}

/// Write down how late each message comes
#[plugin]
async fn listen(args: Listen, ctx: Context) -> Result<()> {
    let mut times = ctx.topic::<u64>(TOPIC)?.messages();
    ctx.run(async {
        let mut late = Vec::with_capacity(args.warm_up + args.count);
        while late.len() < args.warm_up + args.count {
            let Some(sent) = times.recv().await.map(|sent| *sent) else { bail!("it ended early") };
            late.push(ctx.now().saturating_sub(sent));
        }
        let lines = late[args.warm_up..].iter().map(|late| format!("{late}\n"));
        fs::write(&args.to, lines.collect::<String>())?;
        Ok(())
    })
    .await;
    Ok(())
}

#[derive(clap::Args)]
struct Hog {
    /// Block the thread for this long
    #[arg(long = "for", default_value = "5")]
    time: Seconds,
}

/// Block a thread of its own runtime
#[plugin(tokio)]
async fn hog(args: Hog, ctx: Context) -> Result<()> {
    ctx.background(block(args)).await;
    Ok(())
}

/// Block a worker of the host's
#[plugin]
async fn hog_worker(args: Hog, ctx: Context) -> Result<()> {
    ctx.background(block(args)).await;
    Ok(())
}

async fn block(args: Hog) -> Result<()> {
    thread::sleep(args.time.into());
    Ok(())
}

lifespan_plugin_api::export![pace, listen, hog, hog_worker];
