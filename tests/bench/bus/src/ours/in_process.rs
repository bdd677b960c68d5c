//! The SDK linked into this program, on the very runtime that the peers run on. There is no host around
//! it, but its bus and its host services: see `lifespan::bench`.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use lifespan::bench::Stage;
use lifespan_bench_work::CAPACITY;
use lifespan_bench_work::calls::Sendable;
use lifespan_bench_work::figures::{self, Figure, Summary, collect};
use lifespan_bench_work::latest::{self, Latest};
use lifespan_bench_work::parked::{Beat, Parked, Waiting};
use lifespan_bench_work::payload::{Payload, Small};
use lifespan_bench_work::pingpong::{PingPong, Side};
use lifespan_bench_work::quiet::{self, Quiet};
use lifespan_bench_work::spread::{Publisher, Spread, Subscribers};
use lifespan_plugin_api::bus::{Encoded, Messages};
use lifespan_plugin_api::{Context, JoinHandle};

use crate::memory::{Sizes, measured};
use crate::runtime::Shared;

/// Runs roles on a runtime.
#[derive(Clone)]
pub(crate) struct InProcess {
    shared: Shared,
}

/// The instances of one run, and what they are to do once all are set up.
struct Instances {
    stage: Stage,
    collector: Context,
    told: Messages<Encoded<Figure>>,
    tasks: Vec<Box<dyn FnOnce() -> JoinHandle<Result<()>>>>,
}

impl InProcess {
    pub(crate) fn new(shared: &Shared) -> Self {
        InProcess { shared: shared.clone() }
    }

    pub(crate) fn spread<M: Sendable>(&self, run: &Spread) -> Result<Summary> {
        let mut instances = self.instances()?;
        let receiving = instances.add("subscriber");
        let subscribers = Subscribers::<M>::new(&receiving, run)?;
        let mut publishers = Vec::new();
        for number in 0..run.publishers {
            let publishing = instances.add("publisher");
            publishers.push((Publisher::<M>::new(&publishing, run, number)?, publishing));
        }
        instances.spawn(&receiving, subscribers.run(receiving.clone()));
        for (publisher, publishing) in publishers {
            instances.spawn(&publishing, publisher.run(publishing.clone()));
        }
        self.end(instances, run.figures())
    }

    pub(crate) fn pingpong(&self, run: &PingPong) -> Result<Summary> {
        let mut instances = self.instances()?;
        let (one, two) = (instances.add("ping"), instances.add("pong"));
        let (ping, pong) = (Side::ping(&one, run)?, Side::pong(&two, run)?);
        instances.spawn(&two, pong.answer());
        instances.spawn(&one, ping.begin(one.clone()));
        self.end(instances, 1)
    }

    pub(crate) fn parked(&self, run: &Parked) -> Result<Summary> {
        let mut instances = self.instances()?;
        for _ in 0..run.instances {
            let ctx = instances.add("wait");
            let waiting = Waiting::new(&ctx, run)?;
            instances.spawn(&ctx, waiting.run(ctx.clone()));
        }
        let ctx = instances.add("beat");
        let beat = Beat::new(&ctx, run)?;
        instances.spawn(&ctx, beat.run(ctx.clone()));
        self.end(instances, 1)
    }

    pub(crate) fn latest(&self, run: &Latest) -> Result<Summary> {
        let mut instances = self.instances()?;
        let (one, two) = (instances.add("publisher"), instances.add("subscriber"));
        let subscriber = latest::Subscriber::new(&two, run)?;
        let publisher = latest::Publisher::new(&one, run)?;
        instances.spawn(&two, subscriber.run(two.clone()));
        instances.spawn(&one, publisher.run(one.clone()));
        self.end(instances, 2)
    }

    pub(crate) fn quiet(&self, run: &Quiet) -> Result<Summary> {
        let mut instances = self.instances()?;
        let ctx = instances.add("publisher");
        let publisher = quiet::Publisher::new(&ctx, run)?;
        instances.spawn(&ctx, publisher.run(ctx.clone()));
        self.end(instances, 2)
    }

    fn instances(&self) -> Result<Instances> {
        let stage = Stage::new(self.shared.runtime.handle());
        let collector = Context::of_services(Arc::new(stage.instance("collector")));
        let told = figures::topic(&collector)?.messages();
        Ok(Instances { stage, collector, told, tasks: Vec::new() })
    }

    /// Runs all tasks to their end, and adds up what they have told.
    fn end(&self, instances: Instances, figures: u64) -> Result<Summary> {
        let Instances { stage, collector, mut told, tasks } = instances;
        stage.run();
        let tasks: Vec<_> = tasks.into_iter().map(|spawn| spawn()).collect();
        let collected = collector.spawn(async move { collect(&mut told, figures).await });
        self.shared.wait(async {
            for task in tasks {
                task.await??;
            }
            collected.await??.context("the bus has been closed")
        })
    }
}

impl Instances {
    /// One more instance, whose set-up begins.
    fn add(&self, name: &str) -> Context {
        Context::of_services(Arc::new(self.stage.instance(name)))
    }

    /// Its task.
    fn spawn(&mut self, ctx: &Context, task: impl Future<Output = Result<()>> + Send + 'static) {
        let ctx = ctx.clone();
        self.tasks.push(Box::new(move || ctx.spawn(task)));
    }
}

/// What a topic and a subscription take: after a message each, so that what is made late is there.
pub(crate) fn memory(shared: &Shared) -> Result<Sizes> {
    let stage = Stage::new(shared.runtime.handle());
    let ctx = Context::of_services(Arc::new(stage.instance("memory")));
    let name = |number: usize| format!("memory/{number}");
    let (topics, topic) = measured(|number| {
        let topic = ctx.topic_with_capacity::<Small>(name(number), CAPACITY)?;
        topic.try_publish(Small::make(0))?;
        Ok(topic)
    })?;
    let (_kept, subscription) = measured(|_| {
        let subscription = topics[0].messages();
        topics[0].try_publish(Small::make(0))?;
        Ok(subscription)
    })?;
    Ok(Sizes { topic, subscription })
}
