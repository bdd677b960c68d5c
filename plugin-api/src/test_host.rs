//! A host for tests: services with a clock that is moved by hand, and a thread that polls by hand.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RResult, RStr, RString, RVec};
use lifespan_abi::async_ffi::{FfiFuture, FutureExt};
use lifespan_abi::bus::Bus_TO;
use lifespan_abi::services::{Services_TO, Task_TO};
use lifespan_abi::{
    Bus, BusBox, BusFault, FaultCode, InstanceBox, JobBox, MessageTypeRef, Report, Services,
    ServicesBox, StopNotice, SubscribeOptions, SubscriptionBox, Task, TaskBox, TopicBox,
    TopicOptions, WireReport,
};

use crate::context::Context;
use crate::gate::Gate;
use crate::instance::instance;

/// The host's side, as the test sees it.
#[derive(Clone, Default)]
pub(crate) struct Host(Arc<State>);

#[derive(Default)]
struct State {
    now: Mutex<u64>,
    sleepers: Mutex<Vec<Waker>>,
    reports: Mutex<Vec<(String, Report)>>,
    spawned: Mutex<Vec<FfiFuture<()>>>,
    jobs: Mutex<Vec<JobBox>>,
    aborted: AtomicU32,
    shutdown: Mutex<Option<String>>,
    ends_itself: Mutex<bool>,
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicU32);

impl Host {
    pub(crate) fn services(&self) -> ServicesBox {
        Services_TO::from_value(self.clone(), TD_Opaque)
    }

    /// A context without a lifespan around it.
    pub(crate) fn context(&self) -> Context {
        Context::new(Arc::new(self.services()), Arc::new(Gate::new()))
    }

    pub(crate) fn advance(&self, nanos: u64) {
        *self.0.now.lock().unwrap() += nanos;
        std::mem::take(&mut *self.0.sleepers.lock().unwrap()).into_iter().for_each(Waker::wake);
    }

    /// The places and messages of all that was reported.
    pub(crate) fn reports(&self) -> Vec<(String, String)> {
        let reports = self.0.reports.lock().unwrap();
        reports.iter().map(|(place, it)| (place.clone(), it.message.clone())).collect()
    }

    /// Polls everything that is spawned once; what is ready is dropped.
    pub(crate) fn poll_spawned(&self) {
        let mut spawned = std::mem::take(&mut *self.0.spawned.lock().unwrap());
        spawned.retain_mut(|future| poll(future).is_pending());
        self.0.spawned.lock().unwrap().append(&mut spawned);
    }

    pub(crate) fn drop_spawned(&self) {
        drop(std::mem::take(&mut *self.0.spawned.lock().unwrap()));
    }

    /// Runs the jobs, and drops them.
    pub(crate) fn run_jobs(&self) {
        let jobs = std::mem::take(&mut *self.0.jobs.lock().unwrap());
        jobs.into_iter().for_each(|mut job| job.run());
    }

    pub(crate) fn drop_jobs(&self) {
        drop(std::mem::take(&mut *self.0.jobs.lock().unwrap()));
    }

    /// Whether the instance has said that it ends by itself at a shutdown.
    pub(crate) fn ends_itself(&self) -> bool {
        *self.0.ends_itself.lock().unwrap()
    }

    pub(crate) fn aborted(&self) -> u32 {
        self.0.aborted.load(Ordering::Relaxed)
    }
}

impl Services for Host {
    fn instance(&self) -> RStr<'_> {
        "fish@one".into()
    }
    fn generation(&self) -> u32 {
        7
    }
    fn now(&self) -> u64 {
        *self.0.now.lock().unwrap()
    }
    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        let state = self.0.clone();
        poll_fn(move |context| {
            if *state.now.lock().unwrap() >= deadline {
                return Poll::Ready(());
            }
            state.sleepers.lock().unwrap().push(context.waker().clone());
            Poll::Pending
        })
        .into_ffi()
    }
    fn spawn(&self, _: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        self.0.spawned.lock().unwrap().push(future);
        Task_TO::from_value(self.clone(), TD_Opaque)
    }
    fn spawn_blocking(&self, _: RStr<'_>, job: JobBox) -> TaskBox {
        self.0.jobs.lock().unwrap().push(job);
        Task_TO::from_value(self.clone(), TD_Opaque)
    }
    fn request_shutdown(&self, why: RStr<'_>) {
        *self.0.shutdown.lock().unwrap() = Some(why.into());
    }
    fn shutdown(&self, ends_itself: bool) -> FfiFuture<RString> {
        *self.0.ends_itself.lock().unwrap() |= ends_itself;
        let state = self.0.clone();
        poll_fn(move |_| match &*state.shutdown.lock().unwrap() {
            Some(why) => Poll::Ready(StopNotice::new(why).to_json()),
            None => Poll::Pending,
        })
        .into_ffi()
    }
    fn report(&self, place: RStr<'_>, report: WireReport) {
        self.0.reports.lock().unwrap().push((place.into(), report.into()));
    }
    fn bus(&self) -> BusBox {
        Bus_TO::from_value(self.clone(), TD_Opaque)
    }
}

impl Task for Host {
    fn abort(&self) {
        self.0.aborted.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bus for Host {
    fn topic(
        &self,
        _: RStr<'_>,
        _: MessageTypeRef,
        _: TopicOptions,
    ) -> RResult<TopicBox, BusFault> {
        RResult::RErr(no_bus())
    }
    fn existing(&self, _: RStr<'_>) -> RResult<TopicBox, BusFault> {
        RResult::RErr(no_bus())
    }
    fn topics(&self) -> RVec<RString> {
        RVec::new()
    }
    fn subscribe_pattern(
        &self,
        _: RStr<'_>,
        _: SubscribeOptions,
    ) -> RResult<SubscriptionBox, BusFault> {
        RResult::RErr(no_bus())
    }
    fn publisher(&self, _: u64) -> RString {
        RString::new()
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls a future with this waker.
    pub(crate) fn poll<F: Future + Unpin>(self: &Arc<Self>, future: &mut F) -> Poll<F::Output> {
        let waker = Waker::from(self.clone());
        Pin::new(future).poll(&mut TaskContext::from_waker(&waker))
    }
}

/// An instance whose lifespan is that function.
pub(crate) fn bound<F, L>(lifespan: F) -> InstanceBox
where
    F: FnOnce(Context) -> L + Send + 'static,
    L: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    crate::panics::tests::hook();
    instance(Box::new(move |ctx| Box::pin(lifespan(ctx))))
}

/// Polls a future once.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Arc::<Wakes>::default().poll(future)
}

/// The output of a future that is ready.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match poll(&mut Box::pin(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

/// Pending once, without waking anyone.
pub(crate) async fn once() {
    let mut first = true;
    poll_fn(|_| if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }).await;
}

fn no_bus() -> BusFault {
    BusFault { code: FaultCode::CLOSED, reason: "there is no bus in these tests".into() }
}
