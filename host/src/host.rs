//! Stand-in for the engine's interface until the engine is merged: it finds nothing and runs nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lifespan_abi::{LogFilter, PluginFacts};

use crate::error::{Failure, Failures};
use crate::exit::Exit;

/// Deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One set-up.
    pub setup: Duration,
    /// The grace period.
    pub grace: Duration,
    /// One tear-down.
    pub teardown: Duration,
    /// The whole shutdown.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let [setup, grace, teardown, shutdown] = [10, 5, 5, 30].map(Duration::from_secs);
        Limits { setup, grace, teardown, shutdown }
    }
}

/// Builds a host.
#[derive(Debug, Default)]
pub struct HostBuilder {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) about: String,
    pub(crate) limits: Limits,
}

#[expect(missing_docs, reason = "a stand-in")]
impl HostBuilder {
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }
    pub fn about(mut self, about: &str) -> Self {
        self.about = about.into();
        self
    }
    pub fn plugin_dir(self, _dir: PathBuf) -> Self {
        self
    }
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
    pub fn log_filter(self, _filter: LogFilter) -> Self {
        self
    }
    pub fn allow_panic_abort(self, _allow: bool) -> Self {
        self
    }
    pub fn build(self) -> Result<Host, HostError> {
        Ok(Host { catalog: Catalog })
    }
}

/// Why a host cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the host cannot be built")]
pub struct HostError;

impl From<HostError> for Failures {
    fn from(error: HostError) -> Self {
        Failure::from_error(Exit::Host, &error).into()
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Catalog;

/// A plugin that was found.
#[derive(Debug)]
pub struct Candidate(PluginFacts);

#[expect(missing_docs, reason = "a stand-in")]
impl Candidate {
    pub fn facts(&self) -> &PluginFacts {
        &self.0
    }
}

#[expect(missing_docs, reason = "a stand-in")]
impl Catalog {
    pub fn plugins(&self) -> impl Iterator<Item = &Candidate> {
        [].into_iter()
    }
    pub fn refused(&self) -> &[String] {
        &[]
    }
}

/// How help and errors of plugins look.
#[derive(Clone, Copy, Debug)]
pub struct Rendering {
    /// Columns.
    pub width: u32,
    /// Colour.
    pub color: bool,
}

/// A host.
#[derive(Debug)]
pub struct Host {
    catalog: Catalog,
}

/// What became of a line.
#[derive(Debug)]
pub enum Preparation {
    /// It can run.
    Ready(Prepared),
    /// It asked for something that is answered.
    Answer(String),
}

/// A line that can run.
#[derive(Debug)]
pub struct Prepared {
    plan: Plan,
}

/// What would be run.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order of set-up.
    pub stages: Vec<PlannedStage>,
}

/// One instance of a plan.
#[expect(missing_docs, reason = "a stand-in")]
#[derive(Debug)]
pub struct PlannedStage {
    pub instance: String,
    pub plugin: String,
    pub args: Vec<String>,
    pub library: String,
    pub requires: Vec<String>,
}

/// How a run ended.
#[expect(missing_docs, reason = "a stand-in")]
#[derive(Debug, Default)]
pub struct Outcome {
    pub exit: Exit,
    pub failures: Vec<Failure>,
    pub abandoned: Vec<String>,
    pub lost: Vec<Lost>,
}

/// What was not delivered.
#[expect(missing_docs, reason = "a stand-in")]
#[derive(Debug)]
pub struct Lost {
    pub topic: String,
    pub messages: u64,
}

/// Asks a run to end.
#[derive(Clone, Debug, Default)]
pub struct Shutdown;

#[expect(missing_docs, reason = "a stand-in")]
impl Shutdown {
    pub fn new() -> Self {
        Shutdown
    }
    pub fn request(&self, _why: &str) {}
    pub fn force(&self, _signal: u8) {}
}

#[expect(missing_docs, reason = "a stand-in")]
impl Host {
    pub fn builder(name: &str) -> HostBuilder {
        HostBuilder { name: name.into(), ..HostBuilder::default() }
    }
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }
    pub fn help(&self, plugin: &str, _rendering: Rendering) -> Result<String, Failures> {
        Err(Failure::new(Exit::Usage, format!("there is no plugin `{plugin}`")).into())
    }
    pub fn prepare(
        &self,
        words: Vec<OsString>,
        _rendering: Rendering,
    ) -> Result<Preparation, Failures> {
        let word = words[0].to_string_lossy();
        Err(Failure::new(Exit::Usage, format!("there is no plugin `{word}`")).into())
    }
}

#[expect(missing_docs, reason = "a stand-in")]
impl Prepared {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    pub fn until(&mut self, instance: &str) -> Result<(), Failures> {
        Err(Failure::new(Exit::Usage, format!("there is no instance `{instance}`")).into())
    }
    pub fn run(self, _shutdown: &Shutdown) -> Outcome {
        Outcome::default()
    }
}
