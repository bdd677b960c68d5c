//! An instance whose phases run on its own runtime: started, cancelled and awaited by the host.

use std::sync::OnceLock;

use lifespan_abi::abi_stable::erased_types::TD_Opaque;
use lifespan_abi::abi_stable::std_types::RResult;
use lifespan_abi::async_ffi::{FfiFuture, FutureExt};
use lifespan_abi::instance::Instance_TO;
use lifespan_abi::{Ending, Instance, InstanceBox, Report, ServicesBox, Stance, WireReport};

use super::services::on_runtime;
use super::{Awaited, OwnRuntime};
use crate::instance::{Bound, Start};
use crate::panics::catch;

/// A bound plugin, and the runtime that polls it.
struct OnRuntime {
    workers: usize,
    /// There until it is dropped, which happens within the runtime.
    bound: Option<Bound>,
    /// There from set-up on.
    runtime: OnceLock<OwnRuntime>,
}

/// An instance that begins with `start`, on a runtime with so many workers.
pub fn on_own_runtime(start: Start, workers: usize) -> InstanceBox {
    let bound = Some(Bound::new(start));
    Instance_TO::from_value(OnRuntime { workers, bound, runtime: OnceLock::new() }, TD_Opaque)
}

impl Instance for OnRuntime {
    fn setup(&self, services: ServicesBox) -> FfiFuture<RResult<Stance, WireReport>> {
        let started = catch(|| self.start(services.instance().as_str()));
        match started.and_then(|started| started) {
            Ok(runtime) => {
                let services = on_runtime(services, runtime.handle());
                self.phase(|bound| bound.set_up(services))
            }
            Err(report) => failed(report),
        }
    }

    fn run(&self) -> FfiFuture<RResult<Ending, WireReport>> {
        self.phase(Bound::run_task)
    }

    fn cancel(&self) {
        if let Some(bound) = &self.bound {
            bound.cancel_task();
        }
    }

    fn teardown(&self) -> FfiFuture<RResult<(), WireReport>> {
        self.phase(Bound::tear_down)
    }
}

impl OnRuntime {
    fn start(&self, instance: &str) -> Result<&OwnRuntime, Report> {
        if self.runtime.get().is_none() {
            let runtime = OwnRuntime::start(instance, self.workers).map_err(|error| {
                let mut report = Report::error("its tokio runtime could not be started");
                report.causes.push(error.to_string());
                report
            })?;
            // The host sets an instance up once; of two, one is as good as the other.
            let _ = self.runtime.set(runtime);
        }
        self.runtime.get().ok_or_else(not_begun)
    }

    /// Starts a phase on the runtime. It begins now, and is dropped there whatever comes.
    fn phase<T, F>(&self, phase: impl FnOnce(&Bound) -> F) -> FfiFuture<RResult<T, WireReport>>
    where
        T: Send + 'static,
        F: Future<Output = RResult<T, WireReport>> + Send + 'static,
    {
        let (Some(bound), Some(runtime)) = (&self.bound, self.runtime.get()) else {
            return failed(not_begun());
        };
        let phase = Awaited::spawn(&runtime.handle(), phase(bound));
        async move {
            phase.await.unwrap_or_else(|error| {
                let mut report = Report::error("the instance's tokio runtime has ended");
                report.causes.push(error.to_string());
                RResult::RErr(report.into())
            })
        }
        .into_ffi()
    }
}

impl Drop for OnRuntime {
    fn drop(&mut self) {
        let bound = self.bound.take();
        // Without a runtime it has not begun: there is nothing in it but the arguments.
        let Some(runtime) = self.runtime.take() else { return };
        let name = runtime.name.clone();
        let left = catch(|| runtime.end(move || drop(bound)));
        let _ = catch(|| match left {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let left = left.join("', '");
                tracing::warn!("'{name}' leaves threads of its tokio runtime behind: '{left}'");
            }
            Err(panic) => tracing::error!("the end of the tokio runtime of '{name}' {panic}"),
        });
    }
}

fn not_begun() -> Report {
    Report::error("its set-up has not begun")
}

fn failed<T: Send + 'static>(report: Report) -> FfiFuture<RResult<T, WireReport>> {
    let report = WireReport::from(report);
    async move { RResult::RErr(report) }.into_ffi()
}
