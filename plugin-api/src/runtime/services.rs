//! The host's services as an instance with a runtime of its own sees them.
//!
//! What it spawns runs on that runtime, and the host awaits and aborts it; jobs run on the host's
//! threads, where the runtime can be reached. Everything else is the host's own.

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RStr, RString};
use lifespan_abi::async_ffi::{FfiFuture, FutureExt};
use lifespan_abi::services::{Job_TO, Services_TO};
use lifespan_abi::{BusBox, Job, JobBox, Services, ServicesBox, TaskBox, WireReport};
use tokio::runtime::Handle;

use super::Awaited;

struct OnRuntime {
    host: ServicesBox,
    runtime: Handle,
}

/// A job that is run and dropped within the runtime.
struct Within {
    job: Option<JobBox>,
    runtime: Handle,
}

/// The services of `host`, with that runtime for what is spawned.
pub(super) fn on_runtime(host: ServicesBox, runtime: Handle) -> ServicesBox {
    Services_TO::from_value(OnRuntime { host, runtime }, TD_Opaque)
}

impl Services for OnRuntime {
    fn instance(&self) -> RStr<'_> {
        self.host.instance()
    }

    fn generation(&self) -> u32 {
        self.host.generation()
    }

    fn now(&self) -> u64 {
        self.host.now()
    }

    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        self.host.sleep_until(deadline)
    }

    fn spawn(&self, name: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        // On the runtime before the host may refuse it: wherever it ends, it is dropped there.
        let task = Awaited::spawn(&self.runtime, future);
        let awaited = async move {
            // An error is that of a runtime that has ended, and the future with it.
            let _ = task.await;
        };
        self.host.spawn(name, awaited.into_ffi())
    }

    fn spawn_blocking(&self, name: RStr<'_>, job: JobBox) -> TaskBox {
        let within = Within { job: Some(job), runtime: self.runtime.clone() };
        self.host.spawn_blocking(name, Job_TO::from_value(within, TD_Opaque))
    }

    fn request_shutdown(&self, why: RStr<'_>) {
        self.host.request_shutdown(why);
    }

    fn shutdown(&self, ends_itself: bool) -> FfiFuture<RString> {
        self.host.shutdown(ends_itself)
    }

    fn report(&self, place: RStr<'_>, report: WireReport) {
        self.host.report(place, report);
    }

    fn bus(&self) -> BusBox {
        self.host.bus()
    }
}

impl Job for Within {
    fn run(&mut self) {
        let _within = self.runtime.enter();
        if let Some(mut job) = self.job.take() {
            job.run();
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        let _within = self.runtime.enter();
        drop(self.job.take());
    }
}
