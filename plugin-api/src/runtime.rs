//! A tokio runtime of an instance's own, for plugins that say `#[plugin(tokio)]`.
//!
//! A library that links tokio has a copy of it with thread-locals of its own, which the host's
//! workers know nothing of. So the phases of such an instance, and all that it spawns, run on threads
//! that are its own ([`instance`]), and the host only awaits them. A thread that is blocked is then
//! the instance's, and nobody else's.
//!
//! The runtime begins with the set-up and ends with the instance: always with a time limit, and on a
//! thread made for that, since a runtime that is dropped waits for its threads, and panics where it
//! must not wait. Nothing else of the SDK knows that it is there.

mod instance;
mod services;

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};
use tracing::Span;
use tracing::span::EnteredSpan;

pub use self::instance::on_own_runtime;
use crate::task::thread_of_plugin;

/// How long the end of a runtime may take. What has not returned by then is left behind: work that is
/// to be finished is awaited in tear-down, which has a deadline of its own.
const LIMIT: Duration = Duration::from_secs(1);

/// How much longer whoever ends a runtime waits for the thread that does it.
const MOMENT: Duration = Duration::from_millis(200);

/// The runtime of one instance.
struct OwnRuntime {
    name: String,
    threads: Arc<Threads>,
    runtime: NeverWaiting,
}

/// A runtime whose drop does not wait for its threads.
struct NeverWaiting(Option<Runtime>);

/// The threads of a runtime that are alive, by their names.
struct Threads {
    /// What they log is the instance's.
    span: Span,
    alive: Mutex<BTreeSet<String>>,
    /// A test has its own logs: whoever starts a runtime of its instances says where these go.
    #[cfg(feature = "testing")]
    logs: tracing::Dispatch,
}

/// A future on a runtime of the plugin's, for the host to await. Dropped, it has the future dropped
/// where it runs.
struct Awaited<T>(JoinHandle<T>);

thread_local! {
    /// The span that a thread of a runtime is in, from its first moment to its last.
    static SPAN: std::cell::RefCell<Option<EnteredSpan>> = const { std::cell::RefCell::new(None) };
}

impl OwnRuntime {
    /// Starts the runtime of the instance of that name.
    fn start(name: &str, workers: usize) -> io::Result<Self> {
        let threads = Arc::new(Threads {
            span: instance_span(name),
            alive: Mutex::default(),
            #[cfg(feature = "testing")]
            logs: tracing::dispatcher::get_default(Clone::clone),
        });
        let (started, stopped) = (threads.clone(), threads.clone());
        let (prefix, number) = (name.to_owned(), AtomicU64::new(1));
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers.max(1))
            .enable_all()
            .thread_name_fn(move || format!("{prefix}-{}", number.fetch_add(1, Ordering::Relaxed)))
            .on_thread_start(move || started.begin())
            .on_thread_stop(move || stopped.end())
            .build()?;
        Ok(OwnRuntime { name: name.to_owned(), threads, runtime: NeverWaiting(Some(runtime)) })
    }

    fn handle(&self) -> Handle {
        match &self.runtime.0 {
            Some(runtime) => runtime.handle().clone(),
            None => unreachable!("it is taken by `end` only, which takes all"),
        }
    }

    /// Ends it, after `last` within it. Waits for that as long as the limit; answers the names of the
    /// threads that have not ended by then.
    fn end(self, last: impl FnOnce() + Send + 'static) -> Vec<String> {
        let OwnRuntime { name, threads, mut runtime } = self;
        let (tell, told) = mpsc::channel::<()>();
        let end = Instant::now() + LIMIT;
        let of_ending = threads.clone();
        let ending = thread::Builder::new().name(format!("{name}-end")).spawn(move || {
            of_ending.begin();
            if let Some(runtime) = &runtime.0 {
                let _within = runtime.enter();
                last();
            }
            if let Some(runtime) = runtime.0.take() {
                runtime.shutdown_timeout(end.saturating_duration_since(Instant::now()));
            }
            of_ending.end();
            drop(tell);
        });
        match ending {
            Ok(ending) => {
                if told.recv_timeout(LIMIT + MOMENT) == Err(mpsc::RecvTimeoutError::Disconnected) {
                    // It has nothing left to do. Should it have panicked, the hook has told.
                    let _ = ending.join();
                }
            }
            // Without a thread `last` was dropped here, and the runtime ends without being waited for.
            Err(error) => tracing::warn!(%error, "no thread to end a tokio runtime of '{name}' on"),
        }
        threads.lock().iter().cloned().collect()
    }
}

impl Drop for NeverWaiting {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Threads {
    /// This thread begins.
    fn begin(&self) {
        thread_of_plugin();
        #[cfg(feature = "testing")]
        std::mem::forget(tracing::dispatcher::set_default(&self.logs)); // as long as the thread lives
        SPAN.set(Some(self.span.clone().entered()));
        self.lock().insert(this_thread());
    }

    /// This thread ends.
    fn end(&self) {
        self.lock().remove(&this_thread());
        SPAN.take();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Awaited<T> {
    /// Starts a future there.
    fn spawn(runtime: &Handle, future: impl Future<Output = T> + Send + 'static) -> Self {
        Awaited(runtime.spawn(future))
    }
}

impl<T> Future for Awaited<T> {
    /// An error if the runtime has ended before the future.
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The span by which the host knows whose log it is: made as the host makes its own.
fn instance_span(name: &str) -> Span {
    tracing::error_span!(target: "lifespan::instance", parent: None, "instance", name)
}

fn this_thread() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
