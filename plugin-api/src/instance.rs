//! A bound plugin as the host sees it: one future of the author's, polled as three phases.
//!
//! Every poll and every drop of it happens here, its panics caught on this side. What the gate says
//! after a poll decides whether a phase is over.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::task::{Context as TaskContext, Poll};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::{FfiFuture, FutureExt};
use lifespan_abi::instance::Instance_TO;
use lifespan_abi::{Ending, Instance, InstanceBox, Report, ServicesBox, Stance, WireReport};

use crate::context::Context;
use crate::failure::report;
use crate::gate::{Finding, Gate, Phase, TaskEnd};
use crate::panics::{catch, guarded_drop};
use crate::plugin::BoxFuture;
use crate::task::polling_lifespan;

const OVER: &str = "the lifespan is over";
const BUSY: &str = "the phase before is still being polled";

/// Begins a lifespan: the author's function, with its arguments.
pub type Start = Box<dyn FnOnce(Context) -> BoxFuture<anyhow::Result<()>> + Send>;

/// A plugin that is bound to its arguments. Each of its phases is a future that one task polls, whichever
/// executor has that, and a phase begins when the one before is over.
pub(crate) struct Bound {
    lifespan: Arc<Lifespan>,
}

/// The author's future, and what is around it.
struct Lifespan {
    gate: Arc<Gate>,
    /// Set when set-up begins.
    services: OnceLock<Arc<ServicesBox>>,
    /// Locked while the future is polled: by one phase at a time, so nobody ever waits for it.
    body: Mutex<Body>,
}

enum Body {
    /// Not begun.
    New(Start),
    /// Begun.
    Going(BoxFuture<anyhow::Result<()>>),
    /// Returned before its tear-down began, which is to answer this.
    Returned(Result<(), Box<Report>>),
    /// Dropped.
    Gone,
}

/// What one poll of the author's future came to. Small, since it is moved at each poll.
enum Polled {
    Pending,
    Returned(Result<(), Box<Report>>),
    Panicked(Box<Report>),
    /// There is no future any more.
    Gone,
    /// Another phase is polling it: its thread is blocked, and the host has given it up.
    Busy,
}

pub(crate) struct Setup {
    lifespan: Arc<Lifespan>,
    over: bool,
}

pub(crate) struct Run {
    lifespan: Arc<Lifespan>,
    begun: bool,
}

pub(crate) struct Teardown {
    lifespan: Arc<Lifespan>,
    begun: bool,
}

/// An instance that begins with `start`.
pub(crate) fn instance(start: Start) -> InstanceBox {
    Instance_TO::from_value(Bound::new(start), TD_Opaque)
}

impl Bound {
    pub(crate) fn new(start: Start) -> Self {
        let lifespan = Lifespan {
            gate: Arc::new(Gate::new()),
            services: OnceLock::new(),
            body: Mutex::new(Body::New(start)),
        };
        Bound { lifespan: Arc::new(lifespan) }
    }

    pub(crate) fn set_up(&self, services: ServicesBox) -> Setup {
        let again = self.lifespan.services.set(Arc::new(services)).is_err();
        Setup { lifespan: self.lifespan.clone(), over: again }
    }

    pub(crate) fn run_task(&self) -> Run {
        Run { lifespan: self.lifespan.clone(), begun: false }
    }

    pub(crate) fn cancel_task(&self) {
        let lifespan = &self.lifespan;
        if let Err(panic) = catch(|| lifespan.gate.cancel()) {
            lifespan.tell("waking the task to cancel it", panic);
        }
    }

    pub(crate) fn tear_down(&self) -> Teardown {
        Teardown { lifespan: self.lifespan.clone(), begun: false }
    }
}

/// On the host's own runtime: the host polls the phases themselves.
impl Instance for Bound {
    fn setup(&self, services: ServicesBox) -> FfiFuture<RResult<Stance, WireReport>> {
        self.set_up(services).into_ffi()
    }

    fn run(&self) -> FfiFuture<RResult<Ending, WireReport>> {
        self.run_task().into_ffi()
    }

    fn cancel(&self) {
        self.cancel_task();
    }

    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>> {
        self.tear_down().into_ffi()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.lifespan.discard("dropping the lifespan");
    }
}

impl Future for Setup {
    type Output = RResult<Stance, WireReport>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if self.over {
            return failed(Report::error("set-up was begun twice"));
        }
        let Some((polled, finding)) = self.lifespan.poll(context) else { return Poll::Pending };
        let answer = match (polled, finding) {
            (Polled::Panicked(report) | Polled::Returned(Err(report)), _) => Err(*report),
            (Polled::Gone, _) => Err(Report::error(OVER)),
            (Polled::Busy, _) => Err(Report::error(BUSY)),
            (_, Finding { fault: Some(fault), .. }) => Err(fault),
            (Polled::Returned(Ok(())), _) => Ok(Stance::DONE),
            (Polled::Pending, Finding { reached: Some(stance), .. }) => Ok(stance),
            (Polled::Pending, _) => return Poll::Pending,
        };
        self.over = true;
        if answer.is_err() {
            self.lifespan.discard("dropping what was set up");
        }
        Poll::Ready(answer.map_err(WireReport::from).into())
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        if !self.over {
            self.lifespan.discard("dropping what was set up");
        }
    }
}

impl Future for Run {
    type Output = RResult<Ending, WireReport>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if !self.begun {
            self.begun = true;
            self.lifespan.begin(Phase::Run);
            // The task may have ended before: its lifespan has let it go during set-up.
            if let Some(end) = self.lifespan.gate.finding().end {
                return Poll::Ready(ending(end));
            }
        }
        let Some((polled, finding)) = self.lifespan.poll(context) else { return Poll::Pending };
        let end = match (polled, finding.end) {
            (Polled::Panicked(report), _) => return failed(*report),
            (Polled::Gone, Some(end)) => return Poll::Ready(ending(end)),
            (Polled::Gone, None) => return failed(Report::error(OVER)),
            (Polled::Busy, _) => return failed(Report::error(BUSY)),
            (Polled::Pending, None) => return Poll::Pending,
            (Polled::Pending, Some(end)) => end,
            (Polled::Returned(result), end) => {
                let failed_before =
                    matches!(end, Some(TaskEnd::Failed(_))) || finding.fault.is_some();
                match result {
                    // The function did not wait for the tear-down: this is how the run went.
                    Err(report) if !failed_before => {
                        self.lifespan.keep(Ok(()));
                        return failed(*report);
                    }
                    result => self.lifespan.keep(result),
                }
                end.unwrap_or(TaskEnd::Cancelled)
            }
        };
        match self.lifespan.gate.take_fault() {
            Some(fault) => failed(fault),
            None => Poll::Ready(ending(end)),
        }
    }
}

impl Future for Teardown {
    type Output = RResult<(), WireReport>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if !self.begun {
            self.begun = true;
            self.lifespan.begin(Phase::Teardown);
        }
        let Some((polled, finding)) = self.lifespan.poll(context) else { return Poll::Pending };
        let result = match polled {
            Polled::Pending => return Poll::Pending,
            Polled::Panicked(report) => Err(*report),
            Polled::Returned(result) => result.map_err(|report| *report),
            // It panicked before, and that has been told.
            Polled::Gone => Ok(()),
            Polled::Busy => Err(Report::error(BUSY)),
        };
        let result = result.and_then(|()| finding.fault.map_or(Ok(()), Err));
        Poll::Ready(result.map_err(WireReport::from).into())
    }
}

impl Lifespan {
    /// Polls the author's future once; what is to be looked at, if anything is. When it returns or
    /// panics it is dropped before this returns.
    fn poll(&self, context: &mut TaskContext<'_>) -> Option<(Polled, Finding)> {
        let mut body = match self.body.try_lock() {
            Ok(body) => body,
            Err(TryLockError::Poisoned(body)) => body.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Some((Polled::Busy, self.gate.finding()));
            }
        };
        self.gate.before_poll(context);
        let gate = self.gate.address();
        let polled = polling_lifespan(gate, context, |context| self.poll_body(&mut body, context));
        if matches!(polled, Polled::Pending) {
            return self.gate.found().then(|| (polled, self.gate.finding()));
        }
        let over = std::mem::replace(&mut *body, Body::Gone);
        guarded_drop(over, |panic| self.tell("dropping the lifespan", panic));
        self.begin(Phase::Over);
        Some((polled, self.gate.finding()))
    }

    fn poll_body(&self, body: &mut Body, context: &mut TaskContext<'_>) -> Polled {
        let polled = catch(|| {
            if let Body::New(_) = body {
                let Body::New(start) = std::mem::replace(body, Body::Gone) else { return None };
                let services = self.services.get()?.clone();
                *body = Body::Going(start(Context::new(services, self.gate.clone())));
            }
            match body {
                Body::Going(future) => Some(future.as_mut().poll(context).map(reported)),
                Body::Returned(result) => Some(Poll::Ready(result.clone())),
                Body::New(_) | Body::Gone => None,
            }
        });
        match polled {
            Ok(Some(Poll::Pending)) => Polled::Pending,
            Ok(Some(Poll::Ready(result))) => Polled::Returned(result),
            Ok(None) => Polled::Gone,
            Err(report) => Polled::Panicked(Box::new(report)),
        }
    }

    /// Keeps what the author's function returned for the tear-down to answer.
    fn keep(&self, result: Result<(), Box<Report>>) {
        if let Ok(mut body) = self.body.try_lock() {
            *body = Body::Returned(result);
        }
    }

    /// Drops the author's future, unless it is being polled: then whoever polls it holds on to it.
    fn discard(&self, place: &str) {
        let body = match self.body.try_lock() {
            Ok(mut body) => std::mem::replace(&mut *body, Body::Gone),
            Err(TryLockError::Poisoned(body)) => {
                std::mem::replace(&mut *body.into_inner(), Body::Gone)
            }
            Err(TryLockError::WouldBlock) => return,
        };
        guarded_drop(body, |panic| self.tell(place, panic));
        self.begin(Phase::Over);
    }

    /// Begins a phase, which may wake the author's own wakers.
    fn begin(&self, phase: Phase) {
        if let Err(panic) = catch(|| self.gate.begin(phase)) {
            self.tell("waking the lifespan", panic);
        }
    }

    fn tell(&self, place: &str, panic: Report) {
        if let Some(services) = self.services.get() {
            services.report(place.into(), panic.into());
        }
    }
}

impl Drop for Lifespan {
    fn drop(&mut self) {
        self.discard("dropping the lifespan");
    }
}

fn ending(end: TaskEnd) -> RResult<Ending, WireReport> {
    match end {
        TaskEnd::Finished => RResult::ROk(Ending::FINISHED),
        TaskEnd::Cancelled => RResult::ROk(Ending::CANCELLED),
        TaskEnd::Failed(failure) => RResult::RErr(failure.report().into()),
    }
}

fn failed<T>(report: Report) -> Poll<RResult<T, WireReport>> {
    Poll::Ready(RResult::RErr(report.into()))
}

/// The author's result as it crosses. The messages and the drop of an error are the author's code.
fn reported(result: anyhow::Result<()>) -> Result<(), Box<Report>> {
    result.map_err(|error| Box::new(report(&error)))
}

#[cfg(test)]
mod tests;
