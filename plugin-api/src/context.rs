//! What an author's code has of its instance: the services of the host, and the gate of its lifespan.
//!
//! A thin front: each method is a call to the host, to the gate, or to a neighbour. It adds no state
//! of its own, so that clones, spawned tasks and threads all mean the same instance.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use lifespan_abi::abi_stable::std_types::RString;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{Report, ServicesBox, Stance, StopNotice};

use crate::bus::{AnyTopic, BusError, Dispatcher, Message, Pattern, Topic};
use crate::gate::Gate;
use crate::run::Run;
use crate::spawn::{JoinHandle, spawn, spawn_blocking};
use crate::task::crossing;
use crate::time::{Clock, Elapsed, Interval, Sleep};

/// An instance, as its own code sees it. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    services: Arc<ServicesBox>,
    gate: Arc<Gate>,
    /// What calls the handlers of all topics.
    dispatcher: Arc<Dispatcher>,
    instance: String,
}

/// Who the instance is.
impl Context {
    /// The instance's name: the plugin's, or `plugin@name`.
    pub fn instance(&self) -> &str {
        &self.0.instance
    }

    /// Which life of the instance this is, from 1; a restart or reload counts up.
    pub fn generation(&self) -> u32 {
        self.0.services.generation()
    }
}

/// The lifespan. There is exactly one of [`run`](Self::run), [`background`](Self::background) and
/// [`idle`](Self::idle) in it; a second is an error.
impl Context {
    /// Runs the task of the lifespan: set-up ends here, and tear-down begins when this returns.
    ///
    /// The task is polled once all instances are set up, and keeps the program alive until it ends.
    /// This never fails, so that tear-down code runs whatever happened: a failure has been reported,
    /// and the answer says how the task ended. It returns when the *tear-down* begins, which is after
    /// the tasks of all instances have ended. A task is cancelled by being dropped.
    pub fn run<'a, F>(&self, task: F) -> Run<'a>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'a,
    {
        Run::new(self.clone(), Stance::RUN, Some(Box::pin(task)))
    }

    /// As [`run`](Self::run), for a task that does not keep the program alive: when no other task
    /// does, it is cancelled.
    pub fn background<'a, F>(&self, task: F) -> Run<'a>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'a,
    {
        Run::new(self.clone(), Stance::BACKGROUND, Some(Box::pin(task)))
    }

    /// As [`run`](Self::run), without a task: keeps the program alive and waits for its end.
    pub fn idle(&self) -> Run<'static> {
        Run::new(self.clone(), Stance::IDLE, None)
    }

    /// Ready with the reason when a shutdown has begun.
    ///
    /// An instance that has asked for this ends by itself: its task is not cancelled at once, but
    /// gets the grace period.
    pub fn shutdown(&self) -> impl Future<Output = String> + Send + use<> {
        reason(self.0.services.shutdown(true))
    }

    /// As [`shutdown`](Self::shutdown), for who only wants to know: the task is cancelled at once, as
    /// if nobody had asked.
    pub fn shutdown_begun(&self) -> impl Future<Output = String> + Send + use<> {
        reason(self.0.services.shutdown(false))
    }

    /// Ends the program for all: a shutdown begins, with `why` in the log.
    pub fn request_shutdown(&self, why: impl AsRef<str>) {
        self.0.services.request_shutdown(why.as_ref().into());
    }
}

/// Time, on the host's clock.
impl Context {
    /// Nanoseconds on the host's monotonic clock: only differences mean something.
    pub fn now(&self) -> u64 {
        self.0.services.now()
    }

    /// Waits, from the call on.
    pub fn sleep(&self, duration: impl Into<Duration>) -> Sleep {
        self.clock().sleep(duration.into())
    }

    /// A beat with that period, the first of it at once. A period of zero is one of a nanosecond.
    pub fn interval(&self, period: impl Into<Duration>) -> Interval {
        Interval::new(self.clock(), period.into())
    }

    /// Gives a future so much time, from the call on; then it is dropped.
    ///
    /// # Errors
    ///
    /// The time has passed.
    pub fn timeout<D: Into<Duration>, F: Future>(
        &self,
        limit: D,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> + use<D, F> {
        let limit = limit.into();
        let mut sleep = self.clock().sleep(limit);
        async move {
            let mut future = pin!(future);
            poll_fn(move |context| {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Ok(output));
                }
                Pin::new(&mut sleep).poll(context).map(|()| Err(Elapsed(limit)))
            })
            .await
        }
    }
}

/// The bus.
impl Context {
    /// Opens a topic, or makes it. Who opens it first fixes its type.
    ///
    /// # Errors
    ///
    /// The name cannot be one, or the topic has another type: the error names both sides.
    pub fn topic<T: Message>(&self, name: impl AsRef<str>) -> Result<Topic<T>, BusError> {
        Topic::open(&self.0.dispatcher, name.as_ref(), 0)
    }

    /// As [`topic`](Self::topic); if the topic is made by this, so many messages wait in it for
    /// those who want every one.
    ///
    /// # Errors
    ///
    /// As for [`topic`](Self::topic).
    pub fn topic_with_capacity<T: Message>(
        &self,
        name: impl AsRef<str>,
        capacity: u32,
    ) -> Result<Topic<T>, BusError> {
        Topic::open(&self.0.dispatcher, name.as_ref(), capacity)
    }

    /// Opens a topic that is there, whatever its type.
    ///
    /// # Errors
    ///
    /// There is no such topic, [`BusError::Unknown`].
    pub fn any_topic(&self, name: impl AsRef<str>) -> Result<AnyTopic, BusError> {
        AnyTopic::open(&self.0.services.bus(), name.as_ref())
    }

    /// The names of all topics that are there now, sorted. For those that come later too, subscribe
    /// by a pattern.
    pub fn topics(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.0.services.bus().topics().into_iter().map(Into::into).collect();
        names.sort_unstable();
        names
    }

    /// Subscribes to every message of every topic that matches, those that come later too: `*` is
    /// one segment of a name, `**` at the end is the rest. Publishers wait for this.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    pub fn messages_of(&self, pattern: impl AsRef<str>) -> Result<Pattern, BusError> {
        Pattern::messages(self.0.services.bus(), pattern.as_ref())
    }

    /// As [`messages_of`](Self::messages_of), but nobody waits: the oldest messages are skipped and
    /// counted where this is behind.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    pub fn lossy_messages_of(&self, pattern: impl AsRef<str>) -> Result<Pattern, BusError> {
        Pattern::lossy(self.0.services.bus(), pattern.as_ref())
    }

    /// As [`messages_of`](Self::messages_of), but the latest value of each topic, beginning with
    /// those that are there.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    pub fn updates_of(&self, pattern: impl AsRef<str>) -> Result<Pattern, BusError> {
        Pattern::updates(self.0.services.bus(), pattern.as_ref())
    }
}

/// Work beside the task.
impl Context {
    /// Runs a future beside the task, on the host's runtime, as a part of the instance: what is left
    /// of it when the instance's tear-down has ended is dropped.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn(&self.0.services, Location::caller(), future)
    }

    /// Runs a function on a thread where it may block. The host waits for it at tear-down, but not
    /// for ever.
    #[track_caller]
    pub fn spawn_blocking<T, F>(&self, job: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        spawn_blocking(&self.0.services, Location::caller(), job)
    }
}

impl Context {
    pub(crate) fn new(services: Arc<ServicesBox>, gate: Arc<Gate>) -> Self {
        let instance = services.instance().as_str().to_owned();
        let dispatcher = Dispatcher::new(services.clone());
        Context(Arc::new(Inner { services, gate, dispatcher, instance }))
    }

    /// For benchmarks and tests of hosts, which have services and no lifespan.
    #[doc(hidden)]
    pub fn of_services(services: Arc<ServicesBox>) -> Self {
        Context::new(services, Arc::new(Gate::new()))
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::new(self.0.services.clone())
    }

    /// Tells the host of a failure that no future returns.
    pub(crate) fn report(&self, place: &str, report: Report) {
        self.0.services.report(place.into(), report.into());
    }
}

/// The host's future, polled with the author's waker.
async fn reason(mut shutdown: FfiFuture<RString>) -> String {
    let notice =
        poll_fn(|context| crossing(context, |context, _| Pin::new(&mut shutdown).poll(context)))
            .await;
    // A text that is no notice is still told.
    StopNotice::from_json(&notice).map_or_else(|_| notice.into_string(), |notice| notice.why)
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("instance", &self.0.instance).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
