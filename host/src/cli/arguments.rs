//! The arguments of a plugin whose library this process does not load.
//!
//! Only a library's code knows the arguments of its plugins. So a child process of the host loads it
//! and tells ([`child`]); should the library crash there, hang or make noise, that is what is told of
//! it ([`ask`]). What was told is kept, by the digest of the library's bytes and the ABI ([`store`]):
//! the next one who wants it has nobody run.

pub(crate) mod child;

mod ask;
mod digests;
mod store;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use lifespan_abi::CommandSpec;
use serde::{Deserialize, Serialize};

use self::digests::{Digested, digested};
use self::store::Store;
use crate::discover::{Candidate, Lookup, Place};
use crate::error::Failure;
use crate::exit::Exit;
use crate::files;
use crate::host::Host;
use crate::trust::Digest;

/// More libraries than this are not remembered; those that were looked at longest ago are forgotten.
const MOST_LIBRARIES: usize = 1000;

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The host.
    pub(crate) host: &'a Host,
    /// The words that made it so: its options as they stand on the line.
    pub(crate) options: &'a [OsString],
    /// How long a library may take.
    pub(crate) limit: Duration,
}

/// What a library told of its plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// By the plugins' names.
    plugins: BTreeMap<String, Answer>,
    /// Why it told nothing.
    trouble: Option<Trouble>,
}

/// What a library told of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Arguments(CommandSpec),
    Trouble(Trouble),
}

/// Why there are no arguments: a [`Failure`] on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Trouble {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    detail: Option<String>,
}

/// The arguments of a plugin: those that are known, or else its library is asked in a child process.
///
/// # Errors
///
/// The library cannot be read or loaded, or did not tell: it crashed, say, or took too long.
pub(crate) fn arguments(asker: &Asker<'_>, plugin: &Candidate) -> Result<CommandSpec, Failure> {
    let Place::File(file) = plugin.place() else {
        // It is part of this program: nothing is loaded for it.
        let library = asker.host.library(plugin)?;
        let spec = library.command_spec(plugin.name());
        return spec.map_err(|report| Failure::plugin(plugin.name(), "command spec", *report));
    };
    let store = asker.host.catalog().cache_dir().map(Store::new);
    let digest = digest(&file)?;
    let known = store.as_ref().and_then(|store| store.get(&digest));
    let told = match known.filter(|told| told.knows(plugin.name())) {
        Some(told) => told,
        None => {
            let told = ask::ask(asker, &file)?;
            // It may have been replaced meanwhile: then it is not known which one told.
            if let Some(store) =
                store.filter(|_| told.is_of_use() && self::digest(&file).ok() == Some(digest))
            {
                store.put(&digest, &told);
            }
            told
        }
    };
    told.of(plugin.name())
}

/// The arguments of a plugin if they are known. Runs no code of it.
pub(crate) fn known_arguments(host: &Host, plugin: &Candidate) -> Option<CommandSpec> {
    let Place::File(file) = plugin.place() else {
        return host.library(plugin).ok()?.command_spec(plugin.name()).ok();
    };
    let cache_dir = host.catalog().cache_dir()?;
    let digest = digested(Some(cache_dir), &file).ok()?.digest;
    Store::new(cache_dir).get(&digest)?.of(plugin.name()).ok()
}

/// Keeps what the libraries of these plugins tell, which this process has loaded anyway. It `began`
/// before it looked at any file.
pub(crate) fn remember<'p>(host: &Host, plugins: impl Iterator<Item = &'p str>, began: i64) {
    let Some(cache_dir) = host.catalog().cache_dir() else { return };
    let store = Store::new(cache_dir);
    for plugin in plugins {
        let Lookup::Found(candidate) = host.catalog().get(plugin) else { continue };
        let Place::File(file) = candidate.place() else { continue };
        let Ok(Digested { stamp, digest }) = digested(Some(cache_dir), &file) else { continue };
        // What was changed meanwhile is perhaps not what was loaded.
        if !stamp.is_settled(began) || store.has(&digest) {
            continue;
        }
        let Ok(library) = host.library(candidate) else { continue };
        let plugins = candidate.descriptor().plugins.iter().filter_map(|facts| {
            let spec = library.command_spec(&facts.name).ok()?;
            Some((facts.name.clone(), Answer::Arguments(spec)))
        });
        let told = Told { plugins: plugins.collect(), trouble: None };
        if told.is_of_use() {
            store.put(&digest, &told);
        }
    }
}

fn digest(file: &Path) -> Result<Digest, Failure> {
    let digest = files::open(file).and_then(Digest::of);
    digest.map(|(digest, _)| digest).map_err(|error| {
        Failure::from_error(Exit::Load, &error)
            .context(format!("`{}` cannot be read", file.display()))
            .hint("see that it is there, and that you may read it")
    })
}

impl Told {
    /// Whether the arguments of some plugin are known, so that they need not be asked for again.
    fn is_of_use(&self) -> bool {
        self.trouble.is_none() && self.plugins.keys().any(|plugin| self.knows(plugin))
    }

    /// Whether the arguments of that plugin are known. One that was in trouble is asked again.
    fn knows(&self, plugin: &str) -> bool {
        matches!(self.plugins.get(plugin), Some(Answer::Arguments(_)))
    }

    fn of(mut self, plugin: &str) -> Result<CommandSpec, Failure> {
        match (self.plugins.remove(plugin), self.trouble) {
            (Some(Answer::Arguments(spec)), _) => Ok(spec),
            (Some(Answer::Trouble(trouble)), _) | (None, Some(trouble)) => Err(trouble.into()),
            (None, None) => {
                let message = format!("its library, once loaded, knows no plugin `{plugin}`");
                Err(Failure::new(Exit::Load, message).hint("build or copy the library again"))
            }
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let message = failure.headline();
        let Failure { causes, hints, detail, .. } = failure;
        Trouble { message, causes, hints, detail }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let Trouble { message, causes, hints, detail } = trouble;
        let mut failure = Failure::new(Exit::Load, message);
        (failure.causes, failure.hints, failure.detail) = (causes, hints, detail);
        failure
    }
}
