//! The filter of the logs, on its way to libraries that are loaded.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lifespan_abi::abi_stable::prefix_type::PrefixTypeTrait;
use lifespan_abi::abi_stable::std_types::{RResult, RStr};
use lifespan_abi::{ABI_VERSION, LibraryRoot, LibraryRootRef, LogSinkBox, WireReport};
use tempfile::TempDir;

use super::*;
use crate::discover::tests::{builtin_root, descriptor, native_bytes};

/// The filters that the library was told.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A root module that notes its filters. The first that it is told later takes its time.
fn root() -> LibraryRootRef {
    extern "C" fn init(_: LogSinkBox, filter: RStr<'_>) -> RResult<(), WireReport> {
        TOLD.lock().unwrap().push(filter.to_string());
        RResult::ROk(())
    }
    extern "C" fn set_log_filter(filter: RStr<'_>) {
        if TOLD.lock().unwrap().len() == 1 && filter.as_str() == slow().to_json().into_string() {
            thread::sleep(Duration::from_millis(100));
        }
        TOLD.lock().unwrap().push(filter.to_string());
    }
    let other = builtin_root();
    LibraryRoot {
        descriptor: other.descriptor(),
        init,
        set_log_filter,
        command_spec: other.command_spec(),
        bind: other.bind(),
    }
    .leak_into_prefix()
}

fn slow() -> LogFilter {
    LogFilter::at(Some(Level::Debug))
}

#[test]
fn libraries_end_with_the_filter_that_the_host_has() {
    let dir = TempDir::new().unwrap();
    let name = format!("{}x{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let bytes = native_bytes(&descriptor(ABI_VERSION, "abort", &["own", "inside"]));
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let off = LogFilter::at(None);
    let host = Host::builder("test").plugin_dir(dir.path()).allow_panic_abort(true);
    let host = Arc::new(host.log_filter(off.clone()).build());
    let library = host.catalog().plugins().next().unwrap().library();
    let filter = || host.filter().to_json();
    host.loader.load_by(|_| Ok(root()), library, crate::log::sink, filter, true).unwrap();
    assert_eq!(*TOLD.lock().unwrap(), [off.to_json().into_string()]);

    let other = host.clone();
    let setting = thread::spawn(move || other.set_log_filter(slow()));
    while host.log_filter() != slow() {
        thread::yield_now();
    }
    // The library is being told the one; another comes meanwhile.
    let last = LogFilter::at(Some(Level::Warn));
    host.set_log_filter(last.clone());
    setting.join().unwrap();
    assert_eq!(host.log_filter(), last);
    assert_eq!(*TOLD.lock().unwrap(), [off, slow(), last].map(|it| it.to_json().into_string()));
}
