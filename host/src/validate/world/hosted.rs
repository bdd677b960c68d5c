//! The host services of an instance in a world: the host's own, but in the world's time, and with the
//! polls of what is spawned counted.

use std::sync::Arc;

use lifespan_abi::abi_stable::sabi_trait::TD_Opaque;
use lifespan_abi::abi_stable::std_types::RStr;
use lifespan_abi::async_ffi::FfiFuture;
use lifespan_abi::{Services, ServicesBox, TaskBox};

use crate::services::forward::hands_on;
use crate::validate::polls::{Counted, Ledger};
use crate::validate::time::Time;

/// See the module.
pub(super) struct Hosted {
    host: ServicesBox,
    time: Time,
    ledger: Arc<Ledger>,
}

impl Hosted {
    /// The services, with this around them.
    pub(super) fn boxed(host: ServicesBox, time: &Time, ledger: &Arc<Ledger>) -> ServicesBox {
        let (time, ledger) = (time.clone(), ledger.clone());
        ServicesBox::from_value(Hosted { host, time, ledger }, TD_Opaque)
    }
}

impl Services for Hosted {
    hands_on![instance, generation, spawn_blocking, request_shutdown, shutdown, report, bus];

    fn now(&self) -> u64 {
        self.time.now()
    }

    fn sleep_until(&self, deadline: u64) -> FfiFuture<()> {
        FfiFuture::new(self.time.sleep_until(deadline))
    }

    fn spawn(&self, name: RStr<'_>, future: FfiFuture<()>) -> TaskBox {
        let place = format!("what it has spawned as '{name}'");
        self.host.spawn(name, FfiFuture::new(Counted::beside(&self.ledger, &place, future)))
    }
}
