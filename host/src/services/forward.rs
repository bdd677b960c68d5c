//! Methods of host services that only hand on what they are asked, for what stands between an instance and
//! its host: it writes those that do something else, and names the others.

/// Within an `impl Services` for something that has the services themselves in its field `host`: these
/// methods are the host's own.
macro_rules! hands_on {
    ($($method:ident),* $(,)?) => {
        $($crate::services::forward::hands_on!(@ $method);)*
    };
    (@ instance) => {
        fn instance(&self) -> ::lifespan_abi::abi_stable::std_types::RStr<'_> {
            self.host.instance()
        }
    };
    (@ generation) => {
        fn generation(&self) -> u32 {
            self.host.generation()
        }
    };
    (@ now) => {
        fn now(&self) -> u64 {
            self.host.now()
        }
    };
    (@ spawn_blocking) => {
        fn spawn_blocking(
            &self,
            name: ::lifespan_abi::abi_stable::std_types::RStr<'_>,
            job: ::lifespan_abi::JobBox,
        ) -> ::lifespan_abi::TaskBox {
            self.host.spawn_blocking(name, job)
        }
    };
    (@ request_shutdown) => {
        fn request_shutdown(&self, why: ::lifespan_abi::abi_stable::std_types::RStr<'_>) {
            self.host.request_shutdown(why);
        }
    };
    (@ shutdown) => {
        fn shutdown(
            &self,
            ends_itself: bool,
        ) -> ::lifespan_abi::async_ffi::FfiFuture<::lifespan_abi::abi_stable::std_types::RString> {
            self.host.shutdown(ends_itself)
        }
    };
    (@ report) => {
        fn report(
            &self,
            place: ::lifespan_abi::abi_stable::std_types::RStr<'_>,
            report: ::lifespan_abi::WireReport,
        ) {
            self.host.report(place, report);
        }
    };
    (@ bus) => {
        fn bus(&self) -> ::lifespan_abi::BusBox {
            self.host.bus()
        }
    };
}

pub(crate) use hands_on;
