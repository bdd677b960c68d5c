//! The subscribers of the bus's benchmark, in a library of their own. What they do is
//! `lifespan_bench_work`'s; here each becomes a plugin, as anybody's.

use lifespan_bench_work::calls::Sendable;
use lifespan_bench_work::parked::{Parked, Waiting};
use lifespan_bench_work::payload::{Large, Payload, Small};
use lifespan_bench_work::pingpong::{PingPong, Side};
use lifespan_bench_work::spread::{Spread, Subscribers};
use lifespan_plugin_api::prelude::*;

/// Receive every message, in many tasks
#[plugin]
async fn bench_subscribe(args: Spread, ctx: Context) -> Result<()> {
    if args.bytes == Small::BYTES {
        spread::<Small>(args, ctx).await
    } else {
        spread::<Large>(args, ctx).await
    }
}

async fn spread<M: Sendable>(args: Spread, ctx: Context) -> Result<()> {
    let subscribers = Subscribers::<M>::new(&ctx, &args)?;
    ctx.run(subscribers.run(ctx.clone())).await;
    Ok(())
}

/// Wait for a message, and answer
#[plugin]
async fn bench_pong(args: PingPong, ctx: Context) -> Result<()> {
    let side = Side::pong(&ctx, &args)?;
    ctx.run(side.answer()).await;
    Ok(())
}

/// Wait with many subscriptions in one task
#[plugin]
async fn bench_wait(args: Parked, ctx: Context) -> Result<()> {
    let waiting = Waiting::new(&ctx, &args)?;
    ctx.run(waiting.run(ctx.clone())).await;
    Ok(())
}

lifespan_plugin_api::export![bench_subscribe, bench_pong, bench_wait];
