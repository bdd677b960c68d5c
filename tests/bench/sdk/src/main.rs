//! What a poll of a plugin's task costs beyond the author's own code: `cargo xtask bench sdk` builds
//! and runs this, and says how.
//!
//! ```text
//! lifespan-bench-sdk [--rounds N]
//! ```
//!
//! Three futures with the same body are polled in turn, as often as it takes to be measured: a boxed
//! one, as a runtime polls it; the same as an `FfiFuture`, which is what crosses the ABI; and the task
//! of a plugin, through the objects of the ABI, with all that the SDK does around it: the gate between
//! the phases, the capture of panics, the knowledge of who polls. The body does nothing, or keeps its
//! waker, as whatever waits does. Rounds are interleaved; each figure is a median. Writes JSON to
//! stdout.
#![expect(clippy::print_stdout, reason = "a program whose result is data")]

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Instant;

use anyhow::bail;
use clap::Parser;
use lifespan::bench::Stage;
use lifespan_abi::abi_stable::std_types::RVec;
use lifespan_abi::async_ffi::{FfiFuture, FutureExt};
use lifespan_abi::{BindRequest, BindSettings, InstanceBox};
use lifespan_plugin_api::prelude::*;
use serde_json::json;

/// Polls of one measurement.
const POLLS: u32 = 1_000_000;

/// What is measured of the SDK.
#[derive(Parser)]
struct Options {
    /// How often all is measured
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

/// What the task does.
#[derive(clap::Args)]
struct Body {
    /// Keep the waker of each poll
    #[arg(long)]
    keep: bool,
}

/// Never end
#[plugin]
async fn idle(args: Body, ctx: Context) -> Result<()> {
    let keep = args.keep;
    ctx.run(async move { body(keep).await }).await;
    Ok(())
}

/// What all three have in them: a future that is polled for ever.
fn body(keep: bool) -> impl Future<Output = Result<()>> + Send {
    let mut kept: Option<Waker> = None;
    poll_fn(move |context| {
        if keep && !kept.as_ref().is_some_and(|it| it.will_wake(context.waker())) {
            kept = Some(context.waker().clone());
        }
        black_box(&kept);
        Poll::Pending
    })
}

/// Something to be polled, by its name and what its body does.
struct Contender {
    name: &'static str,
    keeps_waker: bool,
    future: Pin<Box<dyn Pollable>>,
    nanos: Vec<f64>,
}

/// A future whose output does not matter: it has none.
trait Pollable {
    fn poll_once(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> bool;
}

impl<F: Future> Pollable for F {
    fn poll_once(self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> bool {
        self.poll(context).is_pending()
    }
}

fn main() -> Result<()> {
    let rounds = Options::parse().rounds;
    ensure!(rounds > 0, "no rounds were asked for");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let stage = Stage::new(runtime.handle());
    let mut contenders = Vec::new();
    // Kept as long as their futures.
    let mut instances = Vec::new();
    for keeps_waker in [false, true] {
        let mut add = |name, future| {
            contenders.push(Contender { name, keeps_waker, future, nanos: Vec::new() });
        };
        add("boxed future", Box::pin(boxed(keeps_waker)));
        add("FfiFuture", Box::pin(body(keeps_waker).into_ffi()));
        let instance = set_up(&stage, keeps_waker)?;
        add("task of a plugin", Box::pin(instance.run()));
        instances.push(instance);
    }
    stage.run();
    for _ in 0..rounds {
        for contender in &mut contenders {
            contender.measure()?;
        }
    }
    let rows = contenders.iter_mut().map(|it| {
        it.nanos.sort_by(f64::total_cmp);
        let nanos = it.nanos[it.nanos.len() / 2];
        json!({ "name": it.name, "keeps_waker": it.keeps_waker, "ns_per_poll": nanos })
    });
    println!("{:#}", json!({ "rounds": rounds, "polls": POLLS, "rows": rows.collect::<Vec<_>>() }));
    Ok(())
}

/// As a runtime has it: behind a pointer, with its code found at run time.
fn boxed(keeps_waker: bool) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> {
    Box::pin(body(keeps_waker))
}

/// An instance whose set-up is over.
fn set_up(stage: &Stage, keep: bool) -> Result<InstanceBox> {
    let root = lifespan_plugin_api::builtins![idle];
    let args = if keep { vec!["--keep"] } else { Vec::new() };
    let args: RVec<_> = args.into_iter().map(|it| std::ffi::OsStr::new(it).into()).collect();
    let settings = BindSettings::default().to_json();
    let reply = root.bind()(BindRequest { plugin: "idle".into(), args, settings });
    let instance = reply.instance.into_option().context("the plugin cannot be bound")?;
    let mut setup: FfiFuture<_> = instance.setup(stage.instance("idle"));
    match Pin::new(&mut setup).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(done) if done.is_ok() => Ok(instance),
        Poll::Ready(_) => bail!("the set-up failed"),
        Poll::Pending => bail!("the set-up waits"),
    }
}

impl Contender {
    fn measure(&mut self) -> Result<()> {
        let mut context = TaskContext::from_waker(Waker::noop());
        let start = Instant::now();
        for _ in 0..POLLS {
            ensure!(self.future.as_mut().poll_once(&mut context), "`{}` has ended", self.name);
        }
        self.nanos.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(POLLS));
        Ok(())
    }
}
