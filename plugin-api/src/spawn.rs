//! Work that the host runs beside the task: spawned futures and blocking jobs.
//!
//! Only a future without output, or a job, crosses. What it comes to stays on the plugin's side, in a
//! slot shared with the handle, and so does a panic, which the host is told of in any case.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::async_ffi::FutureExt;
use lifespan_abi::services::Job_TO;
use lifespan_abi::{Job, Report, ServicesBox, TaskBox};

use crate::failure::Failure;
use crate::panics::{catch, guarded_drop};
use crate::task::polling;

/// A spawned future or job. Awaited, it gives the output; dropped, it lets the work go on.
///
/// A panic is reported to the host whether anyone asks for the output or not.
pub struct JoinHandle<T> {
    slot: Arc<Slot<T>>,
    task: TaskBox,
}

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// It was aborted, or never run: the instance has ended.
    Aborted,
    /// It panicked; the host has been told.
    Panicked(Failure),
}

/// Where the output is left and fetched.
struct Slot<T>(Mutex<Content<T>>);

enum Content<T> {
    /// Not there yet; who waits for it.
    Pending(Option<Waker>),
    Ready(Result<T, JoinError>),
    Taken,
}

/// What work of either kind holds: it leaves something in the slot whatever becomes of it.
struct Work<W, T> {
    services: Arc<ServicesBox>,
    place: String,
    /// `None` when it is over.
    work: Option<W>,
    slot: Arc<Slot<T>>,
}

type Spawned<F> = Work<Pin<Box<F>>, <F as Future>::Output>;

pub(crate) fn spawn<F>(
    services: &Arc<ServicesBox>,
    caller: &Location<'_>,
    future: F,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let work = Work::new(services, format!("the task spawned at {caller}"), Box::pin(future));
    let slot = work.slot.clone();
    let task = services.spawn(caller.to_string().as_str().into(), work.into_ffi());
    JoinHandle { slot, task }
}

pub(crate) fn spawn_blocking<T, F>(
    services: &Arc<ServicesBox>,
    caller: &Location<'_>,
    job: F,
) -> JoinHandle<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let work = Work::new(services, format!("the job spawned at {caller}"), job);
    let slot = work.slot.clone();
    let job = Job_TO::from_value(work, TD_Opaque);
    JoinHandle { slot, task: services.spawn_blocking(caller.to_string().as_str().into(), job) }
}

impl<T> JoinHandle<T> {
    /// Asks for a future to be dropped at its next wake-up. A job that has begun goes on.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        !matches!(*self.slot.lock(), Content::Pending(_))
    }
}

/// Nothing in a handle is ever pinned, so `&mut handle` may be polled.
impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// It is polled after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut content = self.slot.lock();
        let before = match &mut *content {
            Content::Pending(Some(waker)) if waker.will_wake(context.waker()) => None,
            Content::Pending(waker) => waker.replace(context.waker().clone()),
            Content::Ready(_) => {
                return match std::mem::replace(&mut *content, Content::Taken) {
                    Content::Ready(result) => Poll::Ready(result),
                    Content::Pending(_) | Content::Taken => unreachable!("matched just before"),
                };
            }
            Content::Taken => panic!("a `JoinHandle` was polled after it was ready"),
        };
        drop(content);
        drop(before);
        Poll::Pending
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Aborted => write!(f, "spawned work was aborted"),
            JoinError::Panicked(_) => write!(f, "spawned work panicked"),
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JoinError::Aborted => None,
            JoinError::Panicked(failure) => Some(failure),
        }
    }
}

impl<F: Future> Future for Spawned<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.work else { return Poll::Ready(()) };
        let polled = polling(context, |context| catch(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => {
                self.finish(Ok(output));
                Poll::Ready(())
            }
            Err(panic) => {
                self.finish(Err(panic));
                Poll::Ready(())
            }
        }
    }
}

impl<T: Send, F: FnOnce() -> T + Send> Job for Work<F, T> {
    fn run(&mut self) {
        if let Some(job) = self.work.take() {
            self.finish(catch(job));
        }
    }
}

impl<W, T> Work<W, T> {
    fn new(services: &Arc<ServicesBox>, place: String, work: W) -> Self {
        let slot = Arc::new(Slot(Mutex::new(Content::Pending(None))));
        Work { services: services.clone(), place, work: Some(work), slot }
    }

    /// Drops the work, and leaves what it came to.
    fn finish(&mut self, result: Result<T, Report>) {
        self.discard();
        let result = result.map_err(|panic| {
            self.tell(panic.clone());
            JoinError::Panicked(Failure::new(panic))
        });
        self.leave(result);
    }

    /// Wakes who waits for it; where there is no room, the output is dropped. Both may be the
    /// author's code.
    fn leave(&self, result: Result<T, JoinError>) {
        if let Err(panic) = catch(|| drop(self.slot.put(result))) {
            self.tell(panic);
        }
    }

    fn discard(&mut self) {
        let work = self.work.take();
        guarded_drop(work, |panic| self.tell(panic));
    }

    fn tell(&self, panic: Report) {
        self.services.report(self.place.as_str().into(), panic.into());
    }
}

impl<W, T> Drop for Work<W, T> {
    /// Dropped by the host: aborted, or never run. After its end this finds the slot filled.
    fn drop(&mut self) {
        self.discard();
        self.leave(Err(JoinError::Aborted));
        // An output that nobody fetched may be dropped with the slot.
        let slot = std::mem::replace(&mut self.slot, Arc::new(Slot(Mutex::new(Content::Taken))));
        guarded_drop(slot, |panic| self.tell(panic));
    }
}

impl<T> Slot<T> {
    /// Fills the slot, once. What did not find room comes back.
    fn put(&self, result: Result<T, JoinError>) -> Option<Result<T, JoinError>> {
        let mut content = self.lock();
        let Content::Pending(waker) = &mut *content else { return Some(result) };
        let waker = waker.take();
        *content = Content::Ready(result);
        drop(content);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Content<T>> {
        // Only wakers' clones run under the lock, and the content is whole before and after.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
