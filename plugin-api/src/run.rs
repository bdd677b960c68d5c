//! The one future in which a lifespan waits for its end: `run`, `background` and `idle`.
//!
//! It stands at the gate and holds the task. The task is polled and dropped here, its panics caught,
//! so that the tear-down code of the lifespan runs whatever happened.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use lifespan_abi::Stance;

use crate::context::Context;
use crate::failure::{Failure, report};
use crate::gate::{Admission, Step, TaskEnd};
use crate::panics::{catch, guarded_drop};

type Task<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

/// Waits for the end of the task and the beginning of the tear-down; see
/// [`Context::run`](crate::Context::run).
#[must_use = "a task does nothing unless its `run` is awaited"]
pub struct Run<'a> {
    context: Context,
    stance: Stance,
    state: State<'a>,
}

enum State<'a> {
    /// Not polled yet; nobody knows of it.
    New(Option<Task<'a>>),
    /// At the gate; without a task it idles.
    Standing(Option<Task<'a>>),
    /// The task has been dropped.
    Done,
}

impl<'a> Run<'a> {
    pub(crate) fn new(context: Context, stance: Stance, task: Option<Task<'a>>) -> Self {
        Run { context, stance, state: State::New(task) }
    }

    /// Polls the task; when it has ended, drops it and says how.
    fn poll_task(&mut self, context: &mut TaskContext<'_>) {
        let State::Standing(Some(task)) = &mut self.state else { return };
        let end = match catch(|| task.as_mut().poll(context)) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(Ok(()))) => TaskEnd::Finished,
            Ok(Poll::Ready(Err(error))) => match catch(|| told(error)) {
                Ok(failure) => TaskEnd::Failed(failure),
                Err(panic) => TaskEnd::Failed(Failure::new(panic)),
            },
            Err(panic) => TaskEnd::Failed(Failure::new(panic)),
        };
        self.end(end);
    }

    /// Drops the task, then says how it ended.
    fn end(&mut self, end: TaskEnd) {
        let state = mem::replace(&mut self.state, State::Done);
        guarded_drop(state, |panic| self.context.report("dropping the task", panic));
        self.context.gate().ended(end);
    }
}

impl Future for Run<'_> {
    type Output = TaskEnd;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<TaskEnd> {
        if let State::New(task) = &mut self.state {
            let task = task.take();
            match self.context.gate().enter(self.stance) {
                Admission::First => self.state = State::Standing(task),
                Admission::Held => {
                    self.state = State::New(task);
                    return Poll::Pending;
                }
                Admission::Refused(failure) => {
                    self.state = State::New(task);
                    return Poll::Ready(TaskEnd::Failed(failure));
                }
            }
        }
        match self.context.gate().step(context) {
            Step::Wait => Poll::Pending,
            Step::Poll => {
                self.poll_task(context);
                Poll::Pending
            }
            Step::Cancel => {
                self.end(TaskEnd::Cancelled);
                Poll::Pending
            }
            Step::Leave(Some(end)) => Poll::Ready(end),
            Step::Leave(None) => {
                self.end(TaskEnd::Cancelled);
                Poll::Ready(TaskEnd::Cancelled)
            }
        }
    }
}

impl Drop for Run<'_> {
    /// The lifespan's function did not wait: whatever was to run is cancelled.
    fn drop(&mut self) {
        match self.state {
            State::New(_) => {
                let state = mem::replace(&mut self.state, State::Done);
                guarded_drop(state, |panic| self.context.report("dropping the task", panic));
            }
            State::Standing(_) => self.end(TaskEnd::Cancelled),
            State::Done => {}
        }
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::New(_) => "new",
            State::Standing(_) => "standing",
            State::Done => "done",
        };
        f.debug_struct("Run").field("stance", &self.stance).field("state", &state).finish()
    }
}

/// The failure in an author's error. Its messages and its drop are the author's code.
fn told(error: anyhow::Error) -> Failure {
    Failure::new(report(&error))
}
