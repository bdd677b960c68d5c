//! The bus as plugins meet it: through the objects of the ABI, and through the SDK on top of them.
//!
//! Here is what the tests share: a bus with a clock that stands still, and tasks polled by hand.

mod any_topic;
mod batches;
mod bursts;
mod claims;
mod handlers;
mod lifecycle;
mod many;
mod model;
mod modes;
mod overwriting;
mod patterns;
mod publishing;
mod streams;
mod threads;
mod types;
mod wakers;

use std::future::Future;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RStr, RString};
use lifespan_abi::async_ffi::{ContextExt, FfiFuture, FutureExt};
use lifespan_abi::services::Services;
use lifespan_abi::{
    Batch, BusBox, JobBox, Message as AbiMessage, Mode, OwnedBatch, PollStatus, PublishStatus,
    Report, ServicesBox, SubscribeOptions, SubscriptionBox, Task, TaskBox, TopicBox, TopicOptions,
    WireReport,
};
use lifespan_plugin_api::Context as PluginContext;
use lifespan_plugin_api::bus::{Message, Topic};
use lifespan_plugin_api::message::{kind_of, message_of};

use crate::bus::{Bus, BusOptions, Member, Phase};
use crate::clock::Clock;

/// A bus whose members run.
struct World {
    bus: Bus,
    clock: Arc<TestClock>,
}

/// A member with all that its plugin would have.
struct Party {
    member: Member,
    services: Arc<ServicesBox>,
    work: Arc<Work>,
}

/// What a plugin has spawned, polled by hand, and what it has reported.
#[derive(Default)]
struct Work {
    spawned: Mutex<Vec<FfiFuture<()>>>,
    reports: Mutex<Vec<(String, Report)>>,
}

/// A clock that only [`advance`](TestClock::advance) moves.
#[derive(Default)]
struct TestClock {
    now: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(AtomicU32);

struct TestServices {
    member: Member,
    clock: Arc<TestClock>,
    work: Arc<Work>,
}

impl World {
    fn new() -> World {
        World { bus: Bus::new(BusOptions::new(Clock::standing(7))), clock: Arc::default() }
    }

    /// A member whose task runs.
    fn running(&self, name: &str) -> Party {
        let party = self.in_setup(name);
        party.member.set_phase(Phase::Running);
        party
    }

    fn in_setup(&self, name: &str) -> Party {
        self.in_life(name, 1)
    }

    fn in_life(&self, name: &str, generation: u32) -> Party {
        let member = self.bus.member(name, generation);
        let (clock, work) = (self.clock.clone(), Arc::<Work>::default());
        let services = TestServices { member: member.clone(), clock, work: work.clone() };
        Party { member, services: Arc::new(ServicesBox::from_value(services, TD_Opaque)), work }
    }
}

impl Party {
    fn topic<T: Message>(&self, name: &str, capacity: u32) -> Topic<T> {
        Topic::of_services(self.services.clone(), name, capacity).unwrap()
    }

    fn raw(&self, name: &str, capacity: u32) -> TopicBox {
        let bus = self.member.services();
        bus.topic(name.into(), kind_of::<u32>(), TopicOptions::new(capacity)).into_result().unwrap()
    }

    fn bus(&self) -> BusBox {
        self.member.services()
    }

    /// What the code of its plugin has.
    fn context(&self) -> PluginContext {
        PluginContext::of_services(self.services.clone())
    }
}

impl Work {
    /// Polls everything that is spawned once, and drops what is ready. Answers how many are left.
    fn poll(&self, waker: &Waker) -> usize {
        let mut polled = std::mem::take(&mut *self.spawned.lock().unwrap());
        polled.retain_mut(|task| poll(Pin::new(task), waker).is_pending());
        let mut spawned = self.spawned.lock().unwrap();
        spawned.append(&mut polled);
        spawned.len()
    }

    /// The places and messages of what was reported.
    fn reports(&self) -> Vec<(String, String)> {
        let reports = self.reports.lock().unwrap();
        reports.iter().map(|(place, report)| (place.clone(), report.message.clone())).collect()
    }
}

impl Task for Work {
    fn abort(&self) {
        panic!("nobody aborts here")
    }
}

impl TestClock {
    fn advance(&self, time: Duration) {
        self.now.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        for sleeper in std::mem::take(&mut *self.sleepers.lock().unwrap()) {
            sleeper.wake();
        }
    }
}

impl Services for TestServices {
    fn instance(&self) -> RStr<'_> {
        "test".into()
    }
    fn generation(&self) -> u32 {
        1
    }
    fn now(&self) -> u64 {
        self.clock.now.load(Ordering::Relaxed)
    }
    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        let clock = self.clock.clone();
        std::future::poll_fn(move |context| {
            if clock.now.load(Ordering::Relaxed) >= deadline {
                return Poll::Ready(());
            }
            clock.sleepers.lock().unwrap().push(context.waker().clone());
            Poll::Pending
        })
        .into_ffi()
    }
    fn spawn(&self, _: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        self.work.spawned.lock().unwrap().push(future);
        TaskBox::from_value(Work::default(), TD_Opaque)
    }
    fn spawn_blocking(&self, _: RStr<'_>, _: JobBox) -> TaskBox {
        panic!("the bus spawns no jobs")
    }
    fn request_shutdown(&self, _: RStr<'_>) {}
    fn shutdown(&self, _: bool) -> FfiFuture<RString> {
        std::future::pending().into_ffi()
    }
    fn report(&self, place: RStr<'_>, report: WireReport) {
        self.work.reports.lock().unwrap().push((place.into(), report.into()));
    }
    fn bus(&self) -> BusBox {
        self.member.services()
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Polls once, then drops: what a cancelled receive does.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match poll(future.as_mut(), Waker::noop()) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

fn message(value: u32) -> AbiMessage {
    message_of(value).unwrap()
}

fn publish(topic: &TopicBox, value: u32) -> PublishStatus {
    topic.try_publish(message(value)).status
}

fn publish_all(topic: &TopicBox, values: Range<u32>) {
    for value in values {
        assert_eq!(publish(topic, value), PublishStatus::PUBLISHED);
    }
}

fn options(mode: Mode, current: bool) -> SubscribeOptions {
    SubscribeOptions::new(mode, current, None)
}

fn subscribe(topic: &TopicBox, mode: Mode) -> SubscriptionBox {
    topic.subscribe(options(mode, false)).into_result().unwrap()
}

fn poll_batch(subscription: &mut SubscriptionBox, waker: &Waker, max: u32) -> Batch {
    let mut context = Context::from_waker(waker);
    context.with_ffi_context(|context| subscription.poll_batch(context, false, max))
}

/// Receives what is there as values, numbered, with what was skipped before each.
fn take(subscription: &mut SubscriptionBox, max: u32) -> Vec<(u64, u32, u64)> {
    let batch = poll_owned(subscription, max);
    let values = batch.deliveries.iter().map(|delivery| {
        let value = delivery.message.to_json().unwrap().parse().unwrap();
        (delivery.sequence, value, delivery.skipped)
    });
    values.collect()
}

fn poll_owned(subscription: &mut SubscriptionBox, max: u32) -> OwnedBatch {
    let mut context = Context::from_waker(Waker::noop());
    context.with_ffi_context(|context| subscription.poll_owned(context, false, max))
}
