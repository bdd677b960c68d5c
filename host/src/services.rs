//! The host services of one instance: clock, spawn, shutdown, reports, and the door to the bus.
//!
//! This is the host's side of [`lifespan_abi::Services`]. Plugins call it from any thread; every call
//! catches its own panics and none blocks. What the dispatcher needs to know of an instance that the
//! plugin caused (what it spawned, whether it asked for the shutdown, what it reported) is read here.

pub(crate) mod forward;
mod tasks;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RStr, RString};
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{
    BusBox, JobBox, Report, ReportKind, Services, ServicesBox, StopNotice, TaskBox, WireReport,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::error;

use self::tasks::Kind;
pub(crate) use self::tasks::Tasks;
use crate::bus::Member;
use crate::clock::{Clock, Entered};
use crate::guard::guard;
use crate::probe::Probe;
use crate::shutdown::Shutdown;
use crate::worker::{Owner, Tracked, busy};

/// How many reports of one instance are kept for the end; all are logged as they come.
const KEPT_REPORTS: usize = 8;

/// What all instances of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The runtime that polls the instances.
    pub(crate) runtime: Handle,
    /// The runtime whose timer wakes the instances, on a thread of its own.
    pub(crate) timer: Handle,
    /// The run's clock.
    pub(crate) clock: Clock,
    /// Where an instance asks for a shutdown.
    pub(crate) shutdown: Shutdown,
    /// Why the shutdown has begun, once it has.
    pub(crate) begun: watch::Receiver<Option<Arc<str>>>,
    /// What a test does to the services, and sees of them.
    pub(crate) probe: Option<Probe>,
}

/// One instance as its services know it.
pub(crate) struct Context {
    pub(crate) shared: Shared,
    pub(crate) name: Arc<str>,
    pub(crate) generation: u32,
    pub(crate) owner: Owner,
    pub(crate) member: Member,
    pub(crate) tasks: Tasks,
    /// Whether it has asked for [`Services::shutdown`], and so ends by itself.
    ends_itself: AtomicBool,
    reports: Mutex<Reports>,
}

#[derive(Debug, Default)]
struct Reports {
    kept: Vec<(String, Report)>,
    more: u64,
}

impl Context {
    pub(crate) fn new(
        shared: Shared,
        name: Arc<str>,
        generation: u32,
        owner: Owner,
        member: Member,
    ) -> Arc<Self> {
        Arc::new(Context {
            shared,
            name,
            generation,
            owner,
            member,
            tasks: Tasks::default(),
            ends_itself: AtomicBool::new(false),
            reports: Mutex::default(),
        })
    }

    /// The services as they cross to the plugin.
    pub(crate) fn services(self: &Arc<Self>) -> ServicesBox {
        let services = InstanceServices { context: self.clone() };
        let services = ServicesBox::from_value(services, TD_Opaque);
        match &self.shared.probe {
            None => services,
            Some(probe) => probe.services(services),
        }
    }

    /// Whether the instance has said that it ends by itself at a shutdown.
    pub(crate) fn ends_itself(&self) -> bool {
        self.ends_itself.load(Ordering::Relaxed)
    }

    /// Takes what the instance has reported: the first few with their places, and how many more.
    pub(crate) fn take_reports(&self) -> (Vec<(String, Report)>, u64) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = std::mem::take(&mut *reports);
        (reports.kept, reports.more)
    }

    fn keep(&self, place: &str, report: Report) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.kept.len() < KEPT_REPORTS {
            reports.kept.push((place.to_owned(), report));
        } else {
            reports.more += 1;
        }
    }
}

/// The handle of what was refused.
pub(crate) fn refused_task() -> TaskBox {
    tasks::handle(None)
}

struct InstanceServices {
    context: Arc<Context>,
}

impl Services for InstanceServices {
    fn instance(&self) -> RStr<'_> {
        RStr::from(&*self.context.name)
    }

    fn generation(&self) -> u32 {
        self.context.generation
    }

    fn now(&self) -> u64 {
        guard("now", || 0, || self.context.shared.clock.now())
    }

    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        let shared = &self.context.shared;
        guard(
            "sleep_until",
            || FfiFuture::new(std::future::pending()),
            || FfiFuture::new(Entered::new(&shared.timer, || shared.clock.sleep_until(deadline))),
        )
    }

    fn spawn(&self, name: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        let context = &self.context;
        guard(
            "spawn",
            || tasks::handle(None),
            || {
                let tracked = Tracked::new(context.owner.clone(), future);
                tasks::handle(context.tasks.add(&name, Kind::Future, |ended| {
                    let task = async move {
                        // Dropped last, so that the task has ended when it says so.
                        let _ended = ended;
                        if let Err(report) = tracked.await {
                            error!("a spawned task {report}");
                        }
                    };
                    context.shared.runtime.spawn(task).abort_handle()
                }))
            },
        )
    }

    fn spawn_blocking(&self, name: RStr<'_>, mut job: JobBox) -> TaskBox {
        let context = &self.context;
        guard(
            "spawn_blocking",
            || tasks::handle(None),
            || {
                let span = context.owner.span.clone();
                tasks::handle(context.tasks.add(&name, Kind::Job, |ended| {
                    let work = move || {
                        let _ended = ended;
                        // Not `busy`: a thread that may block is none of the watchdog's.
                        span.in_scope(|| job.run());
                        span.in_scope(|| drop(job));
                    };
                    context.shared.runtime.spawn_blocking(work).abort_handle()
                }))
            },
        )
    }

    fn request_shutdown(&self, why: RStr<'_>) {
        let context = &self.context;
        guard(
            "request_shutdown",
            || (),
            || {
                context.shared.shutdown.request(&format!("'{}' asked for it: {why}", context.name));
            },
        );
    }

    fn shutdown(&self, ends_itself: bool) -> FfiFuture<RString> {
        let context = &self.context;
        guard(
            "shutdown",
            || FfiFuture::new(std::future::pending()),
            || {
                if ends_itself {
                    context.ends_itself.store(true, Ordering::Relaxed);
                }
                let mut begun = context.shared.begun.clone();
                FfiFuture::new(Entered::new(&context.shared.runtime, || async move {
                    let notice = match begun.wait_for(Option::is_some).await {
                        Ok(why) => StopNotice::new(why.as_deref().unwrap_or_default()),
                        // The dispatcher is gone, and with it the run.
                        Err(_) => StopNotice::new("the run is over"),
                    };
                    notice.to_json()
                }))
            },
        )
    }

    fn report(&self, place: RStr<'_>, report: WireReport) {
        let context = &self.context;
        guard(
            "report",
            || (),
            || {
                let report = Report::from(report);
                busy(&context.owner, || match report.kind {
                    ReportKind::Panic => error!("{place} {report}"),
                    ReportKind::Error => error!("{place}: {report}"),
                });
                context.keep(&place, report);
            },
        );
    }

    fn bus(&self) -> BusBox {
        self.context.member.services()
    }
}
