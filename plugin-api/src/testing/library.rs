//! A plugin as the only one of a library that is linked in.

use std::marker::PhantomData;

use lifespan_abi::{ABI_VERSION, LibraryRootRef};

use crate::export::{Library, RUSTC, SDK_VERSION, TARGET, root};
use crate::plugin::{Entry, Plugin};

struct Alone<P>(PhantomData<fn() -> P>);

/// The root module of a library that has this plugin alone.
pub(super) fn alone<P: Plugin>() -> LibraryRootRef {
    root::<Alone<P>>()
}

impl<P: Plugin> Library for Alone<P> {
    const PLUGINS: &'static [Entry] = &[Entry::of::<P>()];
    const LOADED: bool = false;

    fn descriptor() -> &'static str {
        let (panic, facts) = (if cfg!(panic = "abort") { "abort" } else { "unwind" }, P::FACTS);
        let debug_assertions = cfg!(debug_assertions);
        // Asked for a few times a test, and kept as long as a library's.
        format!(
            r#"{{"abi":"{ABI_VERSION}","sdk":"{SDK_VERSION}","rustc":"{RUSTC}","target":"{TARGET}","panic":"{panic}","debug_assertions":{debug_assertions},"plugins":[{facts}]}}"#
        )
        .leak()
    }
}
