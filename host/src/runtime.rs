//! The runtime that all instances of a run share: its workers, and its start and end.
//!
//! It starts on a thread of its own while the line is still being loaded, since both take a while.
//! Dropping it never waits for a thread that a plugin blocks.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::worker::Workers;

/// Workers below which one plugin that blocks would stop all others.
const FEWEST_WORKERS: usize = 2;

/// A runtime that is on its way.
pub(crate) struct Starting {
    thread: io::Result<JoinHandle<io::Result<SharedRuntime>>>,
}

/// The shared runtime.
pub(crate) struct SharedRuntime {
    workers: Arc<Workers>,
    /// There until it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Starting {
    pub(crate) fn begin() -> Self {
        let name = "lifespan-start".to_owned();
        Starting { thread: thread::Builder::new().name(name).spawn(SharedRuntime::start) }
    }

    /// Waits until it is there.
    ///
    /// # Errors
    ///
    /// The system gives no threads.
    pub(crate) fn started(self) -> io::Result<SharedRuntime> {
        let started = self.thread?.join();
        started.unwrap_or_else(|_| Err(io::Error::other("its start panicked")))
    }
}

impl SharedRuntime {
    fn start() -> io::Result<Self> {
        let workers = Arc::<Workers>::default();
        let started = workers.clone();
        let count = thread::available_parallelism().map_or(FEWEST_WORKERS, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(FEWEST_WORKERS))
            .thread_name("lifespan-worker")
            .on_thread_start(move || started.thread_started())
            // Neither timer nor I/O: instances sleep by the dispatcher's timer, and do no I/O here.
            .build()?;
        Ok(SharedRuntime { workers, handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
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
    use super::*;

    #[test]
    fn it_may_be_dropped_at_any_time_and_anywhere() {
        drop(Starting::begin());
        let started = Starting::begin().started().unwrap();
        assert!(started.handle().metrics().num_workers() >= FEWEST_WORKERS);
        // In an asynchronous context a plain runtime would panic.
        Builder::new_current_thread().build().unwrap().block_on(async move { drop(started) });
    }
}
