//! The runtime that all instances of a run share: its workers, its timer, and its start and end.
//!
//! It starts on a thread of its own while the line is still being loaded, since both take a while.
//! That thread then is the timer by which instances sleep. On a multi-threaded runtime of tokio's the
//! timer is driven by whichever worker parks there last; one that wakes for a task and is blocked by
//! it takes the timer with it, and nobody's sleep ends. Here no worker has a timer, and what fires on
//! the timer's thread are wakers only.
//!
//! Dropping it never waits for a thread that a plugin blocks.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::worker::Workers;

/// Workers below which one plugin that blocks would stop all others.
const FEWEST_WORKERS: usize = 2;

/// A runtime that is on its way.
pub(crate) struct Starting {
    started: io::Result<Receiver<io::Result<SharedRuntime>>>,
}

/// The shared runtime.
pub(crate) struct SharedRuntime {
    workers: Arc<Workers>,
    /// There until it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
    timer: Handle,
    /// Dropped with this, it ends the timer's thread.
    _end_timer: oneshot::Sender<()>,
}

impl Starting {
    pub(crate) fn begin() -> Self {
        let (tell, started) = mpsc::channel();
        let thread = thread::Builder::new().name("lifespan-timer".into()).spawn(move || {
            // Whoever does not wait any more drops what is told, and with it the timer's end.
            let tell = |started| tell.send(started).unwrap_or_default();
            match SharedRuntime::start() {
                Ok((runtime, timer, end)) => {
                    tell(Ok(runtime));
                    let _dropped = timer.block_on(end);
                }
                Err(error) => tell(Err(error)),
            }
        });
        Starting { started: thread.map(|_detached| started) }
    }

    /// Waits until it is there.
    ///
    /// # Errors
    ///
    /// The system gives no threads.
    pub(crate) fn started(self) -> io::Result<SharedRuntime> {
        let started = self.started?.recv();
        started.unwrap_or_else(|_| Err(io::Error::other("its start panicked")))
    }
}

impl SharedRuntime {
    /// The runtime, the timer that is to be run on this thread, and what tells of its end.
    fn start() -> io::Result<(Self, Runtime, oneshot::Receiver<()>)> {
        let workers = Arc::<Workers>::default();
        let (started, stopped) = (workers.clone(), workers.clone());
        let count = thread::available_parallelism().map_or(FEWEST_WORKERS, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(FEWEST_WORKERS))
            .thread_name("lifespan-worker")
            .on_thread_start(move || started.thread_started())
            .on_thread_stop(move || stopped.thread_stopped())
            .build()?;
        let timer = Builder::new_current_thread().enable_time().build()?;
        let (end_timer, end) = oneshot::channel();
        let shared = SharedRuntime {
            workers,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            timer: timer.handle().clone(),
            _end_timer: end_timer,
        };
        Ok((shared, timer, end))
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The runtime whose timer ends the sleeps of instances.
    pub(crate) fn timer(&self) -> &Handle {
        &self.timer
    }

    pub(crate) fn workers(&self) -> &Arc<Workers> {
        &self.workers
    }
}

impl Drop for SharedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn threads_that_have_ended_hold_no_slots() {
        let started = Starting::begin().started().unwrap();
        let workers = started.workers().clone();
        let job = started.handle().spawn_blocking(|| ());
        Builder::new_current_thread().build().unwrap().block_on(job).unwrap();
        assert!(!workers.look().is_empty());
        drop(started);
        // Its threads end soon.
        let end = Instant::now() + Duration::from_secs(10);
        while workers.free() < workers.look().len() {
            assert!(Instant::now() < end, "{} are free", workers.free());
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn it_may_be_dropped_at_any_time_and_anywhere() {
        drop(Starting::begin());
        let started = Starting::begin().started().unwrap();
        assert!(started.handle().metrics().num_workers() >= FEWEST_WORKERS);
        // In an asynchronous context a plain runtime would panic.
        Builder::new_current_thread().build().unwrap().block_on(async move { drop(started) });
    }
}
