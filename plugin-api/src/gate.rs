//! The gate within a lifespan: it holds the author's function where one phase ends and lets it go on
//! when the host begins the next.
//!
//! The function is one future. On the host's side `instance` polls it, as set-up, run and tear-down;
//! within the function `run` stands at the gate. They meet here, and only here: the rules of who may
//! pass are this file's, polling and dropping are theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use lifespan_abi::{Report, Stance};

use crate::failure::Failure;
use crate::task::{on_task, polls_lifespan};

/// How the task of a lifespan ended; what [`Context::run`](crate::Context::run) answers.
///
/// A failure has been reported already: there is no need to return it again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskEnd {
    /// By itself.
    Finished,
    /// It was dropped: the program shuts down, or the lifespan's function did not wait for its end.
    Cancelled,
    /// It returned an error or panicked.
    Failed(Failure),
}

/// Which of an instance's futures the host polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Setup,
    Run,
    Teardown,
    /// The lifespan's function is no more.
    Over,
}

/// What someone who stands at the gate is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait: the phase is another, or the task has ended.
    Wait,
    /// Poll the task.
    Poll,
    /// Drop the task, and then say that it ended as cancelled.
    Cancel,
    /// Go on: the tear-down has begun. Without an end, the task is dropped first.
    Leave(Option<TaskEnd>),
}

/// Who may come to the gate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The first one: it is the lifespan's task from now on.
    First,
    /// Nobody goes on: the set-up is about to fail.
    Held,
    /// Another one has been here; the reason is to be returned at once.
    Refused(Failure),
}

/// What the poller finds when a poll has come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The stance of whoever stands at the gate.
    pub(crate) reached: Option<Stance>,
    /// How the task ended.
    pub(crate) end: Option<TaskEnd>,
    /// Why the lifespan has broken the rules.
    pub(crate) fault: Option<Report>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Whether there is something for the poller in this phase. Written under the lock, and read
    /// without: whoever writes it on another thread wakes the poller afterwards.
    found: AtomicBool,
    /// Whether `outer` is there. Written under the lock.
    registered: AtomicBool,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    finding: Finding,
    /// The fault has been told: there is no second one.
    fault_told: bool,
    cancelled: bool,
    /// The waker of the first poll in this phase: the host polls a phase in one task.
    outer: Option<Waker>,
    /// The waker of whoever stands at the gate, where the outer one would not reach it: below a
    /// combinator that has its own, or in a task of its own.
    inner: Option<Waker>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Gate {
            state: Mutex::new(State {
                phase: Phase::Setup,
                finding: Finding::default(),
                fault_told: false,
                cancelled: false,
                outer: None,
                inner: None,
            }),
            found: AtomicBool::new(false),
            registered: AtomicBool::new(false),
        }
    }

    /// Begins a phase; who stands at the gate is woken. There is no way back.
    pub(crate) fn begin(&self, phase: Phase) {
        let mut state = self.lock();
        if state.phase >= phase {
            return;
        }
        state.phase = phase;
        let (inner, outer) = (state.inner.take(), state.outer.take());
        self.registered.store(false, Ordering::Relaxed);
        let Finding { end, fault, .. } = &state.finding;
        self.found.store(end.is_some() || fault.is_some(), Ordering::Relaxed);
        drop(state);
        // A waker's drop is the host's code: not under the lock.
        drop(outer);
        wake(inner);
    }

    /// Asks for the task to be dropped. Wakes both sides.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        let wakers = [state.inner.take(), state.outer.clone()];
        drop(state);
        wakers.into_iter().for_each(wake);
    }

    /// By which its poller is known while it polls; see [`polls_lifespan`].
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The poller is about to poll the lifespan's function on this thread.
    pub(crate) fn before_poll(&self, context: &Context<'_>) {
        if self.registered.load(Ordering::Relaxed) {
            return;
        }
        let waker = context.waker().clone();
        let mut state = self.lock();
        let before = state.outer.replace(waker);
        self.registered.store(true, Ordering::Relaxed);
        drop(state);
        drop(before);
    }

    /// Whether there is something for the poller in this phase, when a poll has come back.
    pub(crate) fn found(&self) -> bool {
        self.found.load(Ordering::Acquire)
    }

    /// How things stand.
    pub(crate) fn finding(&self) -> Finding {
        self.lock().finding.clone()
    }

    /// Comes to the gate, as the lifespan's one `run`, `background` or `idle`.
    pub(crate) fn enter(&self, stance: Stance) -> Admission {
        let mut state = self.lock();
        if state.finding.reached.is_none() && state.phase == Phase::Setup {
            state.finding.reached = Some(stance);
            self.tell_poller(&state);
            return Admission::First;
        }
        let fault = if state.finding.reached.is_some() {
            Report::error("a lifespan has exactly one of `run`, `background` and `idle`")
                .hint("use `ctx.spawn` for what runs beside the task")
        } else {
            Report::error("`run`, `background` or `idle` was called after the lifespan's end")
        };
        if !state.fault_told {
            state.finding.fault.get_or_insert_with(|| fault.clone());
        }
        self.found.store(true, Ordering::Release);
        if state.phase == Phase::Setup {
            self.tell_poller(&state);
            return Admission::Held;
        }
        if state.phase == Phase::Run {
            // The run fails with it, for which the task must be dropped: whoever stands at the gate
            // does that when polled, which on this very thread it may have been already.
            state.cancelled = true;
            let wakers = [state.inner.take(), state.outer.clone()];
            drop(state);
            wakers.into_iter().for_each(wake);
        }
        Admission::Refused(Failure::new(fault))
    }

    /// Takes the fault, to tell it.
    pub(crate) fn take_fault(&self) -> Option<Report> {
        let mut state = self.lock();
        let fault = state.finding.fault.take();
        state.fault_told |= fault.is_some();
        fault
    }

    /// Asks what to do now. Registers the waker of `context` where it is needed.
    pub(crate) fn step(&self, context: &Context<'_>) -> Step {
        let mut state = self.lock();
        let step = match (state.phase, &state.finding.end) {
            (Phase::Setup, _) | (Phase::Run, Some(_)) => Step::Wait,
            (Phase::Run, None) if state.cancelled => Step::Cancel,
            (Phase::Run, None) => Step::Poll,
            (Phase::Teardown | Phase::Over, end) => Step::Leave(end.clone()),
        };
        let woken_with_outer = polls_lifespan(self.address()) && on_task(context);
        let same = state.inner.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if woken_with_outer || same {
            return step;
        }
        let before = state.inner.replace(context.waker().clone());
        drop(state);
        drop(before);
        step
    }

    /// Says how the task ended, once it has been dropped. Only the first word counts.
    pub(crate) fn ended(&self, end: TaskEnd) {
        let mut state = self.lock();
        state.finding.end.get_or_insert(end);
        self.tell_poller(&state);
    }

    /// Wakes the poller to what it finds, unless it is polling on this very thread and will look by
    /// itself.
    fn tell_poller(&self, state: &State) {
        self.found.store(true, Ordering::Release);
        if let (false, Some(waker)) = (polls_lifespan(self.address()), &state.outer) {
            waker.wake_by_ref();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock, except a waker's clone and wake, and they change
        // nothing here: what a panic of theirs leaves behind is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
