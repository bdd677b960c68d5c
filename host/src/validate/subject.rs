//! What a check is about: a plugin in its library, and how to start it.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use lifespan_abi::{CommandSpec, InstanceBox};

use super::Finding;
use super::census::Threads;
use crate::bind::{Bound, bind};
use crate::chain::{Stage, StageEnd};
use crate::discover::Candidate;
use crate::error::Failure;
use crate::exit::Exit;
use crate::host::{Host, Rendering};
use crate::limits::Deadlines;
use crate::load::LoadedLibrary;

/// A plugin to be checked.
pub(crate) struct Subject<'a> {
    /// The host that would run it.
    pub(crate) host: &'a Host,
    /// The plugin.
    pub(crate) plugin: &'a Candidate,
    /// The words to start it with.
    pub(crate) args: &'a [OsString],
    /// What decides where a check has a choice.
    pub(crate) seed: u64,
    /// When the check began, and how long it may take.
    pub(crate) begun: Instant,
    pub(crate) limit: Duration,
    /// The threads that there were then.
    pub(crate) threads: Threads,
}

/// What a plugin's own parser makes of words.
pub(super) enum Parsed {
    Bound(InstanceBox),
    /// Help or the version.
    Answer(String),
    /// The words are wrong; in its own words.
    Refused(String),
    /// It failed.
    Failed(Failure),
}

impl Subject<'_> {
    /// The plugin's name.
    pub(super) fn name(&self) -> &str {
        self.plugin.name()
    }

    /// Whether most of the check's time is over.
    pub(super) fn is_late(&self) -> bool {
        self.begun.elapsed() >= self.limit / 4 * 3
    }

    /// That it requires no other plugin: without those it may well fail.
    pub(super) fn is_complete(&self) -> Result<(), Finding> {
        let requires = &self.plugin.facts().requires;
        if requires.is_empty() {
            return Ok(());
        }
        let requires = requires.join("`, `");
        Err(Finding::skipped(format!("it fails without `{requires}`, which it requires")))
    }

    /// How long its phases may take.
    pub(super) fn deadlines(&self) -> Deadlines {
        self.host.limits().deadlines(self.plugin.facts())
    }

    /// The library, loaded.
    pub(super) fn library(&self) -> Result<LoadedLibrary, Finding> {
        let loaded = self.host.library(self.plugin);
        loaded.map_err(|_| Finding::skipped("its library cannot be loaded: see `library`"))
    }

    /// The plugin's arguments.
    pub(super) fn spec(&self) -> Result<CommandSpec, Finding> {
        let spec = self.library()?.command_spec(self.name());
        spec.map_err(|_| Finding::skipped("its arguments cannot be described: see `help`"))
    }

    /// Has its parser parse these words.
    pub(super) fn parse(&self, library: &LoadedLibrary, args: Vec<OsString>) -> Parsed {
        let stage = Stage {
            plugin: self.name().to_owned(),
            instance: None,
            args,
            span: 0..1,
            ended_by: StageEnd::Line,
        };
        match bind(&stage, self.name().into(), library, self.host, Rendering::default()) {
            Ok(Bound::Stage(stage)) => Parsed::Bound(stage.object),
            Ok(Bound::Answer(text)) => Parsed::Answer(text),
            Err(Failure { exit: Exit::Usage, detail, .. }) => {
                Parsed::Refused(detail.unwrap_or_default())
            }
            Err(failure) => Parsed::Failed(failure),
        }
    }

    /// An instance of it, bound to the words that it is to be started with.
    pub(super) fn bind(&self) -> Result<InstanceBox, Finding> {
        // Whatever is wrong with its arguments is told by another check.
        self.spec()?;
        match self.parse(&self.library()?, self.args.to_vec()) {
            Parsed::Bound(instance) => Ok(instance),
            Parsed::Failed(failure) => Err(Finding::of_failure(failure)),
            Parsed::Refused(text) if self.args.is_empty() => {
                let mut finding = Finding::skipped("it cannot be started without arguments");
                finding.detail = Some(text);
                Err(finding.hint("give arguments that it can run with, after `--`"))
            }
            Parsed::Refused(text) | Parsed::Answer(text) => {
                let mut finding = Finding::skipped("it does not start with these arguments");
                finding.detail = Some(text);
                finding.exit = Some(Exit::Usage.code());
                Err(finding)
            }
        }
    }
}
