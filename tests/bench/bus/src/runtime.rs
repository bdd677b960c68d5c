//! The two runtimes that are compared on, and the cores that the program keeps to.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How many workers the one runtime has, and how many cores the program keeps to.
const WORKERS: usize = 2;

/// How long one run may take. It takes a hundredth of that: something waits for ever.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TwoWorkers,
    CurrentThread,
}

/// A runtime that is used for all runs of its kind, ours and the peers'.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) kind: Kind,
    pub(crate) runtime: Rc<Runtime>,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::TwoWorkers, Kind::CurrentThread];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::TwoWorkers => "2 workers",
            Kind::CurrentThread => "current thread",
        }
    }
}

impl Shared {
    pub(crate) fn start(kind: Kind) -> Result<Shared> {
        let mut builder = match kind {
            Kind::TwoWorkers => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(WORKERS).on_thread_start(lifespan::bench::thread_started);
                builder
            }
            Kind::CurrentThread => Builder::new_current_thread(),
        };
        let runtime = builder.enable_time().build().context("cannot start a runtime")?;
        Ok(Shared { kind, runtime: Rc::new(runtime) })
    }

    /// Waits for a future that only waits for tasks: publishers and subscribers are tasks, so that they
    /// run on the workers.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let limited = async { timeout(LIMIT, future).await };
        self.runtime.block_on(limited).map_err(|_| anyhow!("it hangs"))?
    }
}

/// Keeps this process to two cores, so that the host, which makes a worker a core, has two workers as
/// everybody else here. Elsewhere than on Linux a machine with two cores is needed for that.
#[cfg(target_os = "linux")]
pub(crate) fn keep_to_two_cores() -> Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let all = sched_getaffinity(None).context("cannot ask for the cores")?;
    let mut two = CpuSet::new();
    let cores = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).take(WORKERS);
    cores.for_each(|core| two.set(core));
    sched_setaffinity(None, &two).context("cannot choose the cores")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_to_two_cores() -> Result<()> {
    Ok(())
}
