//! The host as an embedder sees it: a builder, the plugins that it found, and runs of them.
//!
//! Nothing here is global, prints, or ends the process. A host is built once; each command line is
//! [prepared](Host::prepare), which loads and binds but sets nothing up, and then [run](Prepared::run).

#[cfg(feature = "cli")]
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lifespan_abi::log::Level;
use lifespan_abi::{LogFilter, PluginFacts};
use tracing::level_filters::LevelFilter;

use crate::bind::BoundStage;
use crate::config::Config;
use crate::discover::{Builtin, Candidate, Catalog, Scope, SearchPath, Unwanted, discover};
use crate::error::{Failure, Failures};
use crate::exit::Exit;
use crate::lifespan::Outcome;
use crate::limits::Limits;
use crate::load::{LoadedLibrary, Loader};
use crate::plan::Plan;
use crate::prepare::{self, prepare};
use crate::probe::Probe;
use crate::run::{RunOptions, run};
use crate::runtime::Starting;
use crate::shutdown::Shutdown;
use crate::trace::BusTrace;
use crate::trust::{Policy, PublicKey};
use crate::watchdog::STALLED;

/// How help and usage errors are rendered.
///
/// Exhaustive on purpose, as [`Limits`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// Columns; 0 is without limit.
    pub width: u32,
    /// Whether ANSI colours may be used.
    pub color: bool,
}

/// Describes a [`Host`].
#[derive(Debug)]
pub struct HostBuilder {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) about: String,
    pub(crate) limits: Limits,
    pub(crate) stall_warning: Duration,
    traces: Vec<BusTrace>,
    search_path: SearchPath,
    builtins: Vec<Builtin>,
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) log_filter: Option<LogFilter>,
    allow_panic_abort: bool,
    config: Config,
    /// Plugins folders that files of configuration name.
    pub(crate) config_dirs: Vec<PathBuf>,
    pub(crate) policy: Policy,
    unwanted: Unwanted,
}

/// A host with the plugins that it found.
#[derive(Debug)]
pub struct Host {
    name: String,
    catalog: Catalog,
    limits: Limits,
    stall_warning: Duration,
    traces: Vec<BusTrace>,
    /// May be changed while libraries are loaded, on whatever thread. Taken by a loading thread that
    /// holds the loader's lock, so nothing is called while it is held.
    log_filter: Mutex<LogFilter>,
    /// Held while the filter is changed and told to all libraries: should two change it at once, all
    /// of them end with the same.
    changes_filter: Mutex<()>,
    allow_panic_abort: bool,
    config: Config,
    loader: Loader,
}

/// What preparing a command line came to.
#[derive(Debug)]
pub enum Preparation {
    /// It can be run.
    Ready(Prepared),
    /// A stage asked for help or a version; this is it.
    Answer(String),
}

/// A command line that can be run: everything is loaded and bound, nothing is set up.
pub struct Prepared {
    stages: Vec<BoundStage>,
    plan: Plan,
    runtime: Starting,
    options: RunOptions,
}

impl HostBuilder {
    /// The host's version, for its help.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// One line about the host, for its help.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.about);
        self
    }

    /// Adds a plugins folder.
    #[must_use]
    pub fn plugin_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.search_path = self.search_path.folder(dir);
        self
    }

    /// Where plugins are looked for, in place of what was there. A new builder looks nowhere.
    #[must_use]
    pub fn search_path(mut self, search_path: SearchPath) -> Self {
        self.search_path = search_path;
        self
    }

    /// Adds plugins that are linked into this program: what the SDK's `builtins!` makes.
    #[must_use]
    pub fn builtin(mut self, library: impl Into<Builtin>) -> Self {
        self.builtins.push(library.into());
        self
    }

    /// Keeps what is read of libraries in files below `dir`, so that the next host on the same folders
    /// has to read less. By default nothing is kept.
    ///
    /// Each plugin is then looked for when it is asked for, and all of them when that is needed. A
    /// library that was changed since is read again, and a cache that is damaged is made anew.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(dir.into());
        self
    }

    /// The deadlines.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Warns of a subscription that takes nothing for this long while publishers wait for it, with its
    /// topic and instance, and again each time that the time has doubled; 2 s by default. It is looked
    /// for eight times a second.
    #[must_use]
    pub fn stall_warning(mut self, after: Duration) -> Self {
        self.stall_warning = after;
        self
    }

    /// Shows what is published in each run to whom the trace names. There may be several.
    #[must_use]
    pub fn bus_trace(mut self, trace: BusTrace) -> Self {
        self.traces.push(trace);
        self
    }

    /// What plugins log at all. By default what `tracing` lets pass in this program when the host is
    /// built.
    #[must_use]
    pub fn log_filter(mut self, filter: LogFilter) -> Self {
        self.log_filter = Some(filter);
        self
    }

    /// Takes plugins that were built with `panic = "abort"` too, whose panics end the process.
    #[must_use]
    pub fn allow_panic_abort(mut self, allow: bool) -> Self {
        self.allow_panic_abort = allow;
        self
    }

    /// Has the plugins' tables of a configuration be defaults of their options, over those of earlier
    /// ones. Whatever a line gives, or the environment where a plugin reads it, counts instead.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = self.config.overlaid(config);
        self
    }

    /// Takes libraries and folders too that others than the user and root own or may write to. A host
    /// that runs with more rights than whoever started it never does.
    ///
    /// By default they are refused, with each folder and symbolic link on the way to them judged. On
    /// Windows nothing of this is judged.
    #[must_use]
    pub fn allow_unsafe_permissions(mut self, allow: bool) -> Self {
        self.policy.allow_unsafe_permissions = allow;
        self
    }

    /// Demands a lock file, `lifespan.lock`, of each folder that a library is loaded from. By default a
    /// folder that has one is held to it, and others are free.
    #[must_use]
    pub fn locked(mut self, locked: bool) -> Self {
        self.policy.locked = locked;
        self
    }

    /// Demands of each library a signature by this key, or by another that was given; `minisign` makes
    /// them. It is judged over the very bytes that are loaded.
    #[must_use]
    pub fn signed_by(mut self, key: PublicKey) -> Self {
        self.policy.keys.push(key);
        self
    }

    /// Does without the plugin of that name, as if it were not installed; whoever names it is told so.
    #[must_use]
    pub fn without(mut self, plugin: &str) -> Self {
        self.unwanted.left_out.insert(plugin.to_owned());
        self
    }

    /// Does without the plugins that the user has disabled, which is written in `file`.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn disabled(mut self, plugins: BTreeSet<String>, file: PathBuf) -> Self {
        self.unwanted.disabled = plugins;
        self.unwanted.file = file;
        self
    }

    /// Looks where a program of this name looks: in `dirs`, which were named on its command line, in
    /// the environment's list, in the folders that were added so far; and where there is none of all
    /// these, in the user's default folder.
    #[must_use]
    pub fn standard_search_path(mut self, dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        let added = self.search_path.entries().iter().map(|entry| entry.dir.clone());
        self.search_path =
            SearchPath::configured(&self.name, dirs, self.config_dirs.clone(), added);
        self
    }

    /// Looks for plugins. Loads none, and runs no code of theirs. What cannot be used, folders too,
    /// stands in the catalog with its reason.
    pub fn build(self) -> Host {
        let policy = Policy { host: self.name.clone(), ..self.policy };
        let scope = Scope {
            path: self.search_path,
            builtins: self.builtins,
            allow_abort: self.allow_panic_abort,
            cache_dir: self.cache_dir,
            policy: policy.clone(),
            unwanted: self.unwanted,
        };
        let catalog = discover(scope);
        Host {
            catalog,
            name: self.name,
            limits: self.limits,
            stall_warning: self.stall_warning,
            traces: self.traces,
            log_filter: self.log_filter.unwrap_or_else(|| LogFilter::at(current_level())).into(),
            changes_filter: Mutex::default(),
            allow_panic_abort: self.allow_panic_abort,
            config: self.config,
            loader: Loader::new(policy),
        }
    }
}

impl Host {
    /// A host of that name, which stands in help and names the environment variable of its search
    /// path.
    pub fn builder(name: &str) -> HostBuilder {
        HostBuilder {
            name: name.to_owned(),
            version: String::new(),
            about: String::new(),
            search_path: SearchPath::default(),
            builtins: Vec::new(),
            cache_dir: None,
            limits: Limits::default(),
            stall_warning: STALLED,
            traces: Vec::new(),
            log_filter: None,
            allow_panic_abort: false,
            config: Config::default(),
            config_dirs: Vec::new(),
            policy: Policy::default(),
            unwanted: Unwanted::default(),
        }
    }

    /// The host's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was found.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The help of a plugin, as its own parser renders it. Loads the plugin.
    ///
    /// # Errors
    ///
    /// There is no such plugin, or it cannot be loaded or bound.
    pub fn help(&self, plugin: &str, rendering: Rendering) -> Result<String, Failures> {
        prepare::help(self, plugin, rendering)
    }

    /// Loads and binds the plugins of a line: its words after the host's own options.
    ///
    /// # Errors
    ///
    /// All mistakes on the line, and everything that could not be loaded.
    pub fn prepare(
        &self,
        words: Vec<OsString>,
        rendering: Rendering,
    ) -> Result<Preparation, Failures> {
        prepare(self, words, rendering)
    }

    /// What plugins log at all.
    pub fn log_filter(&self) -> LogFilter {
        self.filter().clone()
    }

    /// Changes what plugins log, those that are loaded already too.
    pub fn set_log_filter(&self, filter: LogFilter) {
        let text = filter.to_json();
        let _alone = self.changes_filter.lock().unwrap_or_else(PoisonError::into_inner);
        // First for those to come: a library that is opened meanwhile gets it twice, never not at all,
        // since it asks for its first filter under the lock that `opened` waits for.
        *self.filter() = filter;
        for library in self.loader.opened() {
            library.set_log_filter(&text);
        }
    }

    #[cfg(feature = "cli")]
    pub(crate) fn allows_panic_abort(&self) -> bool {
        self.allow_panic_abort
    }

    /// What it demands of its libraries.
    #[cfg(feature = "cli")]
    pub(crate) fn policy(&self) -> &Policy {
        self.loader.policy()
    }

    fn filter(&self) -> MutexGuard<'_, LogFilter> {
        self.log_filter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What files say of its plugins.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// How a line of this host is run.
    pub(crate) fn run_options(&self) -> RunOptions {
        RunOptions {
            deadlines: self.limits.deadlines(&PluginFacts::default()),
            until: Vec::new(),
            stall_warning: self.stall_warning,
            traces: self.traces.clone(),
            probe: None,
        }
    }

    /// The library of a plugin, opened if it is not yet.
    pub(crate) fn library(&self, candidate: &Candidate) -> Result<LoadedLibrary, Failure> {
        let filter = || self.filter().to_json();
        let sink = crate::log::sink;
        self.loader.load(candidate.library(), sink, filter, self.allow_panic_abort).map_err(
            |error| {
                let mut failure = Failure::from_error(error.exit(), &error);
                failure.causes.extend(error.digests());
                failure.hints.extend(error.hint());
                tracing::debug!("{error}: {}", error.details().unwrap_or_default());
                failure
            },
        )
    }
}

impl Prepared {
    pub(crate) fn new(
        stages: Vec<BoundStage>,
        plan: Plan,
        runtime: Starting,
        options: RunOptions,
    ) -> Self {
        Prepared { stages, plan, runtime, options }
    }

    /// What is run, and how, for a run that is not on the shared runtime.
    #[cfg(feature = "testing")]
    pub(crate) fn into_parts(self) -> (Vec<BoundStage>, RunOptions) {
        (self.stages, self.options)
    }

    /// What would be run, in the order of set-up.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Ends the run when the task of that instance has ended; of several, when all have.
    ///
    /// # Errors
    ///
    /// There is no instance of that name on the line.
    pub fn until(&mut self, instance: &str) -> Result<(), Failures> {
        let names: Vec<_> = self.stages.iter().map(|stage| &*stage.instance).collect();
        if !names.contains(&instance) {
            let message = format!("there is no instance `{instance}` on the line to wait for");
            let hint = format!("the instances are: {}", names.join(", "));
            return Err(Failure::new(Exit::Usage, message).hint(hint).into());
        }
        self.options.until.push(instance.to_owned());
        Ok(())
    }

    /// Has a probe between the instances and their host services: for tests of plugins.
    #[doc(hidden)]
    pub fn probe(&mut self, probe: &Probe) {
        self.options.probe = Some(probe.clone());
    }

    /// Runs all lifespans to their end.
    ///
    /// Blocks the calling thread. From asynchronous code call it in a blocking task or on a thread of
    /// its own; `shutdown` ends it from anywhere.
    ///
    /// # Panics
    ///
    /// When it is called on a thread of an asynchronous runtime.
    pub fn run(self, shutdown: &Shutdown) -> Outcome {
        run(self.stages, self.runtime, self.options, shutdown)
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("plan", &self.plan).finish_non_exhaustive()
    }
}

fn current_level() -> Option<Level> {
    match LevelFilter::current() {
        LevelFilter::OFF => None,
        LevelFilter::ERROR => Some(Level::Error),
        LevelFilter::WARN => Some(Level::Warn),
        LevelFilter::INFO => Some(Level::Info),
        LevelFilter::DEBUG => Some(Level::Debug),
        LevelFilter::TRACE => Some(Level::Trace),
    }
}

#[cfg(test)]
mod tests;
