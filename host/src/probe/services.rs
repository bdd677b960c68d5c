//! The host services of an instance with a probe in between.
//!
//! Each call is counted, fails if that is planned, and else is the host's own.

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::abi_stable::std_types::{RStr, RString};
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{BusBox, JobBox, Services, ServicesBox, TaskBox};

use super::{Call, Fault, Probed, bus, told};
use crate::services::forward::hands_on;
use crate::services::refused_task;

struct ProbedServices {
    probed: Probed,
    host: ServicesBox,
}

pub(super) fn probed(probed: Probed, host: ServicesBox) -> ServicesBox {
    ServicesBox::from_value(ProbedServices { probed, host }, TD_Opaque)
}

impl ProbedServices {
    /// A future of the host's, or what is to be in its place.
    fn future<T: 'static>(&self, call: Call, host: impl FnOnce() -> FfiFuture<T>) -> FfiFuture<T> {
        match self.probed.call(call) {
            None => host(),
            Some(Fault::Panics) => FfiFuture::new(async { panic!("{}", told(Fault::Panics)) }),
            Some(_) => FfiFuture::new(std::future::pending()),
        }
    }
}

impl Services for ProbedServices {
    hands_on![instance, generation, now, request_shutdown, report];

    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        self.future(Call::Sleep, || self.host.sleep_until(deadline))
    }

    fn spawn(&self, name: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        match self.probed.call(Call::Spawn) {
            None => self.host.spawn(name, future),
            Some(_) => refused_task(),
        }
    }

    fn spawn_blocking(&self, name: RStr<'_>, job: JobBox) -> TaskBox {
        match self.probed.call(Call::SpawnBlocking) {
            None => self.host.spawn_blocking(name, job),
            Some(_) => refused_task(),
        }
    }

    fn shutdown(&self, ends_itself: bool) -> FfiFuture<RString> {
        // The host is told in any case that the instance ends by itself.
        let host = self.host.shutdown(ends_itself);
        self.future(Call::Shutdown, || host)
    }

    fn bus(&self) -> BusBox {
        bus::probed(self.probed.clone(), self.host.bus())
    }
}
