//! What a library shows to its host: the descriptor in its section, and the root module.
//!
//! The macros expand in the author's crate, since only there is known how it is built. All that can
//! be a function is one here; every function that the host calls catches panics.

use std::marker::PhantomData;

use lifespan_abi::abi_stable::library::RootModuleResult;
use lifespan_abi::abi_stable::prefix_type::PrefixTypeTrait;
use lifespan_abi::abi_stable::std_types::{RResult, RStr, RString};
use lifespan_abi::descriptor::section_text;
use lifespan_abi::library::root_result;
use lifespan_abi::{
    BindReply, BindRequest, LibraryRoot, LibraryRootRef, LogSinkBox, Report, WireReport,
};

use crate::bind::refuse;
use crate::failure::report;
use crate::log;
use crate::panics::{catch, install_hook};
use crate::plugin::Entry;

/// The version of this SDK.
pub const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The compiler, as `rustc --version` names it.
pub const RUSTC: &str = env!("LIFESPAN_RUSTC");

/// The target triple.
pub const TARGET: &str = env!("LIFESPAN_TARGET");

/// What the macros make of a list of plugins.
pub trait Library: 'static {
    /// The plugins.
    const PLUGINS: &'static [Entry];
    /// Whether it is a library of its own, and not a part of its host's program.
    const LOADED: bool;

    /// The descriptor's text.
    fn descriptor() -> &'static str;
}

/// Makes a library of plugins: once in a crate of type `cdylib`.
///
/// Writes the descriptor into a section of the file, exports the root symbol, and has the host
/// install the log and the capture of panics when it loads the library. Each plugin is named by the
/// path of what `#[plugin]` stands on.
///
/// A crate that is also linked into a program statically, together with others that export, keeps
/// this behind a feature of its own: a program has room for one root symbol.
#[macro_export]
macro_rules! export {
    ($($plugin:path),+ $(,)?) => {
        const _: () = {
            $crate::__library!(true, $($plugin),+);

            extern "C" fn __constructor() -> $crate::__private::RootModuleResult {
                $crate::__private::constructor::<__Library>()
            }

            /// The root of the library, for its host.
            #[unsafe(no_mangle)]
            #[used]
            pub static lifespan_root: $crate::__private::LibHeader =
                // SAFETY: the constructor returns what `root_result` made.
                unsafe { $crate::__private::header(__constructor) };
        };
    };
}

/// Lists plugins that are linked statically, for the builder of a host of your own.
///
/// Evaluates to the root module of a library that was never loaded. Nothing is exported or installed:
/// the plugins log to the process's own `tracing` subscriber, and see
/// [`install_panic_hook`](crate::install_panic_hook) for their panics.
#[macro_export]
macro_rules! builtins {
    ($($plugin:path),+ $(,)?) => {{
        $crate::__library!(false, $($plugin),+);
        $crate::__private::root::<__Library>()
    }};
}

/// The part that [`export!`] and [`builtins!`] have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __library {
    ($loaded:tt, $first:path $(, $rest:path)*) => {
        struct __Library;

        const __PARTS: &[&$crate::__private::str] = &[
            "{\"abi\":\"",
            $crate::__private::ABI_VERSION,
            "\",\"sdk\":\"",
            $crate::__private::SDK_VERSION,
            "\",\"rustc\":\"",
            $crate::__private::RUSTC,
            "\",\"target\":\"",
            $crate::__private::TARGET,
            "\",\"panic\":\"",
            if $crate::__private::cfg!(panic = "abort") { "abort" } else { "unwind" },
            "\",\"debug_assertions\":",
            if $crate::__private::cfg!(debug_assertions) { "true" } else { "false" },
            ",\"plugins\":[",
            <$first as $crate::__private::Plugin>::FACTS,
            $(",", <$rest as $crate::__private::Plugin>::FACTS,)*
            "]}",
        ];
        const __LEN: $crate::__private::usize =
            $crate::__private::PREAMBLE + $crate::__private::total_len(__PARTS);

        $crate::__descriptor!($loaded);

        const __PLUGINS: &[$crate::__private::Entry] = &[
            $crate::__private::Entry::of::<$first>(),
            $($crate::__private::Entry::of::<$rest>(),)*
        ];
        // Two plugins of one name: an error at compile time.
        const _: () = $crate::__private::distinct(__PLUGINS);

        impl $crate::__private::Library for __Library {
            const PLUGINS: &'static [$crate::__private::Entry] = __PLUGINS;
            const LOADED: $crate::__private::bool = $loaded;

            fn descriptor() -> &'static $crate::__private::str {
                // The reference keeps the section where a linker drops what nobody mentions.
                $crate::__private::text_of($crate::__private::black_box(&__DESCRIPTOR))
            }
        }
    };
}

/// The descriptor: of a library that is loaded, in its section.
#[doc(hidden)]
#[macro_export]
macro_rules! __descriptor {
    (true) => {
        #[used]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__lifespan"))]
        #[cfg_attr(windows, unsafe(link_section = ".lspan"))]
        #[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".lifespan"))]
        static __DESCRIPTOR: [$crate::__private::u8; __LEN] = $crate::__private::section(__PARTS);
    };
    (false) => {
        static __DESCRIPTOR: [$crate::__private::u8; __LEN] = $crate::__private::section(__PARTS);
    };
}

/// The instance of a `#[plugin(tokio)]`.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __own_runtime {
    ($start:expr, $workers:expr) => {
        $crate::__private::on_own_runtime($start, $workers)
    };
}

/// What tells the author that the feature is missing.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __own_runtime {
    ($start:expr, $workers:expr) => {
        $crate::__private::compile_error!(
            "`#[plugin(tokio)]` needs the feature `tokio` of `lifespan-plugin-api`"
        )
    };
}

/// The text in the bytes of a descriptor's section.
pub fn text_of(section: &'static [u8]) -> &'static str {
    // It is a constant of ours; a host finds what is wrong with the empty text.
    section_text(section).unwrap_or_default()
}

/// The erased root module that the header's constructor returns.
pub fn constructor<L: Library>() -> RootModuleResult {
    root_result(root::<L>())
}

/// The root module of a library. Each call leaks one: a host calls it once.
pub fn root<L: Library>() -> LibraryRootRef {
    LibraryRoot {
        descriptor: Root::<L>::descriptor,
        init: Root::<L>::init,
        set_log_filter: Root::<L>::set_log_filter,
        command_spec: Root::<L>::command_spec,
        bind: Root::<L>::bind,
    }
    .leak_into_prefix()
}

/// Refuses two plugins of one name.
///
/// # Panics
///
/// There are two; at compile time this is an error.
pub const fn distinct(plugins: &[Entry]) {
    let mut one = 0;
    while one < plugins.len() {
        let mut other = one + 1;
        while other < plugins.len() {
            assert!(
                !same(plugins[one].name.as_bytes(), plugins[other].name.as_bytes()),
                "two plugins of one library have the same name"
            );
            other += 1;
        }
        one += 1;
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The functions of a library's root module.
struct Root<L>(PhantomData<L>);

impl<L: Library> Root<L> {
    extern "C" fn descriptor() -> RStr<'static> {
        L::descriptor().into()
    }

    extern "C" fn init(sink: LogSinkBox, filter: RStr<'_>) -> RResult<(), WireReport> {
        if !L::LOADED {
            return RResult::ROk(());
        }
        install_hook();
        let installed = catch(|| log::install(sink, filter.as_str()));
        installed.and_then(|result| result).map_err(WireReport::from).into()
    }

    extern "C" fn set_log_filter(filter: RStr<'_>) {
        if L::LOADED {
            // A panic has nowhere to go from here but the log, which is what failed.
            let _ = catch(|| log::set_filter(filter.as_str()));
        }
    }

    extern "C" fn command_spec(plugin: RStr<'_>) -> RResult<RString, WireReport> {
        let spec = catch(|| {
            let entry = Self::entry(plugin.as_str())?;
            (entry.spec)().map(|spec| spec.to_json()).map_err(|error| report(&error))
        });
        spec.and_then(|result| result).map_err(WireReport::from).into()
    }

    extern "C" fn bind(request: BindRequest) -> BindReply {
        let reply = catch(|| match Self::entry(request.plugin.as_str()) {
            Ok(entry) => (entry.bind)(request),
            Err(unknown) => refuse(unknown),
        });
        reply.unwrap_or_else(refuse)
    }

    fn entry(plugin: &str) -> Result<&'static Entry, Report> {
        L::PLUGINS
            .iter()
            .find(|entry| entry.name == plugin)
            .ok_or_else(|| Report::error(format!("this library has no plugin `{plugin}`")))
    }
}

#[cfg(test)]
mod tests;
