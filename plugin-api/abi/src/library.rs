//! The root module of a library behind its one exported symbol, and the verdict on it.
//!
//! A library exports a [`LibHeader`] under [`ROOT_SYMBOL`]. The host upgrades the header (which
//! checks abi_stable's own version), asks for the [`verdict`], and only then takes the
//! [`LibraryRoot`].
#![expect(
    unsafe_code,
    reason = "the one place where a checked root module is taken from its header"
)]

mod identical;

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::library::{
    CheckTypeLayout, LibHeader, RootModule, RootModuleError, RootModuleResult,
};
use abi_stable::marker_type::ErasedPrefix;
use abi_stable::package_version_strings;
use abi_stable::prefix_type::{PrefixRef, PrefixRefTrait};
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RResult, RStr, RString};

use self::identical::identical;
use crate::instance::{BindReply, BindRequest};
use crate::log::LogSinkBox;
use crate::report::WireReport;

/// The name of the exported symbol: a static [`LibHeader`].
pub const ROOT_SYMBOL: &str = "lifespan_root";

/// What a library offers to its host. Every function catches the panics of its own side.
///
/// Lives as long as the process; any thread. Fields are only appended, as
/// `#[sabi(missing_field(option))]`.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = LibraryRootRef)))]
#[sabi(missing_field(panic))]
pub struct LibraryRoot {
    /// The JSON text of the library's descriptor, the same as in its section.
    pub descriptor: extern "C" fn() -> RStr<'static>,
    /// Installs the sink of logs and the capture of panics in this library. Called once, before any
    /// other function but `descriptor`; the text is the first [`LogFilter`](crate::LogFilter).
    pub init: extern "C" fn(LogSinkBox, RStr<'_>) -> RResult<(), WireReport>,
    /// Replaces the [`LogFilter`](crate::LogFilter) (JSON text), at any time, from any thread.
    pub set_log_filter: extern "C" fn(RStr<'_>),
    /// The [`CommandSpec`](crate::CommandSpec) (JSON text) of the plugin of that name.
    pub command_spec: extern "C" fn(RStr<'_>) -> RResult<RString, WireReport>,
    /// Parses a stage's arguments with the author's own parser.
    #[sabi(last_prefix_field)]
    pub bind: extern "C" fn(BindRequest) -> BindReply,
}

impl RootModule for LibraryRootRef {
    abi_stable::declare_root_module_statics! {LibraryRootRef}
    const BASE_NAME: &'static str = "lifespan";
    const NAME: &'static str = "lifespan";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The header that a library exports under [`ROOT_SYMBOL`].
///
/// # Safety
///
/// `constructor` returns what [`root_result`] made.
pub const unsafe fn header(constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: by this function's contract the constructor returns an erased `LibraryRootRef`.
    unsafe { LibHeader::from_constructor::<LibraryRootRef>(constructor, CheckTypeLayout::Yes) }
}

/// A root module in the erased form that a header's constructor returns.
pub fn root_result(root: LibraryRootRef) -> RootModuleResult {
    let fields: PrefixRef<<LibraryRootRef as PrefixRefTrait>::PrefixFields> = root.to_prefix_ref();
    // SAFETY: the erased form is only taken back as `LibraryRootRef`, in `verdict`.
    RResult::ROk(unsafe { fields.cast::<ErasedPrefix>() })
}

/// How a library's layout fits this host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Both say the very same.
    Identical,
    /// They differ, and this host has all that the library knows.
    Compatible,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fit::Identical => "identical",
            Fit::Compatible => "compatible",
        })
    }
}

/// Why a library cannot be used by this host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It carries no description of its layout.
    NoLayout,
    /// Its layout is not one that this host can serve: it needs another major version, or a newer
    /// minor one. The text lists each difference.
    Layout {
        /// The version of the ABI that the library was built against.
        version: String,
        /// What differs, a line each.
        differences: String,
    },
    /// Its root module could not be made; the reason.
    Constructor(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoLayout => write!(f, "it carries no description of its ABI"),
            Refusal::Layout { version, .. } => write!(
                f,
                "it was built against ABI {version}, which this host (ABI {}) cannot serve",
                crate::ABI_VERSION
            ),
            Refusal::Constructor(reason) => write!(f, "its root module cannot be made: {reason}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Judges a library's layout against this build's, and takes its root module.
///
/// The *library's* layout is the interface and the host's the implementation: what a library knows,
/// its host must have, and the host may have more. So an older library is accepted (what it lacks
/// reads as `None` or runs a default body), and a newer one is refused. `LibHeader::check_layout`
/// asks the other way round, and would accept a library whose calls its host lacks.
///
/// # Errors
///
/// The library was built against an ABI that this one does not cover, or its constructor failed.
pub fn verdict(header: &'static LibHeader) -> Result<(LibraryRootRef, Fit), Refusal> {
    let library = header.layout().ok_or(Refusal::NoLayout)?;
    let host = LibraryRootRef::LAYOUT;
    let fit = if identical(library, host) {
        Fit::Identical
    } else {
        check_layout_compatibility(library, host).map_err(|errors| Refusal::Layout {
            version: header.version_strings().version.as_str().to_owned(),
            differences: errors.to_string(),
        })?;
        Fit::Compatible
    };
    // SAFETY: the layouts have just been compared: every field and method that the library knows is
    // in this build's types at the same place with a compatible type.
    let root = unsafe { header.unchecked_layout::<LibraryRootRef>() };
    root.map(|root| (root, fit)).map_err(|error| {
        Refusal::Constructor(match error {
            RootModuleError::Returned(reason) => reason.to_string(),
            RootModuleError::Unwound => "it panicked".to_owned(),
        })
    })
}
