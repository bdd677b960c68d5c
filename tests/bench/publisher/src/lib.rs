//! The publishers of the bus's benchmark, in a library of their own. What they do is
//! `lifespan_bench_work`'s; here each becomes a plugin, as anybody's.

use lifespan_bench_work::calls::Sendable;
use lifespan_bench_work::parked::{Beat, Parked};
use lifespan_bench_work::payload::{Large, Payload, Small};
use lifespan_bench_work::pingpong::{PingPong, Side};
use lifespan_bench_work::quiet::{self, Quiet};
use lifespan_bench_work::spread::{Publisher, Spread};
use lifespan_plugin_api::prelude::*;

#[derive(clap::Args)]
struct PublishArgs {
    #[command(flatten)]
    spread: Spread,
    /// Which of the publishers this is
    #[arg(long, default_value_t = 0)]
    number: u64,
}

/// Publish as fast as the subscribers allow
#[plugin]
async fn bench_publish(args: PublishArgs, ctx: Context) -> Result<()> {
    if args.spread.bytes == Small::BYTES {
        spread::<Small>(args, ctx).await
    } else {
        spread::<Large>(args, ctx).await
    }
}

async fn spread<M: Sendable>(args: PublishArgs, ctx: Context) -> Result<()> {
    let publisher = Publisher::<M>::new(&ctx, &args.spread, args.number)?;
    ctx.run(publisher.run(ctx.clone())).await;
    Ok(())
}

/// Send, and wait for the answer
#[plugin]
async fn bench_ping(args: PingPong, ctx: Context) -> Result<()> {
    let side = Side::ping(&ctx, &args)?;
    ctx.run(side.begin(ctx.clone())).await;
    Ok(())
}

/// Publish now and then, where all wait
#[plugin]
async fn bench_beat(args: Parked, ctx: Context) -> Result<()> {
    let beat = Beat::new(&ctx, &args)?;
    ctx.run(beat.run(ctx.clone())).await;
    Ok(())
}

/// Publish where nobody listens
#[plugin]
async fn bench_quiet(args: Quiet, ctx: Context) -> Result<()> {
    let publisher = quiet::Publisher::new(&ctx, &args)?;
    ctx.run(publisher.run(ctx.clone())).await;
    Ok(())
}

lifespan_plugin_api::export![bench_publish, bench_ping, bench_beat, bench_quiet];
