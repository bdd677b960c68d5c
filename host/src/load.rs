//! Opens libraries: the one gate to foreign code, and the only file that calls `dlopen`.
//!
//! Takes what [`discover`](crate::discover) found, has `lifespan_abi` judge it, and hands out
//! `LoadedLibrary`, through which the stages that follow talk to a plugin. A library is opened once
//! and never unloaded: thread-local destructors, threads, wakers and statics outlive any handle.
#![expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "the one gate: opening a library and taking its root symbol"
)]

mod error;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(unix)]
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
#[cfg(windows)]
use libloading::os::windows::{
    LOAD_LIBRARY_SEARCH_DEFAULT_DIRS, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, Library,
};
use lifespan_abi::abi_stable::library::AbiHeaderRef;
use lifespan_abi::abi_stable::std_types::{RStr, RString};
use lifespan_abi::{
    BindReply, BindRequest, CommandSpec, Descriptor, LibraryRootRef, LogSinkBox, PanicStrategy,
    ROOT_SYMBOL, Report, verdict,
};

use crate::discover::{Identity, LibraryFile, Source, judge_run_path, read_open, run_path};
pub(crate) use crate::load::error::LoadError;
use crate::trust::{Policy, Unsealed};

/// The libraries that one host has opened.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    policy: Policy,
    opened: Mutex<HashMap<Identity, LoadedLibrary>>,
}

/// A library whose code may be called. Cheap to clone; the code stays for as long as the process.
#[derive(Clone)]
pub(crate) struct LoadedLibrary {
    library: Arc<LibraryFile>,
    root: LibraryRootRef,
}

/// A library that is about to be opened.
pub(crate) struct Opening<'l> {
    /// Its file, as it is told to people.
    library: &'l Path,
    /// The file that is opened.
    file: Cow<'l, Path>,
}

impl Loader {
    /// A loader that demands this of what it opens.
    pub(crate) fn new(policy: Policy) -> Self {
        Loader { policy, opened: Mutex::default() }
    }

    /// What it demands of what it opens.
    #[cfg(feature = "cli")]
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Opens a library, unless this host has opened it before, and makes it ready to be used.
    ///
    /// `log` makes the sink for the library of that name, `filter` the JSON text of the first
    /// [`LogFilter`](lifespan_abi::LogFilter). Neither is used for built-ins, which log as the host.
    ///
    /// The filter is asked for under the lock of [`opened`](Self::opened): a library has the filter of
    /// that moment, or whoever changes it later finds the library there.
    pub(crate) fn load(
        &self,
        library: &Arc<LibraryFile>,
        log: impl FnOnce(&str) -> LogSinkBox,
        filter: impl FnOnce() -> RString,
        allow_abort: bool,
    ) -> Result<LoadedLibrary, LoadError> {
        self.load_by(take_root, library, log, filter, allow_abort)
    }

    /// As [`load`](Self::load), with what opens a file and takes its root module.
    pub(crate) fn load_by(
        &self,
        open: impl FnOnce(&Opening<'_>) -> Result<LibraryRootRef, LoadError>,
        library: &Arc<LibraryFile>,
        log: impl FnOnce(&str) -> LogSinkBox,
        filter: impl FnOnce() -> RString,
        allow_abort: bool,
    ) -> Result<LoadedLibrary, LoadError> {
        let (path, identity) = match library.source() {
            Source::Builtin(root) => {
                return Ok(LoadedLibrary { library: library.clone(), root: *root });
            }
            Source::File { path, identity } => (path, identity),
        };
        // Held while the library is opened, so that two stages never open one at a time.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = opened.get(identity) {
            return Ok(loaded.clone());
        }
        if library.descriptor().panic == PanicStrategy::Abort && !allow_abort {
            return Err(LoadError::PanicAbort { path: path.clone() });
        }
        let opening = self.opening(library, path)?;
        judge_run_path(&opening.file)
            .map_err(|source| LoadError::Distrusted { path: path.clone(), source })?;
        let root = open(&opening)?;
        compare(library, path, root)?;
        let init = root.init()(log(&library.name()), filter().as_rstr());
        init.into_result().map_err(|report| LoadError::Init {
            path: path.clone(),
            report: Box::new(report.into()),
        })?;
        let loaded = LoadedLibrary { library: library.clone(), root };
        opened.insert(identity.clone(), loaded.clone());
        Ok(loaded)
    }

    /// What is to be opened for a library: its file, or where anything is demanded of its bytes, a copy
    /// that nobody can change and that was judged.
    fn opening<'l>(&self, library: &LibraryFile, path: &'l Path) -> Result<Opening<'l>, LoadError> {
        let approval = library.approval();
        if !self.policy.is_strict(approval) {
            return Ok(Opening { library: path, file: Cow::Borrowed(path) });
        }
        let named = || path.to_owned();
        let sealed = self.policy.seal(path, approval).map_err(|error| match error {
            Unsealed::Io(source) => LoadError::Seal { path: named(), source },
            Unsealed::Distrusted(source) => LoadError::Distrusted { path: named(), source },
        })?;
        // These bytes may be others than those whose descriptor was read when the host started.
        let reader = sealed.reader();
        let reader = reader.map_err(|source| LoadError::Seal { path: named(), source })?;
        match read_open(reader) {
            Ok(descriptor) if descriptor == *library.descriptor() => {}
            _ => return Err(LoadError::Swapped { path: named() }),
        }
        Ok(Opening { library: path, file: Cow::Owned(sealed.keep()) })
    }

    /// The libraries that this host has opened so far, in no order.
    pub(crate) fn opened(&self) -> Vec<LoadedLibrary> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Opening<'_> {
    /// Whether it is opened as a copy, beside which nothing lies, and looks for something there.
    fn is_alone(&self) -> bool {
        let beside = |folder: &String| folder.contains("ORIGIN") || folder.starts_with('@');
        matches!(self.file, Cow::Owned(_))
            && File::open(&self.file).is_ok_and(|file| run_path(file).iter().any(beside))
    }
}

impl LoadedLibrary {
    /// What is known of the library.
    pub(crate) fn library(&self) -> &Arc<LibraryFile> {
        &self.library
    }

    /// The arguments of the plugin of that name.
    ///
    /// # Errors
    ///
    /// The plugin's command cannot be described, or building it panicked.
    pub(crate) fn command_spec(&self, plugin: &str) -> Result<CommandSpec, Box<Report>> {
        let json = self.root.command_spec()(RStr::from_str(plugin)).into_result();
        CommandSpec::from_json(&json.map_err(Report::from)?).map_err(|error| {
            Report::error(format!("the command spec of `{plugin}` cannot be read: {error}")).into()
        })
    }

    /// Has a plugin parse the arguments of its stage.
    pub(crate) fn bind(&self, request: BindRequest) -> BindReply {
        self.root.bind()(request)
    }

    /// Replaces the filter of the library's logs: the JSON text of a
    /// [`LogFilter`](lifespan_abi::LogFilter). Built-ins log as the host.
    pub(crate) fn set_log_filter(&self, filter: &str) {
        if let Source::File { .. } = self.library.source() {
            self.root.set_log_filter()(RStr::from_str(filter));
        }
    }
}

impl fmt::Debug for LoadedLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoadedLibrary").field(&self.library.place()).finish()
    }
}

/// Opens a file and takes its root module, if its ABI is one that this host serves.
fn take_root(opening: &Opening<'_>) -> Result<LibraryRootRef, LoadError> {
    let path = || opening.library.to_owned();
    let system = open(&opening.file).map_err(|error| LoadError::Open {
        path: path(),
        alone: opening.is_alone(),
        source: error.into(),
    })?;
    // SAFETY: a library that has a descriptor exports its `LibHeader` under this name, as `export!`
    // of the SDK writes both; `upgrade` looks for the header's magic before anything else.
    let symbol = unsafe { system.get::<AbiHeaderRef>(ROOT_SYMBOL) };
    let header =
        *symbol.map_err(|error| LoadError::NoRoot { path: path(), source: error.into() })?;
    let header = header
        .upgrade()
        .map_err(|error| LoadError::Header { path: path(), details: error.to_string() })?;
    let (root, fit) = verdict(header).map_err(|source| LoadError::Abi { path: path(), source })?;
    tracing::trace!("the ABI of `{}` is {fit} with the host's", opening.library.display());
    Ok(root)
}

/// An error if a library, once loaded, tells another descriptor than its file.
fn compare(library: &LibraryFile, path: &Path, root: LibraryRootRef) -> Result<(), LoadError> {
    let when_loaded = root.descriptor()();
    if Descriptor::from_text(when_loaded.as_str()).as_ref() == Ok(library.descriptor()) {
        return Ok(());
    }
    Err(LoadError::Contradiction {
        path: path.to_owned(),
        in_file: serde_json::to_string(library.descriptor()).unwrap_or_default(),
        when_loaded: when_loaded.as_str().to_owned(),
    })
}

/// Opens a library for good. All its symbols are resolved now, so that a missing one is an error here
/// and not a crash later; none is offered to other libraries.
#[cfg(unix)]
fn open(path: &Path) -> Result<&'static Library, libloading::Error> {
    // SAFETY: its constructors run here, and are trusted as all of a plugin's code is: the operator
    // put the library onto the search path. It is never unloaded, so no destructor runs before the
    // process ends.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }?;
    Ok(Box::leak(Box::new(library)))
}

/// Opens a library for good. What it needs is looked for beside it and in the system, never in the
/// current directory.
#[cfg(windows)]
fn open(path: &Path) -> Result<&'static Library, libloading::Error> {
    let flags = LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS;
    // SAFETY: as on Unix: the operator trusts the library, and it is never unloaded.
    let library = unsafe { Library::load_with_flags(path, flags) }?;
    Ok(Box::leak(Box::new(library)))
}

#[cfg(test)]
mod tests;
